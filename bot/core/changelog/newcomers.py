"""Who appears in the notes for the first time.

It must never call somebody new who wrote for the project before under the same name, nor a program at all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from bot.core.changelog.compose import Notes
from bot.core.changelog.entries import Entry


def mark_newcomers(notes: Notes, known: Collection[str]) -> Notes:
    """The notes with the first entry of each author marked who is not `known` by name; a first version has none."""
    if notes.base is None:
        return notes
    seen = {_plain(name) for name in known}
    entries = []
    for entry in notes.entries:
        new = [name for name in entry.names if _plain(name) not in seen and not _is_program(name)]
        seen.update(_plain(name) for name in new)
        entries.append(_marked(entry) if new else entry)
    return replace(notes, entries=tuple(entries))


def _marked(entry: Entry) -> Entry:
    return replace(entry, is_first=True)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _is_program(name: str) -> bool:
    return name.endswith("[bot]")
