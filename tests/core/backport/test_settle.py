"""Labels and rows follow what became of a backport."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.actions import (
    EnsureComment,
    FindComment,
    FindPresent,
    GetPull,
    Missing,
    NotLanded,
    ResolveChange,
    SetLabels,
    Sync,
)
from bot.core.backport import settle
from bot.core.jobs import Report, Settle
from bot.core.ledger import Ledger, Row, hide, reveal
from bot.core.model import Comment
from tests.core.driving import drive, kinds, only
from tests.core.values import (
    APP,
    L27,
    LANDED,
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
ORIGINAL = a_pull(labels=("backport/2.7", "backport-open/2.7"))


def done(job: Settle, pulls: list[Any], row: Row | None = OPEN, **more: Any) -> tuple[Report, list[Any]]:
    comment = Comment(900, APP, hide(Ledger().with_row(L27, row))) if row else None
    world: dict[type, Any] = {
        GetPull: pulls,
        FindComment: comment,
        SetLabels: None,
        EnsureComment: Comment(900, APP, ""),
        Sync: synced(),
        ResolveChange: more.get("change", NotLanded("gone")),
        FindPresent: more.get("found", ()),
    }
    return drive(settle(job), world)


def shown(asked: list[Any]) -> Row | None:
    ledger = reveal(only(asked, EnsureComment).body)
    assert ledger is not None
    return ledger.row(L27)


def job(landed: str | None = None, pull: int | None = 31) -> Settle:
    return Settle(REPO, 12, L27, landed, pull)


def test_a_merged_backport_is_shown_as_backported() -> None:
    report, asked = done(job(LANDED), [ORIGINAL])
    assert kinds(asked) == ["GetPull", "SetLabels", "FindComment", "EnsureComment"]
    assert only(asked, SetLabels) == SetLabels(REPO, 12, ("backported/2.7",), ("backport-open/2.7",))
    assert shown(asked) == Row(state="backported", onto="release/2.7", pull=31, url=URL, commit=LANDED)
    assert report.outcome == "settled"


def test_a_human_finishing_by_hand_clears_the_conflict() -> None:
    pull = a_pull(labels=("backport-conflict/2.7",))
    _, asked = done(job(LANDED, None), [pull], Row(state="conflict", onto="release/2.7"))
    assert only(asked, SetLabels) == SetLabels(REPO, 12, ("backported/2.7",), ("backport-conflict/2.7",))
    assert shown(asked) == Row(state="backported", onto="release/2.7", commit=LANDED)


def test_the_push_and_the_merge_of_one_backport_tell_the_same() -> None:
    settled = Row(state="backported", onto="release/2.7", pull=31, url=URL, commit=LANDED)
    _, asked = done(job(NEW, None), [a_pull(labels=("backported/2.7",))], settled)
    assert "SetLabels" not in kinds(asked)
    assert shown(asked) == settled


def test_a_pull_that_nobody_asked_about_gets_a_label_and_no_comment() -> None:
    _, asked = done(job(LANDED, None), [a_pull()], None)
    assert only(asked, SetLabels).add == ("backported/2.7",)
    assert "EnsureComment" not in kinds(asked)


def test_a_pull_that_was_asked_about_gets_its_row_back() -> None:
    _, asked = done(job(LANDED, None), [a_pull(labels=("backport-open/2.7",))], None)
    assert shown(asked) == Row(state="backported", commit=LANDED)


def test_a_backport_closed_unmerged_says_how_to_have_a_new_one() -> None:
    closed = a_backport_pull(is_open=False)
    report, asked = done(job(), [ORIGINAL, closed])
    assert only(asked, SetLabels) == SetLabels(REPO, 12, (), ("backport-open/2.7",))
    row = shown(asked)
    assert row is not None
    assert (row.state, row.pull, row.url) == ("closed", 31, URL)
    assert "put it on again" in row.note
    assert report.pull == closed


def test_a_backport_that_was_reopened_is_open() -> None:
    _, asked = done(job(), [ORIGINAL, a_backport_pull()], None)
    assert "SetLabels" not in kinds(asked)
    assert shown(asked) == Row(state="open", pull=31, url=URL)


@pytest.mark.parametrize(("merged_as", "commit"), [(LANDED, LANDED), (None, NEW)])
def test_a_backport_that_turns_out_merged_is_backported(merged_as: str | None, commit: str) -> None:
    merged = a_backport_pull(is_open=False, merged=True, merged_as=merged_as, head_sha=NEW)
    _, asked = done(job(), [ORIGINAL, merged])
    row = shown(asked)
    assert row is not None
    assert (row.state, row.commit) == ("backported", commit)


def test_a_backport_that_a_robot_landed_and_closed_is_found_on_the_line() -> None:
    _, asked = done(job(), [ORIGINAL, a_backport_pull(is_open=False)], change=a_change(), found=(certain(),))
    row = shown(asked)
    assert row is not None
    assert (row.state, row.commit) == ("backported", LANDED)
    found = done(job(), [ORIGINAL, Missing("31")], change=a_change(), found=(certain(present_as=None, kind="tree"),))
    assert shown(found[1]) == Row(state="backported", onto="release/2.7", pull=31, url=URL, commit=TIP27)


@pytest.mark.parametrize("found", [(), (similar(),), (certain(ONE),)])
def test_half_a_change_or_a_look_alike_is_not_backported(found: tuple[Any, ...]) -> None:
    two = a_change(a_commit(ONE), a_commit(TWO))
    _, asked = done(job(), [ORIGINAL, a_backport_pull(is_open=False)], change=two, found=found)
    row = shown(asked)
    assert row is not None
    assert row.state == "closed"


def test_a_line_that_is_gone_holds_nothing() -> None:
    other = Settle(REPO, 12, L27, None, None)
    world: dict[type, Any] = {GetPull: [ORIGINAL], Sync: synced("main"), FindComment: None, SetLabels: None}
    report, asked = drive(settle(other), {**world, EnsureComment: Comment(1, APP, "")})
    assert "ResolveChange" not in kinds(asked)
    assert report.summary == "#12 on line 2.7: not there."


def test_a_change_that_is_gone_is_left_alone() -> None:
    report, asked = done(job(LANDED), [Missing("12")])
    assert (report.outcome, kinds(asked)) == ("nothing", ["GetPull"])


def test_the_merge_that_is_told_after_the_push_adds_its_pull() -> None:
    landed = Row(state="backported", onto="release/2.7", commit=LANDED, note="kept")
    merged = a_backport_pull(is_open=False, merged=True, merged_as=NEW)
    _, asked = done(job(), [ORIGINAL, merged], landed)
    assert shown(asked) == landed.model_copy(update={"pull": 31, "url": URL})


def test_another_pull_than_the_one_that_is_shown_brings_its_own_number_and_no_wrong_address() -> None:
    _, asked = done(job(LANDED, 44), [ORIGINAL])
    assert shown(asked) == Row(state="backported", onto="release/2.7", pull=44, commit=LANDED)
