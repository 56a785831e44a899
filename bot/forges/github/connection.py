"""One connection to GitHub for any number of threads: gives each the wires it needs, and counts what goes through them.

It must never let two threads share a wire: PyGithub keeps the request that is under way in it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property

from bot.core.model import Person, Repo, Secret
from bot.forges.answers import Answers
from bot.forges.github.identity import AppKey, Listing, Purpose, identify
from bot.forges.github.wire import Access, Wire
from bot.forges.pacing import Clock, Manners, Pacers
from bot.forges.tally import count_call

_WIRES_KEPT = 16


class Connection:
    """Requests to one API in the name of one credential."""

    def __init__(self, base_url: str, credential: Secret | AppKey, manners: Manners) -> None:
        """`UserError` when the credential cannot be used."""
        self.calls = 0
        self._base_url = base_url
        self._manners = manners
        self._answers = Answers()
        self._counting = threading.Lock()
        self._of_thread = threading.local()
        self._identity = identify(credential, Pacers(manners), self._wire_of)

    def wire(self, repo: Repo, purpose: Purpose = "work") -> Wire:
        """This thread's way to a repository, with the rights that the purpose needs."""
        return self._wire_of(self._identity.access(repo, purpose))

    def itself(self) -> Wire:
        """This thread's way to what belongs to the credential: for an App, to what it has as an App."""
        return self._wire_of(self._identity.itself())

    def everywhere(self) -> Iterator[tuple[Wire, Listing]]:
        """Where the repositories are listed that the credential reaches."""
        for access, listing in self._identity.everywhere():
            yield self._wire_of(access), listing

    @property
    def clock(self) -> Clock:
        """What it waits by."""
        return self._manners.clock

    def token(self, repo: Repo) -> Secret:
        """A token that opens the repository for some minutes at least."""
        return self._identity.access(repo, "work").grant().token

    @cached_property
    def me(self) -> Person:
        """The bot's own account; asked for once."""
        return self._identity.me()

    def _wire_of(self, access: Access) -> Wire:
        wires: OrderedDict[Access, Wire] | None = getattr(self._of_thread, "wires", None)
        if wires is None:
            wires = self._of_thread.wires = OrderedDict()
        if access not in wires:
            wires[access] = Wire(self._base_url, self._manners, access, self._answers, self._count)
            if len(wires) > _WIRES_KEPT:
                wires.popitem(last=False)
        wires.move_to_end(access)
        return wires[access]

    def _count(self) -> None:
        count_call()
        with self._counting:
            self.calls += 1
