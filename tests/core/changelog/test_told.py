"""What a commit tells: its title without what is only about how it got there, its pulls, its note."""

from __future__ import annotations

import pytest

from bot.core.changelog.told import read_note, tell
from bot.core.model import Commit


def told(message: str, *parents: str):
    return tell(Commit("a" * 40, parents or ("b" * 40,), "t", "Ada <ada@example.org>", 0, message, 0))


@pytest.mark.parametrize(
    ("title", "text", "kind", "scope", "numbers"),
    [
        ("Fix it (#12)", "Fix it", "", "", (12,)),
        ("Fix it (#5) (#12)", "Fix it", "", "", (12,)),
        ("[2.7] Fix it (#12) (#99)", "Fix it", "", "", (12, 99)),
        ("[release/2.7] [inductor] Fix it (#12) (#99)", "Fix it", "", "inductor", (12, 99)),
        ("[2.7] fix(ops)!: it (#12) (#99)", "it", "fix", "ops", (12, 99)),
        ("Backport #12: Fix it (#99)", "Fix it", "", "", (12, 99)),
        ("[inductor][cuda] Fix it", "Fix it", "", "inductor, cuda", ()),
        ("[[odd]] title", "[[odd]] title", "", "", ()),
        ("feat: x", "x", "feat", "", ()),
    ],
)
def test_a_title_is_taken_apart(title, text, kind, scope, numbers):
    found = told(title)
    assert (found.title, found.kind, found.scope, found.numbers) == (text, kind, scope, numbers)


@pytest.mark.parametrize(
    "message",
    ["Merge pull request #12 from a/b\n\nThe title",
     "Merge branch 'b' into 'main'\n\nThe title\n\nSee merge request a/b!12",
     "Auto merge of #12 - a:b, r=c\n\nThe title\n\nmore"],
)  # fmt: skip
def test_a_merge_tells_of_its_pull(message):
    found = told(message, "b" * 40, "c" * 40)
    assert (found.title, found.number) == ("The title", 12)
    assert told(message).number is None  # one with a single parent only says so


@pytest.mark.parametrize(("title", "is_release"), [
    ("chore(release): 2.7.1", True), ("Release 2.7.1", True), ("Bump version to 2.7.1rc1 (#3)", True),
    ("Release 2.7 docs of the tensor (#3)", False), ("release the lock", False), ("chore: tidy", False),
])  # fmt: skip
def test_what_is_about_releasing_is_told_from_what_only_begins_so(title, is_release):
    assert told(title).is_release is is_release


@pytest.mark.parametrize("title", [
    "chore(release): x", "build(release): x", "ci(release): x", "chore: release 2.7.1", "release 2.7.1",
    "bump version to 2.7.1", "prepare release 2.7.1",
])  # fmt: skip
def test_what_is_about_releasing_is_so_in_any_case(title):
    assert [told(written).is_release for written in (title, title.upper(), title.capitalize())] == [True] * 3


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("```release-note\nText.\n```", "Text."),
        ("~~~~ release-notes\r\nTwo\r\nlines\r\n~~~~", "Two lines"),
        ("```release-note\n<!-- hint -->\n```", None),
        ("```release-note\nNONE\n```", ""),
        ("```release-note\n`none`.\n```", ""),
        ("```release-note\nNONE of it works\n```", "NONE of it works"),
        ("```\nrelease-note\n```", None),
        ("```release-note\nnever closed", "never closed"),
        ("a release-note in prose", None),
    ],
)
def test_a_release_note_block_is_read(body, note):
    assert read_note(body) == note


def test_a_hostile_body_costs_no_more_than_its_length():
    pieces = ("```release-note\n", "<!--", "BREAKING CHANGE: x\n", "Backport of #", "This reverts commit ", "[2.7] ")
    for piece in pieces:
        told(f"{piece[:10] * 20}\n\n" + piece * 8000)
