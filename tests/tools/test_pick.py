"""Picks that go in, on real repositories, each held against `git cherry-pick` in a clean clone."""

from __future__ import annotations

import pytest

from bot.core.picks import Partial
from tests.tools.histories import History, executable, lines, submodule, symlink
from tests.tools.wishes import Table, check, fork

TABLE = Table()

# ── clean ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@TABLE.picked("a fix applies to a line that has moved on", {"a.py": lines((3, "fixed"), (18, "own")), "b.py": "b\n"})
def _(h):
    fork(h)
    h.commit("line", {"a.py": lines((18, "own")), "b.py": "b\n"})
    h.commit("main", {"a.py": lines((10, "not picked"))})
    return h.commit("main", {"a.py": lines((3, "fixed"), (10, "not picked"))})


@TABLE.picked("several commits are picked in order, each on the last", {"a.py": "one\ntwo\nthree\n", "own": "own\n"},
        steps="picked picked picked")  # fmt: skip
def _(h):
    fork(h, {"a.py": ""})
    h.commit("line", {"own": "own\n"})
    return [h.commit("main", {"a.py": text}) for text in ("one\n", "one\ntwo\n", "one\ntwo\nthree\n")]


@TABLE.picked("a root commit adds its files", {"a.py": lines(), "new.py": "new\n"})
def _(h):
    fork(h)
    return h.commit("other", {"new.py": "new\n"}, parents=())


@TABLE.picked("a merge against its first parent brings what the branch brought", {"a.py": lines(), "feature.py": "f\n"},
        mainline=1)  # fmt: skip
def _(h):
    return _merged(h)


@TABLE.picked("a merge against its second parent brings what main had", {"a.py": lines(), "main.py": "m\n"}, mainline=2)
def _(h):
    return _merged(h)


@TABLE.picked("an ordinary commit may be named together with mainline 1", {"a.py": lines((2, "x"))}, mainline=1)
def _(h):
    fork(h)
    return h.commit("main", {"a.py": lines((2, "x"))})


@TABLE.picked("an octopus is compared with its third parent", {"a.py": lines(), "f1": "1\n", "f2": "2\n"}, mainline=3)
def _(h):
    fork(h)
    tips = [h.branch(f"f{n}", "main") and h.commit(f"f{n}", {f"f{n}": f"{n}\n"}) for n in (1, 2, 3)]
    return h.commit("main", {"f1": "1\n", "f2": "2\n", "f3": "3\n"}, parents=tuple(tips), replace=False)


def _merged(h: History) -> str:
    fork(h)
    h.branch("feature", "main")
    h.commit("feature", {"feature.py": "f\n"})
    h.commit("main", {"main.py": "m\n"})
    return h.merge("main", "feature")


@TABLE.picked("CRLF files are merged as they are", {"a.txt": lines((3, "fixed"), (18, "own")).replace("\n", "\r\n")})
def _(h):
    fork(h, {"a.txt": lines().replace("\n", "\r\n")})
    h.commit("line", {"a.txt": lines((18, "own")).replace("\n", "\r\n")})
    return h.commit("main", {"a.txt": lines((3, "fixed")).replace("\n", "\r\n")})


@TABLE.picked("an edit follows a file that main has renamed", {"old.py": lines((3, "fixed"), (18, "own"))})
def _(h):
    fork(h, {"old.py": lines()})
    h.commit("line", {"old.py": lines((18, "own"))})
    h.move("main", "old.py", "pkg/new.py")
    return h.commit("main", {"pkg/new.py": lines((3, "fixed"))})


@TABLE.picked("an edit follows a file that the line has renamed", {"pkg/new.py": lines((3, "fixed"), (18, "own"))})
def _(h):
    fork(h, {"old.py": lines()})
    h.move("line", "old.py", "pkg/new.py", lines((18, "own")))
    return h.commit("main", {"old.py": lines((3, "fixed"))})


@TABLE.picked("a rename takes the line's edit with it", {"pkg/new.py": lines((18, "own"))})
def _(h):
    fork(h, {"old.py": lines()})
    h.commit("line", {"old.py": lines((18, "own"))})
    return h.move("main", "old.py", "pkg/new.py")


@TABLE.picked("a file becomes executable and keeps the line's edit", {"run.sh": lines((18, "own"))})
def _(h):
    fork(h, {"run.sh": lines()})
    h.commit("line", {"run.sh": lines((18, "own"))})
    return h.commit("main", {"run.sh": executable(lines())})


@TABLE.picked("a file stays executable where the line made it so", {"run.sh": lines((3, "fixed"))})
def _(h):
    fork(h, {"run.sh": lines()})
    h.commit("line", {"run.sh": executable(lines())})
    return h.commit("main", {"run.sh": lines((3, "fixed"))})


@TABLE.picked("a symlink takes the place of a file", {"a.py": "b.py", "own": "own\n"})
def _(h):
    fork(h)
    h.commit("line", {"own": "own\n"})
    return h.commit("main", {"a.py": symlink("b.py")})


