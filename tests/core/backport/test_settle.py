"""Labels and rows follow what became of a backport; what is said of it is only a reason to look."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.actions import (
    EnsureComment,
    FindComment,
    FindPresent,
    FindPulls,
    FindStanding,
    GetPull,
    Missing,
    NotLanded,
    ResolveChange,
    SetLabels,
    Standing,
    Sync,
)
from bot.core.backport import settle
from bot.core.jobs import Report, Settle
from bot.core.ledger import Ledger, Row, reveal
from bot.core.messages.sticky import render_status
from bot.core.model import Branch, Comment, Pull
from tests.core.driving import drive, kinds, only
from tests.core.values import (
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
    a_pull,
    certain,
    similar,
    synced,
)

URL = a_backport_pull().url
OPEN = Row(state="open", onto="release/2.7", pull=31, url=URL)
CONFLICT = Row(state="conflict", onto="release/2.7")
BACKPORTED = Row(state="backported", onto="release/2.7", pull=31, url=URL, commit=LANDED)
ORIGINAL = a_pull(labels=("backport/2.7", "backport-open/2.7"))
DONE = a_pull(labels=("backport/2.7", "backported/2.7"))
CLOSED = a_backport_pull(is_open=False)
MERGED = a_backport_pull(is_open=False, merged=True, merged_as=LANDED)


def done(
    job: Settle, pull: Any, carriers: tuple[Any, ...] = (), row: Row | None = OPEN, **more: Any
) -> tuple[Report, list[Any]]:
    """Settle a job; `reverted` are commits of the line with what took them back, `found` is what the ladder has."""
    comment = Comment(900, APP, render_status(Ledger().with_row(L27, row))) if row else None
    reverted: dict[str, str | None] = more.get("reverted", {})
    by_number = {carrier.number: carrier for carrier in carriers if isinstance(carrier, Pull)}
    world: dict[type, Any] = {
        GetPull: lambda asked: pull if asked.number == 12 else by_number.get(asked.number, Missing("gone")),
        FindComment: comment,
        SetLabels: None,
        EnsureComment: Comment(900, APP, ""),
        Sync: more.get("fetched", synced()),
        ResolveChange: more.get("change", NotLanded("gone")),
        FindPresent: more.get("found", ()),
        FindPulls: tuple(by_number.values()),
        FindStanding: lambda asked: Standing(asked.commit not in reverted, reverted.get(asked.commit)),
    }
    return drive(settle(job), world)


def shown(asked: list[Any]) -> Row:
    ledger = reveal(only(asked, EnsureComment).body)
    assert ledger is not None
    row = ledger.row(L27)
    assert row is not None
    return row


def by_pull(number: int = 31) -> Settle:
    return Settle(REPO, 12, L27, "closed", number)


def by_push() -> Settle:
    return Settle(REPO, 12, L27, NEW)


def untouched(asked: list[Any]) -> bool:
    return {"SetLabels", "EnsureComment"}.isdisjoint(kinds(asked))


PROVED: dict[str, Any] = {"change": a_change(), "found": (certain(),)}


# ── it is there ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_merged_backport_that_stands_on_the_line_is_shown_as_backported() -> None:
    report, asked = done(by_pull(), ORIGINAL, (MERGED,))
    assert kinds(asked) == [
        "GetPull", "Sync", "FindComment", "GetPull", "FindStanding", "SetLabels", "EnsureComment",
    ]  # fmt: skip
    assert only(asked, FindStanding) == FindStanding(REPO, LANDED, Branch("release/2.7", TIP27), (12, 31))
    assert only(asked, SetLabels) == SetLabels(REPO, 12, ("backported/2.7",), ("backport-open/2.7",))
    assert shown(asked) == BACKPORTED
    assert (report.outcome, report.pull) == ("settled", MERGED)


def test_a_human_finishing_by_hand_clears_the_conflict() -> None:
    pull = a_pull(labels=("backport-conflict/2.7",))
    _, asked = done(by_push(), pull, row=CONFLICT, **PROVED)
    assert only(asked, SetLabels) == SetLabels(REPO, 12, ("backported/2.7",), ("backport-conflict/2.7",))
    assert shown(asked) == Row(state="backported", onto="release/2.7", commit=LANDED)


def test_a_pull_from_any_branch_that_carried_it_is_as_good() -> None:
    hand = a_backport_pull(number=44, is_open=False, merged=True, merged_as=NEW, head="hand")
    pull = a_pull(labels=("backport-conflict/2.7",))
    _, asked = done(by_pull(44), pull, (hand,), row=CONFLICT)
    assert shown(asked) == Row(state="backported", onto="release/2.7", pull=44, url=URL, commit=NEW)


def test_a_fast_forwarded_backport_stands_as_its_own_last_commit() -> None:
    merged = a_backport_pull(is_open=False, merged=True, merged_as=None, head_sha=NEW)
    assert shown(done(by_pull(), ORIGINAL, (merged,))[1]).commit == NEW


def test_the_push_and_the_merge_of_one_backport_tell_the_same() -> None:
    assert untouched(done(by_push(), DONE, (MERGED,), BACKPORTED)[1])


def test_a_pull_that_nobody_asked_about_gets_a_label_and_no_comment() -> None:
    _, asked = done(by_push(), a_pull(), row=None, **PROVED)
    assert only(asked, SetLabels).add == ("backported/2.7",)
    assert "EnsureComment" not in kinds(asked)


def test_a_row_that_was_lost_is_found_again_by_the_branch() -> None:
    _, asked = done(by_push(), ORIGINAL, (MERGED,), row=None)
    assert only(asked, FindPulls) == FindPulls(REPO, "backport/2.7/12", "release/2.7")
    assert shown(asked) == BACKPORTED


def test_a_backport_that_a_robot_landed_and_closed_is_found_on_the_line() -> None:
    assert shown(done(by_pull(), ORIGINAL, (CLOSED,), **PROVED)[1]) == BACKPORTED
    found = (certain(present_as=None, kind="tree"),)
    assert shown(done(by_pull(), ORIGINAL, (CLOSED,), change=a_change(), found=found)[1]).commit == TIP27


def test_the_merge_that_is_told_after_the_push_adds_its_pull() -> None:
    landed = Row(state="backported", onto="release/2.7", commit=LANDED, note="kept")
    _, asked = done(by_pull(), DONE, (MERGED,), landed)
    assert shown(asked) == landed.model_copy(update={"pull": 31, "url": URL})


def test_a_pick_by_hand_is_not_said_to_be_by_a_pull_that_is_still_open() -> None:
    _, asked = done(by_push(), ORIGINAL, (a_backport_pull(),), **PROVED)
    assert shown(asked) == Row(state="backported", onto="release/2.7", commit=LANDED)


def test_what_was_present_stays_so_until_a_pull_brings_it() -> None:
    before = Row(state="present", onto="release/2.7", commit=LANDED, note="How I know")
    pull = a_pull(labels=("backport-present/2.7",))
    assert untouched(done(by_push(), pull, row=before)[1])
    assert shown(done(by_pull(), pull, (MERGED,), before)[1]).state == "backported"


# ── it is said to be there ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("found", [(), (similar(),), (certain(ONE),)])
@pytest.mark.parametrize(("pull", "row"), [
    (ORIGINAL, OPEN), (a_pull(labels=("backport-conflict/2.7",)), CONFLICT), (a_pull(), None),
    (a_pull(labels=("backport-present/2.7",)), Row(state="present", onto="release/2.7")),
    (a_pull(), Row(state="closed", onto="release/2.7", pull=31)), (a_pull(), Row(state="refused", note="no")),
])  # fmt: skip
def test_a_title_or_half_a_change_or_a_look_alike_changes_nothing(pull: Pull, row: Row | None, found: Any) -> None:
    two = a_change(a_commit(ONE), a_commit(TWO))
    carrier = CLOSED if row and row.state == "closed" else a_backport_pull()
    _, asked = done(by_push(), pull, (carrier,), row, change=two, found=found)
    assert untouched(asked)


def test_evidence_that_was_reverted_with_the_merge_above_it_is_none() -> None:
    pull = a_pull(labels=("backport-conflict/2.7",))
    _, asked = done(by_push(), pull, row=CONFLICT, reverted={LANDED: NEW}, **PROVED)
    assert untouched(asked)


@pytest.mark.parametrize("pull", [a_pull(base="release/2.7"), a_pull(base="release/v2.7"), a_pull(is_open=True)])
def test_what_went_onto_the_line_itself_or_is_still_open_is_no_change_to_carry(pull: Pull) -> None:
    report, asked = done(by_push(), pull, row=None)
    assert (report.outcome, kinds(asked)) == ("nothing", ["GetPull", "Sync"])


def test_a_change_that_is_gone_is_left_alone() -> None:
    report, asked = done(by_push(), Missing("12"))
    assert (report.outcome, kinds(asked)) == ("nothing", ["GetPull"])


# ── it is there no more ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_revert_on_the_line_takes_the_label_away_and_is_named() -> None:
    report, asked = done(by_push(), DONE, (MERGED,), BACKPORTED, reverted={LANDED: MOVED})
    assert only(asked, SetLabels) == SetLabels(REPO, 12, (), ("backported/2.7",))
    row = shown(asked)
    assert row == BACKPORTED.model_copy(update={"state": "reverted", "note": row.note})
    assert row.note == f"{MOVED} took it back. To have a new one, take the backport label off and put it on again."
    assert f"The change was on the line, as {LANDED}, by [#31]" in only(asked, EnsureComment).body
    assert report.summary == "#12 on line 2.7: reverted."


def test_told_again_a_revert_is_news_no_more() -> None:
    row = BACKPORTED.model_copy(update={"state": "reverted", "note": "MOVED took it back."})
    assert untouched(done(by_push(), a_pull(), (MERGED,), row, reverted={LANDED: MOVED})[1])


def test_what_people_took_the_label_off_is_not_put_back_by_its_revert() -> None:
    _, asked = done(by_push(), a_pull(labels=("backport/2.7",)), (MERGED,), BACKPORTED, reverted={LANDED: MOVED})
    assert "SetLabels" not in kinds(asked)
    assert shown(asked).state == "reverted"


def test_a_revert_that_was_reverted_is_none() -> None:
    row = BACKPORTED.model_copy(update={"state": "reverted"})
    _, asked = done(by_push(), a_pull(), (MERGED,), row)
    assert only(asked, SetLabels).add == ("backported/2.7",)
    assert shown(asked) == BACKPORTED


def test_a_second_backport_after_a_revert_is_the_one_that_counts() -> None:
    second = a_backport_pull(number=44, is_open=False, merged=True, merged_as=NEW)
    row = BACKPORTED.model_copy(update={"state": "reverted"})
    _, asked = done(by_pull(44), a_pull(), (second, MERGED), row, reverted={LANDED: MOVED})
    assert shown(asked) == Row(state="backported", onto="release/2.7", pull=44, url=URL, commit=NEW)


def test_a_label_alone_goes_when_nothing_proves_it_any_more() -> None:
    """Somebody picked by hand, nobody had asked for it, and then it was reverted."""
    _, asked = done(by_push(), a_pull(labels=("backported/2.7",)), row=None, change=a_change())
    assert only(asked, SetLabels).remove == ("backported/2.7",)
    assert shown(asked).state == "reverted"


def test_a_line_that_was_rewritten_has_it_no_more() -> None:
    _, asked = done(by_push(), DONE, (MERGED,), BACKPORTED, reverted={LANDED: None})
    assert shown(asked).note == "To have a new one, take the backport label off and put it on again."


# ── it is on its way, or is not ──────────────────────────────────────────────────────────────────────────────────────


def test_a_backport_closed_unmerged_says_how_to_have_a_new_one() -> None:
    report, asked = done(by_pull(), ORIGINAL, (CLOSED,))
    assert only(asked, SetLabels) == SetLabels(REPO, 12, (), ("backport-open/2.7",))
    row = shown(asked)
    assert (row.state, row.pull, row.url) == ("closed", 31, URL)
    assert "put it on again" in row.note
    assert report.pull == CLOSED


def test_a_backport_that_was_opened_again_is_open_again() -> None:
    row = Row(state="closed", onto="release/2.7", pull=31, url=URL, note="closed")
    _, asked = done(by_pull(), a_pull(labels=("backport/2.7",)), (a_backport_pull(),), row)
    assert only(asked, SetLabels) == SetLabels(REPO, 12, ("backport-open/2.7",), ())
    assert shown(asked) == OPEN


def test_a_pull_that_a_person_opens_takes_the_place_of_the_conflict() -> None:
    pull = a_pull(labels=("backport-conflict/2.7",))
    _, asked = done(by_pull(), pull, (a_backport_pull(),), CONFLICT)
    assert only(asked, SetLabels) == SetLabels(REPO, 12, ("backport-open/2.7",), ("backport-conflict/2.7",))
    assert shown(asked) == OPEN


def test_an_open_backport_keeps_what_was_noted_of_it() -> None:
    draft = OPEN.model_copy(update={"note": "It is a draft."})
    assert untouched(done(by_pull(), ORIGINAL, (a_backport_pull(),), draft)[1])


def test_of_two_pulls_the_open_one_counts_when_the_other_is_closed() -> None:
    other = a_backport_pull(number=44, is_open=False, head="hand")
    assert untouched(done(by_pull(44), ORIGINAL, (other, a_backport_pull()))[1])


def test_a_pull_that_went_onto_another_branch_is_not_looked_at() -> None:
    elsewhere = a_backport_pull(number=44, is_open=False, merged=True, merged_as=NEW, base="release/2.6")
    assert "FindStanding" not in kinds(done(by_pull(44), ORIGINAL, (elsewhere, a_backport_pull()))[1])


def test_a_pull_that_cannot_be_seen_any_more_keeps_its_number_and_address() -> None:
    row = shown(done(by_pull(), ORIGINAL)[1])
    assert (row.state, row.pull, row.url) == ("closed", 31, URL)
    assert shown(done(by_pull(44), ORIGINAL)[1]).url is None


def test_with_the_line_s_branch_its_open_backport_ends_and_what_had_been_there_stays_told() -> None:
    _, asked = done(by_pull(), ORIGINAL, (CLOSED,), fetched=synced("main"))
    assert shown(asked).state == "closed"
    assert "ResolveChange" not in kinds(asked)
    assert untouched(done(by_pull(), DONE, (MERGED,), BACKPORTED, fetched=synced("main"))[1])
