"""What of a comment is plain speech: its lines without code, quotes, lists, headings, HTML and links.

It must never take a line of those for speech, whichever forge shows the comment, nor more time than its length asks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Without `lheading` a dash line under a command leaves it a command; without `text_join` an escaped slash stays apart.
_MARKDOWN = MarkdownIt("commonmark").disable(["lheading", "text_join"])

_LINE_END = re.compile(r"\r\n?")

NOT_TEXT = "\ufffc"
"""Stands for code, a link, an image or HTML: a line that begins with it is no command, and no word has it."""


def plain_lines(body: str) -> Iterator[str]:
    """The lines of the plain paragraphs of a comment, in order."""
    text = _LINE_END.sub("\n", body)
    tokens = _MARKDOWN.parse(text)
    quoted = _fenced_quotes(tokens, text.split("\n"))
    hiding = _Hiding()
    before = None
    for token in tokens:
        if token.type == "html_block":
            hiding.read(token.content)
        elif token.type == "inline":
            said = _text(token.children or [], hiding)
            if before and before.type == "paragraph_open" and before.level == 0 and not quoted[_line_of(token)]:
                yield from said.split("\n")
        before = token


def _line_of(token: Token) -> int:
    """Where a block begins, counted from 0."""
    return token.map[0] if token.map else 0


# ── inside a paragraph ───────────────────────────────────────────────────────────────────────────────────────────────


def _text(tokens: list[Token], hiding: _Hiding) -> str:
    parts: list[str] = []
    inside_link = 0
    for token in tokens:
        inside_link += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "html_inline":
            hiding.read(token.content)
        if token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif inside_link == 0 and not hiding and token.type == "text":
            parts.append(token.content)
        elif not _is_comment(token, parts):
            parts.append(NOT_TEXT)
    return "".join(parts)


def _is_comment(token: Token, before: list[str]) -> bool:
    """An HTML comment behind some text is as good as nothing."""
    starts_line = not before or before[-1] == "\n"
    return token.type == "html_inline" and token.content.startswith("<!--") and not starts_line


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_HIDING = "a|blockquote|code|del|kbd|math|pre|q|s|samp|script|strike|style|svg|template|textarea|title|tt|var|xmp"
_TAG = re.compile(rf"<!--.*?(?:-->|\Z)|<(/?)({_HIDING})(?=[\s/>])[^<>]*>", re.DOTALL | re.IGNORECASE)


class _Hiding:
    """The elements that are open and make what is in them no speech. What nobody knows, as `vector<int>`, is none."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def read(self, html: str) -> None:
        """Go on over a piece of HTML."""
        for closing, name in _TAG.findall(html):
            if name:
                now = self._open[name.lower()] + (-1 if closing else 1)
                self._open[name.lower()] = max(0, now)

    def __bool__(self) -> bool:
        return any(self._open.values())


# ── quotes between fences ────────────────────────────────────────────────────────────────────────────────────────────

_FENCE = re.compile(r" {0,3}>{3,}[ \t]*")


def _fenced_quotes(tokens: list[Token], lines: list[str]) -> list[bool]:
    """For each line, whether it stands between two lines of `>>>`, which one of the forges takes for a quote.

    One without an end reaches to the end of the comment.
    """
    fences = {
        number
        for token in tokens
        if token.type == "blockquote_open" and token.level == 0 and token.map
        for number in range(*token.map)
        if _FENCE.fullmatch(lines[number])
    }
    quoted, inside = [], False
    for number in range(len(lines)):
        inside ^= number in fences
        quoted.append(inside)
    return quoted
