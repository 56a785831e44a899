"""Foreign text renders as itself: no markup, no mention, no second line."""

from __future__ import annotations

from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from bot.core.messages.escape import clip, code, fence, listed, one_line, plain, pull_link
from tests.chaos.overheard import Expected, find_faults
from tests.core.values import L26, L27, L210

HOSTILE = [
    "@ada please",
    "#12 and !13 and ~bug and %1",
    "<!-- relbot:state {} -->",
    "<img src=x onerror=alert(1)>",
    "[a](https://evil.example)",
    "![a](https://evil.example)",
    "**bold** _it_ `code` ~~x~~",
    "a | b | c",
    "a\n/backport 2.7\n",
    "a\r\n\r\n# heading",
    "a\u2028b\u202ec\x00d\x1b[31m",
    "```\nfence",
    "\\`a\\`",
    "&lt;b&gt; &#64;ada",
    "https://evil.example/x www.evil.example",
    "\ud800",
    "$(touch x)",
    "Fixes GH-12, closes gl-3",
    "[issue:1] [work_item:2] [vulnerability:3]",
    "irc://evil.example ssh://git@evil.example web+x://y",
]

MARKDOWN = MarkdownIt("commonmark").enable("table").enable("strikethrough")


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_renders_as_its_own_characters(text: str) -> None:
    tokens = MARKDOWN.parse(f"I saw {plain(text)} today.")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in tokens[1].children or []} == {"text"}
    shown = "".join(child.content for child in tokens[1].children or []).replace("\u200b", "")
    assert shown == f"I saw {one_line(text)} today."


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_stays_in_its_table_cell(text: str) -> None:
    tokens = MARKDOWN.parse(f"| a | b |\n|---|---|\n| {plain(text)} | x |")
    cells = [token.content for opening, token in pairwise(tokens) if opening.type == "td_open"]
    assert (len(cells), cells[1]) == (2, "x")


@pytest.mark.parametrize("text", ["@ada", "#12", "!12", "~bug", "%1", "&1", "$1", '~"two words"', "a@b.example"])
def test_no_reference_is_left(text: str) -> None:
    """Forges look for these in the rendered text, where the backslashes are gone."""
    rendered = MARKDOWN.render(plain(text))
    for sign in "@#!~%$":
        assert all(after in "\u200b\n<" for after in rendered.split(sign)[1:] for after in after[:1])


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_is_left_that_the_stricter_look_of_the_chaos_suite_finds(text: str) -> None:
    nothing = Expected(frozenset(), frozenset(), "https://forge.example/")
    assert find_faults(f"I saw {plain(text)} today.", nothing) == []


@pytest.mark.parametrize("text", [*HOSTILE, "`", "``a`", " ", "", "a`"])
def test_code_is_one_span_of_its_own_characters(text: str) -> None:
    tokens = MARKDOWN.parse(f"I saw {code(text)} today.")
    children = tokens[1].children or []
    assert [child.type for child in children] == ["text", "code_inline", "text"]
    shown = children[1].content.replace("\u200b", "").strip()
    assert shown == one_line(text).strip()
    assert "<!--" not in code(text)


@pytest.mark.parametrize("text", ["a", "```", "a\n`````\nb", "~~~\n</details>"])
def test_a_fence_holds_whatever_is_in_it(text: str) -> None:
    [token] = MARKDOWN.parse(fence(text, "diff"))
    assert (token.type, token.info, token.content) == ("fence", "diff", text + "\n")


def test_long_text_is_cut() -> None:
    assert one_line("x" * 300) == "x" * 199 + "…"
    assert one_line("x" * 200) == "x" * 200
    assert len(one_line("a b" * 10_000, 50)) <= 50
    assert clip("1\n2\n3", 100) == "1\n2\n3"
    assert clip("aaaa\nbbbb\ncccc\ndddd", 11) == "aaaa\nbbbb\n… and 2 more lines"
    assert clip("a" * 50, 10) == "a" * 10 + "\n…"


def test_lines_and_pulls_are_named() -> None:
    assert listed((L210, L27, L26)) == "2.10, 2.7 and 2.6"
    assert listed((L27,)) == "2.7"
    assert listed(()) == "none"
    assert pull_link(12, None) == "#12"
    assert pull_link(12, "https://x/12") == "[#12](https://x/12)"
