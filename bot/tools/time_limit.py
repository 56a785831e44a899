"""Ends what takes longer than it may: one thread keeps all time limits of the program.

It must never decide what ending means; whoever sets a limit says what is to be done.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Watch:
    """A thread for each limit would cost as much as a small merge does; this one starts once and mostly sleeps."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[object, tuple[float, Callable[[], object]]] = {}
        self._looks_at: float | None = None
        """When the thread looks next; None before it has started."""

    def add(self, key: object, at: float, end: Callable[[], object]) -> None:
        with self._changed:
            self._due[key] = at, end
            if self._looks_at is None:
                self._looks_at = at
                threading.Thread(target=self._run, name="time limits", daemon=True).start()
            elif at < self._looks_at:
                self._changed.notify()

    def remove(self, key: object) -> None:
        with self._changed:
            self._due.pop(key, None)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for key in [key for key, (at, _) in self._due.items() if at <= now]:
                    self._due.pop(key)[1]()  # under the lock: what has just ended by itself is not ended again
                self._looks_at = min((at for at, _ in self._due.values()), default=math.inf)
                self._changed.wait(min(self._looks_at - now, threading.TIMEOUT_MAX))


_watch = _Watch()


@contextmanager
def time_limit(seconds: float, end: Callable[[], object]) -> Iterator[None]:
    """Have `end` called from another thread if the block takes longer than so many seconds.

    `end` must not raise and must be quick: while it runs, no other limit is kept.
    """
    key = object()
    _watch.add(key, time.monotonic() + seconds, end)
    try:
        yield
    finally:
        _watch.remove(key)
