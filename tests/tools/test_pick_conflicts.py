"""Picks that stop: every kind of conflict, with its paths, held against `git cherry-pick` in a clean clone."""

from __future__ import annotations

import pytest

from tests.tools.histories import lines, submodule, symlink
from tests.tools.wishes import Table, check, fork

TABLE = Table()

MODULE = "submodule not initialized"
"""What git says of two moves of a submodule: nothing is ever checked out here."""


@TABLE.conflict("both sides changed the same line", {"a.py": "contents"})
def _(h):
    fork(h, {"a.py": lines(), "b.py": lines()})
    h.commit("line", {"a.py": lines((3, "line's"))})
    return h.commit("main", {"a.py": lines((3, "main's")), "b.py": lines((3, "main's"))})


@TABLE.conflict("every conflicting path is named", {"a.py": "contents", "d/b.py": "contents", "é.py": "contents"})
def _(h):
    fork(h, {"a.py": lines(), "d/b.py": lines(), "é.py": lines(), "fine.py": lines()})
    changed = {name: lines((3, "main's")) for name in ("a.py", "d/b.py", "é.py", "fine.py")}
    h.commit("line", {name: lines((3, "line's")) for name in ("a.py", "d/b.py", "é.py")})
    return h.commit("main", changed)


@TABLE.conflict("after a conflict the rest is skipped", {"a.py": "contents"}, steps="picked conflict skipped skipped")
def _(h):
    fork(h, {"a.py": lines(), "b.py": "b\n"})
    h.commit("line", {"a.py": lines((3, "line's"))})
    wishes = [h.commit("main", {"b.py": "new\n"}), h.commit("main", {"a.py": lines((3, "main's"))})]
    return [*wishes, h.commit("main", {"b.py": "newer\n"}), h.commit("main", {"c.py": "c\n"})]


@TABLE.conflict("the line deleted what the change edits", {"a.py": "modify/delete"})
def _(h):
    fork(h, {"a.py": lines(), "b.py": "b\n"})
    h.commit("line", {"a.py": None})
    return h.commit("main", {"a.py": lines((3, "fixed"))})


@TABLE.conflict("the change deletes what the line edited", {"a.py": "modify/delete"})
def _(h):
    fork(h, {"a.py": lines(), "b.py": "b\n"})
    h.commit("line", {"a.py": lines((3, "own"))})
    return h.commit("main", {"a.py": None})


@TABLE.conflict("the change renames what the line deleted", {"new.py": "rename/delete"})
def _(h):
    fork(h, {"a.py": lines(), "b.py": "b\n"})
    h.commit("line", {"a.py": None})
    return h.move("main", "a.py", "new.py")


@TABLE.conflict("both renamed a file, to different names",
          {"a.py": "rename/rename", "main.py": "rename/rename", "line.py": "rename/rename"})  # fmt: skip
def _(h):
    fork(h, {"a.py": lines(), "b.py": "b\n"})
    h.move("line", "a.py", "line.py")
    return h.move("main", "a.py", "main.py")


@TABLE.conflict("both renamed a file to the same name", {"same.py": "contents"})
def _(h):
    fork(h, {"a.py": lines(), "b.py": lines().upper()})
    h.move("line", "a.py", "same.py")
    return h.move("main", "b.py", "same.py")


@TABLE.conflict("both added the same path", {"new.py": "contents"})
def _(h):
    fork(h)
    h.commit("line", {"new.py": "line's\n"})
    return h.commit("main", {"new.py": "main's\n"})


@TABLE.conflict("both replaced a binary file", {"b.bin": "binary"})
def _(h):
    fork(h, {"b.bin": b"\0\x01"})
    h.commit("line", {"b.bin": b"\0\x02"})
    return h.commit("main", {"b.bin": b"\0\x03"})


@TABLE.conflict("both moved a submodule", {"third_party/x": MODULE})
def _(h):
    fork(h, {"third_party/x": submodule("ab" * 20)})
    h.commit("line", {"third_party/x": submodule("cd" * 20)})
    return h.commit("main", {"third_party/x": submodule("ef" * 20)})


@TABLE.conflict("a submodule and a file conflict in one change", {"a.py": "contents", "x": MODULE, "y": MODULE})
def _(h):
    fork(h, {"a.py": lines(), "x": submodule("ab" * 20), "y": submodule("ab" * 20)})
    h.commit("line", {"a.py": lines((3, "own")), "x": submodule("cd" * 20), "y": submodule("cd" * 20)})
    return h.commit("main", {"a.py": lines((3, "fix")), "x": submodule("ef" * 20), "y": submodule("ef" * 20)})


@TABLE.conflict("a file on one side is a folder on the other", {"a": "file/directory"})
def _(h):
    fork(h)
    h.commit("line", {"a/b.py": "b\n"})
    return h.commit("main", {"a": "a\n"})


@TABLE.conflict("both added a file, with different kinds", {"run": "distinct modes"})
def _(h):
    fork(h)
    h.commit("line", {"run": symlink("a.py")})
    return h.commit("main", {"run": "#!/bin/sh\n"})


@TABLE.conflict("both changed a symlink", {"link": "contents"})
def _(h):
    fork(h, {"link": symlink("a")})
    h.commit("line", {"link": symlink("b")})
    return h.commit("main", {"link": symlink("c")})


@TABLE.conflict("a new file in a folder that the line has renamed", {"new/c.py": "directory rename suggested"})
def _(h):
    fork(h, {"old/a.py": lines(), "old/b.py": lines().upper()})
    h.commit("line", {"old": None, "new/a.py": lines(), "new/b.py": lines().upper()})
    return h.commit("main", {"old/c.py": "c\n"})


@TABLE.conflict("a new file in a folder that the line has split", {"old": "directory rename unclear split"},
          aside="old")  # fmt: skip
def _(h):
    fork(h, {"old/a.py": lines(), "old/b.py": lines().upper()})
    h.commit("line", {"old": None, "new/a.py": lines(), "other/b.py": lines().upper()})
    return h.commit("main", {"old/c.py": "c\n"})


@TABLE.conflict("a path in no encoding conflicts under its own bytes", {"caf\udce9": "contents"})
def _(h):
    fork(h, {"caf\udce9": lines()})
    h.commit("line", {"caf\udce9": lines((3, "own"))})
    return h.commit("main", {"caf\udce9": lines((3, "fix"))})


@pytest.mark.parametrize("case", TABLE.cases, ids=str)
def test_a_pick_ends_as_it_should_and_as_git_cherry_pick_would(case, tmp_path):
    check(case, tmp_path)
