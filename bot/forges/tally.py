"""Counts the API requests that one piece of work has cost, whichever forge they went to, and holds it to a budget.

It must never mix up two pieces of work: each counts on its own thread and sees only what was sent from there.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from bot.core.errors import Fault
from bot.core.model import ForgeName


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


_lock = threading.Lock()
_sent: Counter[tuple[ForgeName, str]] = Counter()
_left: dict[ForgeName, int] = {}


def note_answer(forge: ForgeName, status: int | None, left: object) -> None:
    """A request was answered (None: it was not); `left` is what the forge says of how many it allows still."""
    kind = f"{status // 100}xx" if status is not None and 100 <= status < 600 else "none"
    with _lock:
        _sent[forge, kind] += 1
        if (text := str(left)).isascii() and text.isdigit() and len(text) < 9:
            _left[forge] = int(text)


def requests_sent() -> Counter[tuple[ForgeName, str]]:
    """Requests that this process has sent, by forge and kind of answer (`2xx`)."""
    with _lock:
        return Counter(_sent)


def requests_left() -> dict[ForgeName, int]:
    """How many requests each forge allowed still, by its last answer that said so."""
    with _lock:
        return dict(_left)
