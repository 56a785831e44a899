"""The nouns that a repository alone gives: lines, branches, commits and tags. `model` hands them on with all others.

It must never need another module: what only reads versions and history starts without the nouns of forges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A release line such as 2.7. Compared by number, so 2.10 follows 2.9 and 2.1 is not 2.10."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @classmethod
    def parse(cls, word: str) -> Line | None:
        """Read `2.7`, `v2.7`, `release/2.7` or `release/v2.7`; anything else is None."""
        match = _LINE.fullmatch(word.strip())
        return cls(int(match[1]), int(match[2])) if match else None


_LINE = re.compile(r"(?:release/)?v?(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch (its name without `refs/heads/`) and the commit at its tip."""

    name: str
    sha: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as the bot reads it: ids are full hex, times are seconds since the epoch (UTC)."""

    sha: str
    parents: tuple[str, ...]
    tree: str
    author: str
    """Name and address as git writes them: `Ada <ada@example.org>`."""
    authored_at: int
    message: str
    committed_at: int = 0

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0].strip()


class Logged(NamedTuple):
    """The same out of a long history: a tuple is made in a quarter of the time, a hundred thousand times over."""

    sha: str
    parents: tuple[str, ...]
    tree: str
    author: str
    authored_at: int
    message: str
    committed_at: int

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0].strip()


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag (its name without `refs/tags/`) and the commit that it names, whatever tag object stands between."""

    name: str
    sha: str
