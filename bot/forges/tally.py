"""Counts the API requests that one piece of work has cost, whichever forge they went to, and holds it to a budget.

It must never mix up two pieces of work: each counts on its own thread and sees only what was sent from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from bot.core.errors import Fault


@dataclass(slots=True)
class Tally:
    """Requests sent so far, of so many that may be sent (None: of any number)."""

    calls: int = 0
    budget: int | None = None


_open: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def tallying(budget: int | None = None) -> Iterator[Tally]:
    """Count the requests that are sent inside; a tally inside another one counts for itself alone."""
    tally = Tally(budget=budget)
    token = _open.set(tally)
    try:
        yield tally
    finally:
        _open.reset(token)


def count_call() -> None:
    """One request is about to leave; called by whatever sends it. Raises `Fault` when it would pass the budget."""
    if tally := _open.get():
        if tally.budget is not None and tally.calls >= tally.budget:
            raise Fault(f"This work has sent {tally.calls} requests and may send no more: something makes it go round.")
        tally.calls += 1
