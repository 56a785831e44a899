"""Takes deliveries so that none is lost: into the database with the order to plan it, or else onto the disk.

It must never answer that a delivery was taken before it is where a crash cannot reach it.
"""

from __future__ import annotations

import logging
import threading
import time

from bot.app.durable import Queue
from bot.app.store import deliveries
from bot.app.store.database import Database
from bot.app.store.spool import Spool
from bot.core.errors import Fault
from bot.core.events import Delivery, Event
from bot.core.model import ForgeName, Repo

_log = logging.getLogger(__name__)

_RESPITE = 1.0
"""Seconds for which a database that was away is not asked again by those who are waited for."""


class Intake:
    """The way in. Safe to share between threads."""

    def __init__(self, database: Database, queue: Queue, spool: Spool, look: float = 2.0) -> None:
        """`look` is how many seconds lie between two looks at whether the database takes what is spooled."""
        self._database = database
        self.queue = queue
        self._spool = spool
        self._look = look
        self._away_until = 0.0
        self._stopping = threading.Event()
        self._drainer = threading.Thread(target=self._keep_draining, name="spool", daemon=True)
        self._drainer.start()

    def handle(self, delivery: str, event: Event) -> None:
        """Take a delivery. Raises `Fault`, passing, when neither the database nor the disk has it."""
        forge, told = event.repo.forge, Delivery(delivery, event)
        try:
            self._try_to_keep(forge, told)
        except Fault as fault:
            _log.warning("a delivery is spooled: %s", fault, extra={"delivery": delivery})
            self._spool.put(forge, told)

    def take_found(self, repo: Repo, found: Delivery) -> bool:
        """Take what a sweep has found; whether it is news. Raises `Fault` while the database is away."""
        assert isinstance(found.event, Event)
        return self._put(deliveries.found_key(repo, found.id), found.event)

    def drain(self) -> int:
        """Bring what is spooled into the database; how much it was. Raises `Fault` while the database is away."""
        return self._spool.drain(self._keep)

    def close(self) -> None:
        """Stop looking at the spool."""
        self._stopping.set()
        self._drainer.join(10)

    def _try_to_keep(self, forge: ForgeName, delivery: Delivery) -> None:
        """Not again for a second when it came to nothing: a database that hangs would hold every sender up."""
        if time.monotonic() < self._away_until:
            raise Fault("The database was away a moment ago.", passing=True)
        try:
            self._keep(forge, delivery)
        except Fault:
            self._away_until = time.monotonic() + _RESPITE
            raise

    def _keep(self, forge: ForgeName, delivery: Delivery) -> None:
        assert isinstance(delivery.event, Event)
        self._put(f"{forge}:{delivery.id}", delivery.event)

    def _put(self, key: str, event: Event) -> bool:
        with self._database.begin() as connection:
            number = deliveries.put(connection, key, event)
            if number is not None:
                self.queue.put_plan(connection, key, deliveries.partition_of(event.repo), number)
        self.queue.ring()
        return number is not None

    def _keep_draining(self) -> None:
        """Whatever befalls one look, the next one comes: nobody else brings in what was answered."""
        trouble = ""
        while not self._stopping.wait(self._look):
            try:
                if count := self.drain():
                    _log.info("%d spooled deliveries are in the database now", count)
            except Exception as error:
                if str(error) != trouble:
                    known = isinstance(error, Fault)
                    _log.warning("what is spooled waits: %s", error, exc_info=None if known else error)
                trouble = str(error)
            else:
                trouble = ""
