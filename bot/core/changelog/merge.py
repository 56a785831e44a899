"""Three-way merge of a section: what was generated last time, what people made of it, what is generated now.

It must never lose a person's words: where both sides have changed one entry, theirs stands and the other is reported.

A hidden comment at the end of a section remembers what was generated: for each entry a digest of its text, and one of
the pulls that it names. A merge has only to know what is equal to what, so no copy is needed: fourteen characters an
entry instead of a hundred. It survives spaces and moved lines; where it is gone, every line counts as a person's.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from bot.core.changelog.rules import BREAKING, CATEGORIES, KNOWN_ISSUES, NEWCOMERS, OTHER, REVERTED, UPGRADING

_MARKER = re.compile(
    r"(?:(?<=\n)\r?\n)?^[ \t]*<!-- relbot:made 1(?=\s)(?P<made>[\w+/#.=\s]*+)-->[ \t]*(?:\r?\n|\Z)", re.MULTILINE
)
_GROUP = re.compile(r"[ ]{0,3}#{2,6}[ \t]+\S")
_BULLET = re.compile(r"[ ]{0,3}(?:[-*+]|[0-9]{1,9}[.)])[ \t]+\S")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_NAMED = re.compile(r"(?<![`\w])[#!]([1-9][0-9]{0,9})\b|`([0-9a-f]{10})`")
_WIDTH = 116

ORDER = [name.casefold() for name in (BREAKING, UPGRADING, *CATEGORIES, REVERTED, OTHER, KNOWN_ISSUES, NEWCOMERS)]


@dataclass(slots=True)
class Chunk:
    """An entry as it stands in the file, or any other paragraph: its lines, and the blank ones behind it."""

    text: str
    tail: str = ""
    digest: str = ""
    names: frozenset[str] = frozenset()
    """The pulls or commits that it names."""


@dataclass(slots=True)
class _Group:
    """Chunks under a heading; the first group of a section has none."""

    heading: str = ""
    tail: str = ""
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def digest(self) -> str:
        return _digest(self.heading)


@dataclass(frozen=True, slots=True)
class _Made:
    """What was generated last time, by digests."""

    heading: str
    groups: frozenset[str]
    items: dict[tuple[str, str], str]
    """Group and key → the digest of the text."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A section with the work of both sides."""

    text: str
    """With the marker at its end."""
    conflicts: tuple[str, ...] = ()
    """What would have been written where people have written something else."""


def merge(theirs: str, now: str, newline: str = "\n", untold: Collection[str] = ()) -> Merged:
    """The section that people may have edited, brought up to what is generated now. `now` has no marker.

    `untold` are groups that whoever generates cannot tell this time: what they say counts as said again.
    """
    made = _read_marker(theirs)
    heading, groups = _parse(_MARKER.sub("", theirs))
    fresh_heading, fresh = _parse(now.replace("\r\n", "\n").replace("\n", newline))
    fresh += _carried_over(groups, made, {name.casefold() for name in untold})
    work = _Merge(groups, fresh, made)
    work.retract()
    work.bring_in()
    if _digest(heading) == made.heading:
        heading = fresh_heading
    elif _digest(fresh_heading) not in (made.heading, _digest(heading)) and made.heading:
        work.conflicts.append(fresh_heading.strip())
    text = heading + "".join(_write(work.kept_groups()))
    return Merged(_marked(text, fresh_heading, fresh, newline), tuple(work.conflicts))


def _carried_over(groups: Sequence[_Group], made: _Made, untold: Collection[str]) -> list[_Group]:
    """What was generated in these groups, and still stands there as it was."""
    generated = set(made.items.values())
    found = (group for group in groups if _name(group.heading) in untold)
    return [replace(group, chunks=[one for one in group.chunks if one.digest in generated]) for group in found]


def mark(now: str, newline: str = "\n") -> str:
    """A section that nobody has edited yet, with its marker."""
    now = now.replace("\r\n", "\n").replace("\n", newline)
    return _marked(now, *_parse(now), newline)


def is_marked(section: str) -> bool:
    """Whether a section was generated, and remembers how."""
    return bool(_read_marker(section).heading)


def unmarked(section: str) -> str:
    """The section as people read it."""
    return _MARKER.sub("", section)


