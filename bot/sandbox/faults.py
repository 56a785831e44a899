"""Failures on demand, and the journal of what was asked: what tests of a client need from a server.

It never fails by itself: every fault was asked for, and is used up after the times it was asked for.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import dataclass, field

_KEPT = 20_000


@dataclass
class Fault:
    """A failure for the next `times` requests of `method` ("" for any) whose path `path` (a regex) is found in.

    The answer gets `status` and `body`; status 0 leaves it as it is, for a fault that only takes `delay` seconds or
    drops the connection. `after` does what was asked first, and then fails.
    """

    path: str
    method: str = ""
    status: int = 0
    delay: float = 0.0
    drop: bool = False
    after: bool = False
    times: int = 1
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)

    def fits(self, method: str, path: str) -> bool:
        return self.method in {"", method} and re.search(self.path, path) is not None


@dataclass(frozen=True)
class Entry:
    """One request of the journal; `operation` is the route's template, or the service for git over HTTP."""

    kind: str
    """`api` or `git`."""
    method: str
    path: str
    operation: str
    status: int
    """0 when the connection was dropped."""


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Ask for a fault. Raises `re.error` when its path is not a regular expression."""
        re.compile(fault.path)
        with self._lock:
            self._waiting.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that fits, used up once."""
        with self._lock:
            for fault in self._waiting:
                if fault.times > 0 and fault.fits(method, path):
                    fault.times -= 1
                    return fault
        return None

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()


class Journal:
    """The last requests, in the order in which they were answered."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=_KEPT)
        self.unknown: list[str] = []
        """Method and path of every API request that no route answers: what a client needs and the sandbox lacks."""

        self.unread: list[str] = []
        """Every parameter of an API request that was granted and that its route did not even look at."""

        self.crashes: list[str] = []
        """Tracebacks of the sandbox's own mistakes."""

    def count(self, kind: str) -> int:
        """How many requests of one kind there were."""
        return sum(entry.kind == kind for entry in self.entries)

    def clear(self) -> None:
        self.entries.clear()
