"""Looks at what the bot has written, as a forge would show it: nobody called, nothing referred to, nobody's markup.

It must never look at less than the whole text: what it does not understand is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.core.commands import read_commands

MARKDOWN = MarkdownIt("commonmark").enable("table").enable("strikethrough")
LONGEST = 65_536
_OURS = re.compile(
    r"(?:<!-- relbot:[^<>]*? -->"
    r"|<details><summary>How the pick differs from the original</summary>|</details>)\s*"
)
_REFERENCES = (
    re.compile(r"[~%&$^][\w\"{]"),
    re.compile(r"(?i)\bG[HL]-\d"),
    re.compile(r"\[[a-z_]+:"),
    re.compile(r"(?<!\u200b)://|\bwww\."),
    re.compile(r"\S@\w"),
)
_MENTION = re.compile(r"@([A-Za-z0-9_][\w-]*)")
_NUMBER = re.compile(r"[#!](\d+)")
_QUICK = re.compile(r"^[ \t]*/[a-z]", re.IGNORECASE)


@dataclass(frozen=True)
class Expected:
    """Whom the bot may call, which numbers it may name, and where its links may lead."""

    people: frozenset[str]
    numbers: frozenset[int]
    address: str


def find_faults(body: str, expected: Expected) -> list[str]:
    """Everything in a comment or a pull's body that should not be there."""
    found = [f"it is {len(body)} characters long"] if len(body) > LONGEST else []
    found += [f"the bot would obey {said}" for said in read_commands(body)]
    for token in MARKDOWN.parse(body):
        if token.type == "html_block" and not _OURS.fullmatch(re.sub(r"-->\n<", "--><", token.content)):
            found += [f"HTML: {part[:200]!r}" for part in _OURS.sub("", token.content).split("\n") if part.strip()]
        found += _inline(token.children or [], expected)
    return found


def _inline(tokens: list[Token], expected: Expected) -> Iterator[str]:
    said = ""
    for token in tokens:
        if token.type == "link_open" and not str(token.attrGet("href")).startswith(expected.address):
            yield f"a link to {token.attrGet('href')}"
        elif token.type == "image":
            yield f"an image from {token.attrGet('src')}"
        elif token.type == "html_inline" and not _OURS.fullmatch(token.content):
            yield f"HTML: {token.content[:200]!r}"
        said += token.content if token.type == "text" else "\n" if "break" in token.type else "\ufffc"
    yield from _speech(said, expected)


def _speech(said: str, expected: Expected) -> Iterator[str]:
    """What a forge looks for in the text once the Markdown is gone."""
    yield from (f"a mention of @{name}" for name in _MENTION.findall(said) if name not in expected.people)
    yield from (f"a reference to {number}" for number in _NUMBER.findall(said) if int(number) not in expected.numbers)
    for pattern in _REFERENCES:
        yield from (f"{match[0]!r} in {said[max(0, match.start() - 20) :][:60]!r}" for match in pattern.finditer(said))
    yield from (f"a quick action: {line[:60]!r}" for line in said.split("\n") if _QUICK.match(line))
