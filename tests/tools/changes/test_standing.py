"""Whether a commit that was once on a branch still counts there."""

from __future__ import annotations

import pytest

from bot.core.actions import Standing
from tests.tools.changes.story import move_main
from tests.tools.landing import squash, topic

HOLDS = Standing(holds=True)


@pytest.fixture
def standing(history, resolver):
    return lambda commit, *numbers: resolver.standing(commit, history.sha("main"), numbers)


def test_a_commit_stands_from_the_moment_it_is_there(history, standing):
    topic(history, "one")
    landed = squash(history, "topic", "Fix (#12) (#31)")
    assert standing(landed, 12, 31) == HOLDS
    move_main(history)
    assert standing(landed, 12, 31) == HOLDS


def test_what_is_elsewhere_or_nowhere_does_not_stand(history, standing):
    [elsewhere] = topic(history, "one")
    assert standing(elsewhere) == standing("e" * 40) == Standing(holds=False)


@pytest.mark.parametrize("message", [
    'Revert "Fix"\n\nThis reverts commit {landed}.',
    'Revert "Fix (#12) (#31)" (#40)\n\nReverts acme/torchlet#31',
    'Revert "[2.7] Fix (#12)" (#40)',
    'Revert "Fix (#12)"\n\nThis reverts merge request !31',
])  # fmt: skip
def test_a_revert_by_id_by_number_or_by_title_takes_it_back_and_another_gives_it_again(history, standing, message):
    topic(history, "one")
    landed = squash(history, "topic", "Fix (#12) (#31)")
    revert = history.revert("main", landed, message.format(landed=landed))
    assert standing(landed, 12, 31) == Standing(False, revert)
    history.revert("main", revert)
    assert standing(landed, 12, 31) == HOLDS


def test_the_revert_of_a_merge_takes_back_what_the_merge_had_brought(history, standing):
    [own] = topic(history, "one")
    move_main(history)
    merged = history.merge("main", "topic")
    message = f'Revert "Merge"\n\nThis reverts commit {merged}, reversing\nchanges made to {history.sha("main^1")}.\n'
    revert = history.revert("main", merged, message)
    assert standing(own) == standing(merged) == Standing(False, revert)


@pytest.mark.parametrize("title", ['Revert "Other (#13)" (#40)', "Prepare for (#12) (#40)", 'Revert "Fix (#120)"'])
def test_a_revert_of_something_else_and_a_mention_take_nothing_back(history, standing, title):
    topic(history, "one")
    landed = squash(history, "topic", "Fix (#12) (#31)")
    history.commit("main", {"z.py": "z\n"}, title)
    assert standing(landed, 12, 31) == HOLDS
