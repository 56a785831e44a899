"""Failures on demand, and the journal of what was asked: what tests of a client need from a server.

It never fails by itself: every fault was asked for, as bad weather was, and is used up after its times.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter, deque
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
    cut: bool = False
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


_SOON = 0.25
"""Seconds in which requests that were under way already may still arrive after all were asked to wait."""
_LIMITED = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
_FOR_ANY: tuple[tuple[str, Fault], ...] = (
    ("500", Fault("", status=500)),
    ("502", Fault("", status=502, body="<html>Bad gateway</html>")),
    ("503", Fault("", status=503)),
    ("502 after it was done", Fault("", status=502, after=True)),
    ("dropped before", Fault("", drop=True)),
    ("dropped after it was done", Fault("", drop=True, after=True)),
)
_FOR_API: tuple[tuple[str, Fault], ...] = (
    *_FOR_ANY,
    ("429", Fault("", status=429, headers={"Retry-After": "1"})),
    ("403, too much", Fault("", status=403, headers={"Retry-After": "1"}, body=_LIMITED)),
    ("slow", Fault("", delay=0.4)),
    ("cut", Fault("", cut=True)),
)
_PULL = re.compile(r"/(pulls|merge_requests)/\d+$")


class Mix:
    """Bad weather: a share of all requests fails in one of many ways, and pulls are not found when first asked for."""

    def __init__(self, share: float, chance: random.Random) -> None:
        self._share = share
        self._chance = chance
        self._found: set[str] = set()
        self._rest = (0.0, 0.0)
        self.drawn: Counter[str] = Counter()
        self.requests = 0
        self.early: list[str] = []
        """Requests that came although all had been asked to wait."""

    def draw(self, method: str, path: str, *, git: bool) -> Fault | None:
        """What befalls a request; None when it is spared."""
        now = time.monotonic()
        self.requests += 1
        if self._rest[0] < now < self._rest[1] and not git:
            self.early.append(f"{method} {path}, {self._rest[1] - now:.2f} s early")
        if method == "GET" and _PULL.search(path) and path not in self._found:
            self._found.add(path)
            return self._note("404 at first", Fault("", status=404, body={"message": "Not Found"}))
        if self._chance.random() >= self._share:
            return None
        name, fault = self._chance.choice(_FOR_ANY if git else _FOR_API)
        if rest := fault.headers.get("Retry-After"):
            self._rest = (now + _SOON, max(self._rest[1], now + float(rest)))
        return self._note(name, fault)

    def _note(self, name: str, fault: Fault) -> Fault:
        self.drawn[name] += 1
        return fault


class Faults:
    """The faults that are still to come."""

    mix: Mix | None = None
    """The weather, for requests that no fault was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Ask for a fault. Raises `re.error` when its path is not a regular expression."""
        re.compile(fault.path)
        with self._lock:
            self._waiting.append(fault)

    def take(self, method: str, path: str, *, git: bool = False) -> Fault | None:
        """The first fault that fits, used up once; else what the weather brings."""
        with self._lock:
            for fault in self._waiting:
                if fault.times > 0 and fault.fits(method, path):
                    fault.times -= 1
                    return fault
            return self.mix.draw(method, path, git=git) if self.mix else None

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