def remembering(section: str, like: str) -> str:
    """The section with the marker of another one, or without one where that has none."""
    found = _MARKER.search(like)
    return unmarked(section) + (f"\n{found[0].lstrip()}" if found else "")


class _Merge:
    """One merge while it is done: the groups of people's text are changed in place."""

    def __init__(self, groups: list[_Group], fresh: Sequence[_Group], made: _Made) -> None:
        self.groups = groups
        self.conflicts: list[str] = []
        self._fresh = fresh
        self._made = made
        self._new = {(group.digest, key): chunk for group in fresh for key, chunk in _keyed(group.chunks)}
        generated = set(made.items.values())
        self._there: dict[str, list[tuple[_Group, Chunk]]] = {}
        self._told: list[frozenset[str]] = []
        """What people's own words name."""
        for group in groups:
            for chunk in group.chunks:
                self._there.setdefault(chunk.digest, []).append((group, chunk))
                if chunk.digest not in generated and chunk.names:
                    self._told.append(chunk.names)

    def retract(self) -> None:
        """Take out, or renew, what was generated, was left alone by people, and is no longer generated."""
        for place, digest in self._made.items.items():
            now = self._new.get(place)
            if now is not None and now.digest == digest:
                continue
            found = self._find(digest, place[0])
            if found is None:
                self._report(now)
                continue
            group, chunk = found
            self._there[digest].remove(found)
            if now is None:
                _remove(group, chunk)
            else:
                chunk.text, chunk.digest, chunk.names = now.text, now.digest, now.names
                self._there.setdefault(now.digest, []).append(found)

    def bring_in(self) -> None:
        """Add what is generated now for the first time."""
        for group in self._fresh:
            for n, (key, chunk) in enumerate(_keyed(group.chunks)):
                if (group.digest, key) in self._made.items or self._there.get(chunk.digest):
                    continue
                if chunk.names and any(chunk.names <= names for names in self._told):
                    self._report(chunk)
                else:
                    self._insert(group, n)

    def kept_groups(self) -> list[_Group]:
        """The groups, without those that were generated and have nothing left in them."""
        first, *others = self.groups
        return [first, *(group for group in others if group.chunks or group.digest not in self._made.groups)]

    def _report(self, now: Chunk | None) -> None:
        if now is not None and self._made.heading and not self._there.get(now.digest):
            self.conflicts.append(now.text.strip())

    def _find(self, digest: str, group_digest: str) -> tuple[_Group, Chunk] | None:
        """Where people have left something as it was generated, in its own group if it is there twice."""
        found = self._there.get(digest, ())
        return min(found, key=lambda pair: pair[0].digest != group_digest, default=None)

    def _insert(self, fresh: _Group, n: int) -> None:
        """Behind what it follows now, wherever people have put that; before what follows it; or at its group's end."""
        chunk = Chunk(fresh.chunks[n].text, "", fresh.chunks[n].digest, fresh.chunks[n].names)
        group, at = self._place(fresh, n)
        if at == len(group.chunks) and group.chunks:
            chunk.tail, group.chunks[-1].tail = group.chunks[-1].tail, ""
        elif not group.chunks:
            blank, newline, rest = group.tail.partition("\n")
            group.tail, chunk.tail = blank + newline, rest or blank + newline
        group.chunks.insert(at, chunk)
        self._there.setdefault(chunk.digest, []).append((group, chunk))

    def _place(self, fresh: _Group, n: int) -> tuple[_Group, int]:
        if n and (before := self._find(fresh.chunks[n - 1].digest, fresh.digest)):
            return before[0], _index(*before) + 1
        group = next((group for group in self.groups if group.digest == fresh.digest), None)
        if group is None:
            group = self._open(fresh)
        later = {chunk.digest for chunk in fresh.chunks[n + 1 :]} if n == 0 else set()
        return group, next((at for at, other in enumerate(group.chunks) if other.digest in later), len(group.chunks))

    def _open(self, fresh: _Group) -> _Group:
        """A new group, behind those that stand before it in our order; a project's own by what is made now."""
        order = [_name(group.heading) for group in self._fresh]
        before = ORDER[: ORDER.index(name)] if (name := _name(fresh.heading)) in ORDER else order[: order.index(name)]
        at = max((n + 1 for n, group in enumerate(self.groups) if _name(group.heading) in before), default=1)
        opened, last = _Group(fresh.heading, fresh.tail), self.groups[at - 1]
        if last.chunks and not last.chunks[-1].tail:
            last.chunks[-1].tail = fresh.tail
        self.groups.insert(at, opened)
        return opened


