"""The deliveries of a webhook on GitLab that nobody took, and sending them again.

It must never take a delivery for lost that got through at another attempt, nor ask for more of them in a minute than
GitLab allows: what goes beyond would silence the whole connection.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from threading import Lock

from bot.core.actions import Missing, Refused
from bot.core.errors import Fault
from bot.core.history import FailedDelivery
from bot.core.model import Repo
from bot.forges.fields import Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import reading
from bot.forges.settings import is_same_address
from bot.forges.wire_fault import WireFault

_HANDLE = re.compile(r"[1-9][0-9]{0,18}/[1-9][0-9]{0,18}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)
_PAGE = 20
"""GitLab gives no more of these at a time, and refuses whoever asks for more."""

_MOST_READ = 200
"""Deliveries of a kind that are read at once: each comes with all that was sent."""

_MOST_SENT, _IN = 5, 60.0
"""How many GitLab sends again for one project and account, in how many seconds."""


class Deliveries:
    """Fulfils `bot.forges.Deliveries` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = Lock()
        self._sent: dict[int, deque[float]] = {}

    def failed(self, repo: Repo, url: str, since: int) -> tuple[FailedDelivery, ...] | Missing | Refused:
        """Two requests where none failed, else one more for every twenty; GitLab keeps them for seven days.

        Before it told when a delivery was sent (that is newer than the list itself) all of them count as failed at
        `since`.
        """
        try:
            with reading(f"the deliveries of the webhook of {repo.path}"):
                hook = self._find(repo, url)
                return Missing(f"webhook to {url}") if hook is None else self._failed(repo, hook, since)
        except WireFault as fault:
            return _refused(fault, f"GitLab does not show the deliveries of the webhook of {repo.path}", _UNTOLD)

    def redeliver(self, repo: Repo, url: str, failed: FailedDelivery) -> Missing | Refused | None:  # noqa: ARG002
        """One request; GitLab sends it at once, under the same id, and answers when that is done."""
        if not _HANDLE.fullmatch(failed.handle):
            return Missing(f"delivery {failed.id}")
        self._await_turn(repo)
        hook, _, event = failed.handle.partition("/")
        try:
            self._connection.client.http_post(f"/projects/{repo.id}/hooks/{hook}/events/{event}/resend")
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"delivery {failed.id}")
            return _refused(fault, f"GitLab did not send the delivery {failed.id} again", _UNSENT)
        return None

    def _find(self, repo: Repo, url: str) -> int | None:
        hooks = self._connection.client.http_list(f"/projects/{repo.id}/hooks", iterator=True)
        found = (hook for hook in (Fields("", one) for one in hooks) if is_same_address(hook.text("url"), url))
        return next((hook.number("id") for hook in found), None)

    def _failed(self, repo: Repo, hook: int, since: int) -> tuple[FailedDelivery, ...]:
        last: dict[str, FailedDelivery] = {}
        for known_as, event in self._events(repo, hook, "client_failure,server_failure", since):
            number, at = event.number("id"), _seconds(event)
            found = FailedDelivery(known_as, f"{hook}/{number}", since if at is None else at)
            last.setdefault(known_as, found)  # the newest come first
        if last:
            earliest = min(one.failed_at for one in last.values())
            for known_as, _ in self._events(repo, hook, "successful", earliest):
                last.pop(known_as, None)
        oldest_first = list(last.values())[::-1]  # those of one second too
        return tuple(sorted(oldest_first, key=lambda one: one.failed_at))

    def _events(self, repo: Repo, hook: int, status: str, since: int) -> Iterator[tuple[str, Fields]]:
        """Attempts that came to this, the newest first, each with what its delivery is called when it arrives."""
        path = f"/projects/{repo.id}/hooks/{hook}/events"
        listed = self._connection.client.http_list(path, iterator=True, per_page=_PAGE, status=status)
        for count, one in enumerate(listed):
            event = Fields("", one)
            at = _seconds(event)
            if count >= _MOST_READ or (at is not None and at < since):
                return
            if known_as := _name_of(event):
                yield known_as, event

    def _await_turn(self, repo: Repo) -> None:
        """Nobody waits here: who has asked too often may come again when there is room."""
        with self._lock:
            now = self._connection.clock.now()
            sent = self._sent.setdefault(repo.id, deque(maxlen=_MOST_SENT))
            if len(sent) == _MOST_SENT and now - sent[0] < _IN:
                wait = _IN - (now - sent[0])
                raise Fault(
                    f"GitLab sends {_MOST_SENT} deliveries of {repo.path} again in a minute, and I have asked for as "
                    f"many. The next one can go in {wait:.0f} s.",
                    passing=True,
                    retry_after=wait,
                )
            sent.append(now)


def _name_of(event: Fields) -> str:
    """What `gitlab_hooks` calls the delivery: GitLab keeps the headers it was sent with. Empty where none tells."""
    headers = event.fields("request_headers")
    named = {name.lower(): headers.text(name) for name in headers.names() if name.lower() in _NAMES}
    known_as = next((named[name] for name in _NAMES if named.get(name)), "")
    return known_as if _ID.fullmatch(known_as) else ""


_NAMES = ("webhook-id", "idempotency-key")


def _seconds(event: Fields) -> int | None:
    return int(datetime.fromisoformat(event.text("created_at")).timestamp()) if event.has("created_at") else None


_UNTOLD = (
    "Give the bot's token the scope api and the role Maintainer there, and see that GitLab is 17.3 or newer; sweeps "
    "find most of what was lost without it."
)
_UNSENT = "See whether the webhook is switched on and GitLab reaches the server; sweeps find most of it without this."


def _refused(fault: WireFault, opening: str, step: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404, 422):
        raise fault
    return Refused(f"{opening}: {fault.said or fault}", step)
