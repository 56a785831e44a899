"""A CHANGELOG.md of any style is read without losing a byte, and gets a section where its version belongs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.changelog.page import Part, put, read_page, refer
from bot.core.versions import read_tag

STYLES = {
    "keep a changelog": ("## [Unreleased]\n\n## [2.7.1] - 2026-01-01\n\n- x\n\n## [2.6.0] - 2025-01-01\n\n- y\n", 3),
    "conventional-changelog": ("# [2.7.1](https://x/c) (2026-01-01)\n\n\n### Fixes\n\n* x\n\n\n## 2.6.0 (2025)\n", 2),
    "patches a level lower": ("## 2.7.0\n\n### 2.6.1 (2025-01-01)\n\n### Bug Fixes\n\n* x\n\n## 2.6.0\n", 3),
    "v and no date": ("# Releases\n\n## v2.7.1\ntext\n## v2.6.0\ntext", 2),
    "underlined": ("Changes\n=======\n\n2.7.1 (2026-01-01)\n------------------\n\n* x\n\n2.6.0\n-----\n\n* y\n", 2),
    "words": ("## Version 2.7.1\n\n## Release 2.6.0 - old\n", 2),
    "prefix": ("## PyTorch-CUDA-v2.7-rc1\n\n## PyTorch-CUDA-v2.6\n", 2),
    "crlf": ("# C\r\n\r\n## [2.7.1]\r\n\r\n- x\r\n", 1),
    "no line break at the end": ("## [2.7.1]\n- x", 1),
    "links at the end": ("## [2.7.1]\n- x\n\n[2.7.1]: https://x\n[2.6.0]: https://y\n", 1),
    "yanked": ("## [2.7.1] - 2026-01-01 [YANKED]\n- x\n", 1),
    "nothing": ("", 0),
    "prose only": ("# Changelog\n\nNothing yet.\n", 0),
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_sections_are_found_in_every_style_and_nothing_is_lost(style: str) -> None:
    text, count = STYLES[style]
    page = read_page(text)
    assert page.text == text
    assert len(page.parts) == count, [part.heading for part in page.parts]
    assert all(part.version or part.is_unreleased for part in page.parts)


def test_code_and_comments_hold_no_sections() -> None:
    text = "## 2.7.1\n\n```\n## 2.6.0\n```\n\n<!--\n## [Unreleased]\n-->\n\n### 3.11 wheels\n\n## 2.5.0\n"
    assert [str(part.version) for part in read_page(text).parts] == ["2.7.1", "2.5.0"]


def test_a_section_of_no_version_ends_the_one_before() -> None:
    page = read_page("## 2.7.1\n- x\n## Older releases\nSee elsewhere.\n")
    assert [part.text for part in page.parts] == ["## 2.7.1\n- x\n", "## Older releases\nSee elsewhere.\n"]
    assert page.parts[1].version is None


def test_a_yanked_version_says_so() -> None:
    page = read_page("## [2.7.1] - 2026-01-01 [YANKED]\n## [2.7.0] - 2026-01-01\n")
    assert [part.is_yanked for part in page.parts] == [True, False]


PIECES = (
    "# ", "## ", "### ", "[2.7.1]", "2.6.0", "v3.1", "Unreleased", "[", "]", ": https://x", "\n", "\r\n", "-----",
    "```", "<!--", "-->", " ", "- x", "=====", "\x0b", "\u2028", " - 2026-01-01",
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_whatever_a_file_holds_comes_out_again(text: str) -> None:
    page = read_page(text)
    assert page.text == text
    part = Part("## [2.7.0]\n", "\n- new\n", read_tag("2.7.0"))
    for piece in (piece for number, piece in enumerate(page.parts) if number != page.find(part.version)):
        assert piece.text.rstrip("\r\n") in put(page, part).text


@pytest.mark.parametrize(
    ("before", "order"),
    [
        (["2.8.0", "2.7.0"], ["2.8.0", "2.7.1", "2.7.0"]),
        (["2.7.0", "2.8.0"], ["2.7.0", "2.7.1", "2.8.0"]),
        (["2.10.0", "2.9.0"], ["2.10.0", "2.9.0", "2.7.1"]),
        (["2.7.1-rc2"], ["2.7.1", "2.7.1-rc2"]),
        ([], ["2.7.1"]),
    ],
)
def test_a_section_goes_where_its_version_belongs(before: list[str], order: list[str]) -> None:
    page = read_page("# C\n\n## Unreleased\n\n" + "".join(f"## {version}\n\n- {version}\n\n" for version in before))
    made = put(page, Part("## 2.7.1\n", "\n- new\n", read_tag("2.7.1")))
    versions = [str(part.version) for part in read_page(made.text).parts if part.version]
    assert versions == order
    assert "\n\n## 2.7.1\n\n- new\n" in made.text


def test_a_section_is_set_apart_from_text_that_ends_without_a_line_break() -> None:
    assert put(read_page("## 2.8.0\n- x"), Part("## 2.7.1\n", "- y\n", read_tag("2.7.1"))).text == (
        "## 2.8.0\n- x\n\n## 2.7.1\n- y\n"
    )


def test_a_link_reference_is_added_in_order_or_put_right() -> None:
    page = read_page("## [2.8.0]\n\n[2.8.0]: https://old\n[2.6.0]: https://six\n")
    page = refer(refer(page, "2.7.1", "https://seven"), "2.8.0", "https://new")
    assert page.after == "[2.8.0]: https://new\n[2.7.1]: https://seven\n[2.6.0]: https://six\n"
    assert refer(page, "2.5.0", "").text == page.text


def test_a_hostile_file_costs_no_more_than_its_length() -> None:
    for piece in ("## ", "## [", "[x]: y\n", "`" * 3 + "\n", "<!--", "-----\n", "a" * 60 + ".", "## 1.1.1.1"):
        read_page(piece * 5000)