@TABLE.picked("a symlink is changed as a symlink", {"link": "b.py", "own": "own\n"})
def _(h):
    fork(h, {"link": symlink("a.py")})
    h.commit("line", {"own": "own\n"})
    return h.commit("main", {"link": symlink("b.py")})


@TABLE.picked("a submodule moves where the line had it untouched", {"third_party/x": "cd" * 20, "own": "own\n"})
def _(h):
    fork(h, {"third_party/x": submodule("ab" * 20)})
    h.commit("line", {"own": "own\n"})
    return h.commit("main", {"third_party/x": submodule("cd" * 20)})


@TABLE.picked("a binary file is replaced where the line had it untouched", {"b.bin": "\0\x02", "own": "own\n"})
def _(h):
    fork(h, {"b.bin": b"\0\x01"})
    h.commit("line", {"own": "own\n"})
    return h.commit("main", {"b.bin": b"\0\x02"})


@TABLE.picked("a deletion is picked", {"own": "own\n"})
def _(h):
    fork(h, {"a.py": "a\n", "d/b.py": "b\n"})
    h.commit("line", {"own": "own\n"})
    return h.commit("main", {"a.py": None, "d": None})


@TABLE.picked("a file becomes a folder", {"a/b.py": "b\n", "own": "own\n"})
def _(h):
    fork(h, {"a": "a\n"})
    h.commit("line", {"own": "own\n"})
    return h.commit("main", {"a/b.py": "b\n"})


@TABLE.picked("a path in no encoding at all is kept byte for byte", {"caf\udce9/\udcff.py": "new\n", "own": "own\n"})
def _(h):
    fork(h, {"caf\udce9/\udcff.py": "old\n"})
    h.commit("line", {"own": "own\n"})
    return h.commit("main", {"caf\udce9/\udcff.py": "new\n"})


@TABLE.picked("paths with spaces, quotes, tabs and line breaks are kept", {'a "b"\t\n.py': "new\n", "own": "own\n"})
def _(h):
    fork(h, {'a "b"\t\n.py': "old\n"})
    h.commit("line", {"own": "own\n"})
    return h.commit("main", {'a "b"\t\n.py': "new\n"})


# ── present, partial, empty ──────────────────────────────────────────────────────────────────────────────────────────


@TABLE.present("what the line has already is present", steps="present")
def _(h):
    fork(h)
    h.commit("line", {"a.py": lines((3, "fixed"), (18, "own"))})
    return h.commit("main", {"a.py": lines((3, "fixed"))})


@TABLE.present("what every commit of a change brought before is present", steps="present present")
def _(h):
    fork(h)
    h.commit("line", {"a.py": lines((3, "one"), (12, "two"))})
    return [h.commit("main", {"a.py": lines((3, "one"))}), h.commit("main", {"a.py": lines((3, "one"), (12, "two"))})]


@TABLE.present("an empty commit is present everywhere", steps="present")
def _(h):
    fork(h)
    h.commit("line", {"own": "own\n"})
    return h.commit("main", {}, "nothing at all")


@TABLE.present("a commit that is on the line itself is present")
def _(h):
    fork(h)
    h.commit("line", {"own": "own\n"})
    h.branch("main", "line")
    return h.commit("line", {"a.py": lines((3, "fixed"))})


@TABLE.picked("where some were there and the rest applies it is partial", {"a.py": lines((3, "one"), (12, "two"))},
        outcome=Partial, steps="present picked")  # fmt: skip
def _(h):
    fork(h)
    h.commit("line", {"a.py": lines((3, "one"))})
    return [h.commit("main", {"a.py": lines((3, "one"))}), h.commit("main", {"a.py": lines((3, "one"), (12, "two"))})]


@TABLE.picked("an empty commit among others makes it partial", {"a.py": lines((3, "one"), (12, "two"))},
        outcome=Partial, steps="picked present picked")  # fmt: skip
def _(h):
    fork(h)
    first = h.commit("main", {"a.py": lines((3, "one"))})
    return [first, h.commit("main", {}), h.commit("main", {"a.py": lines((3, "one"), (12, "two"))})]


@TABLE.picked("a commit named twice is present the second time", {"a.py": lines((3, "one"))}, outcome=Partial,
        steps="picked present")  # fmt: skip
def _(h):
    fork(h)
    return [h.commit("main", {"a.py": lines((3, "one"))})] * 2


@TABLE.picked("a reverted fix is picked again", {"a.py": lines((3, "fixed"))})
def _(h):
    fork(h)
    h.branch("main", "main")
    fix = h.commit("main", {"a.py": lines((3, "fixed"))})
    h.commit("line", {"a.py": lines((3, "fixed"))})
    h.commit("line", {"a.py": lines()}, "revert")
    return fix


@pytest.mark.parametrize("case", TABLE.cases, ids=str)
def test_a_pick_ends_as_it_should_and_as_git_cherry_pick_would(case, tmp_path):
    check(case, tmp_path)
