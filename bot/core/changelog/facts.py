"""What release notes read of what a forge says of pulls: cut down to that, and as the changelog has it.

It must never keep a whole body: what is asked and written is recorded, and a thousand bodies are megabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from bot.core.changelog.entries import PullFacts
from bot.core.changelog.told import read_note
from bot.core.issues import PullFacts as ForgeFacts
from bot.core.titles import breaking_notes

_LONGEST_TITLE = 300
_LONGEST_NOTE = 2500
"""Characters; of a note 2,000 are shown."""
_MOST_BREAKS = 10
_MOST_LABELS = 100
_TICKS = re.compile("`+")


def facts_for_notes(facts: Iterable[ForgeFacts]) -> tuple[ForgeFacts, ...]:
    """The facts by number, their bodies cut to release notes and `BREAKING CHANGE` footers. Twice is as once."""
    return tuple(_cut(one) for one in sorted(facts, key=lambda one: one.number))


def pulls_of(facts: Iterable[ForgeFacts]) -> dict[int, PullFacts]:
    """The same for the changelog."""
    return {one.number: PullFacts(one.title, one.body, one.labels, one.author) for one in facts}


def _cut(one: ForgeFacts) -> ForgeFacts:
    return replace(
        one, title=one.title[:_LONGEST_TITLE], body=_told(one.body), url="", labels=one.labels[:_MOST_LABELS],
        milestone=None, association="",
    )  # fmt: skip


def _told(body: str) -> str:
    """A body that says of release notes what this one says, and nothing else."""
    parts = []
    if (note := read_note(body)) is not None:
        note = note[:_LONGEST_NOTE].strip()
        fence = "`" * max(3, *(len(run) + 1 for run in _TICKS.findall(note)), 0)
        parts.append(f"{fence}release-note\n{note or 'NONE'}\n{fence}\n")
    breaks = breaking_notes(body) if "BREAKING" in body else ()
    parts += [f"BREAKING CHANGE: {note[:_LONGEST_NOTE].strip()}\n" for note in breaks[:_MOST_BREAKS]]
    return "\n".join(parts)
