"""What a sweep finds, from what a forge tells afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.actions import FindPulls, Missing, Sync, Synced
from bot.core.events import ChecksReported, CommentEdited, CommentPosted, PullClosed, PushedTo
from bot.core.history import FindPosted, FindTouched, Posted, Touched
from bot.core.model import Branch
from bot.core.sweep import LOOK_AT_BRANCHES, MOST_ASKED_FOR, OVERLAP, SETTLED, SWEEPER, Found, Seen, sweep
from tests.core.driving import drive, kinds
from tests.core.values import ADA, MOVED, NEW, REPO, TIP26, TIP27, a_backport_pull

NOW = 1_700_000_000
SEEN = Seen(NOW - 600)


def touched(number: int = 12, *, at: int = NOW - 60, is_open: bool = False, labels: tuple[str, ...] = ()) -> Touched:
    return Touched(number, is_open, not is_open, labels, at)


def posted(body: str, *, comment: int = 5, is_edited: bool = False) -> Posted:
    return Posted(12, comment, ADA, body, NOW - 60, is_edited)


def swept(seen: Seen = SEEN, now: int = NOW, **answers: Any) -> tuple[Found, list[Any]]:
    named = {"touched": FindTouched, "posted": FindPosted, "synced": Sync, "pulls": FindPulls}
    return drive(sweep(REPO, seen, now), {named[name]: answer for name, answer in answers.items()})


def synced(**tips: str) -> Synced:
    return Synced((Branch("main", NEW), *(Branch(name, sha) for name, sha in tips.items())), None)


def test_where_nothing_happened_one_question_is_asked():
    found, asked = swept(touched=())
    assert kinds(asked) == ["FindTouched"]
    assert found == Found((), replace(SEEN, swept_at=NOW))
    assert asked[0].since == SEEN.until - OVERLAP


def test_a_closed_pull_and_a_command_are_found_and_an_open_pull_and_talk_are_not():
    found, _ = swept(
        touched=(touched(12), touched(13, is_open=True)),
        posted=(posted("/backport 2.7"), posted("Nice.", comment=6), posted("```\n/backport 2.7\n```", comment=7)),
        synced=synced(),
    )
    events = [delivery.event for delivery in found.deliveries]
    assert [(type(event), event.number) for event in events] == [(PullClosed, 12), (CommentPosted, 12)]
    assert events[1].actor == ADA
    assert found.touched == 2


def test_an_edited_comment_is_an_edit():
    edited = (posted("/backport 2.7", is_edited=True),)
    found, _ = swept(touched=(touched(13, is_open=True),), posted=edited, synced=synced())
    assert [type(delivery.event) for delivery in found.deliveries] == [CommentEdited]


def test_the_same_state_has_the_same_name_and_another_one_has_another():
    def name(pull: Touched) -> str:
        found, _ = swept(touched=(pull,), posted=(), synced=synced())
        return found.deliveries[0].id

    assert name(touched(labels=("a", "b"))) == name(touched(labels=("b", "a")))
    assert len({name(touched()), name(touched(at=NOW - 59)), name(touched(labels=("a",))), name(touched(13))}) == 4


def test_the_next_sweep_begins_at_what_was_seen_last_by_the_clock_of_the_forge():
    found, _ = swept(touched=(touched(13, at=NOW + 300, is_open=True), touched(14, at=NOW, is_open=True)), posted=())
    assert found.seen == Seen(NOW + 300, swept_at=NOW)
    found, _ = swept(touched=(touched(13, at=SEEN.until - 700, is_open=True),), posted=())
    assert found.seen == replace(SEEN, swept_at=NOW)


def test_what_happened_last_is_looked_back_on_until_it_has_settled_and_no_longer():
    def asks_since(swept_at: int) -> int:
        return swept(Seen(SEEN.until, swept_at=swept_at), touched=())[1][0].since

    assert asks_since(0) == asks_since(SEEN.until + SETTLED - 1) == SEEN.until - OVERLAP
    assert asks_since(SEEN.until + SETTLED) == SEEN.until + 1


def test_a_time_that_lies_ahead_hides_nothing_that_comes_before_it():
    seen = swept(touched=(touched(13, at=NOW + 10**7, is_open=True),), posted=())[0].seen
    assert swept(seen, touched=())[1][0].since == NOW - OVERLAP
    assert swept(Seen(NOW + 10**7), touched=())[1][0].since == NOW - OVERLAP


def test_what_was_said_before_anything_is_remembered_is_left():
    answers = {FindTouched: (touched(is_open=True),), FindPosted: (posted("/backport 2.7"),), Sync: synced()}
    found = [drive(sweep(REPO, SEEN, NOW, NOW - 60 + later), answers)[0].deliveries for later in (0, 1)]
    assert [len(each) for each in found] == [1, 0]


def test_what_is_too_much_for_one_sweep_is_left_to_the_next_with_all_that_was_said():
    pulls = tuple(touched(number, at=NOW - 100 + number // 2, is_open=True) for number in range(2, 10))
    seen, asked_of, since = SEEN, [], []
    for _ in range(4):
        left = tuple(pull for pull in pulls if not since or pull.touched_at >= since[-1])
        found, asked = drive(sweep(REPO, seen, NOW, 0, 3), {FindTouched: left, FindPosted: ()})
        seen = found.seen
        asked_of.append([pull.number for pull in asked[1].touched] if left else [])
        since.append(seen.until + 1)
        assert asked[0].since == (SEEN.until - OVERLAP if len(since) == 1 else since[-2])
        assert not left or asked[1].since == SEEN.until - OVERLAP
        if seen.behind is None:
            break
    assert asked_of == [[2, 3, 4, 5], [6, 7, 8, 9]]
    assert seen == Seen(NOW - 96, swept_at=NOW)


@pytest.mark.parametrize("gone", ["touched", "posted"])
def test_a_repository_out_of_sight_leaves_nothing_behind(gone):
    answers = {"touched": (touched(),), "posted": ()} | {gone: Missing("it")}
    if gone == "touched":
        del answers["posted"]
    assert swept(**answers)[0] == Found((), None)


# ── branches ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def known(**tips: str) -> Seen:
    return Seen(SEEN.until, NOW - LOOK_AT_BRANCHES, tips)


def test_the_first_look_at_lines_takes_them_as_they_are():
    found, _ = swept(touched=(touched(),), posted=(), synced=synced(**{"release/2.7": TIP27}))
    assert [type(delivery.event) for delivery in found.deliveries] == [PullClosed]
    assert found.seen == Seen(NOW - 60, NOW, {"release/2.7": TIP27}, NOW)


def test_a_line_that_moved_is_a_push_and_one_that_did_not_is_none():
    seen = known(**{"release/2.7": TIP27, "release/2.6": TIP26})
    found, _ = swept(seen, touched=(), synced=synced(**{"release/2.7": MOVED, "release/2.6": TIP26}))
    [delivery] = found.deliveries
    assert delivery.event == PushedTo(REPO, "release/2.7", TIP27, MOVED, delivery.event.actor)
    assert found.seen.tips["release/2.7"] == MOVED


def test_branches_are_looked_at_once_in_an_hour_and_not_at_all_before_there_was_work():
    assert kinds(swept(Seen(SEEN.until, NOW - LOOK_AT_BRANCHES + 1), touched=())[1]) == ["FindTouched"]
    assert "Sync" in kinds(swept(known(), touched=(), synced=synced())[1])


def test_a_backports_branch_without_a_pull_has_its_change_planned():
    tips = {"release/2.7": TIP27, "backport/2.7/12": NEW, "backport/2.7/13": MOVED}
    pulls = {"backport/2.7/12": (), "backport/2.7/13": (a_backport_pull(),)}
    found, _ = swept(known(), touched=(), synced=synced(**tips), pulls=lambda action: pulls[action.head])
    assert [delivery.event.number for delivery in found.deliveries] == [12]
    again, asked = swept(found.seen, touched=())
    assert not again.deliveries
    assert "FindPulls" not in kinds(asked)


def test_many_branches_are_asked_for_in_turns():
    tips = {"release/2.7": TIP27} | {f"backport/2.7/{number}": NEW for number in range(1, MOST_ASKED_FOR + 11)}
    found, asked = swept(known(), touched=(), synced=synced(**tips), pulls=(a_backport_pull(),))
    assert kinds(asked).count("FindPulls") == MOST_ASKED_FOR
    later = Seen(found.seen.until, NOW - LOOK_AT_BRANCHES, found.seen.tips)
    _, asked = swept(later, touched=(), synced=synced(**tips), pulls=(a_backport_pull(),))
    assert kinds(asked).count("FindPulls") == 10


def test_a_candidate_that_waits_is_looked_at_again_each_time():
    tips = {"release/2.7": TIP27, "relbot/rc/2.7": NEW}
    found, _ = swept(known(), touched=(), synced=synced(**tips))
    [delivery] = found.deliveries
    assert delivery.event == ChecksReported(REPO, NEW, ("relbot/rc/2.7",), SWEEPER)
    later = Seen(found.seen.until, NOW - LOOK_AT_BRANCHES, found.seen.tips)
    again, _ = swept(later, touched=(), synced=synced(**tips), now=NOW + 1)
    assert again.deliveries[0].id != delivery.id
