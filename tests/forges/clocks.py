"""Clocks that tests can turn on, so that nobody waits."""

from __future__ import annotations

import threading
import time

from bot.forges.pacing import Clock


class Hands:
    """A clock that goes as usual and can be put forward; `clock` is what the code under test looks at."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self.clock = Clock(lambda: time.monotonic() + self._ahead, lambda: time.time() + self._ahead, time.sleep)

    def forward(self, seconds: float) -> None:
        self._ahead += seconds


class Standstill:
    """A clock on which only sleeping takes time, and that takes none. `slept` is how long each sleep was."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        self._lock = threading.Lock()
        self.clock = Clock(lambda: self.now, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds
