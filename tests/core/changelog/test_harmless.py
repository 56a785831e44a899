"""Foreign text in a changelog renders as its own words, and calls nobody."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.core.changelog.harmless import harmless
from bot.core.messages.escape import one_line

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["strikethrough", "table"])
PIECES = (
    "@ada", "@", "#5", "!6", "a/b#7", "GH-8", "`", "``", "```", "_", "__", "*", "\\", "<b>", "<!--", "-->", "[x](y)",
    "[", "]", "(", ")", "https://e.example", "www.e.example", "&amp;", "~~", "$", "|", "- ", "1. ", "# ", "> ", "\n",
    "word", " ", "é", "\u202e", "[issue:1]", "!", "+", "=", "---", ".",
)  # fmt: skip
CALLS = re.compile(r"(?<![^\W_])@\w|(?<![^\W_])[#!]\d|\bG[HL]-\d|://|www\.", re.IGNORECASE)


def rendered(text: str) -> tuple[str, str]:
    """What a list item of it says outside of code, and all that it says; nothing else may come of it."""
    tokens = MARKDOWN.parse(f"- {harmless(text, 2000)}\n")
    kinds = [token.type for token in tokens]
    assert kinds in (
        ["bullet_list_open", "list_item_open", "paragraph_open", "inline", "paragraph_close", "list_item_close",
         "bullet_list_close"],
        ["bullet_list_open", "list_item_open", "list_item_close", "bullet_list_close"],
    ), (text, kinds)  # fmt: skip
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "code_inline", "text_special"}, (text, inline)
    outside = "".join("\0" if child.type == "code_inline" else child.content for child in inline)
    return outside, "".join(child.content for child in inline)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_nothing_but_words_and_code_comes_of_it(text: str) -> None:
    outside, said = rendered(text)
    assert not CALLS.search(outside), (text, outside)
    letters = re.sub(r"[\s`\u200b]", "", said)
    assert letters == re.sub(r"[\s`\u200b]", "", one_line(text, 2000))


@pytest.mark.parametrize(
    "text",
    ["Fix torch.compile", "Keep snake_case_names (again), at 50 percent", "Don't retry: it's 'done'", "2.7 is out", ""],
)
def test_ordinary_titles_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize("text", ["``@ada`@ada``@ada", "``<b>`@ada``@ada", "`x``@ada`@ada", "\0\0@ada\0`x`\0"])
def test_spans_that_touch_do_not_open_each_other(text: str) -> None:
    assert not CALLS.search(rendered(text)[0])


def test_code_stays_code_and_names_of_functions_are_readable() -> None:
    assert harmless("Fix `torch.compile(x_y)` and __init__") == r"Fix `torch.compile(x_y)` and \_\_init\_\_"
    assert harmless("Use @torch.jit.ignore.") == "Use `@torch.jit.ignore`."


def test_a_long_text_is_cut() -> None:
    assert harmless("x" * 500, 100) == "x" * 99 + "…"


def test_a_hostile_text_costs_no_more_than_its_length() -> None:
    for piece in ("`", "``a", "[issue:", "_", "@", "a/", "<", "w" * 50 + "/"):
        harmless(piece * 10_000, 2000)
