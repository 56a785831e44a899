"""The next version of a line and the name of its tag; where the names that move belong; what a patch must not bring.

It must never count by time, by what is nearest, or by text: only the set of all tags says what comes next, by number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bot.core.revisions import Line, Tag
from bot.core.titles import is_breaking, read_title
from bot.core.versions import Version, read_tag

_CANDIDATE = re.compile(r"[-.]?rc[.-]?(?=[0-9]+\Z)", re.ASCII | re.IGNORECASE)
_MARK = "-rc"
_NUMBERS = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TagStyle:
    """How a project writes its tags: what stands before the version, and what between it and a candidate's number."""

    prefix: str = "v"
    candidate: str = _MARK

    def write(self, version: Version) -> str:
        """The name of a version's tag, always with three parts: `v2.7.0-rc1`."""
        final = f"{self.prefix}{version.line}.{version.patch}"
        return final if version.candidate is None else f"{final}{self.candidate}{version.candidate}"


@dataclass(frozen=True, slots=True)
class Next:
    """The version that comes next."""

    version: Version
    tag: str
    why: str
    """One sentence that names the tags it follows from."""
    final: Tag | None = None
    """The line's last final, if it has one."""
    candidate: Tag | None = None
    """The last candidate of this version; of a final the one that it becomes."""


@dataclass(frozen=True, slots=True)
class NoVersion:
    """There is none, and what a person can do about it."""

    reason: str
    next_step: str


def next_candidate(line: Line, tags: Iterable[Tag], wanted: TagStyle | None = None) -> Next:
    """The next candidate of a line: rc10 follows rc9, and the first one of the next patch a final.

    `wanted` is how the policy has tags written. A line that has tags keeps the style of its last one.
    """
    found = _read(tags)
    state = _State.of(line, found)
    number = 1 if state.candidate is None else (state.candidate[0].candidate or 0) + 1
    version = Version(line, state.patch, number)
    why = _why_candidate(state, version)
    return Next(version, style_of(line, found, wanted).write(version), why, _tag(state.final), _tag(state.candidate))


def next_final(
    line: Line, tags: Iterable[Tag], number: int | None = None, wanted: TagStyle | None = None
) -> Next | NoVersion:
    """The final that a line's last candidate becomes, or the candidate of this `number`."""
    found = _read(tags)
    state = _State.of(line, found)
    own = (pair for pair in found if pair[0].line == line and pair[0].patch == state.patch)
    waiting = {pair[0].candidate: pair for pair in own if pair[0].candidate is not None}
    if not waiting:
        said = f"{state.final[1].name} is the last tag" if state.final else "there is no tag"
        return NoVersion(f"{line} has no candidate to promote: {said}.", f"Make one: /release rc {line}")
    chosen = waiting.get(max(waiting) if number is None else number)
    if chosen is None:
        there = ", ".join(f"rc={n}" for n in sorted(waiting))
        return NoVersion(f"{line}.{state.patch} has no candidate rc{number}.", f"It has {there}.")
    version = Version(line, state.patch)
    why = f"{chosen[1].name} becomes final{_after(state.final)}."
    return Next(version, style_of(line, found, wanted).write(version), why, _tag(state.final), chosen[1])


def style_wanted(tag: str | None, candidate: str | None) -> TagStyle | None:
    """How a policy has tags written (`v{version}`, `-rcN`), None where it says nothing of it."""
    if tag is None and candidate is None:
        return None
    return TagStyle((tag or "v{version}").removesuffix("{version}"), (candidate or "-rcN").removesuffix("N"))


def style_of(line: Line, tags: Iterable[tuple[Version, Tag]], wanted: TagStyle | None = None) -> TagStyle:
    """The line's own style, or what is `wanted`, or that of the newest version of all: styles are never mixed."""
    ordered = sorted(tags, key=lambda pair: (pair[0].place, pair[1].name), reverse=True)
    own = [tag.name for version, tag in ordered if version.line == line]
    if own or wanted is None:
        return _style(own or [tag.name for _, tag in ordered])
    return wanted


def _style(names: list[str]) -> TagStyle:
    """That of the first name, with the first candidate's separator: a final does not show any."""
    if not names:
        return TagStyle()
    numbers = _NUMBERS.search(names[0])
    assert numbers  # it was read as a version
    marks = (found[0] for name in names if (found := _CANDIDATE.search(name)))
    return TagStyle(names[0][: numbers.start()], next(marks, _MARK))


# ── the state of a line ──────────────────────────────────────────────────────────────────────────────────────────────

_Found = tuple[Version, Tag]


@dataclass(frozen=True, slots=True)
class _State:
    """The last final of a line, the patch that comes after it, and the last candidate of that patch."""

    final: _Found | None
    patch: int
    candidate: _Found | None

    @classmethod
    def of(cls, line: Line, found: list[_Found]) -> _State:
        own = sorted((pair for pair in found if pair[0].line == line), key=lambda pair: (pair[0].place, pair[1].name))
        final = next((pair for pair in reversed(own) if pair[0].candidate is None), None)
        after = final[0].patch + 1 if final else 0
        open_ones = [pair for pair in own if pair[0].candidate is not None and pair[0].patch >= after]
        last = open_ones[-1] if open_ones else None
        return cls(final, last[0].patch if last else after, last)


def _read(tags: Iterable[Tag]) -> list[_Found]:
    return [(version, tag) for tag in tags if (version := read_tag(tag.name))]


def _tag(found: _Found | None) -> Tag | None:
    return found[1] if found else None


def _why_candidate(state: _State, version: Version) -> str:
    if state.candidate:
        return f"{state.candidate[1].name} is the last candidate{_after(state.final)}."
    if state.final:
        return f"{state.final[1].name} is the last final, and {version.line}.{version.patch} has no candidate."
    return f"{version.line} has no tag yet."


def _after(final: _Found | None) -> str:
    return f" after {final[1].name}" if final else ""


# ── names that move ──────────────────────────────────────────────────────────────────────────────────────────────────


def place_pointers(finals: Iterable[Version], withdrawn: Iterable[Version] = ()) -> dict[str, Version]:
    """Where each name that moves belongs: `latest`, `2`, `2.7`, and `2.7.1` itself, of the finals not withdrawn.

    It is a function of the set alone, so 2.7.3 that comes after 2.8.0 moves `2.7` and nothing else.
    """
    pointers: dict[str, Version] = {}
    for version in sorted(set(finals) - set(withdrawn), key=lambda version: version.place):
        if version.candidate is None:
            line = version.line
            for name in (str(version), str(line), str(line.major), "latest"):
                pointers[name] = version
    return pointers


# ── what a version may bring ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Oversized:
    """A commit that says of itself that it brings more than a patch may."""

    sha: str
    title: str
    brings: Literal["a feature", "a breaking change"]


def find_oversized(version: Version, commits: Iterable[tuple[str, str]]) -> tuple[Oversized, ...]:
    """Of commits, each an id and a message, those that a patch should not bring (Semantic Versioning 2.0.0, 6 to 8)."""
    if not version.patch:
        return ()
    found = []
    for sha, message in commits:
        line, _, body = message.partition("\n")
        title = read_title(line)
        if is_breaking(title, body):
            found.append(Oversized(sha, line, "a breaking change"))
        elif title.kind == "feat":
            found.append(Oversized(sha, line, "a feature"))
    return tuple(found)
