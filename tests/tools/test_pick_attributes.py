"""Picks where `.gitattributes` decide: those of the line count, and nobody else's."""

from __future__ import annotations

import pytest

from tests.tools.histories import lines
from tests.tools.wishes import Table, check, fork

TABLE = Table()
UNION = "CHANGES merge=union\n"


def both_append(h, attributes: str | None, **places: str):
    """CHANGES grows by a line on each side; `attributes` lie in the root of both."""
    files = {"CHANGES": "first\n", **places}
    fork(h, files if attributes is None else {**files, ".gitattributes": attributes})
    h.commit("line", {"CHANGES": "first\nline's\n"})
    return h.commit("main", {"CHANGES": "first\nmain's\n"})


@TABLE.conflict("without attributes both lines conflict", {"CHANGES": "contents"})
def _(h):
    return both_append(h, None)


@TABLE.picked("union keeps both lines", {"CHANGES": "first\nline's\nmain's\n", ".gitattributes": UNION})
def _(h):
    return both_append(h, UNION)


@TABLE.conflict("without merging there is a conflict even where lines are far apart", {"a.py": "binary"})
def _(h):
    fork(h, {"a.py": lines(), ".gitattributes": "*.py -merge\n"})
    h.commit("line", {"a.py": lines((18, "own"))})
    return h.commit("main", {"a.py": lines((3, "fixed"))})


@TABLE.conflict("what is declared binary is not merged by lines", {"a.py": "binary"})
def _(h):
    fork(h, {"a.py": lines(), ".gitattributes": "*.py binary\n"})
    h.commit("line", {"a.py": lines((18, "own"))})
    return h.commit("main", {"a.py": lines((3, "fixed"))})


@TABLE.conflict("what is binary by its bytes is so in spite of the attribute", {"a.dat": "binary"})
def _(h):
    fork(h, {"a.dat": "\0" + lines(), ".gitattributes": "*.dat merge\n"})
    h.commit("line", {"a.dat": "\0" + lines((18, "own"))})
    return h.commit("main", {"a.dat": "\0" + lines((3, "fixed"))})


@TABLE.picked("a driver that nobody defines is the ordinary merge", {
    ".gitattributes": "*.py merge=ours\n", "a.py": lines((3, "fixed"), (18, "own"))})  # fmt: skip
def _(h):
    fork(h, {"a.py": lines(), ".gitattributes": "*.py merge=ours\n"})
    h.commit("line", {"a.py": lines((18, "own"))})
    return h.commit("main", {"a.py": lines((3, "fixed"))})


@TABLE.conflict("attributes that only main has do not count", {"CHANGES": "contents"})
def _(h):
    fork(h, {"CHANGES": "first\n"})
    h.commit("line", {"CHANGES": "first\nline's\n"})
    h.commit("main", {".gitattributes": UNION})
    return h.commit("main", {"CHANGES": "first\nmain's\n"})


@TABLE.picked("attributes that only the line has do count", {
    "CHANGES": "first\nline's\nmain's\n", ".gitattributes": UNION})  # fmt: skip
def _(h):
    fork(h, {"CHANGES": "first\n"})
    h.commit("line", {"CHANGES": "first\nline's\n", ".gitattributes": UNION})
    return h.commit("main", {"CHANGES": "first\nmain's\n"})


@TABLE.picked("an earlier commit of the same wish brings the attributes that the next is merged with", {
    "CHANGES": "first\nline's\nmain's\n", ".gitattributes": UNION}, steps="picked picked")  # fmt: skip
def _(h):
    fork(h, {"CHANGES": "first\n"})
    h.commit("line", {"CHANGES": "first\nline's\n"})
    return [h.commit("main", {".gitattributes": UNION}), h.commit("main", {"CHANGES": "first\nmain's\n"})]


@TABLE.conflict("an earlier commit of the same wish takes the attributes away", {"CHANGES": "contents"},
                steps="picked conflict")  # fmt: skip
def _(h):
    fork(h, {"CHANGES": "first\n", ".gitattributes": UNION})
    h.commit("line", {"CHANGES": "first\nline's\n"})
    return [h.commit("main", {".gitattributes": None}), h.commit("main", {"CHANGES": "first\nmain's\n"})]


@TABLE.conflict("the commit that brings the attributes is itself merged without them", {"CHANGES": "contents"})
def _(h):
    fork(h, {"CHANGES": "first\n"})
    h.commit("line", {"CHANGES": "first\nline's\n"})
    return h.commit("main", {"CHANGES": "first\nmain's\n", ".gitattributes": UNION})


@TABLE.picked("a macro of the top folder holds below", {
    ".gitattributes": "[attr]list merge=union\n", "docs/.gitattributes": "* list\n",
    "docs/L": "0\nline's\nmain's\n"})  # fmt: skip
def _(h):
    fork(h, {".gitattributes": "[attr]list merge=union\n", "docs/.gitattributes": "* list\n", "docs/L": "0\n"})
    h.commit("line", {"docs/L": "0\nline's\n"})
    return h.commit("main", {"docs/L": "0\nmain's\n"})


ODD = ["plain", "with space", "[brackets]", 'quo"te', "ünï", "st*r", "!not", "#hash", "back\\slash", "a/b/c", "\udcff"]


@pytest.mark.parametrize("folder", ODD)
def test_attributes_in_a_folder_count_there_and_only_there(tmp_path, folder):
    table = Table()
    inside, outside = f"{folder}/L", "other/L"

    @table.conflict("both", {outside: "contents"})
    def build(h):
        fork(h, {f"{folder}/.gitattributes": "L merge=union\n", inside: "0\n", outside: "0\n"})
        h.commit("line", {inside: "0\nline's\n", outside: "0\nline's\n"})
        return h.commit("main", {inside: "0\nmain's\n", outside: "0\nmain's\n"})

    check(table.cases[0], tmp_path)


@pytest.mark.parametrize("case", TABLE.cases, ids=str)
def test_a_pick_ends_as_it_should_and_as_git_cherry_pick_would(case, tmp_path):
    check(case, tmp_path)
