"""How a pick differs from its original: nothing where it does not, git's own words where it does."""

from __future__ import annotations

import pytest

from bot.core.picks import Partial, Picked
from bot.tools.difference import describe_difference
from bot.tools.pick import Wish
from tests.tools.cherry_picking import picking
from tests.tools.histories import History, lines
from tests.tools.wishes import fork


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "r")
    fork(history, {"a.py": lines(), "b.py": lines()})
    return history


def told(history, place, *commits, mainline=None):
    """What is said of picking these onto the line."""
    with picking(history, place / "scratch") as picker:
        outcome = picker.pick([Wish(history.sha("line"), commits, mainline)])[0]
        return outcome, describe_difference(picker, outcome, mainline)


def test_a_pick_that_is_the_same_patch_differs_in_nothing(history, tmp_path):
    history.commit("line", {"b.py": lines((3, "own"))})
    fix = history.commit("main", {"a.py": lines((10, "fixed"))}, "fix = this: and: that\n\nBody.\n\nFixes: #1\n")
    outcome, text = told(history, tmp_path, fix)
    assert isinstance(outcome, Picked)
    assert text == ""


def test_a_hunk_that_was_there_already_is_shown_as_left_out(history, tmp_path):
    history.commit("line", {"a.py": lines((3, "one"))})
    fix = history.commit("main", {"a.py": lines((3, "one"), (15, "two"))}, "Fix both")
    _, text = told(history, tmp_path, fix)
    assert "Fix both" in text
    assert "+one" in text
    assert "cherry picked" not in text


def test_each_commit_of_a_series_is_compared_with_its_own_pick(history, tmp_path):
    history.commit("line", {"a.py": lines((3, "one"))})
    commits = [
        history.commit("main", {"a.py": lines((3, "one"))}, "There"),
        history.commit("main", {"b.py": lines((3, "same"))}, "Same"),
        history.commit("main", {"a.py": lines((3, "one"), (5, "two"))}, "Near"),
    ]
    outcome, text = told(history, tmp_path, *commits)
    assert isinstance(outcome, Partial)
    assert text == ""
    changed = {"a.py": lines((3, "three"), (5, "two"), (15, "x"))}
    other = history.commit("main", changed, "Last")
    history.commit("line", {"a.py": lines((3, "one"), (15, "x"))}, "early")
    _, text = told(history, tmp_path, commits[1], commits[2], other)
    assert "Last" in text
    assert "Same" not in text


def test_a_root_commit_is_compared_with_its_pick(history, tmp_path):
    root = history.commit("apart", {"new.py": "new\n"}, "Root", parents=())
    assert told(history, tmp_path, root)[1] == ""


@pytest.mark.parametrize("mainline", [1, 2])
def test_a_merge_is_compared_by_what_it_brought(history, tmp_path, mainline):
    history.branch("topic", "main")
    history.commit("topic", {"b.py": lines((3, "topic"))})
    history.commit("main", {"a.py": lines((10, "main"))})
    merge = history.merge("main", "topic", message="Merge topic")
    outcome, text = told(history, tmp_path, merge, mainline=mainline)
    assert isinstance(outcome, Picked)
    assert text == ""


@pytest.mark.parametrize("mainline", [1, 2])
def test_a_merge_whose_pick_differs_is_told(history, tmp_path, mainline):
    history.branch("topic", "main")
    history.commit("topic", {"b.py": lines((3, "topic"), (15, "two"))})
    history.commit("main", {"a.py": lines((10, "main"), (18, "two"))})
    merge = history.merge("main", "topic", message="Merge topic")
    history.commit("line", {"a.py": lines((18, "two")), "b.py": lines((15, "two"))})
    _, text = told(history, tmp_path, merge, mainline=mainline)
    assert "Merge topic" in text
    assert "+two" in text
    assert "---------" not in text


def test_nothing_is_told_of_what_was_not_picked(history, tmp_path):
    history.commit("line", {"a.py": lines((3, "one"))})
    assert told(history, tmp_path, history.commit("main", {"a.py": lines((3, "one"))}))[1] == ""
    assert told(history, tmp_path, history.commit("main", {"a.py": lines((3, "two"))}))[1] == ""


def test_a_long_text_is_cut(history, tmp_path):
    every = dict.fromkeys(range(1, 9000, 20), "new")
    history.commit("main", {"a.py": lines(count=9000)}, "Long")
    history.branch("line", "main")
    history.commit("line", {"a.py": lines(*list(every.items())[::2], count=9000)})
    fix = history.commit("main", {"a.py": lines(*every.items(), count=9000)}, "Longer")
    outcome, text = told(history, tmp_path, fix)
    assert isinstance(outcome, Picked)
    assert text.endswith("\n… (cut)")
    assert len(text) < 20_100
