"""Where work is put, in the transaction that writes it down.

It must never hold more of the work than its name: what is to be done stands in the bot's own tables.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions

from bot.app.durable.bell import Bell
from bot.app.store import deliveries, journal
from bot.app.store.database import Database
from bot.core.jobs import Job, takes_long

QUEUE = "work"
BUILDS = "builds"
"""What takes many minutes waits in a queue of its own, so that everything else is done meanwhile."""
QUEUE_OF = {"plan": QUEUE, "job": QUEUE, "build": BUILDS}
"""By the name of the workflow."""

FORMAT = "1"
"""Of the workflows' names and arguments, pinned: the engine would take work of another version for none of its own."""
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_ALIVE = ["ENQUEUED", "DELAYED", "PENDING"]
_AGAIN = " again "
_AT_ONCE = 500
"""Workflows dropped in one transaction, so that nobody waits long for the database."""


def prepare(database: Database) -> None:
    """Make the engine's tables where they are missing."""
    DBOS.migrate(address_of(database))


def address_of(database: Database) -> str:
    """The database as the engine wants to be told."""
    return database.url.render_as_string(hide_password=False)


class Queue:
    """Where work is put; the half that a web server needs. Safe to share between threads."""

    def __init__(
        self, database: Database, takes_long: Callable[[Job], bool] = takes_long, bell: Bell | None = None
    ) -> None:
        """`bell` wakes whoever works in this process."""
        self._database = database
        self._takes_long = takes_long
        self._bell = bell
        self._client = DBOSClient(
            system_database_engine=database.engine, dbos_system_schema=None if database.is_sqlite else "dbos",
            serializer=DBOSPortableJSONSerializer(), lazy=True, retry_connection_errors=False,
        )  # fmt: skip

    def put_plan(self, connection: sa.Connection, key: str, partition: str, number: int) -> None:
        """Have a delivery planned, in the transaction that keeps it."""
        self._put(connection, "plan", f"plan {key} {number}", partition, (key, number, 0))

    def put_job(self, connection: sa.Connection, job: Job, attempt: int) -> None:
        """Have a job done, in the transaction that writes it down."""
        partition = deliveries.partition_of(job.repo)
        self._put(connection, self._kind(job), f"{job.key} {attempt}", partition, (job.key, attempt, 0))

    def put_off(self, kind: str, name: str, partition: str, given: tuple[str, int, int], seconds: float) -> None:
        """Have it done again from its first action, after so many seconds."""
        options = _options(kind, name, partition)
        options["delay_seconds"] = seconds
        self._client.enqueue(options, *given)

    def take_up_forgotten(self, before: float) -> list[str]:
        """Put into the queue once more what waits since before then and is in it no longer; the names.

        The bot's own tables say what is to be done, whatever has become of the engine's.
        """
        with self._database.begin() as connection:
            plans, jobs = deliveries.left_waiting(connection, before), journal.left_waiting(connection, before)
        waiting = [("plan", f"plan {key} {number}", partition, (key, number)) for key, number, partition in plans]
        for job, attempt in jobs:
            partition = deliveries.partition_of(job.repo)
            waiting.append((self._kind(job), f"{job.key} {attempt}", partition, (job.key, attempt)))
        forgotten = [each for each in waiting if not self._is_queued(each[1])]
        for kind, name, partition, (key, number) in forgotten:
            self.put_off(kind, f"{name}{_AGAIN}{time.time_ns()}", partition, (key, number, 0), 0)
        return [name for _, name, _, _ in forgotten]

    def _is_queued(self, name: str) -> bool:
        """Under its own name, or one that it got when it was put off (`name.2`) or taken up again."""
        alive = partial(self._client.list_workflows, status=_ALIVE, limit=1, load_input=False, load_output=False)
        return bool(alive(workflow_ids=[name]) or alive(workflow_id_prefix=[f"{name}.", f"{name}{_AGAIN}"]))

    def _kind(self, job: Job) -> str:
        return "build" if self._takes_long(job) else "job"

    def prepare(self) -> None:
        """Make the engine's tables where they are missing; a worker does so when it starts."""
        prepare(self._database)

    def forget(self, before: float) -> int:
        """Drop what ended before that (seconds since the epoch) and nothing can ask for any more; how many they were.

        What came of the work stands in the bot's own tables.
        """
        moment = datetime.fromtimestamp(before, UTC).isoformat()
        count = 0
        while gone := self._client.list_workflows(
            status=_ENDED, completed_before=moment, limit=_AT_ONCE, load_input=False, load_output=False
        ):
            self._client.delete_workflows([each.workflow_id for each in gone])
            count += len(gone)
        return count

    def ring(self) -> None:
        """What was put is in the database now, and can be begun."""
        if self._bell:
            self._bell.ring()

    def close(self) -> None:
        """Let go of what the engine holds."""
        self._client.destroy()

    @property
    def engine(self) -> DBOSClient:
        """The engine's own view of the queue, for this module."""
        return self._client

    def _put(
        self, connection: sa.Connection, kind: str, name: str, partition: str, given: tuple[str, int, int]
    ) -> None:
        self._client.enqueue_in_transaction(connection, _options(kind, name, partition), *given)


def _options(kind: str, name: str, partition: str) -> EnqueueOptions:
    return {"workflow_name": kind, "queue_name": QUEUE_OF[kind], "workflow_id": name, "queue_partition_key": partition,
            "app_version": FORMAT, "workflow_id_reuse_policy": "return-existing"}  # fmt: skip
