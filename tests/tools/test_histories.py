"""The builder of test repositories: what it writes is what git reads."""

from __future__ import annotations

import pytest

from tests.tools.histories import START, History, Person, executable, lines, submodule, symlink


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_git_finds_nothing_wrong_with_what_the_builder_writes(tmp_path, algorithm):
    history = History(tmp_path / "a place", algorithm=algorithm)
    width = 40 if algorithm == "sha1" else 64
    history.commit("main", {
        "a.py": "one\n", "tools/run.sh": executable("#!/bin/sh\n"), "tools.txt": "", "tools-a/b": b"\0\xff",
        "link": symlink("a.py"), "third_party/x": submodule("ab" * (width // 2)), "ünï [1] \"q\"/f": "x",
    })  # fmt: skip
    history.branch("feature", "main")
    history.commit("feature", {"b.py": "two\n"}, "more")
    history.commit("main", {"tools": "a file now\n", "link": None})
    history.merge("main", "feature", {"c.py": "evil\n"})
    history.move("main", "a.py", "d/e.py")
    history.revert("main", "feature")
    assert history.git("fsck", "--strict", "--full", "--no-dangling") == ""
    assert history.files("main") == {
        "tools": "a file now\n", "tools.txt": "", "tools-a/b": "\0\udcff", "third_party/x": "ab" * (width // 2),
        'ünï [1] "q"/f': "x", "c.py": "evil\n", "d/e.py": "one\n",
    }  # fmt: skip
    assert len(history.git("log", "--format=%P", "main~2", "-1").split()) == 2


def test_the_same_calls_give_the_same_ids(tmp_path):
    def build(name):
        history = History(tmp_path / name)
        return history.commit("main", {"a": lines((3, "x"))}, "first", author=Person(b"J\xf6rg <j@x>", "1 +0530"))

    assert build("one") == build("two")
    assert History(tmp_path / "one").git("log", "-1", "--format=%at %ct", "main") == f"1 {START}"
