"""Keeps the bot's requests to a forge as slow as the forge likes them; one `Pacer` for each account that has limits.

It must never make one account wait for another, nor hold a worker for longer than the pace's patience.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from bot.core.errors import Fault

HOUR = 3600.0
_SHORTEST_BACK_OFF, _LONGEST_BACK_OFF = 60.0, HOUR
_LONGEST_REST = 24 * HOUR
"""However long a forge asks for: a number that is a mistake must not silence the bot for good."""
_BLINK = 0.001
"""Seconds. A sleep that rounding has made too short to move the clock would be slept for ever."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the forges' clients see it: `now` counts seconds, `today` is seconds since the epoch."""

    now: Callable[[], float] = time.monotonic
    today: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast writes may follow each other: `burst` at once, then one every `interval` seconds, `hourly` in an hour.

    The defaults keep below one a second on average, 80 a minute and 500 an hour, which is what GitHub asks for.
    """

    interval: float = 1.0
    burst: int = 10
    hourly: int = 500


@dataclass(frozen=True, slots=True)
class Manners:
    """How a forge is dealt with: `timeout` is seconds for each answer, `waits` seconds before each further attempt.

    Without a `pace` the bot's writes are sent as fast as they come.
    """

    timeout: int = 15
    waits: tuple[float, ...] = (0.5, 1.0, 2.0)
    pace: Pace | None = field(default_factory=Pace)
    clock: Clock = field(default_factory=Clock)


class Pacers:
    """The pacers of one connection: accounts that have nothing to do with each other share nothing."""

    def __init__(self, manners: Manners) -> None:
        self.clock = manners.clock
        self._pace = manners.pace
        self._lock = Lock()
        self._known: dict[str, Pacer] = {}

    def of(self, account: str) -> Pacer:
        """The one pacer of an account."""
        with self._lock:
            return self._known.setdefault(account, Pacer(account, self._pace, self.clock))


class Pacer:
    """Says when the next request of one account may leave. Any number of threads may ask; each waits by itself.

    Without a `pace` writes leave at once, but what the forge has asked for is kept all the same. A wait of more than
    `patience` seconds becomes a passing `Fault`, so that whoever works on it can do something else meanwhile.
    """

    def __init__(self, account: str, pace: Pace | None, clock: Clock, patience: float = 30.0) -> None:
        """`account` names it in messages."""
        self.patience = patience
        self._account = account
        self._pace = pace
        self._clock = clock
        self._lock = Lock()
        self._closed_until = 0.0
        self._last_back_off = 0.0
        self._refilled_at = 0.0
        self._written: deque[float] = deque(maxlen=pace.hourly if pace else 1)

    def await_turn(self, *, write: bool) -> None:
        """Return when a request may leave. `Fault` when that takes longer than the patience."""
        waited = 0.0
        while (wait := self._take_turn(write=write)) > 0:
            waited += wait
            if waited > self.patience:
                raise Fault(
                    f"Requests for {self._account} rest for another {wait:.0f} s, as the forge's limits ask for.",
                    passing=True,
                    retry_after=wait,
                )
            # Outside the lock, and nothing is reserved: after a pause everybody has to ask again how things are.
            self._clock.sleep(max(wait, _BLINK))

    def rest(self, seconds: float) -> None:
        """Let nothing leave for so many seconds: the forge has said how long it wants to be left alone."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock.now() + min(seconds, _LONGEST_REST))

    def back_off(self) -> float:
        """Rest although the forge did not say for how long; the seconds. Twice as long each time it comes to nothing.

        Requests that were under way together and are all turned away count as one.
        """
        with self._lock:
            now = self._clock.now()
            if now >= self._closed_until:
                soon = self._last_back_off > 0 and now < self._closed_until + self._last_back_off
                self._last_back_off = min(self._last_back_off * 2, _LONGEST_BACK_OFF) if soon else _SHORTEST_BACK_OFF
                self._closed_until = now + self._last_back_off
            else:
                self._closed_until = max(self._closed_until, now + _SHORTEST_BACK_OFF)
            return self._closed_until - now

    def _take_turn(self, *, write: bool) -> float:
        """Take the turn if it is now, and answer 0; else the seconds until it may be."""
        with self._lock:
            now = self._clock.now()
            ready = max(self._closed_until, self._writable_at() if write else 0.0)
            if ready <= now and write and self._pace:
                self._refilled_at = max(self._refilled_at, now) + self._pace.interval
                self._written.append(now)
            return max(ready - now, 0.0)

    def _writable_at(self) -> float:
        """When the pace allows the next write: a bucket holds the burst, and is full again at `_refilled_at`."""
        if self._pace is None:
            return 0.0
        bucket = self._refilled_at - (self._pace.burst - 1) * self._pace.interval
        full = len(self._written) == self._written.maxlen
        return max(bucket, self._written[0] + HOUR) if full else bucket
