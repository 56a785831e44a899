"""A backport job, asked question by question: what it asks for, what it shows, how it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.actions import (
    BranchMoved,
    BranchReady,
    CompareWithOriginal,
    DressPull,
    EnsureBranch,
    EnsureComment,
    EnsurePull,
    FindComment,
    FindPresent,
    FindPulls,
    GetPull,
    GetRole,
    Missing,
    NotLanded,
    PickCommits,
    PullReady,
    React,
    Reaction,
    Refused,
    ResolveChange,
    SetLabels,
    Sync,
    Unproven,
)
from bot.core.backport import backport
from bot.core.backport.flow import ATTEMPTS
from bot.core.jobs import Backport, Report
from bot.core.ledger import Ledger, Row, State, hide, reveal
from bot.core.messages.sticky import STATUS_MARKER
from bot.core.model import Branch, Comment, Evidence, Line, Person, Pull, Role
from tests.core.driving import drive, kinds, only, writes
from tests.core.values import (
    ADA,
    APP,
    L27,
    LANDED,
    MOVED,
    NEW,
    ONE,
    REPO,
    TIP27,
    TWO,
    a_backport_pull,
    a_change,
    a_commit,
    a_job,
    a_pull,
    certain,
    conflict,
    partial,
    picked,
    present,
    similar,
    synced,
)

WORLD: dict[type, Any] = {
    GetPull: a_pull(labels=("backport/2.7",)),
    Sync: synced(),
    GetRole: Role.WRITE,
    ResolveChange: a_change(),
    FindPresent: (),
    PickCommits: picked(),
    EnsureBranch: BranchReady(NEW),
    CompareWithOriginal: "",
    EnsurePull: PullReady(a_backport_pull(), opened=True),
    DressPull: None,
    SetLabels: None,
    FindComment: None,
    EnsureComment: Comment(900, APP, ""),
    React: None,
}


def done(changes: dict[type, Any] | None = None, job: Backport | None = None) -> tuple[Report, list[Any]]:
    return drive(backport(job or a_job()), {**WORLD, **(changes or {})})


def shown(asked: list[Any]) -> Row:
    """The row of 2.7 that the job wrote."""
    comment = only(asked, EnsureComment)
    assert (comment.number, comment.marker) == (12, STATUS_MARKER)
    ledger = reveal(comment.body)
    assert ledger is not None
    row = ledger.row(L27)
    assert row is not None
    return row


def refused(changes: dict[type, Any], job: Backport | None = None) -> tuple[str, list[Any]]:
    """The reason of a refusal; nothing but the row and a reaction was written."""
    report, asked = done(changes, job)
    assert report.outcome == "refused"
    assert {type(action) for action in writes(asked)} <= {EnsureComment, React}
    row = shown(asked)
    assert (row.state, row.note) == ("refused", report.summary)
    return report.summary, asked


# ── a pick that applies ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clean_pick_becomes_a_pull_a_label_and_a_row() -> None:
    report, asked = done()
    assert kinds(asked) == [
        "GetPull", "FindComment", "Sync", "GetRole", "ResolveChange", "FindPresent", "PickCommits",
        "EnsureBranch", "CompareWithOriginal", "EnsurePull", "SetLabels", "EnsureComment",
    ]  # fmt: skip
    pick = PickCommits(REPO, (ONE,), TIP27, 1_700_000_000)
    assert only(asked, PickCommits) == pick
    assert only(asked, EnsureBranch) == EnsureBranch(pick, NEW, "backport/2.7/12", None)
    assert only(asked, SetLabels) == SetLabels(REPO, 12, ("backport-open/2.7",), ())
    wish = only(asked, EnsurePull)
    assert (wish.head, wish.base, wish.draft) == ("backport/2.7/12", "release/2.7", False)
    assert wish.title == "[2.7] Fix the fused optimizer (#12)"
    assert (report.outcome, report.pull) == ("opened", a_backport_pull())
    assert shown(asked) == Row(state="open", onto="release/2.7", pull=31, url=a_backport_pull().url)


def test_the_pull_of_the_change_is_fetched_and_the_role_asked_again_in_the_job() -> None:
    _, asked = done()
    assert only(asked, Sync) == Sync(REPO, ("release/*",), 12)
    assert only(asked, GetRole) == GetRole(REPO, ADA)
    assert only(asked, FindPresent) == FindPresent(REPO, a_change(), Branch("release/2.7", TIP27))


def test_labels_and_assignees_are_taken_over_but_no_backport_labels() -> None:
    labels = ("module: optim", "backport/2.7", "backport/skip-2.6", "backported/2.6", "backport-open/2.5")
    _, asked = done({GetPull: a_pull(labels=labels, assignees=("bob",), milestone=4)})
    assert only(asked, DressPull) == DressPull(REPO, 31, ("module: optim",), ("bob",), None)
    assert kinds(asked).index("EnsurePull") < kinds(asked).index("DressPull")


@pytest.mark.parametrize("taken", [{"labels": ("bug",)}, {"assignees": ("bob",)}])
def test_each_thing_alone_is_worth_taking_over(taken: dict[str, Any]) -> None:
    _, asked = done({GetPull: a_pull(**taken)})
    assert only(asked, DressPull) == DressPull(REPO, 31, taken.get("labels", ()), taken.get("assignees", ()), None)


def test_what_is_taken_over_is_policy() -> None:
    text = "[backport]\ncopy_labels = false\ncopy_assignees = false\ncopy_milestone = true\nsign_off = true\n"
    pull = a_pull(labels=("bug",), assignees=("bob",), milestone=4)
    _, asked = done({GetPull: pull, Sync: synced(policy=text)})
    assert only(asked, DressPull) == DressPull(REPO, 31, (), (), 4)
    assert only(asked, PickCommits).sign_off


def test_commits_that_are_certainly_there_are_not_picked_a_second_time() -> None:
    two = a_change(a_commit(ONE), a_commit(TWO, "Second"))
    report, asked = done({ResolveChange: two, FindPresent: (certain(ONE),), PickCommits: picked(TWO)})
    assert only(asked, PickCommits).commits == (TWO,)
    body = only(asked, EnsurePull).body
    assert f"- {ONE}: a commit there says that it was picked from it" in body
    assert f"- {TWO} Second" in body
    assert (report.outcome, only(asked, EnsurePull).draft) == ("opened", False)


def test_a_partial_pick_is_delivered_and_says_what_it_left_out() -> None:
    two = a_change(a_commit(ONE), a_commit(TWO, "Second"))
    report, asked = done({ResolveChange: two, PickCommits: partial(ONE, TWO)})
    assert report.outcome == "opened"
    assert f"- {ONE}: picking it would change nothing" in only(asked, EnsurePull).body


def test_a_merge_commit_is_picked_against_its_mainline() -> None:
    _, asked = done({ResolveChange: a_change(mainline=1)})
    assert only(asked, PickCommits).mainline == 1


def test_a_look_alike_opens_a_draft_that_names_it() -> None:
    report, asked = done(
        {FindPresent: (similar(),), EnsurePull: PullReady(a_backport_pull(draft=True), opened=True)}
    )
    wish = only(asked, EnsurePull)
    assert wish.draft
    assert f"- {ONE}: a commit there looks like it ({LANDED})" in wish.body
    assert "draft" in shown(asked).note
    assert report.evidence == (similar(),)


def test_a_pick_without_a_closing_time_is_dated_by_its_commits() -> None:
    _, asked = done({GetPull: a_pull(closed_at=None)})
    assert only(asked, PickCommits).committed_at == 1_699_999_999


def test_other_lines_keep_their_rows() -> None:
    before = Ledger().with_row(Line(2, 6), Row(state="conflict", onto="release/2.6"))
    comment = Comment(900, APP, f"{STATUS_MARKER}\n{hide(before)}\n\nold text")
    _, asked = done({FindComment: comment})
    wish = only(asked, EnsureComment)
    assert wish.existing == 900
    ledger = reveal(wish.body)
    assert ledger is not None
    assert [str(line) for line, _ in ledger.lines()] == ["2.7", "2.6"]
    assert ledger.row(Line(2, 6)) == before.row(Line(2, 6))


def test_nothing_is_written_twice() -> None:
    _, first = done()
    comment = Comment(900, APP, only(first, EnsureComment).body.replace("\n", "\r\n") + "\n")
    pull = a_pull(labels=("backport-open/2.7",))
    again = {GetPull: pull, FindPulls: (), FindComment: comment}
    _, asked = done(again)
    assert {"SetLabels", "EnsureComment"}.isdisjoint(kinds(asked))


def test_one_state_label_is_left_of_several() -> None:
    pull = a_pull(labels=("backport-conflict/2.7", "backport-conflict/2.6", "backport-present/2.7"))
    _, asked = done({GetPull: pull, FindPulls: ()})
    assert only(asked, SetLabels) == SetLabels(
        REPO, 12, ("backport-open/2.7",), ("backport-conflict/2.7", "backport-present/2.7")
    )


# ── already there ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_certainly_there_is_not_picked() -> None:
    report, asked = done({FindPresent: (certain(),)})
    assert "PickCommits" not in kinds(asked)
    assert (report.outcome, report.evidence) == ("present", (certain(),))
    assert only(asked, SetLabels).add == ("backport-present/2.7",)
    row = shown(asked)
    assert (row.state, row.commit) == ("present", LANDED)
    assert "says that it was picked" in row.note


def test_a_pick_that_changes_nothing_is_present() -> None:
    report, asked = done({PickCommits: present(), FindPresent: (similar(),)})
    assert "EnsureBranch" not in kinds(asked)
    assert report.outcome == "present"
    assert report.evidence == (Evidence("tree", ONE, None, certain=True, score=1.0),)


def test_uncertain_evidence_never_skips_work() -> None:
    report, _ = done({FindPresent: (similar(),)})
    assert report.outcome == "opened"


def test_what_was_backported_before_stays_so() -> None:
    before = Ledger().with_row(L27, Row(state="backported", pull=31, commit=LANDED))
    comment = Comment(900, APP, hide(before))
    pull = a_pull(labels=("backported/2.7",))
    report, asked = done({GetPull: pull, FindPulls: (), FindPresent: (certain(),), FindComment: comment})
    assert report.outcome == "present"
    assert "SetLabels" not in kinds(asked)
    assert shown(asked) == before.row(L27)


# ── a conflict ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_conflict_is_explained_and_nothing_is_resolved() -> None:
    report, asked = done({PickCommits: conflict("a.py", "b|c.py")})
    assert [type(action) for action in writes(asked)] == [SetLabels, EnsureComment]
    assert only(asked, SetLabels).add == ("backport-conflict/2.7",)
    stop = shown(asked).stop
    assert stop is not None
    assert (stop.stopped_at, stop.commits, stop.base, stop.onto) == (ONE, (ONE,), "main", "release/2.7")
    assert (stop.head, stop.asked_by, stop.more, stop.alike) == ("backport/2.7/12", "ada", 0, None)
    assert [path for path, _ in stop.paths] == ["a.py", "b|c.py"]
    assert (report.outcome, "2 conflicting" in report.summary) == ("conflict", True)


def test_a_conflict_names_a_look_alike() -> None:
    two = a_change(a_commit(ONE), a_commit(TWO))
    found = (certain(TWO, present_as=MOVED), similar(ONE))
    _, asked = done({ResolveChange: two, PickCommits: conflict(), FindPresent: found})
    assert f"look at {LANDED}" in only(asked, EnsureComment).body
    assert MOVED not in only(asked, EnsureComment).body


def test_a_conflict_with_many_paths_counts_the_rest() -> None:
    _, asked = done({PickCommits: conflict(*(f"{n}.py" for n in range(25)))})
    stop = shown(asked).stop
    assert stop is not None
    assert (len(stop.paths), stop.more) == (20, 5)


# ── refused ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_may_not_write_is_refused() -> None:
    reason, asked = refused({GetRole: Role.TRIAGE}, a_job(comment=501))
    assert "ada may not ask for backports" in reason
    assert only(asked, React).reaction == "-1"
    assert "ResolveChange" not in kinds(asked)


def test_refusing_a_stranger_does_not_hide_what_is_there() -> None:
    before = Ledger().with_row(L27, Row(state="conflict", note="see below"))
    _, asked = done({GetRole: Role.READ, FindComment: Comment(900, APP, hide(before))})
    assert shown(asked) == before.row(L27)


def test_a_bot_may_only_when_the_policy_names_it_and_then_needs_no_role() -> None:
    reason, asked = refused({}, a_job(actor=APP))
    assert "mergebot[bot] may not" in reason
    assert "GetRole" not in kinds(asked)
    report, asked = done({Sync: synced(policy='people.apps = ["mergebot"]')}, a_job(actor=APP))
    assert (report.outcome, "GetRole" in kinds(asked)) == ("opened", False)


def test_a_broken_policy_is_quoted() -> None:
    reason, asked = refused({Sync: synced(policy='[backport]\nlable = "x"\nsing_off = 1')})
    assert "wrong in line 2, “lable = \"x\"”" in reason
    assert "1 more" in reason
    assert kinds(asked) == ["GetPull", "FindComment", "Sync", "EnsureComment"]


@pytest.mark.parametrize("state", ["open", "backported", "conflict", "present"])
def test_a_refusal_becomes_the_note_of_a_backport_that_is_under_way(state: State) -> None:
    before = Row(state=state, onto="release/2.7", pull=31)
    comment = Comment(900, APP, hide(Ledger().with_row(L27, before)))
    labelled = a_pull(labels=("backport-open/2.7",))
    report, asked = done({GetPull: labelled, Sync: synced(policy="x = 1"), FindComment: comment})
    assert shown(asked) == before.model_copy(update={"note": report.summary})
    assert "SetLabels" not in kinds(asked)


@pytest.mark.parametrize("state", ["refused", "closed"])
def test_a_refusal_replaces_a_row_that_leads_nowhere(state: State) -> None:
    comment = Comment(900, APP, hide(Ledger().with_row(L27, Row(state=state, pull=31))))
    report, asked = done({Sync: synced(policy="x = 1"), FindComment: comment})
    assert shown(asked) == Row(state="refused", note=report.summary)


def test_a_missing_line_is_refused_with_the_nearest_ones() -> None:
    report, asked = done({}, a_job(Line(2, 8)))
    assert report.outcome == "refused"
    assert "Line 2.8 has no branch (I looked for “release/2.8”); the nearest lines are 2.7 and 2.6." in report.summary
    assert "backport/2.8" in report.summary
    assert "ResolveChange" not in kinds(asked)


def test_a_line_with_two_branches_is_refused_with_both_names() -> None:
    reason, _ = refused({Sync: synced("release/2.7", "release/v2.7")})
    assert "“release/2.7” and “release/v2.7”" in reason


def test_an_unproved_change_is_refused_with_the_reason() -> None:
    reason, asked = refused({ResolveChange: Unproven("The merge is evil.", "Pick it by hand.")})
    assert reason == "The merge is evil. Pick it by hand."
    assert "PickCommits" not in kinds(asked)


def test_a_pull_that_never_landed_leads_to_nothing() -> None:
    pull = a_pull(merged=False, merged_as=None)
    report, asked = done({GetPull: pull, ResolveChange: NotLanded("no commit names it")})
    assert (report.outcome, writes(asked)) == ("nothing", [])


def test_a_pull_that_never_landed_is_explained_to_the_one_who_asked_for_it() -> None:
    pull = a_pull(merged=False, merged_as=None)
    reason, _ = refused({GetPull: pull, ResolveChange: NotLanded("no commit names it")}, a_job(comment=501))
    assert reason == "#12 is not on “main”: no commit names it. Reopen and merge it; I start then."


def test_a_merged_pull_that_was_reverted_is_explained() -> None:
    reason, _ = refused({ResolveChange: NotLanded("it was reverted")})
    assert reason == "#12 is not on “main”: it was reverted. Put the label on the pull that lands it again."


@pytest.mark.parametrize("action", [EnsureBranch, EnsurePull])
def test_what_the_forge_refuses_is_passed_on(action: type) -> None:
    report, asked = done({action: Refused("The forge said no.", "Give me rights.")})
    assert (report.outcome, report.summary) == ("refused", "The forge said no. Give me rights.")
    assert shown(asked).note == report.summary
    assert "SetLabels" not in kinds(asked)


@pytest.mark.parametrize("answer", [Missing("pull 12"), a_pull(is_open=True)])
def test_a_pull_that_is_gone_or_open_again_is_left_alone(answer: object) -> None:
    report, asked = done({GetPull: answer})
    assert (report.outcome, kinds(asked)) == ("nothing", ["GetPull"])


# ── a branch that is there ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("found", [BranchMoved(NEW), BranchReady(NEW, found=True)])
def test_a_branch_at_the_very_commit_is_as_good_as_a_new_one(found: Any) -> None:
    report, _ = done({EnsureBranch: found, FindPulls: ()})
    assert report.outcome == "opened"


def test_an_existing_pull_is_found_and_not_repeated() -> None:
    report, _ = done({EnsurePull: PullReady(a_backport_pull(), opened=False)})
    assert report.outcome == "updated"


def test_a_branch_with_other_commits_and_an_open_pull_shows_that_pull() -> None:
    report, asked = done({EnsureBranch: BranchMoved(MOVED), FindPulls: (a_backport_pull(),)})
    assert only(asked, FindPulls) == FindPulls(REPO, "backport/2.7/12", "release/2.7")
    assert (report.outcome, report.pull) == ("updated", a_backport_pull())
    assert "EnsurePull" not in kinds(asked)
    assert shown(asked).pull == 31


@pytest.mark.parametrize(
    ("pulls", "history"),
    [((), ""), ((a_backport_pull(is_open=False),), "(#31 from it onto “release/2.7” is closed)")],
)
def test_a_branch_with_other_commits_and_no_open_pull_is_not_overwritten(pulls: tuple[Any, ...], history: str) -> None:
    report, asked = done({EnsureBranch: BranchMoved(MOVED), FindPulls: pulls})
    assert report.outcome == "refused"
    assert "“backport/2.7/12” is there already and holds other commits" in report.summary
    assert history in report.summary
    assert [a.expect for a in asked if isinstance(a, EnsureBranch)] == [None]


def test_asked_again_an_open_backport_is_shown_and_not_made_anew() -> None:
    for job, labels in ((a_job(generation=1), ()), (a_job(), ("backport-open/2.7",))):
        report, asked = done({GetPull: a_pull(labels=labels), FindPulls: (a_backport_pull(),)}, job)
        assert (report.outcome, report.pull) == ("updated", a_backport_pull())
        assert "PickCommits" not in kinds(asked)


def test_a_merged_backport_that_left_no_trace_is_a_doubt_for_a_person() -> None:
    merged = a_backport_pull(is_open=False, merged=True, merged_as=LANDED)
    report, asked = done({FindPulls: (merged,)}, a_job(generation=1))
    assert report.outcome == "opened"
    assert only(asked, EnsurePull).draft
    assert f"- {ONE}: a pull carried it there ({LANDED})" in only(asked, EnsurePull).body


def test_a_closed_backport_is_no_doubt() -> None:
    _, asked = done({FindPulls: (a_backport_pull(is_open=False),)}, a_job(generation=1))
    assert not only(asked, EnsurePull).draft


# ── a backport that people have closed ───────────────────────────────────────────────────────────────────────────────

T = 1_700_000_000
DECLINED = a_backport_pull(is_open=False, closed_at=T)
CLOSED_ROW = Comment(900, APP, hide(Ledger().with_row(L27, Row(state="closed", onto="release/2.7", pull=31))))


def seen(action: GetPull) -> Pull:
    return DECLINED if action.number == 31 else a_pull(labels=("backport/2.7",))


AGAIN: dict[type, Any] = {GetPull: seen, FindPulls: (DECLINED,), FindComment: CLOSED_ROW}


@pytest.mark.parametrize("job", [a_job(asked_at=T - 9), a_job(asked_at=T), a_job(generation=3, asked_at=T - 1)])
def test_a_backport_that_people_closed_is_not_made_again_though_the_job_is_forgotten(job: Backport) -> None:
    report, asked = done(AGAIN, job)
    assert (report.job, report.outcome, report.pull) == (job, "nothing", DECLINED)
    assert report.summary == "#31 was closed without being merged, and nobody has asked again since."
    assert {"PickCommits", "EnsureBranch", "EnsurePull"}.isdisjoint(kinds(asked))
    assert shown(asked).state == "closed"


@pytest.mark.parametrize(
    "job", [a_job(generation=1, asked_at=T), a_job(asked_at=T + 1), a_job(comment=501, asked_at=T - 9)]
)
def test_a_label_put_on_later_or_a_word_in_chat_asks_anew(job: Backport) -> None:
    report, _ = done(AGAIN, job)
    assert report.outcome == "opened"


def test_a_branch_that_is_there_already_leads_to_the_closed_pull_where_the_comment_is_lost() -> None:
    lost = {**AGAIN, FindComment: None, EnsureBranch: BranchReady(NEW, found=True)}
    report, asked = done(lost, a_job(asked_at=T - 9))
    assert (report.outcome, "EnsurePull" in kinds(asked)) == ("nothing", False)


def test_a_closed_backport_whose_webhook_was_missed_is_shown_as_closed() -> None:
    row = Row(state="open", onto="release/2.7", pull=31)
    missed = Comment(900, APP, hide(Ledger().with_row(L27, row)))
    _, asked = done({**AGAIN, FindComment: missed}, a_job(asked_at=T - 9))
    assert shown(asked).state == "closed"


# ── by push ──────────────────────────────────────────────────────────────────────────────────────────────────────────

PUSH = synced(policy='backport.delivery = "push"')


def test_a_clean_pick_is_pushed_to_the_line_where_policy_says_so() -> None:
    report, asked = done({Sync: PUSH}, a_job(comment=501))
    branch = only(asked, EnsureBranch)
    assert (branch.branch, branch.expect, branch.commit) == ("release/2.7", TIP27, NEW)
    assert only(asked, SetLabels).add == ("backported/2.7",)
    assert shown(asked).commit == NEW
    assert report.outcome == "pushed"
    assert "EnsurePull" not in kinds(asked)
    assert asked[-1] == React(REPO, 12, 501, "rocket")


def test_a_pick_with_a_doubt_is_never_pushed() -> None:
    report, asked = done({Sync: PUSH, FindPresent: (similar(),)})
    assert (report.outcome, only(asked, EnsurePull).draft) == ("opened", True)
    assert only(asked, EnsureBranch).branch == "backport/2.7/12"


def test_a_conflict_is_never_pushed() -> None:
    report, asked = done({Sync: PUSH, PickCommits: conflict()})
    assert (report.outcome, "EnsureBranch" in kinds(asked)) == ("conflict", False)


def test_a_line_that_moved_is_picked_onto_again() -> None:
    moved = replace(PUSH, branches=(Branch("release/2.7", MOVED),))
    report, asked = done(
        {
            Sync: [PUSH, moved],
            PickCommits: [picked(), picked(onto=MOVED)],
            EnsureBranch: [BranchMoved(MOVED), BranchReady(NEW)],
        }
    )
    assert report.outcome == "pushed"
    assert [a.onto for a in asked if isinstance(a, PickCommits)] == [TIP27, MOVED]
    assert [a.expect for a in asked if isinstance(a, EnsureBranch)] == [TIP27, MOVED]


def test_what_landed_while_the_line_moved_is_present() -> None:
    report, _ = done({Sync: PUSH, FindPresent: [(), (certain(),)], EnsureBranch: [BranchMoved(MOVED)]})
    assert report.outcome == "present"


def test_a_push_that_had_worked_unnoticed_counts() -> None:
    report, _ = done({Sync: PUSH, EnsureBranch: BranchMoved(NEW)})
    assert report.outcome == "pushed"


def test_a_restless_line_is_given_up() -> None:
    report, asked = done({Sync: PUSH, EnsureBranch: BranchMoved(MOVED)})
    assert len([a for a in asked if isinstance(a, EnsureBranch)]) == ATTEMPTS
    assert report.outcome == "refused"
    assert "moved each of the 5 times" in report.summary


def test_a_line_that_vanishes_under_a_push_is_refused() -> None:
    report, _ = done({Sync: [PUSH, synced("release/2.6")], EnsureBranch: BranchMoved(None)})
    assert "Line 2.7 has no branch" in report.summary


def test_a_protected_line_is_refused_in_the_forges_words() -> None:
    report, _ = done({Sync: PUSH, EnsureBranch: Refused("Protected.", "Let me in.")})
    assert (report.outcome, report.summary) == ("refused", "Protected. Let me in.")


# ── reactions ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "reaction"),
    [
        ({}, "rocket"),
        ({FindPresent: (certain(),)}, "rocket"),
        ({PickCommits: conflict()}, "confused"),
        ({ResolveChange: Unproven("a", "b")}, "confused"),
        ({GetPull: a_pull(is_open=True)}, "confused"),
        ({GetRole: Role.NONE}, "-1"),
    ],
)
def test_the_comment_that_asked_gets_a_reaction_at_the_end(changes: dict[type, Any], reaction: Reaction) -> None:
    _, asked = done(changes, a_job(comment=501))
    assert asked[-1] == React(REPO, 12, 501, reaction)


def test_without_a_comment_there_is_no_reaction() -> None:
    assert "React" not in kinds(done()[1])


def test_a_login_that_cannot_be_mentioned_is_not() -> None:
    _, asked = done({PickCommits: conflict()}, a_job(actor=Person(9, "ada lovelace")))
    stop = shown(asked).stop
    assert stop is not None
    assert stop.asked_by is None
