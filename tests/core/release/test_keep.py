"""What a tracker shows of its line, when it is written, and what people are told there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.core.actions import EnsureComment, Missing, Refused, Sync
from bot.core.issues import EnsureIssue, FindIssue, Item, Items
from bot.core.jobs import Report
from bot.core.model import Check
from bot.core.plan import flow_of
from bot.core.publishing import DraftRelease
from bot.core.release.tracker import NOTES, Account, HoldRow, Shown, marker_of
from bot.core.wishes import KeepTracker
from tests.core.driving import drive, kinds, only
from tests.core.release.trackers import FINAL, RC9, RC10, a_tracker, a_world, account_of
from tests.core.values import L27, NEW, REPO, TIP27, a_backport_pull, synced

JOB = KeepTracker(REPO, L27, "occasion")
TOLD = Shown(tag="v2.7.1-rc10")
HELD = Account(holds=(HoldRow(by="bob", reason="waits", at=1),), notes={"12": "Said by hand"}, shown=TOLD)
CONFLICT = Items((Item(40, "pull", "Clash", "https://forge.example/40"),))
NO_ANCESTOR = "the last final of 2.7 is not on release/2.7"


def did(tracker: Any = None, job: KeepTracker = JOB, **world: Any) -> tuple[Report, list[Any]]:
    return drive(flow_of(job), a_world(tracker or a_tracker(HELD, "Ours\n"), **world))


def shown(asked: list[Any]) -> str:
    return only(asked, EnsureIssue).wish.body


def news(asked: list[Any]) -> list[str]:
    found = [action.body for action in asked if isinstance(action, EnsureComment)]
    return [line for body in found for line in body.splitlines()[1:]]


def test_pain_25_nobody_has_to_keep_a_list_of_what_is_in_what_is_pending_and_what_is_in_the_way():
    """Elsewhere a person edits an issue by hand for every pick; here it is read off the repository."""
    report, asked = did(FindOpenOnto=(a_backport_pull(),), FindLabelled=CONFLICT)
    body = shown(asked)
    assert report.outcome == "settled"
    for part in (
        f"on the way to 2.7.1** (`release/2.7` at {TIP27})", "### Held\n- bob: waits", "| ⛔ holds | it is held by bob",
        "| ✅ checks | 1 passed on 777777777777 |", f"- v2.7.1-rc9 ({RC9.commit})\n- v2.7.1-rc10 ({RC10.commit})",
        "The last final is v2.7.0.", "### In it\n- Fix the kernel ([#12](u))\n- Fix --> it\n\n",
        "### Open backports\n- [#31](https://forge.example/acme/torchlet/pull/31) \\[2.7\\] Fix the fused optimizer",
        "⛔ conflicts | [#40](https://forge.example/40): finish them by hand",
    ):  # fmt: skip
        assert part in body
    assert body.endswith(f"{NOTES}\nOurs\n")
    assert account_of(body).notes == HELD.notes


def test_the_entries_are_those_of_the_final_with_what_people_have_set():
    draft = next(action for action in did()[1] if isinstance(action, DraftRelease))
    assert (str(draft.version), draft.tag, draft.parent) == ("2.7.1", "v2.7.1", TIP27)
    assert (draft.notes, draft.at) == (((12, "Said by hand"),), 1_700_000_000)


def test_where_nothing_differs_nothing_is_written_or_said():
    body = shown(did()[1])
    report, asked = did(a_tracker(body=body.replace("\n", "\r\n")))
    assert (report.outcome, news(asked)) == ("settled", [])
    assert "EnsureIssue" not in kinds(asked)


def test_without_an_open_tracker_one_question_is_asked_and_nothing_fetched():
    for found in (Missing("a tracker"), a_tracker(is_open=False)):
        report, asked = did(FindIssue=found)
        assert asked == [FindIssue(REPO, marker_of(L27), anywhere=False)]
        assert report.outcome == "settled"


def test_a_push_alone_is_shown_and_not_told():
    for checks in ((Check("build", "failed"),), (Check("build", "pending"),), Missing("commit")):
        _, asked = did(GetChecks=checks)
        assert (kinds(asked).count("EnsureIssue"), news(asked)) == (1, [])


def test_a_new_candidate_is_told_once():
    before = a_tracker(HELD.model_copy(update={"shown": Shown(tag="v2.7.1-rc9")}))
    _, asked = did(before)
    assert news(asked) == [f"v2.7.1-rc10 is made ({RC10.commit})."]
    assert kinds(asked).index("EnsureComment") < kinds(asked).index("EnsureIssue"), "remembered as said once it is"
    assert news(did(a_tracker(body=shown(asked)))[1]) == []
    _, asked = did(a_tracker(HELD), FetchTags=(FINAL, RC9, replace(FINAL, name="v2.7.1", commit=NEW)))
    assert (news(asked), account_of(shown(asked)).shown.tag) == ([], "v2.7.1"), "told with what follows from a final"


def test_a_gate_that_closed_and_one_that_opened_are_told_with_the_next_step():
    _, asked = did(FindLabelled=CONFLICT)
    step = "finish them by hand, or put the label backport/skip-2.7 on them"
    assert news(asked) == [f"⛔ conflicts: [#40](https://forge.example/40). Next: {step}."]
    assert account_of(shown(asked)).shown == Shown(closed=("conflicts",), tag="v2.7.1-rc10")
    closed = a_tracker(body=shown(asked))
    assert news(did(closed, FindLabelled=CONFLICT)[1]) == []
    assert news(did(closed)[1]) == ["✅ conflicts: nothing is in the way of a release there any more."]


def test_each_occasion_has_a_comment_of_its_own_and_the_same_occasion_one():
    markers = [only(did(job=job, IsAncestor=False)[1], EnsureComment).marker
               for job in (JOB, JOB, replace(JOB, occasion="--> other"))]  # fmt: skip
    assert markers[0] == markers[1] != markers[2]
    assert all(marker.count("-->") == 1 for marker in markers)


def test_what_a_person_writes_between_the_look_and_the_write_stays():
    tracker = a_tracker(HELD, "Ours\n")
    wish = only(did(tracker)[1], EnsureIssue).wish
    assert wish.over(f"{tracker.body}Theirs\n").body.endswith(f"{NOTES}\nOurs\nTheirs\n")
    assert wish.over(tracker.body.replace("\n", "\r\n")).body == wish.body


def test_a_hold_that_is_kept_between_the_look_and_the_write_is_not_written_over():
    """From the command line, where nothing waits for its turn."""
    tracker = a_tracker(Account(shown=TOLD), "Ours\n")
    wish = only(did(tracker)[1], EnsureIssue).wish
    held = a_tracker(HELD, "Ours\n").body
    assert wish.over(held).body == held
    assert wish.over(tracker.body).body == wish.body != tracker.body


def test_a_version_that_cannot_be_drafted_is_a_gate_and_the_rest_is_shown():
    refusal = Refused("I could not write 2.7.1 into version.txt: it holds no version", "Correct the file on the line.")
    _, asked = did(DraftRelease=refusal)
    assert "| ⛔ draft | I could not write 2.7.1 into version.txt" in shown(asked)
    assert "### In it" not in shown(asked)
    assert news(asked) == [f"⛔ draft: {refusal.reason}. Next: {refusal.next_step}."]


def test_what_a_version_file_holds_is_text_and_neither_a_mark_nor_a_line_of_the_table():
    _, asked = did(DraftRelease=Refused(f"it holds “2.7\n| x\n/release rc 2.7 {NOTES} @all”", f"Mend {NOTES}"))
    assert shown(asked).count(NOTES) == 1
    assert shown(asked).endswith(f"{NOTES}\nOurs\n")
    assert len(news(asked)) == 1 and NOTES not in news(asked)[0] and "@all" not in news(asked)[0]


def test_a_tag_of_any_length_leaves_a_tracker_that_can_be_read():
    long = replace(RC10, name=f"{'a' * 230}-v2.7.1-rc11")
    _, asked = did(FetchTags=(FINAL, RC9, long))
    assert account_of(shown(asked)).shown.tag == long.name[:200]
    assert len(news(asked)) == 1
    assert news(did(a_tracker(body=shown(asked)), FetchTags=(FINAL, RC9, long))[1]) == []


def test_what_cannot_be_looked_at_is_left_as_it_is():
    for world in (
        {"Sync": synced(policy="[people]\nmanager = []")}, {"Sync": synced("main")},
        {"EnsureIssue": Refused("no", "no")},
        {"FindIssue": a_tracker(body=a_tracker(HELD).body.replace('{"', '{"x'))},
    ):  # fmt: skip
        report, asked = did(**world)
        assert (report.outcome, "stays as it is" in report.summary) == ("settled", True)
        assert news(asked) == []
        assert isinstance(asked[1], Sync)
