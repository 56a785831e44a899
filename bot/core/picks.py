"""What picking commits can come to: four outcomes, never mixed up.

It must never need the rest of the core's nouns: the command line picks without them, and starts faster for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of a pick: what it was, what it became (`result` is None unless it was picked)."""

    source: str
    result: str | None
    outcome: Literal["picked", "present", "conflict", "skipped"]


@dataclass(frozen=True, slots=True)
class ConflictPath:
    """A path that git could not merge, with git's own word for the kind (`contents`, `modify/delete`, …)."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Picked:
    """Every commit applied. `commit` is the new tip, `tree` its tree."""

    onto: str
    commit: str
    tree: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Partial:
    """Some commits were there already, the rest applied."""

    onto: str
    commit: str
    tree: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Present:
    """Nothing to apply: the result's tree is the target's tree."""

    onto: str
    tree: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """git stopped at a commit; the ones after it are skipped. Nothing was resolved for anybody."""

    onto: str
    paths: tuple[ConflictPath, ...]
    steps: tuple[Step, ...]


PickOutcome = Picked | Partial | Present | Conflict
