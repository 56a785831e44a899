"""What has to be done every so often: sweeping, trying again what broke down, and forgetting what is old.

It must never do a round that another process has begun, nor stop for trouble: the next round is another chance.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.app.durable import Queue
from bot.app.log import name_fault
from bot.app.store import audit, deliveries, journal, rounds, sightings
from bot.app.store.database import Database, now
from bot.app.sweep import Sweeper, Swept, Wanted
from bot.core.errors import Fault

DAY = 86_400.0
SWEEP, RETRY, FORGET = "sweep", "retry", "forget"
_AT_START = 60.0
"""Seconds since the last round after which a process that starts begins one, however far off the next is."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things are kept, in days. What people wrote goes first; keys stay longer than any forge sends again."""

    words: int = 14
    keys: int = 30
    engine: int = 3
    audit: int = 400


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done every so many seconds; `work` answers with what came of it, in a few words."""

    name: str
    every: float
    work: Callable[[], str]


class Upkeep:
    """A thread of its own, until it is closed. Each round is done by one of all processes on the database."""

    def __init__(self, database: Database, tasks: Iterable[Task], look: float = 10.0) -> None:
        """`look` is how many seconds lie between two looks at what is due."""
        self._database = database
        self._tasks = tuple(tasks)
        self._look = look
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_up, name="upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Begin nothing more. A round that is under way ends with the process; the next one does it all again."""
        self._stopping.set()
        self._thread.join(1)

    def _keep_up(self) -> None:
        for task in self._tasks:
            self._do(task, min(task.every, _AT_START))
        while not self._stopping.wait(self._look):
            for task in self._tasks:
                self._do(task, task.every)

    def _do(self, task: Task, every: float) -> None:
        if self._stopping.is_set():
            return
        try:
            with self._database.begin() as connection:
                if not rounds.take(connection, task.name, every):
                    return
            came = task.work()
            with self._database.begin() as connection:
                rounds.end(connection, task.name, came)
        except Fault as fault:
            _log.warning("%s is left for the next time: %s", task.name, fault)
        except Exception as error:
            _log.exception("%s broke down", task.name, extra={"fault": name_fault(error)})


# ── the tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def sweep(sweeper: Sweeper, wanted: Wanted) -> str:
    """Sweep everything, and say what it cost."""
    came = summarise(list(sweeper.sweep(wanted)))
    _log.info("swept: %s", came)
    return came


def summarise(swept: Iterable[Swept]) -> str:
    """What came of many repositories, in a line."""
    every = list(swept)
    found, calls = sum(len(each.found) for each in every), sum(each.calls for each in every)
    said = f"{len(every)} repositories, {found} found, {calls} requests"
    failed = sum(each.failed for each in every)
    return f"{said}, {failed} could not be swept" if failed else said


def retry(database: Database, queue: Queue, after: float = 3600.0) -> str:
    """Begin once more what a fault ended more than `after` seconds ago; nobody was told of most of these."""
    with database.begin() as connection:
        unplanned = deliveries.broken_down(connection, now() - after)
        for key, partition in unplanned:
            number = deliveries.plan_again(connection, key, ("failed",))
            if number is not None:
                queue.put_plan(connection, key, partition, number)
                _log.info("planned once more", extra={"delivery": key.partition(":")[2]})
        broken = journal.broken_down(connection, now() - after)
        for job, kept in broken:
            attempt = journal.begin(connection, job, kept.delivery)
            if attempt is not None:
                queue.put_job(connection, job, attempt)
                _log.info("begun once more: %s", kept.summary, extra={"job": job.key})
    return f"{len(unplanned) + len(broken)} begun once more"


def forget(database: Database, queue: Queue, keeping: Keeping) -> str:
    """Drop what is older than it has to be; a table at a time, so that nobody waits long for the database."""
    moment = now()
    counts = [queue.forget(moment - keeping.engine * DAY)]
    for drop, days in (
        (deliveries.forget_words, keeping.words),
        (deliveries.forget, keeping.keys),
        (journal.forget, keeping.keys),
        (audit.forget, keeping.audit),
        (sightings.forget, keeping.keys),
    ):
        with database.begin() as connection:
            counts.append(drop(connection, moment - days * DAY))
    return f"{sum(counts)} rows dropped"
