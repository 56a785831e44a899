"""Has the queue looked at often while there is work about and seldom otherwise, and at once when work comes from here.

It must never be the only way by which work is found: what other processes put there is seen at the next look.

The engine looks every so many seconds, whatever happens, and a look costs a few milliseconds: at five a second an idle
process would burn three per cent of a core. Its loop waits on an event that tells it to stop; ours also ends the wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from dbos import DBOS
from dbos._queue import queue_worker_thread

_SOONEST = 0.2
"""Seconds between two looks that a ring has brought about: a look locks SQLite for the others."""


class Bell(threading.Event):
    """The event of one thread that looks. Set, it ends that thread, as any event; rung, it ends the wait at hand."""

    def __init__(self, seldom: float, awake: float = 60.0) -> None:
        """`seldom` is how many seconds lie between two looks once `awake` seconds have passed without a ring."""
        super().__init__()
        self._seldom = seldom
        self._awake = awake
        self._changed = threading.Condition()
        self._rung = True
        self._last = time.monotonic()
        self._heard = self._last - _SOONEST

    def ring(self) -> None:
        """There is work, or may soon be more of it."""
        with self._changed:
            self._rung = True
            self._last = time.monotonic()
            self._changed.notify_all()

    def set(self) -> None:
        """End the thread."""
        super().set()
        with self._changed:
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is set, after so many seconds, or sooner, or (where nothing has happened for long) later."""
        with self._changed:
            if time.monotonic() - self._last > self._awake:
                timeout = max(self._seldom, timeout or 0)
            if self._changed.wait_for(lambda: self._rung or self.is_set(), timeout):
                self._changed.wait_for(self.is_set, max(0.0, self._heard + _SOONEST - time.monotonic()))
                self._heard = time.monotonic()
            self._rung = False
        return self.is_set()


def keep_looking(bell: Bell, look: Callable[[], object]) -> threading.Thread:
    """A thread that has the queue looked at until the bell is set; `look` is the engine's loop, and may end early."""

    def run() -> None:
        while not bell.is_set():
            look()
            bell.wait(1)

    thread = threading.Thread(target=run, name="queue", daemon=True)
    thread.start()
    return thread


def look_at(name: str, bell: Bell, engine: DBOS) -> None:
    """The engine's own loop for one of its queues, which it must not have been told to listen to."""
    queue = engine.retrieve_queue(name)
    assert queue is not None
    queue_worker_thread(bell, engine, queue)
