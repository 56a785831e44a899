"""What the commits of a pick are, as a forge has to be told that makes them itself."""

from __future__ import annotations

import pytest

from bot.core.model import TreeChange
from bot.core.picks import Present
from bot.tools.description import describe_commits
from bot.tools.pick import Wish
from tests.tools.cherry_picking import picking
from tests.tools.histories import History, lines, submodule
from tests.tools.wishes import fork


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "r")
    fork(history, {"a.py": lines(), "gone": "x\n", "third": submodule("ab" * 20)})
    history.commit("line", {"a.py": lines((3, "the line's own"))})
    return history


def described(history, place, *commits):
    with picking(history, place / "scratch") as picker:
        outcome = picker.pick([Wish(history.sha("line"), commits)])[0]
        return describe_commits(picker, outcome), outcome


def test_content_is_sent_only_where_the_merge_has_made_it(history, tmp_path):
    files = {"a.py": lines((10, "fixed")), "gone": None, "third": submodule("cd" * 20), "new\udce9": "new\n"}
    fix = history.commit("main", files, "Fix")
    [commit], outcome = described(history, tmp_path, fix)
    changes = {change.path: change for change in commit.changes}
    merged = lines((3, "the line's own"), (10, "fixed")).encode()
    assert changes["a.py"].content == merged
    assert changes["gone"] == TreeChange("gone", None, None)
    assert changes["third"] == TreeChange("third", "160000", "cd" * 20)
    assert (changes["new\udce9"].mode, changes["new\udce9"].content) == ("100644", None), "main has it"
    assert commit.tree == outcome.tree


def test_commits_come_in_order_each_against_the_one_before_with_its_author_named(history, tmp_path):
    first = history.commit("main", {"b.py": "1\n"}, "First\n\nFixes: #1\n")
    second = history.commit("main", {"b.py": "2\n"}, "Second")
    commits, _ = described(history, tmp_path, first, second)
    assert [[change.path for change in commit.changes] for commit in commits] == [["b.py"], ["b.py"]]
    author = history.git("log", "-1", "--format=%an <%ae>", first)
    assert commits[0].message == (
        f"First\n\nFixes: #1\n(cherry picked from commit {first})\nCo-authored-by: {author}\n"
    )


def test_of_nothing_picked_there_is_nothing_to_tell(history, tmp_path):
    same = history.commit("main", {"a.py": lines((3, "the line's own"))})
    commits, outcome = described(history, tmp_path, same)
    assert isinstance(outcome, Present)
    assert commits == ()
