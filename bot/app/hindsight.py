"""What a read finds of what was written before it, for rehearsals: flows look again at what they have made.

It must never answer for the world: what a rehearsal has not written is asked there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.core.actions import Action, Write
from bot.core.model import Release
from bot.core.publishing import EnsureRelease, FindRelease


def recall(read: Action, writes: Sequence[Write[Any]]) -> object | None:
    """The outcome of a read as the writes would have left it; None where the world has to be asked."""
    if not isinstance(read, FindRelease):
        return None
    own = [write.wish for write in writes if isinstance(write, EnsureRelease) and write.repo == read.repo]
    wish = next((wish for wish in reversed(own) if wish.tag == read.tag), None)
    return Release(wish.tag, wish.title, wish.body, "", wish.draft, wish.prerelease) if wish else None
