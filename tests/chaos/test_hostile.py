"""A sample of the hostile names and texts, and proof that what looks for their traces finds them."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.chaos.hostile import STRINGS, Findings, attack, find_canaries, overhearing, shape_of, visits
from tests.chaos.overheard import Expected, find_faults

EXPECTED = Expected(frozenset({"mona"}), frozenset({12}), "http://forge.example/")


def test_there_are_more_than_two_hundred_of_them_and_each_is_used():
    whole = {str(each) for strings in STRINGS.values() for each in strings}
    assert len(whole) >= 300
    used = {word for visit in visits() for word in (visit.title, visit.branch, "/".join(visit.path))}
    assert used >= {*STRINGS["texts"], *STRINGS["refs"], *("/".join(path) for path in STRINGS["paths"])}


def test_hostile_names_and_texts_start_make_and_say_nothing_of_their_own(tmp_path):
    """Two pulls and all the refs; the whole list, and the other forge, is `python -m tests.chaos.hostile`."""
    findings = Findings()
    attack("github", tmp_path, findings, (visits(2), []))
    assert findings.faults == []
    assert findings.comments >= 2
    assert findings.processes > 20


@pytest.mark.parametrize("said", [
    "@ada", "see #13", "!13", "Fixes GH-1", "~bug", "[x](https://evil.example)", "![x](http://forge.example/x)",
    "<b>x</b>", "<!-- hidden -->", "https://evil.example", "/backport 2.7", "x\n\n/close", "mail ada@example.org",
    "x" * 70_000, "[issue:1]",
])  # fmt: skip
def test_what_the_bot_must_not_write_is_found(said):
    assert find_faults(said, EXPECTED)


@pytest.mark.parametrize(
    "said", ["@mona, see #12", "`@ada #13 <b>`", "[#12](http://forge.example/12)", "<!-- relbot:x -->"]
)
def test_what_the_bot_may_write_is_let_pass(said):
    assert find_faults(said, EXPECTED) == []


def test_a_process_and_a_file_that_should_not_be_are_found(tmp_path):
    with overhearing() as heard:
        subprocess.run(["touch", str(tmp_path / "pwned")], check=True)
        os.system("true")
    assert [arguments[0] for arguments in heard if arguments[0] in {"touch", "os.system"}] == ["touch", "os.system"]
    assert find_canaries([tmp_path]) == ["pwned"]
    plain = ["git", "--git-dir=/x", "fetch", "--end-of-options", "origin", "--upload-pack=touch"]
    assert shape_of(plain) == shape_of([*plain[:5], "main"])
    assert shape_of(plain) != shape_of(["git", "--git-dir=/x", "fetch", "origin", "--upload-pack=touch"])
