"""The little language in which the table of commands says what a command takes, and the reader of words by it.

It must never accept a word that no slot takes, nor drop one in silence.

`LINE` is one word of that kind, `LINE…` one or more of them, `rc|final` one of these words, `LINE|all` one of either,
`key=KIND` and `--flag` may stand anywhere, and what is in brackets may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from bot.core.model import Line

MAX_LINES = 20
"""Lines that one command may name."""

_KINDS = {
    "VERSION": r"v?\d{1,9}\.\d{1,9}\.\d{1,9}(-rc\.?\d{1,9})?",
    "CODE": r"[A-Za-z0-9-]{4,40}",
    "SHA": r"[0-9A-Fa-f]{7,64}",
    "REF": r"[^\s\ufffc]{1,240}",
    "NUMBER": r"[1-9]\d{0,8}",
    "TEXT": r"[^\ufffc]+",
    "NOTE": r"[^\ufffc]*",
}
"""What a word of each kind looks like, besides LINE. The excluded character stands for code or a link."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing that a command takes. `key` is empty for a word by its place, and NUMBER for `123="text"`."""

    kind: str
    """Kinds in capitals and words that may stand here, with `|` between them; empty for a flag."""
    key: str = ""
    needed: bool = True
    many: bool = False

    def takes(self, word: str) -> bool:
        """Whether a word fits here."""
        return any(self._fits(kind, word) for kind in self.kind.split("|"))

    def _fits(self, kind: str, word: str) -> bool:
        if kind == "LINE":
            return Line.parse(word) is not None or (self.many and word.lower() == "all")
        if kind in _KINDS:
            return re.fullmatch(_KINDS[kind], word, re.ASCII) is not None
        return word.lower() == kind


@dataclass(frozen=True, slots=True)
class Filled:
    """The words and arguments of a command, each in its slot: words by kind, arguments by key (in lower case)."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surplus:
    """A word that no slot takes."""

    word: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """A slot that has to be filled and is not."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Overfull:
    """More words than a slot for many takes."""

    limit: int


@cache
def slots_of(takes: str) -> tuple[Slot, ...]:
    """The slots that a row of the table declares."""
    return tuple(_read_slot(word) for word in takes.split())


def _read_slot(word: str) -> Slot:
    needed = not word.startswith("[")
    word = word.strip("[]")
    if word.startswith("--"):
        return Slot("", word, needed)
    key, equals, kind = word.rpartition("=")
    return Slot(kind.removesuffix("…"), key if equals else "", needed, kind.endswith("…"))


def fill(takes: str, words: list[str]) -> Filled | Surplus | Lacking | Overfull:
    """Put the words of a command into the slots of its row."""
    slots = slots_of(takes)
    args: dict[str, str] = {}
    placed: list[str] = []
    for word in words:
        named = _read_argument(slots, word)
        if named:
            args[named[0]] = named[1]
        else:
            placed.append(word)
    found = _place([slot for slot in slots if not slot.key], placed)
    if not isinstance(found, dict):
        return found
    without = next((slot for slot in slots if slot.key and slot.needed and not _is_given(slot, args)), None)
    return Lacking(without) if without else Filled(found, args)


def _is_given(slot: Slot, args: Mapping[str, str]) -> bool:
    return any(key.isdigit() for key in args) if slot.key == "NUMBER" else slot.key in args


def _read_argument(slots: tuple[Slot, ...], word: str) -> tuple[str, str] | None:
    """Key and value of `key=value`, `key="some value"` or `--flag`, where the row has such a slot."""
    key, equals, value = word.partition("=")
    key, value = key.lower(), value.strip('"') if equals else ""
    for slot in slots:
        fits = Slot("NUMBER").takes(key) if slot.key == "NUMBER" else slot.key == key
        if slot.key and fits and (slot.takes(value) if slot.kind else not equals):
            return key, value
    return None


def _place(slots: list[Slot], words: list[str]) -> dict[str, tuple[str, ...]] | Surplus | Lacking | Overfull:
    """Words by their places. Where a slot takes many, it takes all that fit."""
    found: dict[str, tuple[str, ...]] = {}
    rest = list(words)
    for slot in slots:
        fitting = next((n for n, word in enumerate(rest) if not slot.takes(word)), len(rest))
        count = fitting if slot.many else min(fitting, 1)
        if count > MAX_LINES:
            return Overfull(MAX_LINES)
        if count:
            found[slot.kind] = tuple(rest[:count])
            rest = rest[count:]
        elif slot.needed:
            return Surplus(rest[0]) if rest else Lacking(slot)
    return Surplus(rest[0]) if rest else found