def _name(heading: str) -> str:
    return heading.strip("# \t\r\n").casefold()


def _index(group: _Group, chunk: Chunk) -> int:
    return next(n for n, other in enumerate(group.chunks) if other is chunk)


def _remove(group: _Group, chunk: Chunk) -> None:
    at = _index(group, chunk)
    if at == len(group.chunks) - 1 and at:
        group.chunks[at - 1].tail = chunk.tail
    del group.chunks[at]


# ── reading and writing a section ────────────────────────────────────────────────────────────────────────────────────


def _parse(section: str) -> tuple[str, list[_Group]]:
    """The heading of a section, and its groups."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", section)
    heading, rest = "".join(lines[:1]), lines[1:]
    groups = [_Group()]
    fence = ""
    for line in rest:
        opening = _FENCE.match(line)
        if fence or opening:
            _grow(groups[-1], line)
            ends = bool(fence) and line.strip().startswith(fence)
            fence = "" if ends else fence or (opening[1] if opening else "")
        else:
            _take(groups, line)
    for chunk in (chunk for group in groups for chunk in group.chunks):
        chunk.digest = _digest(chunk.text)
        chunk.names = frozenset(first or second for first, second in _NAMED.findall(chunk.text))
    return heading, groups


def _take(groups: list[_Group], line: str) -> None:
    """One line outside of code."""
    group = groups[-1]
    last = group.chunks[-1] if group.chunks else None
    if not line.strip():
        if last:
            last.tail += line
        else:
            group.tail += line
    elif _GROUP.match(line):
        groups.append(_Group(line))
    elif last is None or _BULLET.match(line) or (last.tail and not line.startswith(("  ", "\t"))):
        group.chunks.append(Chunk(line))
    else:
        _grow(group, line)


def _grow(group: _Group, line: str) -> None:
    if not group.chunks:
        group.chunks.append(Chunk(line))
    else:
        last = group.chunks[-1]
        last.text, last.tail = last.text + last.tail + line, ""


def _write(groups: Iterable[_Group]) -> Iterator[str]:
    for group in groups:
        yield from (group.heading, group.tail)
        for chunk in group.chunks:
            yield from (chunk.text, chunk.tail)


def _keyed(chunks: Sequence[Chunk]) -> Iterator[tuple[str, Chunk]]:
    """Each chunk with what it is known by though its text may change: the pulls that it names."""
    counts: dict[str, int] = {}
    for chunk in chunks:
        key = _digest(" ".join(sorted(chunk.names)) if chunk.names else chunk.text)[:5]
        counts[key] = counts.get(key, 0) + 1
        yield key if counts[key] == 1 else _digest(f"{key} {counts[key]}")[:5], chunk


def _digest(text: str) -> str:
    """Eight characters for a text, whatever spaces stand in it."""
    return b64encode(sha256(" ".join(text.split()).encode(errors="replace")).digest()[:6]).decode("ascii")


# ── the marker ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _marked(text: str, heading: str, groups: Sequence[_Group], newline: str) -> str:
    made = _digest(heading) + "".join(
        f"#{group.digest}" + "".join(f".{key}{chunk.digest}" for key, chunk in _keyed(group.chunks)) for group in groups
    )
    made += f"={_digest(made)}"
    lines = [made[at : at + _WIDTH] for at in range(0, len(made), _WIDTH)]
    return f"{text.rstrip()}{newline * 2}<!-- relbot:made 1{newline}{newline.join(lines)} -->{newline}"


def _read_marker(section: str) -> _Made:
    """What the marker remembers; nothing where there is none, several, or one that was damaged."""
    found = _MARKER.findall(section)
    made, _, check = "".join(found[0].split()).partition("=") if len(found) == 1 else ("", "", "")
    if not made or _digest(made) != check:
        return _Made("", frozenset(), {})
    heading, *groups = made.split("#")
    items = {}
    for group in groups:
        name, *entries = group.split(".")
        items.update({(name, entry[:5]): entry[5:] for entry in entries})
    return _Made(heading, frozenset(group.split(".")[0] for group in groups if group), items)
