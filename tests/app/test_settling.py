"""The whole bot on GitHub: what becomes of a backport, and what is said of one, keeps label and comment true."""

from __future__ import annotations

import pytest

from tests.app.story import (
    BY_HAND,
    FIX,
    UNFIX,
    carry_by_hand,
    files_of_backport,
    land,
    land_in_conflict,
    merge,
    push,
    stack,
    state,
    the_backport,
)
from tests.app.whole import REPO, World


@pytest.fixture
def world(sandbox, tmp_path):
    made = World(sandbox, tmp_path / "bot")
    with made.running():
        yield made


# ── what is only said ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("title", [
    'Revert "Make op 3 a float (#1)" (#99)', "Document the bug of (#1) as known (#99)", "Prepare the line for (#1)",
])  # fmt: skip
@pytest.mark.parametrize("labels", [(), ("backport/2.7",)])
def test_a_title_that_names_a_change_proves_nothing(world, title, labels):
    number = land(world, *labels)
    before, said = state(world, number), world.said_on(number)
    push(world, {"doc.md": "x\n"}, title)
    assert (state(world, number), world.said_on(number)) == (before, said)


# ── taken back on the line ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["squash", "rebase", "merge"])
def test_a_revert_on_the_line_takes_the_label_away_and_its_revert_gives_it_back(world, method):
    number = land(world, "backport/2.7")
    backport = the_backport(world, number)
    merge(world, backport, method)
    assert state(world, number) == {"backported/2.7"}
    merged = world.issue(backport).part.merged_as
    reversing = f", reversing\nchanges made to {merged}^1" if method == "merge" else ""
    revert = push(world, UNFIX, f'Revert "Make op 3 a float"\n\nThis reverts commit {merged}{reversing}.')
    assert state(world, number) == set()
    assert f"{revert} took it back" in world.said_on(number)[0]
    push(world, FIX, f'Revert "Revert"\n\nThis reverts commit {revert}.')
    assert state(world, number) == {"backported/2.7"}


def test_a_revert_by_pull_number_takes_the_label_away_and_one_taken_off_by_hand_is_not_put_back(world):
    number = land(world, "backport/2.7")
    backport = the_backport(world, number)
    merge(world, backport)
    world.forge.unlabel(REPO, number, "backported/2.7", by="mona")
    title = f'Revert "[2.7] Make op 3 a float (#{number})"'
    revert = world.propose((UNFIX, f"{title}\n\nReverts {REPO}#{backport}"), base="release/2.7")
    merge(world, revert)
    assert state(world, number) == set()
    assert "| 2.7 | reverted |" in world.said_on(number)[0]


# ── finished by hand ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["squash", "rebase", "merge"])
def test_a_pick_that_a_person_pushed_to_the_line_clears_the_conflict(world, method):
    number = land_in_conflict(world, method)
    source = world.forge.git(REPO).run("log", "-1", "--no-merges", "--grep=Make op 3", "--format=%H", "main").strip()
    made = push(world, BY_HAND, f"Make op 3 a float\n\n(cherry picked from commit {source})")
    assert state(world, number) == {"backported/2.7"}
    assert made in world.said_on(number)[0]


def test_a_pull_from_any_branch_that_says_whose_backport_it_is_counts(world):
    number = land_in_conflict(world)
    opened = carry_by_hand(world, number, "#")
    assert state(world, number) == {"backport-open/2.7"}
    merge(world, opened)
    assert state(world, number) == {"backported/2.7"}
    assert f"by [#{opened}]" in world.said_on(number)[0]


# ── closed, and opened again ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_backport_that_is_closed_and_opened_again_twice_shows_it_each_time(world):
    number = land(world, "backport/2.7")
    backport = the_backport(world, number)
    for _ in range(2):
        world.forge.close_pull(REPO, backport, by="mona")
        world.settle()
        assert state(world, number) == set()
        world.forge.reopen_pull(REPO, backport, by="mona")
        world.settle()
        assert state(world, number) == {"backport-open/2.7"}


def redeliver_the_merge(world, number):
    [merged] = [each for each in world.forge.delivered("pull_request")
                if (each.payload["action"], each.payload["number"]) == ("closed", number)]  # fmt: skip
    world.forge.deliveries.redeliver(merged.id)


@pytest.mark.parametrize("again", [
    redeliver_the_merge, lambda world, number: world.forge.label(REPO, number, "backport/2.8", by="mona"),
], ids=["the merge is told again", "another line is asked for"])  # fmt: skip
@pytest.mark.parametrize("lost", ["nothing", "branch", "comment"])
def test_a_backport_that_people_closed_is_not_opened_again_after_a_restart(world, again, lost):
    number = land(world, "backport/2.7")
    backport = the_backport(world, number)
    world.forge.close_pull(REPO, backport, by="mona")
    world.settle()
    if lost == "branch":
        world.forge.git(REPO).run("update-ref", "-d", f"refs/heads/backport/2.7/{number}")
    if lost == "comment":
        world.issue(number).comments.clear()
    world.restart()
    again(world, number)
    world.settle()
    assert the_backport(world, number) == backport
    assert "backport-open/2.7" not in state(world, number)


def test_after_a_restart_a_label_that_is_put_on_again_asks_anew(world):
    number = land(world, "backport/2.7")
    world.forge.close_pull(REPO, the_backport(world, number), by="mona")
    world.settle()
    world.restart()
    world.forge.unlabel(REPO, number, "backport/2.7", by="mona")
    world.forge.label(REPO, number, "backport/2.7", by="mona")
    world.settle()
    assert len(world.pulls_onto("release/2.7")) == 2
    assert state(world, number) == {"backport-open/2.7"}


# ── a pull on a pull ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lower", ["squash", "rebase", "merge"])
@pytest.mark.parametrize("upper", ["squash", "rebase", "merge"])
def test_a_stacked_pull_s_backport_carries_nothing_of_the_pull_below_it(world, lower, upper):
    _, number = stack(world, lower, upper)
    assert files_of_backport(world, number) == ["two.py"]
