"""Remembers what has been begun, by key, so that a key that is running or has succeeded is not begun again.

It must never remember a failure as if it were an answer, nor grow without a bound.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Lock
from typing import Generic, TypeVar

R = TypeVar("R")


class Once(Generic[R]):
    """Futures by key. Beyond `capacity` those asked for longest ago are forgotten, unless they still run."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, Future[R]] = OrderedDict()
        self._lock = Lock()

    def begin(self, key: str, start: Callable[[], Future[R]]) -> Future[R]:
        """The future of this key, from `start` if it is not known. A future that fails is forgotten."""
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
            future = self._kept[key] = start()
            self._drop_oldest()
        future.add_done_callback(partial(self._forget_failed, key))
        return future

    def forget(self, key: str) -> None:
        """Let this key be begun anew."""
        with self._lock:
            self._kept.pop(key, None)

    def __len__(self) -> int:
        return len(self._kept)

    def _drop_oldest(self) -> None:
        surplus = len(self._kept) - self._capacity
        if surplus > 0:
            done = [key for key, future in self._kept.items() if future.done()]
            for key in done[:surplus]:
                del self._kept[key]

    def _forget_failed(self, key: str, future: Future[R]) -> None:
        if future.cancelled() or future.exception() is not None:
            self.forget(key)
