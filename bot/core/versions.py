"""Versions in the names of tags: read tolerantly, since projects have written them in many ways; ordered by number.

It must never take a name for a version that only resembles one: what is read here decides what is called released.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import semver

from bot.core.revisions import Line, Tag

_NUMBER = "(0|[1-9][0-9]{0,8})"
_PATTERN = re.compile(
    rf"(?:[A-Za-z][A-Za-z0-9._-]*[._-]v|v)?{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?(?:[-.]?rc[.-]?{_NUMBER})?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a line: final, or a candidate for it."""

    line: Line
    patch: int
    candidate: int | None = None

    def __str__(self) -> str:
        """As it is written back: `2.7.0` or `2.7.0-rc10`."""
        return f"{self.line}.{self.patch}" + ("" if self.candidate is None else f"-rc{self.candidate}")

    def __lt__(self, other: Version) -> bool:
        """Precedence as semantic versioning has it: rc10 follows rc9, and the final its candidates."""
        return self.place < other.place

    @property
    def place(self) -> semver.Version:
        """What versions are put in order by. A candidate's number is a part of its own there: `rc10` as one word would
        come before `rc2`.
        """
        candidate = None if self.candidate is None else f"rc.{self.candidate}"
        return semver.Version(self.line.major, self.line.minor, self.patch, candidate)


@dataclass(frozen=True, slots=True)
class Released:
    """The last tags of a line, each None where there is none."""

    candidate: Tag | None = None
    final: Tag | None = None


def read_tag(name: str) -> Version | None:
    """The version that a tag names: `v2.7.0`, `2.7.0-rc1`, `v2.7.0-rc.1`, `PyTorch-CUDA-v2.8-rc1`. None for others."""
    found = _PATTERN.fullmatch(name)
    if found is None:
        return None
    major, minor, patch, candidate = found.groups()
    line = Line(int(major), int(minor))
    return Version(line, int(patch or 0), None if candidate is None else int(candidate))


def last_of(line: Line, tags: Iterable[Tag]) -> Released:
    """The last candidate and the last final of a line."""
    candidate = final = None
    versions = ((version, tag) for tag in tags if (version := read_tag(tag.name)) and version.line == line)
    for version, tag in sorted(versions, key=lambda pair: (pair[0].place, pair[1].name)):
        candidate, final = (candidate, tag) if version.candidate is None else (tag, final)
    return Released(candidate, final)
