"""Counts the API requests that one piece of work has cost, whichever forge they went to.

It must never mix up two pieces of work: each counts on its own thread and sees only what was sent from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Requests sent so far."""

    calls: int = 0


_open: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def tallying() -> Iterator[Tally]:
    """Count the requests that are sent inside; a tally inside another one counts for itself alone."""
    tally = Tally()
    token = _open.set(tally)
    try:
        yield tally
    finally:
        _open.reset(token)


def count_call() -> None:
    """One request leaves; called by whatever sends it."""
    if tally := _open.get():
        tally.calls += 1
