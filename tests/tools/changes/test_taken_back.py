"""Changes that main took back, in whole or in part, and may have taken in again; and damage, which is no finding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import NotLanded
from bot.core.model import Change
from bot.tools.git import GitFault
from tests.tools.changes.story import move_main, shas
from tests.tools.histories import lines
from tests.tools.landing import merged_pull, rebase, squash, topic


def land(history, how):
    """Land a pull of two commits; its head, the commit the forge names, and the one that people revert."""
    own = topic(history, "one", "two")
    move_main(history)
    match how:
        case "squash":
            landed = squash(history, "topic", "Fix (#12)")
        case "merge":
            landed = history.merge("main", "topic")
        case _:
            landed = rebase(history, own)[-1]
    return merged_pull(history, "topic", landed)


REVERTS = {
    "git revert": ('Revert "Fix (#12)"', "This reverts commit {sha}."),
    "git revert of a merge": ('Revert "Merge"', "This reverts commit {sha}, reversing\nchanges made to {parent}."),
    "GitHub's button": ('Revert "Fix" (#15)', "Reverts acme/torchlet#12"),
    "GitLab's button": ('Revert "Merge branch \'topic\'"', "This reverts merge request !12"),
    "a short id": ('Revert "Fix"', "This reverts commit {sha:.9}."),
    "a title alone": ('Revert "Fix (#12)" (#15)', "It broke."),
}


@pytest.mark.parametrize("how", ["squash", "rebase", "merge"])
@pytest.mark.parametrize("words", REVERTS)
def test_a_change_that_main_took_back_is_not_landed_and_the_revert_is_named(history, resolve, how, words):
    pull = land(history, how)
    title, body = REVERTS[words]
    parent = history.sha(f"{pull.merged_as}^")
    message = f"{title}\n\n{body.format(sha=pull.merged_as, parent=parent)}\n"
    revert = history.revert("main", pull.merged_as, message)
    move_main(history, 2)
    found = resolve(pull)
    assert isinstance(found, NotLanded)
    assert revert[:12] in found.reason


@pytest.mark.parametrize("how", ["squash", "rebase", "merge"])
def test_a_revert_that_was_reverted_itself_leaves_the_change_standing(history, resolve, how):
    pull = land(history, how)
    revert = history.revert("main", pull.merged_as)
    history.revert("main", revert)
    assert isinstance(resolve(pull), Change)


@pytest.mark.parametrize("how", ["squash", "merge"])
def test_a_github_revert_that_was_reverted_the_same_way_leaves_the_change_standing(history, resolve, how):
    pull = land(history, how)
    first = history.revert("main", pull.merged_as, 'Revert "Fix" (#15)\n\nReverts acme/torchlet#12\n')
    history.revert("main", first, 'Revert "Revert "Fix"" (#16)\n\nReverts acme/torchlet#15\n')
    assert isinstance(resolve(pull), Change)


def test_a_change_reverted_twice_is_gone(history, resolve):
    pull = land(history, "squash")
    first = history.revert("main", pull.merged_as)
    again = history.revert("main", first)
    last = history.revert("main", again)
    found = resolve(pull)
    assert isinstance(found, NotLanded)
    assert last[:12] in found.reason


def test_a_change_of_which_one_commit_was_reverted_is_not_picked_whole(history, resolve):
    own = topic(history, "one", "two", "three")
    landed = rebase(history, own)
    revert = history.revert("main", landed[1])
    found = resolve(merged_pull(history, "topic", landed[-1]))
    assert isinstance(found, NotLanded)
    assert f"reverted in part on main by {revert[:12]}" in found.reason


def test_a_revert_after_a_relanding_counts_although_an_earlier_one_was_undone(history, resolve):
    pull = land(history, "squash")
    history.revert("main", history.revert("main", pull.merged_as))
    last = history.revert("main", pull.merged_as)
    found = resolve(pull)
    assert isinstance(found, NotLanded)
    assert f"reverted on main by {last[:12]}" in found.reason


def test_a_revert_that_came_as_a_merge_and_was_reverted_as_one_leaves_the_change_standing(history, resolve):
    """What GitHub's button does where pulls are merged: the second revert names the merge of the first."""
    pull = land(history, "merge")
    for name in ("back", "forth"):
        wrong = history.sha("main")
        history.branch(name, "main")
        text = f'Revert "{name}"\n\nThis reverts commit {wrong}, reversing\nchanges made to {history.sha("main~1")}.'
        history.revert(name, wrong, text)
        history.commit("main", {"b.py": lines((18, "meanwhile"))}, "Meanwhile")
        history.merge("main", name, message=f"Merge pull request #15 from acme/revert-12-{name}")
        if name == "back":
            assert isinstance(resolve(pull), NotLanded)
    assert isinstance(resolve(pull), Change)


@pytest.mark.parametrize("message", [
    'Revert "Other"\n\nThis reverts commit {other}.',
    'Revert "Other" (#15)\n\nReverts acme/torchlet#112',
    'Revert "Other" (#15)\n\nReverts acme/torchlet#120',
    'Revert "Other" (#15)\n\nReverts acme/torchlet#1',
    'Revert "Other (#1)" (#15)',
    "Talk\n\nSomebody said: This reverts commit of yesterday.",
    'Revert "Fix (#12)" in the docs only\n\nIt Reverts acme/torchlet#12 in part.',
])  # fmt: skip
def test_a_revert_of_something_else_changes_nothing(history, resolve, message):
    other = move_main(history)
    pull = land(history, "squash")
    history.commit("main", {"b.py": lines()}, message.format(other=other))
    assert isinstance(resolve(pull), Change)


def test_a_revert_before_the_landing_does_not_count(history, resolve):
    """The first try was reverted; the pull was then merged again under its own number."""
    topic(history, "one")
    first = squash(history, "topic", "Fix (#12)")
    history.revert("main", first, 'Revert "Fix" (#13)\n\nReverts acme/torchlet#12\n')
    second = squash(history, "topic", "Fix (#12)")
    assert shas(resolve(merged_pull(history, "topic", second))) == [second]


@pytest.mark.parametrize("titles", [("one", "two"), ("two",)])
@pytest.mark.parametrize("victim", ["main", "tree", "head"])
def test_a_damaged_repository_is_a_fault_and_never_a_finding(history, resolve, victim, titles):
    history.branch("topic", "main")
    topic(history, *titles)
    deep = move_main(history)
    landed = squash(history, "topic", "Fix (#12)")
    pull = merged_pull(history, "topic", landed)
    move_main(history, 2)
    lost = {"main": landed, "tree": history.tree(deep), "head": history.tree("topic")}[victim]
    (history.git_dir / "objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(GitFault):
        resolve(replace(pull, merged_as=history.sha("main")) if victim == "main" else pull)
