"""What of a comment is plain speech: its lines without code, quotes, lists, headings, tables, HTML and links.

It must never take a line of those for speech, whichever forge shows the comment: what can be read in two ways is none.
Nor may it take more time than the comment's length asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote
from markdown_it.token import Token

from bot.core.markup import OpenElements


def _quote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A quote, as markdown-it finds it, as long as the comment may look ahead.

    For each quote it looks ahead to the next blank line, though the quote may end long before: many short ones among
    other text would take the square of the time.
    """
    if state.env["ahead"] < 0 or not blockquote(state, start, end, silent):
        return False
    if not silent:
        blank = next((number for number in range(state.line, end) if state.isEmpty(number)), end)
        state.env["ahead"] -= blank - state.line
    return True


# Without `text_join` an escaped slash stays apart.
_MARKDOWN = MarkdownIt("commonmark").disable("text_join")
_MARKDOWN.block.ruler.at("blockquote", _quote, {"alt": ["paragraph", "reference", "blockquote", "list"]})

_AHEAD = 500
"""Lines that may be looked at in vain for quotes, and as many more as the comment has; with more it is not read."""

_LINE_END = re.compile(r"\r\n?")

NOT_TEXT = "\ufffc"
"""Stands for code, a link, an image or HTML: a line that begins with it is no command, and no word has it."""


def plain_lines(body: str) -> Iterator[str]:
    """The lines of the plain paragraphs of a comment, in order."""
    text = _LINE_END.sub("\n", body)
    if _FRONT_MATTER.match(text):
        return
    lines = text.split("\n")
    looking = {"ahead": _AHEAD + len(lines)}
    tokens = _MARKDOWN.parse(text, looking)
    if looking["ahead"] < 0:
        return
    apart = _set_apart(tokens, lines)
    elements = OpenElements()
    before = None
    for token in tokens:
        if token.type == "html_block":
            elements.read(token.content, outer=0 if token.level == 0 else len(elements))
        elif token.type == "inline":
            plain = _is_paragraph(before) and apart.isdisjoint(_lines_of(token)) and not _TABLE.search(token.content)
            said = _text(token.children or [], elements, outer=0 if plain else len(elements))
            if plain:
                yield from _unmarked(said)
        before = token


def _is_paragraph(token: Token | None) -> bool:
    """Whether it opens a paragraph of the comment itself. A line of dashes below makes a heading that nobody meant."""
    if token is None or token.level > 0:
        return False
    return token.type == "paragraph_open" or (token.type == "heading_open" and token.markup == "-")


def _lines_of(token: Token) -> range:
    """Where a block stands, counted from 0."""
    return range(*token.map) if token.map else range(0)


# ── inside a paragraph ───────────────────────────────────────────────────────────────────────────────────────────────

# The row below a table's head: the one mark of a table that every forge asks for.
_TABLE = re.compile(r"^(?=[^\n]*-)(?=[^\n]*[|:])[ \t|:-]+$", re.MULTILINE)


def _text(tokens: list[Token], elements: OpenElements, outer: int) -> str:
    parts: list[str] = []
    inside_link = 0
    for token in tokens:
        inside_link += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "html_inline":
            elements.read(token.content, outer)
        if token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif inside_link == 0 and not elements and token.type == "text":
            parts.append(token.content)
        elif not _is_comment(token, parts):
            parts.append(NOT_TEXT)
    return "".join(parts)


def _is_comment(token: Token, before: list[str]) -> bool:
    """An HTML comment behind some text is as good as nothing."""
    starts_line = not before or before[-1] == "\n"
    return token.type == "html_inline" and token.content.startswith("<!--") and not starts_line


def _unmarked(said: str) -> Iterator[str]:
    """The lines that do not begin between two `~` or two `$`, which may strike them out or make mathematics of them."""
    spans = [(said.find(mark), said.rfind(mark)) for mark in "~$"]
    at = 0
    for line in said.split("\n"):
        if not any(first < at <= last for first, last in spans):
            yield line
        at += len(line) + 1


# ── what only one of the forges sets apart ───────────────────────────────────────────────────────────────────────────

_FRONT_MATTER = re.compile(
    r"(?:[^\n]*coding:[^\n]*\n)?\s*+^(---|\+\+\+|;;;)[ \t]*+\S*+[ \t]*+\n"
    r"(?:[^\n]*\n)*?(?:\1|\.\.\.)[ \t]*+$",
    re.MULTILINE,
)
"""A comment that begins so is no speech at all: below it one forge begins afresh, and the other does not."""

_FENCE = re.compile(r" {0,3}>{3,}[ \t]*")
_FOOTNOTE = re.compile(r" {0,3}\[\^[^\]\s]+\]:")


def _set_apart(tokens: list[Token], lines: list[str]) -> set[int]:
    """The lines in quotes between fences, in footnotes and in mathematics."""
    return {*_fenced_quotes(tokens, lines), *_footnotes(tokens, lines), *_mathematics(lines)}


def _fenced_quotes(tokens: list[Token], lines: list[str]) -> Iterator[int]:
    """What stands between two lines of `>>>`, equally long; a shorter pair may stand in a longer one.

    One without an end reaches to the end of the comment, and so does everything after one that can be read in two ways.
    """
    quotes = [_lines_of(token) for token in tokens if token.type == "blockquote_open" and token.level == 0]
    first, within = {quote.start for quote in quotes}, {number for quote in quotes for number in quote}
    opened: list[int] = []
    lost = False
    for number, line in enumerate(lines):
        if _FENCE.fullmatch(line) and not lost:
            length = line.count(">")
            if opened and number in within and length == opened[-1]:
                opened.pop()
            elif (number in within and length < opened[-1]) if opened else number in first:
                opened.append(length)
            else:
                lost = bool(opened) or number in within
        if lost or opened:
            yield number


def _footnotes(tokens: list[Token], lines: list[str]) -> Iterator[int]:
    """From the beginning of a footnote to the first line behind a blank one that is not indented."""
    code = {number for token in tokens if token.type == "fence" for number in _lines_of(token)}
    inside, before = False, ""
    for number, line in enumerate(lines):
        if not before.strip() and line.strip() and not line[0].isspace():
            inside = False
        inside |= number not in code and bool(_FOOTNOTE.match(line))
        if inside:
            yield number
        before = line


def _mathematics(lines: list[str]) -> Iterable[int]:
    """From the first `$$` to the last."""
    marked = [number for number, line in enumerate(lines) for _ in range(line.count("$$"))]
    return range(marked[0], marked[-1] + 1) if len(marked) > 1 else ()
