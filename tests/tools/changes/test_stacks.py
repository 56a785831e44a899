"""Pulls built on pulls: the change of the upper one is what its own merge brought, and nothing of the lower one's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import Unproven
from bot.core.model import Change
from tests.tools.changes.story import move_main, shas
from tests.tools.histories import lines
from tests.tools.landing import merged_pull, rebase, squash, topic


def stack(history, *upper):
    """`lower` with one commit and `upper` on top of it; both were begun on main. Their own commits."""
    own = topic(history, "one", name="lower")
    history.branch("upper", "lower")
    changed = [(3 + 6 * n, title) for n, title in enumerate(upper)]
    made = [history.commit("upper", {"b.py": lines(*changed[: n + 1])}, title) for n, title in enumerate(upper)]
    return own, made


@pytest.mark.parametrize("upper", [("two",), ("two", "three")])
@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize("lower", ["squash", "rebase"])
def test_a_squash_on_what_the_lower_pull_landed_is_itself(history, resolve, lower, upper, moved):
    own, _ = stack(history, *upper)
    squash(history, "lower", "one (#11)") if lower == "squash" else rebase(history, own)
    if moved:
        move_main(history, 18)
    landed = squash(history, "upper", "two (#12)")
    found = resolve(merged_pull(history, "upper", landed))
    assert (shas(found), found.method) == ([landed], "squash")


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("upper", [("two",), ("two", "three")])
def test_a_rebase_on_a_squash_is_the_upper_commits(history, resolve, upper, kept):
    """A forge may leave an empty commit of what was there already."""
    own, made = stack(history, *upper)
    squash(history, "lower", "one (#11)")
    landed = rebase(history, [*(own if kept else []), *made])[-len(made) :]
    found = resolve(merged_pull(history, "upper", landed[-1]))
    assert shas(found) == landed


@pytest.mark.parametrize("base", ["lower", "upper"])
def test_a_rebase_on_a_rebase_is_cut_where_the_forge_says_that_the_lower_one_ended(history, resolve, base):
    own, made = stack(history, "two", "three")
    lower = rebase(history, own)
    landed = rebase(history, made)
    pull = merged_pull(history, "upper", landed[-1])
    assert shas(resolve(pull)) == [*lower, *landed], "they look alike, and git cannot know"
    known = {"lower": lower[-1], "upper": landed[0]}[base]
    assert shas(resolve(replace(pull, base_sha=known))) == (landed if base == "lower" else landed[1:])


def test_a_fast_forward_is_cut_there_too(history, resolve):
    own, made = stack(history, "two", "three")
    history.branch("main", "upper")
    assert shas(resolve(merged_pull(history, "upper", made[-1], base_sha=own[-1]))) == made


@pytest.mark.parametrize("upper", [("two",), ("two", "three")])
@pytest.mark.parametrize("lower", ["squash", "rebase", "merge"])
def test_a_merge_brings_no_commit_whose_content_was_there(history, resolve, lower, upper):
    own, made = stack(history, *upper)
    move_main(history, 18)
    if lower == "merge":
        history.merge("main", "lower", message="Merge pull request #11 from acme/lower")
    else:
        squash(history, "lower", "one (#11)") if lower == "squash" else rebase(history, own)
    landed = history.merge("main", "upper", message="Merge pull request #12 from acme/upper")
    found = resolve(merged_pull(history, "upper", landed))
    assert (shas(found), found.method) == (made, "merge")


def test_a_merge_that_brought_nothing_new_is_no_change(history, resolve):
    stack(history)
    squash(history, "lower", "one (#11)")
    landed = history.merge("main", "upper", message="Merge pull request #12 from acme/upper")
    assert isinstance(resolve(merged_pull(history, "upper", landed)), Unproven)


@pytest.mark.parametrize("upper", [("two",), ("two", "three")])
def test_a_squash_begun_below_the_lower_pull_is_picked_as_the_merge_that_brought_it(history, resolve, upper):
    """GitLab squashes onto where main was when the pull was pushed: that commit brings the lower pull once more."""
    stack(history, *upper)
    for name in ("lower", "upper"):
        history.branch(f"{name}-squashed", "main")
    for name in ("lower", "upper"):
        squash(history, name, name, onto=f"{name}-squashed")
    history.merge("main", "lower-squashed", message="Merge branch 'lower' into 'main'\n\nSee merge request a/b!11")
    landed = history.merge("main", "upper-squashed", message="Merge branch 'upper'\n\nSee merge request a/b!12")
    found = resolve(merged_pull(history, "upper", landed))
    assert isinstance(found, Change)
    assert (shas(found), found.mainline) == ([landed], 1)


def test_numbers_that_the_pulls_own_titles_have_do_not_end_a_rebase(history, resolve):
    """`Fix it (#7)` names an issue, before the landing and after it."""
    own = topic(history, "one (#7)", "two (#8)", "three (#9)")
    move_main(history)
    landed = rebase(history, own)
    assert shas(resolve(merged_pull(history, "topic", landed[-1]))) == landed
