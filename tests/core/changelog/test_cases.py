"""Plays the folders of `cases`: what a history makes, what is left out, and what becomes of a file that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.core.changelog.merge import unmarked
from bot.core.changelog.template import render
from bot.core.changelog.view import layout, render_all
from bot.core.changelog.write import Written, write
from tests.core.changelog.playing import CASES, layout_of, play, read_case

FOLDERS = sorted(folder for folder in CASES.iterdir() if folder.is_dir())
SHIPPED = Path("bot/core/changelog/default.md.jinja")


def shorten(left: Any) -> str:
    return f"{f'#{left.numbers[0]}' if left.numbers else left.title}: {left.reason}"


def written(folder: Path, case: dict[str, Any]) -> Written:
    """What the case's file becomes: as it stands in the folder, or as generated before and edited since."""
    shown = layout_of(folder)
    now = play(case).views
    if "edit" in case:
        before = write("", play(case, case.get("later", 0)).views, shown).text
        for old, new in case["edit"]:
            assert old in before, f"there is no {old!r} to be edited"
            before = before.replace(old, new, 1)
    else:
        before = (folder / "before.md").read_bytes().decode()
    return write(before, now, shown)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_history_makes_the_text_beside_it(folder: Path) -> None:
    case = read_case(folder)
    played = play(case)
    assert case["about"]
    assert render_all(played.views, layout_of(folder)) == (folder / "expected.md").read_text()
    expect = case.get("expect", {})
    assert [shorten(left) for one in played.notes for left in one.left_out] == expect.get("left_out", [])
    if "warnings" in expect:
        assert [warning for one in played.notes for warning in one.warnings] == expect["warnings"]


@pytest.mark.parametrize("folder", [f for f in FOLDERS if (f / "after.md").exists()], ids=lambda folder: folder.name)
def test_a_file_that_is_there_becomes_the_one_beside_it(folder: Path) -> None:
    case = read_case(folder)
    made = written(folder, case)
    assert unmarked(made.text) == (folder / "after.md").read_bytes().decode()
    assert list(made.conflicts) == case.get("expect", {}).get("conflicts", [])
    again = write(made.text, play(case).views, layout_of(folder))
    assert again.text == made.text


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_template_that_is_shipped_says_what_the_default_layout_says(folder: Path) -> None:
    for view in play(read_case(folder)).views:
        assert render(SHIPPED.read_text(), view) == layout(view)
