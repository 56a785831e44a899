"""Titles by the Conventional Commits specification, and those that only look like it."""

from __future__ import annotations

import pytest

from bot.core.titles import Title, breaking_notes, is_breaking, read_title


@pytest.mark.parametrize(("title", "parts"), [
    ("feat: add a kernel", ("feat", "", "add a kernel", False, ())),
    ("feat(ops): add a kernel (#12)", ("feat", "ops", "add a kernel", False, (12,))),
    ("FIX!: wrong result", ("fix", "", "wrong result", True, ())),
    ("feature(data loader)!: new workers (#3) (#41)", ("feat", "data loader", "new workers", True, (3, 41))),
    ("[2.7] fix(ops): wrong result (#12) (#99)", ("fix", "ops", "wrong result", False, (12, 99))),
    ("[BE][Easy] perf: faster (!7)", ("perf", "", "faster", False, (7,))),
    ("chore(deps): bump x from 1 to 2", ("chore", "deps", "bump x from 1 to 2", False, ())),
])  # fmt: skip
def test_a_conventional_title_is_taken_apart(title, parts):
    assert read_title(title) == Title(*parts)


@pytest.mark.parametrize("title", [
    "Fix wrong result", "Note: this is slow", "fix:no space", "fix():", "fix: ", "http://x: y", "torch.nn: add a layer",
    "fix(a)(b): text", "", "[2.7]",
])  # fmt: skip
def test_what_only_looks_like_one_names_no_kind(title):
    assert read_title(title).kind == ""


def test_an_ordinary_title_keeps_its_text_and_gives_up_its_numbers():
    assert read_title("Speed up (#7) the loader (#12)") == Title("", "", "Speed up (#7) the loader", False, (12,))


BODY = """feat: x

Some prose about BREAKING CHANGE: that is none, since it stands in a line.

BREAKING CHANGE: the argument `dim` is gone,
use `axis`
Signed-off-by: Ada <ada@example.org>
BREAKING-CHANGE: and so is `keepdims`
"""


def test_breaking_notes_end_with_the_next_footer():
    assert breaking_notes(BODY) == ("the argument `dim` is gone, use `axis`", "and so is `keepdims`")


def test_breaking_is_said_by_mark_or_footer_and_by_nothing_else():
    assert is_breaking(read_title("feat!: x"), "")
    assert is_breaking(read_title("feat: x"), BODY)
    assert not is_breaking(read_title("feat: x"), "breaking change: written small is prose")
