r"""Makes foreign text harmless in a file that people read: it renders as its own words, and calls nobody.

It must never be skipped for what a commit or a forge says. In messages `messages.escape` does the same; there an
invisible space parts `@` from a name. A file that people edit shall hold nothing invisible, so what a forge could take
for a mention, a reference or an address becomes code here, and so stays what people write as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from bot.core.messages.escape import code, one_line

_PLAIN = re.compile(r"[A-Za-z('\"][\w .,;:()/'\"+=?-]*+")
"""What most titles are made of. They are done with after one look."""
_TROUBLE = ("://", "www.", "gh-", "gl-")
_OUTER = re.compile(r"_(?:(?<![^\W_]_)|(?![^\W_]))")
"""Underscores but those within a word. It begins with a plain one, so that they are gone to at once."""

_PIECE = re.compile(
    r"""
    (?P<called> (?: [\w+.-]{0,20}:// | www\. | \[[a-z_]{1,30}:
                  | (?<![^\W_]) (?: @(?=\w) | [\w./-]{0,100}[#!~%&$^](?=[\w"{]) | G[HL]-(?=\d) ) ) [^\s`]*+ )
  | (?P<under> (?<![^\W_])_+ | _+(?![^\W_]) )
  | (?P<marked> [\\`*\[\]<>~$&|] )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TICKS = re.compile("(`+)")
_EDGE = "\0"
"""Of a code span, which no line holds: two spans that touch would become another one."""
_START = re.compile(r"(?:[-+>#=](?=\s|$|[-+>#=])|(?P<number>[0-9]{1,9})(?=[.)](?:\s|$)))")


@lru_cache(maxsize=2000)
def harmless_name(name: str) -> str:
    """The same of a name, of which there are few and which come again and again."""
    return harmless(name, 60)


def harmless(text: str, limit: int = 300) -> str:
    """One line of Markdown that shows the text and does nothing else. Code spans stay code spans."""
    if len(text) <= limit and _PLAIN.fullmatch(text):
        lowered = text.lower()
        calls = any([trouble in lowered for trouble in _TROUBLE])  # noqa: C419 - a list is quicker than a generator
        if not calls and ("_" not in text or not _OUTER.search(text)):
            return text
    line = one_line(text, limit)
    start = _START.match(line)
    shown = "".join(_show_all(_TICKS.split(line))).replace(_EDGE * 2, " ").replace(_EDGE, "")
    if start is None or not shown.startswith(start[0]):
        return shown
    return f"{start['number']}\\{line[start.end()]}{shown[start.end() + 1:]}" if start["number"] else f"\\{shown}"


def _show_all(parts: Sequence[str]) -> Iterator[str]:
    """Text and runs of backticks in turn: from one run to the next of the same length is a code span."""
    ends: dict[str, int] = {}
    closing: dict[int, int] = {}
    for at in range(len(parts) - 2, 0, -2):
        if parts[at] in ends:
            closing[at] = ends[parts[at]]
        ends[parts[at]] = at
    at = 0
    while at < len(parts):
        end = closing.get(at)
        if end is not None:
            inside = "".join(parts[at + 1 : end])
            yield f"{_EDGE}{code(inside.strip() or ' ', 2000)}{_EDGE}"
        elif at % 2:
            yield "\\`" * len(parts[at])
        else:
            yield _PIECE.sub(_shown, parts[at])
        at = at + 1 if end is None else end + 1


def _shown(piece: re.Match[str]) -> str:
    if piece["called"]:
        return _as_code(piece["called"])
    if piece["under"]:
        return "\\_" * len(piece["under"])
    return f"\\{piece['marked']}"


def _as_code(text: str) -> str:
    """What stands at the end of a sentence is not part of an address."""
    bare = text.rstrip(".,;:!?)")
    return f"{_EDGE}`{bare}`{_EDGE}{text[len(bare):]}" if bare else text
