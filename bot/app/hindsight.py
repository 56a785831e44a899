"""What a read finds of what was written before it, for rehearsals: flows look again at what they have made.

It must never answer for the world: what a rehearsal has not written is asked there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from bot.core.actions import Action, Sync, Synced, Write
from bot.core.cutting import CreateBranches
from bot.core.model import Branch, Release
from bot.core.publishing import EnsureRelease, FindRelease


def recall(read: Action, writes: Sequence[Write[Any]]) -> object | None:
    """The outcome of a read as the writes would have left it; None where the world has to be asked."""
    if not isinstance(read, FindRelease):
        return None
    own = [write.wish for write in writes if isinstance(write, EnsureRelease) and write.repo == read.repo]
    wish = next((wish for wish in reversed(own) if wish.tag == read.tag), None)
    return Release(wish.tag, wish.title, wish.body, "", wish.draft, wish.prerelease) if wish else None


def amend(read: Action, outcome: object, writes: Sequence[Write[Any]]) -> object:
    """What the world has answered, with the branches that the writes would have made of commits that are there."""
    if not (isinstance(read, Sync) and isinstance(outcome, Synced)):
        return outcome
    own = [write for write in writes if isinstance(write, CreateBranches) and write.repo == read.repo]
    made = [Branch(name, write.commit) for write in own for name in write.branches if _fits(name, read.patterns)]
    return replace(outcome, branches=(*outcome.branches, *made))


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
