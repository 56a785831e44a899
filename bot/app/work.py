"""Puts the durable engine together: a place in the database, a worker in it, and the way in for deliveries.

It must never leave a worker behind: leaving the block ends it once what it has in hand is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.app.durable import Pacing, Queue, Worker
from bot.app.intake import Intake
from bot.app.runner import Decisions, Perform
from bot.app.store import deliveries, journal
from bot.app.store.database import Database
from bot.app.store.slots import Slot
from bot.app.store.spool import Spool
from bot.core.model import Secret


@dataclass(frozen=True, slots=True)
class Place:
    """Where work is kept: the database, and a folder of this machine for locks and what the database cannot take."""

    database: Secret
    directory: Path


@contextmanager
def at_work(
    place: Place, perform: Perform, decisions: Decisions, pacing: Pacing | None = None
) -> Iterator[tuple[Intake, Database]]:
    """A worker for as long as the block lasts. `UserError` when the database cannot be used."""
    with working(place, perform, decisions, pacing) as (intake, database, _):
        yield intake, database


@contextmanager
def working(
    place: Place, perform: Perform, decisions: Decisions, pacing: Pacing | None = None
) -> Iterator[tuple[Intake, Database, Worker]]:
    """The same, with the worker itself."""
    with closing(Database(place.database.reveal())) as database, closing(_door(place)) as door:
        database.prepare()
        worker = Worker(database, Slot(database, place.directory), perform, decisions, pacing)
        with closing(worker):
            queue = worker.start()
            with closing(Intake(door, queue, Spool(place.directory / "spool"))) as intake:
                yield intake, database, worker


def _door(place: Place) -> Database:
    """The database for those who wait for an answer: it says quickly that it is away, and they come first."""
    return Database(place.database.reveal(), _PATIENCE, eager=True)


_PATIENCE = 2
"""Seconds."""


@contextmanager
def at_the_door(place: Place) -> Iterator[tuple[Intake, Database]]:
    """The way in alone, for a command that brings work and leaves it to whoever does it.

    `UserError` when the database cannot be used.
    """
    with closing(Database(place.database.reveal())) as database:
        database.prepare()
        with closing(Queue(database)) as queue:
            queue.prepare()
            with closing(Intake(database, queue, Spool(place.directory / "spool"))) as intake:
                yield intake, database


def is_idle(database: Database) -> bool:
    """Whether nothing waits and nothing runs."""
    with database.begin() as connection:
        return not deliveries.waiting(connection)[0] and not journal.waiting(connection)
