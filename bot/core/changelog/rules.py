"""What a project decides about its changelog, with what holds where it decides nothing.

It must never need the library that checks a policy: the command starts twice as fast where there is no policy file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Dedupe = Literal["annotate", "omit"]
Authors = Literal["name", "link", "none"]

NONE = "none"
"""The category of what is left out."""

BREAKING, REVERTED, OTHER = "Breaking changes", "Reverted", "Other"
KNOWN_ISSUES, UPGRADING, NEWCOMERS = "Known issues", "Upgrade notes", "New contributors"

CATEGORIES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""The names that Keep a Changelog has, in its order. A project's own follow them; Reverted and Other come last.

A change that takes back what an earlier version had is neither a fix nor a feature to who reads the notes: something
is gone, so it is told under a name of its own.
"""

KINDS = {
    "feat": "Added", "fix": "Fixed", "perf": "Changed", "refactor": "Changed", "docs": "Changed", "remove": "Removed",
    "deprecate": "Deprecated", "security": "Security", "build": NONE, "chore": NONE, "ci": NONE, "style": NONE,
    "test": NONE,
}  # fmt: skip

LABELS = {
    "breaking": "Changed", "bug": "Fixed", "enhancement": "Added", "feature": "Added", "deprecation": "Deprecated",
    "security": "Security", "topic: bc breaking": "Changed", "topic: new features": "Added",
    "topic: improvements": "Changed", "topic: performance": "Changed", "topic: bug fixes": "Fixed",
    "topic: deprecation": "Deprecated", "topic: docs": "Changed", "topic: not user facing": NONE,
}  # fmt: skip

BREAKING_LABELS = frozenset({"breaking", "breaking change", "topic: bc breaking"})


@dataclass(frozen=True, slots=True)
class Rules:
    """A project's choices."""

    dedupe: Dedupe = "annotate"
    authors: Authors = "name"
    kinds: Mapping[str, str] = field(default_factory=lambda: KINDS)
    labels: Mapping[str, str] = field(default_factory=lambda: LABELS)

    def category_of_label(self, labels: tuple[str, ...]) -> str | None:
        """What the labels of a pull say, the first one that the project has listed; case does not matter."""
        worn = {label.casefold() for label in labels}
        return next((category for label, category in self.labels.items() if label.casefold() in worn), None)

    def order(self) -> tuple[str, ...]:
        """The categories in which changes stand, first to last."""
        own = dict.fromkeys((*CATEGORIES, *self.labels.values(), *self.kinds.values()))
        return (*(name for name in own if name not in (NONE, REVERTED, OTHER)), REVERTED, OTHER)
