"""The deliveries of a webhook on GitHub that nobody took, and sending them again.

It must never take a delivery for lost that got through at another attempt, nor look after a webhook that sends
elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from threading import Lock

from bot.core.actions import Missing, Refused
from bot.core.history import FailedDelivery
from bot.core.model import Repo
from bot.forges.fields import Fields
from bot.forges.github.connection import Connection
from bot.forges.github.pages import ask, each
from bot.forges.github.reading import reading
from bot.forges.github.wire import Wire
from bot.forges.settings import is_same_address
from bot.forges.wire_fault import WireFault

_HANDLE = re.compile(r"(?:[1-9][0-9]{0,18}/)?[1-9][0-9]{0,18}", re.ASCII)
_LASTS = 60.0
"""Seconds that the list of an App's deliveries is good for: it is one for all repositories, and read for each."""

_MOST_READ = 2000
"""Deliveries that are read at once: a busy App's of three days would use up what its sweeps may send."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    number: int
    guid: str
    at: int
    repository: int | None
    succeeded: bool


@dataclass(frozen=True, slots=True)
class _Read:
    """An App's deliveries since a time, as they were at another (by the clock that the connection waits by)."""

    attempts: tuple[_Attempt, ...]
    since: int
    url: str
    at: float


class Deliveries:
    """Fulfils `bot.forges.Deliveries` for one connection; `is_app` when it is a GitHub App's, which has one webhook for
    all the repositories that it is installed in.
    """

    def __init__(self, connection: Connection, *, is_app: bool) -> None:
        self._connection = connection
        self._is_app = is_app
        self._lock = Lock()
        self._read: _Read | None = None

    def failed(self, repo: Repo, url: str, since: int) -> tuple[FailedDelivery, ...] | Missing | Refused:
        """Two requests, and another for every hundred of the newest deliveries; GitHub keeps them for three days."""
        try:
            with reading(f"the deliveries of the webhook of {repo.path}"):
                return self._failed_of_app(repo, url, since) if self._is_app else self._failed(repo, url, since)
        except WireFault as fault:
            return _refused(fault, f"GitHub does not show the deliveries of the webhook of {repo.path}")

    def redeliver(self, repo: Repo, url: str, failed: FailedDelivery) -> Missing | Refused | None:  # noqa: ARG002
        """One request. GitHub sends it under the same id, a moment later."""
        if not _HANDLE.fullmatch(failed.handle):
            return Missing(f"delivery {failed.id}")
        hook, _, number = failed.handle.rpartition("/")
        try:
            if hook:
                wire, path = self._connection.wire(repo), f"/repositories/{repo.id}/hooks/{hook}/deliveries/{number}"
            else:
                wire, path = self._connection.itself(), f"/app/hook/deliveries/{number}"
            with self._lock:
                self._read = None
            wire.requestJsonAndCheck("POST", f"{path}/attempts")
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"delivery {failed.id}")
            return _refused(fault, f"GitHub did not send the delivery {failed.id} again")
        return None

    def _failed(self, repo: Repo, url: str, since: int) -> tuple[FailedDelivery, ...] | Missing:
        wire, place = self._connection.wire(repo), f"/repositories/{repo.id}/hooks"
        ours = (one for one in each(wire, place) if is_same_address(_address_of(one.fields("config")), url))
        hook = next((one.number("id") for one in ours), None)
        if hook is None:
            return Missing(f"webhook to {url}")
        return _lost(_attempts(wire, f"{place}/{hook}/deliveries", since), f"{hook}/")

    def _failed_of_app(self, repo: Repo, url: str, since: int) -> tuple[FailedDelivery, ...] | Missing:
        read = self._read_app(url, since)
        if isinstance(read, Missing):
            return read
        here = (one for one in read.attempts if one.repository == repo.id and one.at >= since)
        return _lost(here, "")

    def _read_app(self, url: str, since: int) -> _Read | Missing:
        """Read while the lock is held: whoever else asks has the same answer in a moment."""
        with self._lock:
            read, now = self._read, self._connection.clock.now()
            if read and read.since <= since and read.url == url and now - read.at < _LASTS:
                return read
            wire = self._connection.itself()
            if not is_same_address(_address_of(ask(wire, "/app/hook/config")), url):
                return Missing(f"webhook to {url}")
            found = tuple(_attempts(wire, "/app/hook/deliveries", since))
            self._read = _Read(found, since, url, now)
            return self._read


def _address_of(config: Fields) -> str:
    return config.text("url") if config.has("url") else ""


def _attempts(wire: Wire, path: str, since: int) -> Iterable[_Attempt]:
    """The newest first, as GitHub lists them, so that those of before need not be read."""
    for found in islice(each(wire, path), _MOST_READ):
        attempt = _read_attempt(found)
        if attempt.at < since:
            return
        yield attempt


def _read_attempt(found: Fields) -> _Attempt:
    code = found.number("status_code") if not found.says("status_code", 0) else 0  # 0 where nobody answered
    return _Attempt(
        number=found.number("id"),
        guid=found.text("guid"),
        at=int(datetime.fromisoformat(found.text("delivered_at")).timestamp()),
        repository=found.number("repository_id") if found.has("repository_id") else None,
        succeeded=200 <= code < 300,
    )


def _lost(attempts: Iterable[_Attempt], place: str) -> tuple[FailedDelivery, ...]:
    """Of each delivery that never got through the last attempt, the oldest first."""
    newest_first = list(attempts)
    taken = {one.guid for one in newest_first if one.succeeded}
    last = {one.guid: one for one in reversed(newest_first) if one.guid not in taken}
    found = [FailedDelivery(one.guid, f"{place}{one.number}", one.at) for one in last.values()]
    return tuple(sorted(found, key=lambda one: one.failed_at))


def _refused(fault: WireFault, opening: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404, 422):
        raise fault
    step = "Give the bot's token the permission repository webhooks: write, or press Redeliver in the settings there."
    return Refused(f"{opening}: {fault.reason}", step)
