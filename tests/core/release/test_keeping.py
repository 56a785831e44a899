"""Holds and notes by hand: who may, what is kept, what is told, and what does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.actions import EnsureComment, React, Refused
from bot.core.issues import EnsureIssue
from bot.core.jobs import Report
from bot.core.model import Line, Person, Role
from bot.core.plan import flow_of
from bot.core.release.tracker import MAX_HOLDS, MAX_NOTES, Account, HoldRow, Shown, marker_of
from bot.core.wishes import Asked, Hold, KeepTracker, LineJob, SetNotes, Unhold
from tests.core.driving import drive, kinds, only
from tests.core.release.trackers import a_tracker, a_world, account_of
from tests.core.values import ADA, BOB, L27, REPO, synced

ASKED = Asked(ADA, 12, 501, at=1_700_000_500)
HELD = Account(holds=(HoldRow(by="bob", reason="waits", at=1),), notes={"7": "Said"}, shown=Shown(tag="v2.7.0"))
HOLD = Hold(REPO, L27, ASKED, "waits for --> @cuda\n/release rc 2.7")
UNHOLD = Unhold(REPO, L27, ASKED)


def notes(*pairs: tuple[int, str | None]) -> SetNotes:
    return SetNotes(REPO, L27, ASKED, pairs)


def did(job: LineJob, account: Account | None = HELD, **world: Any) -> tuple[Report, list[Any]]:
    return drive(flow_of(job), a_world(None if account is None else a_tracker(account, "\nOurs\n"), **world))


def kept(asked: list[Any]) -> Account:
    return account_of(only(asked, EnsureIssue).wish.body)


def told(asked: list[Any]) -> str:
    return next(action.body for action in asked if isinstance(action, EnsureComment) and action.on == "pull")


def news(asked: list[Any]) -> list[str]:
    found = [action.body for action in asked if isinstance(action, EnsureComment) and action.on == "issue"]
    return [body.partition("\n")[2] for body in found]


def test_a_hold_is_kept_beside_the_others_and_told_where_it_was_asked_for_and_on_the_tracker():
    report, asked = did(HOLD)
    assert (report.outcome, only(asked, React).reaction) == ("kept", "rocket")
    mine = HoldRow(by="ada", reason="waits for --> @cuda /release rc 2.7", at=1_700_000_500)
    assert kept(asked) == HELD.model_copy(update={"holds": (*HELD.holds, mine)})
    assert "**2.7 is held**: waits for --\\> @\u200bcuda /release rc 2.7" in told(asked)
    assert news(asked) == ["ada holds 2.7: waits for --\\> @\u200bcuda /release rc 2.7"]
    assert not [line for body in (told(asked), *news(asked)) for line in body.splitlines() if line.startswith("/")]
    assert report.then == (KeepTracker(REPO, L27, HOLD.key),)


def test_where_the_tracker_is_full_what_is_kept_takes_the_place_of_what_is_shown():
    body = a_tracker(HELD, "\nOurs\n").body.replace("\n---\n", "\n- a change that is shown" * 2_200 + "\n---\n")
    wanted = tuple((number, "x" * 480) for number in range(1, 76))
    _, asked = drive(flow_of(notes(*wanted)), a_world(a_tracker(body=body)))
    written = only(asked, EnsureIssue).wish.body
    assert (len(written) < 60_001, written.endswith("\nOurs\n")) == (True, True)
    assert (len(kept(asked).notes), kept(asked).holds, kept(asked).shown) == (75, HELD.holds, HELD.shown)


def test_a_tracker_that_a_hold_opens_calls_nothing_new_that_was_tagged_before():
    _, asked = did(HOLD, account=None)
    body = only(asked, EnsureIssue).wish.body
    _, later = drive(flow_of(KeepTracker(REPO, L27, HOLD.key)), a_world(a_tracker(body=body)))
    assert (news(later), account_of(body).shown) == ([], Shown(tag="v2.7.1-rc10"))


def test_whoever_holds_again_has_another_reason_and_no_second_hold():
    _, asked = did(replace(HOLD, asked=replace(ASKED, actor=BOB), reason="still"))
    assert kept(asked).holds == (HoldRow(by="bob", reason="still", at=1_700_000_500),)


def test_what_stands_in_the_tracker_stays_to_the_letter_but_for_what_is_hidden():
    before = a_tracker(HELD, "\nOurs\n")
    _, asked = drive(flow_of(HOLD), a_world(before))
    wish = only(asked, EnsureIssue).wish
    assert wish.body.splitlines()[2:] == before.body.splitlines()[2:]
    assert (wish.marker, wish.title, wish.is_open) == (marker_of(L27), "Release 2.7", True)
    meanwhile = f"{before.body}Theirs, written in between\n"
    assert wish.over(meanwhile).body.endswith("\nOurs\nTheirs, written in between\n")


def test_where_people_have_deleted_the_mark_nothing_is_taken_for_generated():
    torn = a_tracker(HELD)
    torn = replace(torn, body=torn.body.replace("<!-- relbot:notes -->", "mine"))
    _, asked = drive(flow_of(HOLD), a_world(torn))
    assert only(asked, EnsureIssue).wish.over("whatever").body.splitlines()[2:] == torn.body.splitlines()[2:]


def test_a_tracker_that_is_not_there_is_opened_with_what_is_known():
    report, asked = did(HOLD, None)
    wish = only(asked, EnsureIssue).wish
    assert (report.outcome, wish.label) == ("kept", "release tracker")
    assert [row.by for row in kept(asked).holds] == ["ada"]
    assert "on the way to 2.7.1" in wish.body
    assert "### In it" not in wish.body, "nobody has looked yet"


def test_what_is_asked_for_on_the_tracker_is_told_there_once():
    _, asked = did(replace(HOLD, asked=replace(ASKED, number=9, on="issue")))
    assert len([action for action in asked if isinstance(action, EnsureComment)]) == 1


def test_on_the_command_line_only_the_tracker_is_told():
    report, asked = did(replace(HOLD, asked=replace(ASKED, number=0, comment=0)))
    assert (len(news(asked)), kinds(asked).count("EnsureComment"), "React" in kinds(asked)) == (1, 1, False)
    assert "**2.7 is held**" in report.told


def test_the_end_of_the_holds_takes_all_of_them_and_nothing_else():
    report, asked = did(UNHOLD)
    assert (report.outcome, kept(asked)) == ("kept", HELD.model_copy(update={"holds": ()}))
    assert "It was held by bob: waits." in told(asked)
    assert news(asked) == ["ada has lifted the holds of 2.7."]


@pytest.mark.parametrize("account", [Account(), None])
def test_where_nobody_holds_it_that_is_said_and_nothing_written(account):
    report, asked = did(UNHOLD, account)
    assert (report.outcome, "Nobody holds 2.7" in told(asked)) == ("nothing", True)
    assert "EnsureIssue" not in kinds(asked)


def test_notes_are_set_left_out_replaced_and_taken_back():
    _, asked = did(notes((7, "Said  anew"), (8, None), (9, "")))
    assert kept(asked).notes == {"7": "Said anew", "8": None}
    assert "7 reads “Said anew”; 8 is left out; 9 reads as I make it." in told(asked)
    _, asked = did(notes((7, "")))
    assert (kept(asked).notes, kept(asked).holds) == ({}, HELD.holds)


def test_pain_05_what_is_kept_for_one_line_is_no_other_lines():
    """Drafts and notes of lines get mixed elsewhere; here each has a tracker of its own, found by its whole number."""
    _, asked = did(replace(HOLD, line=Line(2, 1)), None, Sync=synced("main", "release/2.1", "release/2.10"))
    assert only(asked, EnsureIssue).wish.marker == "<!-- relbot:tracker 2.1 -->"
    assert marker_of(Line(2, 1)) not in marker_of(Line(2, 10))
    assert "release/2.10" not in only(asked, EnsureIssue).wish.body


@pytest.mark.parametrize(("job", "role", "said"), [
    (HOLD, Role.TRIAGE, "it takes the right to write"),
    (notes((7, "x")), Role.READ, "it takes the right to write"),
    (UNHOLD, Role.WRITE, "that takes a release manager"),
])  # fmt: skip
def test_who_may_not_any_more_is_told_so_whatever_was_planned(job, role, said):
    report, asked = did(job, GetRole=role)
    assert (report.outcome, only(asked, React).reaction, said in told(asked)) == ("refused", "-1", True)
    assert "EnsureIssue" not in kinds(asked)


@pytest.mark.parametrize("job", [HOLD, UNHOLD, notes((7, "x"))])
@pytest.mark.parametrize(("world", "said"), [
    ({"Sync": synced("main", "release/2.6")}, "Line 2.7 has no branch"),
    ({"Sync": synced("release/2.7", "release/v2.7")}, "more than one branch"),
    ({"Sync": synced(policy="[people]\nmanager = []")}, "The policy file"),
    ({"FindIssue": a_tracker(body=a_tracker(HELD).body.replace('{"', '{"x'))}, "cannot tell whether it is held"),
    ({"EnsureIssue": Refused("the forge has no issues here", "Switch them on.")}, "Switch them on."),
])  # fmt: skip
def test_what_stands_in_the_way_is_told_with_a_next_step(job, world, said):
    report, asked = did(job, **world)
    assert (report.outcome, only(asked, React).reaction) == ("refused", "confused")
    assert said in told(asked)
    assert news(asked) == []


FULL = Account(holds=tuple(HoldRow(by=f"p{n}", reason="x", at=1) for n in range(MAX_HOLDS)))
MANY = Account(notes={str(n): "x" for n in range(1, MAX_NOTES + 1)})
LONG = Account(notes={str(n): "<" * 450 for n in range(1, 15)})


@pytest.mark.parametrize(("job", "account", "said"), [
    (HOLD, FULL, "held by 20 people already"),
    (replace(HOLD, reason="x" * 501), HELD, "The reason is too long: I keep 500 characters"),
    (replace(HOLD, asked=replace(ASKED, actor=Person(9, "a b"))), HELD, "cannot write the name a b down"),
    (notes((7, "x" * 501)), HELD, "The entry of 7 is too long"),
    (notes((7000, "x")), MANY, "has no room for more"),
    (notes((7000, "<" * 499)), LONG, "has no room for more"),
])  # fmt: skip
def test_what_does_not_fit_is_answered_and_nothing_is_written(job, account, said):
    report, asked = did(job, account)
    assert (report.outcome, said in told(asked)) == ("refused", True), told(asked)
    assert "EnsureIssue" not in kinds(asked)


def test_what_fits_to_the_last_character_is_kept_and_a_full_line_takes_another_reason():
    assert kept(did(replace(HOLD, reason="x" * 500))[1]).holds[-1].reason == "x" * 500
    assert kept(did(notes((MAX_NOTES, None)), MANY)[1]).notes[str(MAX_NOTES)] is None
    again = replace(HOLD, asked=replace(ASKED, actor=Person(9, "p3")))
    assert len(kept(did(again, FULL)[1]).holds) == MAX_HOLDS


def test_an_app_that_may_write_may_hold_under_its_own_name():
    policy = '[people]\napps = ["mergebot"]'
    app = Person(3, "mergebot[bot]", is_bot=True)
    job = replace(HOLD, asked=replace(ASKED, actor=app))
    assert kept(did(job, Sync=synced(policy=policy))[1]).holds[-1].by == "mergebot[bot]"
