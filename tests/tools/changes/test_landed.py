"""Pulls that the forge calls closed, and that a merge robot had landed all the same."""

from __future__ import annotations

import pytest

from bot.core.actions import NotLanded, Unproven
from tests.tools.changes.story import changed, move_main, shas
from tests.tools.histories import lines
from tests.tools.landing import closed_pull, rebase, squash, topic


@pytest.mark.parametrize("message", [
    "Fix the thing (#12)",
    "Fix the thing [!12]",
    "Fix the thing\n\nWhy.\n\nPull Request resolved: https://forge.example/acme/torchlet/pull/12\nApproved by: ada",
    "Fix the thing\n\nPull-Request: https://forge.example/acme/torchlet/pull/12",
    "Fix the thing\n\nSee merge request acme/torchlet!12",
])  # fmt: skip
def test_a_pull_that_a_robot_landed_and_closed_is_found_by_its_number(history, resolve, message):
    topic(history, "one", "two")
    move_main(history)
    landed = squash(history, "topic", message)
    move_main(history, 2)
    found = resolve(closed_pull(history, "topic"))
    assert (shas(found), found.method) == ([landed], "landed")


@pytest.mark.parametrize("message", [
    "Fix the thing (#123)",
    "Fix the thing (#112)",
    "Fix the thing\n\nPull Request resolved: https://forge.example/acme/torchlet/pull/112",
    "Fix the thing\n\nPull Request resolved: https://forge.example/acme/torchlet/pull/123",
    "Fix what (#12) broke (#40)",
    "Fix the thing\n\nThis follows #12.",
    "Fix what came with #12",
    'Revert "Fix the thing (#12)"',
    'Revert "Fix the thing" (#12)',
])  # fmt: skip
def test_a_commit_of_another_number_is_not_the_pull_even_with_the_same_content(history, resolve, message):
    topic(history, "one")
    squash(history, "topic", message)
    found = resolve(closed_pull(history, "topic"))
    assert isinstance(found, NotLanded)


def test_a_robot_that_lands_commit_by_commit_is_not_cut_down_to_the_last_one(history, resolve):
    own = topic(history, "one", "two", "three")
    move_main(history)
    history.branch("plain-main", "main")
    plain = rebase(history, own, onto="plain-main")
    landed = [history.commit("main", changed(history, sha), f"Part {n} (#12)") for n, sha in enumerate(plain)]
    found = resolve(closed_pull(history, "topic"))
    assert (shas(found), found.method) == (landed, "landed")


def test_a_pull_closed_unmerged_did_not_land(history, resolve):
    topic(history, "one")
    move_main(history)
    found = resolve(closed_pull(history, "topic"))
    assert found == NotLanded("it was closed without being merged, and no commit on the base branch names it")


def test_a_closed_pull_whose_head_is_gone_did_not_land(history, resolve):
    assert isinstance(resolve(closed_pull(history, "main", head_sha="e" * 40)), NotLanded)


def test_a_commit_that_names_the_closed_pull_and_brings_something_else_is_not_taken(history, resolve):
    topic(history, "one")
    named = history.commit("main", {"b.py": lines((4, "not that"))}, "Fix the thing (#12)")
    found = resolve(closed_pull(history, "topic"))
    assert isinstance(found, Unproven)
    assert named[:12] in found.reason


def test_of_two_landings_around_a_revert_the_later_one_counts(history, resolve):
    topic(history, "one", "two")
    first = squash(history, "topic", "Fix (#12)")
    history.revert("main", first)
    move_main(history)
    second = squash(history, "topic", "Fix (#12)")
    assert shas(resolve(closed_pull(history, "topic"))) == [second]


def test_a_robots_landing_that_was_reverted_is_not_landed(history, resolve):
    topic(history, "one")
    landed = squash(history, "topic", "Fix (#12)")
    revert = history.revert("main", landed)
    found = resolve(closed_pull(history, "topic"))
    assert isinstance(found, NotLanded)
    assert revert[:12] in found.reason
