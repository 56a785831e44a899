"""The version tags that a sweep has seen of a repository, as a short text: what is new or has moved is told by it.

It must never grow with all that a repository calls a tag: versions count, the highest of them, twelve characters each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal

from bot.core.tagging import TagFound
from bot.core.versions import read_tag

MOST = 3_000
"""Tags that are remembered, the highest versions first: 36 kB at most, where a project with fifty lines has 6."""

_SPARE = 300
"""So many more are remembered than are looked at: what moves up when others go is no news."""

_NAME, _WIDTH = 8, 12
"""Of a tag's twelve characters eight stand for its name: of a thousand tags none is like another but once in 8,000."""

_News = Literal["created", "moved"]


def remember(tags: Iterable[TagFound]) -> str:
    """The tags, which `find_news` compares later ones with."""
    ordered = sorted(tags, key=lambda tag: (_order(tag), tag.name), reverse=True)
    return "".join(map(_digest, ordered[:MOST]))


def find_news(tags: Sequence[TagFound], known: str) -> tuple[tuple[TagFound, _News], ...]:
    """Which of the tags were not there, or named something else, in the order of their versions."""
    before = {known[at : at + _NAME]: known[at + _NAME : at + _WIDTH] for at in range(0, len(known), _WIDTH)}
    found: list[tuple[TagFound, _News]] = []
    for tag in sorted(tags, key=lambda tag: (_order(tag), tag.name), reverse=True)[: MOST - _SPARE]:
        digest = _digest(tag)
        if (was := before.get(digest[:_NAME])) != digest[_NAME:]:
            found.append((tag, "created" if was is None else "moved"))
    return tuple(reversed(found))


def _digest(tag: TagFound) -> str:
    return _short(tag.name, _NAME) + _short(tag.sha, _WIDTH - _NAME)


def _short(text: str, length: int) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:length]


def _order(tag: TagFound) -> tuple[int, int, int, bool, int]:
    version = read_tag(tag.name)
    assert version is not None  # whoever asks has looked
    line, candidate = version.line, version.candidate
    return line.major, line.minor, version.patch, candidate is None, candidate or 0
