"""What a sweep finds, from what a forge tells afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.actions import FindPulls, Missing, Sync, Synced
from bot.core.events import ChecksReported, CommentEdited, CommentPosted, PullClosed, PushedTo, TagPushed
from bot.core.history import FindPosted, FindTouched, Posted, Touched
from bot.core.model import Branch, Release
from bot.core.publishing import FindReleases
from bot.core.sweep import (
    LOOK_AT_BRANCHES,
    MOST_ASKED_FOR,
    MOST_JUDGED,
    OVERLAP,
    SETTLED,
    SWEEPER,
    Found,
    Seen,
    sweep,
)
from bot.core.tagging import FetchTags, TagChecked, TagFound, VerifyTag
from bot.core.tags_seen import MOST
from tests.core.driving import drive, kinds
from tests.core.values import ADA, MOVED, NEW, REPO, TIP26, TIP27, a_backport_pull

NOW = 1_700_000_000
SEEN = Seen(NOW - 600)


def touched(number: int = 12, *, at: int = NOW - 60, is_open: bool = False, labels: tuple[str, ...] = ()) -> Touched:
    return Touched(number, is_open, not is_open, labels, at)


def posted(body: str, *, comment: int = 5, is_edited: bool = False) -> Posted:
    return Posted(12, comment, ADA, body, NOW - 60, is_edited)


def swept(seen: Seen = SEEN, now: int = NOW, **answers: Any) -> tuple[Found, list[Any]]:
    named = {"touched": FindTouched, "posted": FindPosted, "synced": Sync, "pulls": FindPulls,
             "tags": FetchTags, "releases": FindReleases, "checked": VerifyTag}  # fmt: skip
    return drive(sweep(REPO, seen, now), {FetchTags: ()} | {named[name]: answer for name, answer in answers.items()})


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
    assert found.seen == Seen(NOW - 60, NOW, {"release/2.7": TIP27}, NOW, tags="")


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


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

LINE = {"release/2.7": TIP27}
MINE = (("Repository", "github:acme/torchlet"), ("Commit", NEW), ("Requested-By", "ada"), ("Requested-In", "comment 7"))


def tag(name: str, *, sha: str = NEW, at: int = 1, annotated: bool = True) -> TagFound:
    return TagFound(name, sha, NEW, annotated, at if annotated else None)


def checked(action: VerifyTag) -> TagChecked:
    """Odd candidates are the bot's own."""
    mine = action.name[-1] in "13579"
    return TagChecked(tag(action.name), "x", "", MINE if mine else (), None, "none", "it is not signed")


def look(seen: Seen, *tags: TagFound, lines: dict[str, str] | None = None, **answers: Any) -> tuple[Found, list[Any]]:
    aged = replace(seen, looked_at=NOW - LOOK_AT_BRANCHES)
    return swept(aged, touched=(), synced=synced(**(LINE if lines is None else lines)), tags=tags, **answers)


def test_the_first_look_follows_my_tags_that_have_no_release_and_no_other_of_what_is_there():
    tags = [tag(f"v2.7.0-rc{n}") for n in range(1, 6)] + [tag("v2.7.0-rc7", annotated=False), tag("v2.6.0-rc1")]
    shown = (Release("v2.7.0-rc3", "", "", ""),)
    found, asked = look(known(), *tags, releases=shown, checked=checked)
    assert [delivery.event for delivery in found.deliveries] == [
        TagPushed(REPO, name, NEW, SWEEPER) for name in ("v2.7.0-rc1", "v2.7.0-rc5")
    ]
    assert found.deliveries[0].id == f"tag-v2.7.0-rc1-{NEW}"
    assert {action.name for action in asked if isinstance(action, VerifyTag)} == {f"v2.7.0-rc{n}" for n in (1, 2, 4, 5)}
    again, asked = look(found.seen, *tags)
    assert not again.deliveries
    assert not {"FindReleases", "VerifyTag"} & set(kinds(asked))


def test_of_a_long_history_the_newest_tags_are_asked_after():
    tags = [tag(f"v2.7.{n}-rc1", at=n) for n in range(3 * MOST_JUDGED)]
    _, asked = look(known(), *tags, releases=(), checked=checked)
    assert [action.name for action in asked if isinstance(action, VerifyTag)] == [
        f"v2.7.{n}-rc1" for n in range(3 * MOST_JUDGED - 1, 2 * MOST_JUDGED - 1, -1)
    ]


def test_tags_that_came_or_moved_since_are_told_of_whoever_made_them():
    first = look(known(), tag("v2.7.0", annotated=False), tag("nightly"))[0].seen
    now = (tag("v2.7.0", sha=MOVED), tag("v2.7.1", annotated=False), tag("v2.6.9"), tag("nightly-2"))
    found, asked = look(first, *now)
    assert [(delivery.event.tag, delivery.event.change) for delivery in found.deliveries] == [
        ("v2.7.0", "moved"), ("v2.7.1", "created"),
    ]  # fmt: skip
    assert not {"FindReleases", "VerifyTag"} & set(kinds(asked))
    assert not look(found.seen, *now)[0].deliveries


def test_a_branch_that_comes_to_a_line_or_a_policy_that_is_mended_makes_no_news_of_old_tags():
    tags = [*(tag(f"v2.6.{n}") for n in range(9)), tag("v2.7.0")]
    first = look(known(), *tags, releases=(), checked=checked)[0].seen
    again, _ = look(first, *tags, tag("v2.7.1"), lines={"release/2.7": TIP27, "release/2.6": TIP26})
    assert [delivery.event.tag for delivery in again.deliveries] == ["v2.7.1"]


def test_where_more_tags_are_than_are_remembered_one_that_goes_makes_no_news_of_the_next():
    tags = [tag(f"v2.7.{n}", annotated=False) for n in range(MOST + 5)]
    first = look(known(), *tags, releases=(), checked=checked)[0].seen
    assert not look(first, *tags[:-3])[0].deliveries
    assert len(look(first, *tags, tag("v2.7.9999"))[0].deliveries) == 1


def test_where_no_line_is_tags_cost_nothing():
    found, asked = look(known(), lines={"other": NEW})
    assert (found.seen.tags, "FetchTags" in kinds(asked)) == (None, False)


def test_many_new_tags_are_told_of_in_turns_and_remembered_in_a_short_text():
    first = look(known())[0].seen
    tags = [tag(f"v2.7.{n}-rc{m}", annotated=False) for n in range(5) for m in range(1, 41)]
    seen, told = first, 0
    for _ in range(len(tags) // MOST_ASKED_FOR + 1):
        found, _ = look(seen, *tags)
        told, seen = told + len(found.deliveries), found.seen
        assert len(found.deliveries) <= MOST_ASKED_FOR
    assert told == len(tags)
    assert len(seen.tags or "") == 12 * len(tags)
