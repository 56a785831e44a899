"""Sends webhooks: in order for each hook, from one thread for each.

It never sends twice by itself, as the forges do not: a delivery that was lost stays lost until it is asked for again.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.exchanges import Observer
from bot.sandbox.faces import Letter
from bot.sandbox.state import Hook

_TIMEOUT = 10
_KEPT = 2000
_LONGEST = 8192
_FIRST_ATTEMPT = 10_000_001


@dataclass(frozen=True)
class Attempt:
    """One attempt at a delivery, by its number on the forge; `status` is 0 for a connection that failed."""

    delivery: Delivery
    number: int
    at: int
    status: int
    again: bool
    """Whether there was one before it."""


@dataclass
class Delivery:
    """One webhook. `statuses` holds the answer of each attempt, 0 for a connection that failed."""

    id: str
    event: str
    hook: Hook
    headers: dict[str, str]
    body: bytes
    statuses: list[int] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    """The number of each attempt, and when it was."""

    @property
    def payload(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def attempts(self) -> list[Attempt]:
        """All of them, the first one first."""
        both = list(zip(self.marks, self.statuses, strict=False))
        return [Attempt(self, *mark, status, again=n > 0) for n, (mark, status) in enumerate(both)]


class Deliveries:
    """The sender. `observer` sees every event once for each hook, before it is sent."""

    def __init__(self, observer: Observer | None = None) -> None:
        self._all: deque[Delivery] = deque(maxlen=_KEPT)
        self.settled: Callable[[Hook, int], None] = lambda _hook, _status: None
        """Hears of every attempt and its answer, 0 for a connection that failed."""

        self.reseal: Callable[[Hook, Letter], Letter] = lambda _hook, letter: letter
        """Makes a webhook ready to be sent once more."""

        self.clock: Callable[[], float] = time.time
        self._numbers = itertools.count(_FIRST_ATTEMPT)
        self._outage: int | None = None
        self._deaf = False
        self._observer = observer
        self._changed = threading.Condition()
        self._waiting: dict[int, deque[Delivery]] = {}
        self._busy: set[int] = set()
        self._held = False
        self._stopped = False

    @property
    def all(self) -> list[Delivery]:
        """The newest deliveries, oldest first, as they are at this moment: others go on adding to them."""
        return list(self._all)

    def fail(self, status: int = 0) -> None:
        """From now on send nothing, and note every webhook down as failed with this status (0: nobody there)."""
        self._outage, self._deaf = status, False

    def drop(self) -> None:
        """From now on send nothing and note nothing down, as if nothing had happened."""
        self._outage, self._deaf = None, True

    def recover(self) -> None:
        """Send again what happens from now on; what was missed stays missed."""
        self._outage, self._deaf = None, False

    def attempts_to(self, *hooks: Hook) -> list[Attempt]:
        """All attempts to send to these hooks, the newest first."""
        wanted = {hook.id for hook in hooks}
        found = [attempt for each in self.all if each.hook.id in wanted for attempt in each.attempts]
        return sorted(found, key=lambda attempt: attempt.number, reverse=True)

    def send(self, hook: Hook, letter: Letter) -> None:
        """Queue a signed event for one hook."""
        if self._deaf:
            return
        delivery = self._note(hook, letter)
        if self._outage is None:
            self._queue(delivery)
        else:
            self._settle(delivery, self._outage)

    def try_out(self, hook: Hook, letter: Letter) -> tuple[int, str]:
        """Send a signed event at once, past everything that waits; the answer, or 0 and what went wrong."""
        delivery = self._note(hook, letter)
        status, said = self._attempt(delivery)
        self._settle(delivery, status)
        return status, said

    def send_again(self, delivery: Delivery) -> tuple[int, str]:
        """Send a delivery once more at once, past everything that waits; the answer, or 0 and what went wrong."""
        self._reseal(delivery)
        status, said = self._attempt(delivery)
        self._settle(delivery, status)
        return status, said

    def redeliver(self, guid: str) -> bool:
        """Send a delivery once more, with the same id and the same bytes. False when there is none of this id."""
        known = next((delivery for delivery in self.all if delivery.id == guid), None)
        if known:
            self._reseal(known)
            self._queue(known)
        return known is not None

    def last_status(self, hook: Hook) -> int | None:
        """What the last delivery to a hook met, 0 for nobody there; None when there was none yet."""
        tried = (each.statuses[-1] for each in reversed(self.all) if each.hook.id == hook.id and each.statuses)
        return next(tried, None)

    def hold(self) -> None:
        """Send nothing until `release`."""
        with self._changed:
            self._held = True

    def release(self, reorder: Callable[[list[Delivery]], list[Delivery]] = list) -> None:
        """Send what was held, in the order that `reorder` gives each hook's deliveries; it may repeat or drop some."""
        with self._changed:
            self._waiting = {hook: deque(reorder(list(queue))) for hook, queue in self._waiting.items()}
            self._held = False
            self._changed.notify_all()

    def drain(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is queued or under way; False when that took longer than `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not any(self._waiting.values()), timeout)

    def stop(self) -> None:
        """End the threads; what is still queued is not sent."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _note(self, hook: Hook, letter: Letter) -> Delivery:
        delivery = Delivery(letter.id, letter.event, hook, dict(letter.headers), letter.body)
        if self._observer:
            self._observer.observe_event(letter.event, delivery.payload)
        self._all.append(delivery)
        return delivery

    def _queue(self, delivery: Delivery) -> None:
        with self._changed:
            if delivery.hook.id not in self._waiting:
                self._waiting[delivery.hook.id] = deque()
                threading.Thread(target=self._work, args=(delivery.hook.id,), daemon=True).start()
            self._waiting[delivery.hook.id].append(delivery)
            self._changed.notify_all()

    def _work(self, hook: int) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or (not self._held and self._waiting[hook]))
                if self._stopped:
                    return
                delivery = self._waiting[hook].popleft()
                self._busy.add(hook)
            self._settle(delivery, self._attempt(delivery)[0])
            with self._changed:
                self._busy.discard(hook)
                self._changed.notify_all()

    def _reseal(self, delivery: Delivery) -> None:
        letter = self.reseal(delivery.hook, Letter(delivery.id, delivery.event, delivery.body, delivery.headers))
        delivery.headers = dict(letter.headers)

    def _attempt(self, delivery: Delivery) -> tuple[int, str]:
        return _post(delivery) if self._outage is None else (self._outage, "")

    def _settle(self, delivery: Delivery, status: int) -> None:
        delivery.marks.append((next(self._numbers), int(self.clock())))
        delivery.statuses.append(status)
        self.settled(delivery.hook, status)


def _post(delivery: Delivery) -> tuple[int, str]:
    target = urlsplit(delivery.hook.url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=_TIMEOUT)
    try:
        path = f"{target.path or '/'}?{target.query}" if target.query else target.path or "/"
        connection.request("POST", path, delivery.body, delivery.headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_LONGEST).decode(errors="replace")
    except (OSError, http.client.HTTPException) as failed:
        return 0, str(failed) or type(failed).__name__
    finally:
        connection.close()
