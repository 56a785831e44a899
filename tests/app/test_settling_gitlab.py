"""The same stories on GitLab, whose webhooks, reverts and ways of merging are others."""

from __future__ import annotations

import pytest

from tests.app.story import (
    BY_HAND,
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
def world(gitlab_sandbox, tmp_path):
    made = World(gitlab_sandbox, tmp_path / "bot", "gitlab")
    with made.running():
        yield made


@pytest.mark.parametrize("title", ['Revert "Make op 3 a float (!1)"', "Prepare the line for (!1)"])
def test_a_title_that_names_a_change_proves_nothing(world, title):
    number = land(world, "backport/2.7")
    push(world, {"doc.md": "x\n"}, title)
    assert state(world, number) == {"backport-open/2.7"}


@pytest.mark.parametrize("method", ["squash", "merge"])
def test_a_revert_of_the_merge_request_takes_the_label_away(world, method):
    number = land(world, "backport/2.7")
    backport = the_backport(world, number)
    merge(world, backport, method)
    assert state(world, number) == {"backported/2.7"}
    push(world, UNFIX, f'Revert "Merge branch"\n\nThis reverts merge request !{backport}')
    assert state(world, number) == set()
    assert "| 2.7 | reverted |" in world.said_on(number)[0]


@pytest.mark.parametrize("picked", [["--no-merges", "--grep=Make op 3"], ["--merges"]], ids=["commit", "merge"])
@pytest.mark.parametrize("method", ["squash", "merge"])
def test_a_pick_that_a_person_pushed_to_the_line_clears_the_conflict(world, method, picked):
    number = land_in_conflict(world, method)
    log = world.forge.git(REPO).run("log", "-1", *picked, "--format=%H", "main")
    push(world, BY_HAND, f"Make op 3 a float\n\n(cherry picked from commit {log.strip()})")
    assert state(world, number) == {"backported/2.7"}


def test_a_merge_request_from_any_branch_that_says_whose_backport_it_is_counts(world):
    number = land_in_conflict(world)
    opened = carry_by_hand(world, number, "!")
    assert state(world, number) == {"backport-open/2.7"}
    merge(world, opened, "merge")
    assert state(world, number) == {"backported/2.7"}


def test_a_backport_that_is_closed_is_so_after_a_restart_until_it_is_opened_again(world):
    number = land(world, "backport/2.7")
    backport = the_backport(world, number)
    world.forge.close_pull(REPO, backport, by="mona")
    world.settle()
    world.restart()
    world.forge.label(REPO, number, "backport/2.8", by="mona")
    world.settle()
    assert the_backport(world, number) == backport
    assert state(world, number) == {"backport-open/2.8"}
    world.forge.reopen_pull(REPO, backport, by="mona")
    world.settle()
    assert state(world, number) == {"backport-open/2.7", "backport-open/2.8"}


@pytest.mark.parametrize("lower", ["squash", "merge"])
@pytest.mark.parametrize("upper", ["squash", "merge"])
def test_a_stacked_backport_carries_nothing_of_the_merge_request_below_it(world, lower, upper):
    _, number = stack(world, lower, upper)
    assert files_of_backport(world, number) == ["two.py"]


@pytest.mark.parametrize("upper", ["squash", "merge"])
def test_nor_does_it_where_branches_are_only_ever_fast_forwarded(world, upper):
    world.forge.set_merge_method(REPO, "ff")
    _, number = stack(world, "merge", upper)
    assert files_of_backport(world, number) == ["two.py"]
