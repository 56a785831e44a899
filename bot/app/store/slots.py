"""A name for this process among all that work on one database: the same one after a restart, and never held twice.

It must never be given up while the process lives: who takes over a free name takes over its work.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.app.store.database import Database, executors, now
from bot.core.errors import UserError

MOST = 64
"""Processes on one database."""
_LOCKS = 0x72656C63  # "relc"; the class of the advisory locks of PostgreSQL


@dataclass(frozen=True, slots=True)
class Process:
    """A process as the database has it; `seen_at` is when it said last that it lives (seconds since the epoch).

    `lives` tells whether somebody holds its lock, which nothing that is dead does; None where that cannot be told.
    """

    id: str
    host: str
    pid: int
    seen_at: float
    lives: bool | None


def processes(database: Database, connection: sa.Connection, directory: Path) -> list[Process]:
    """All that are known, dead ones among them until their work is in other hands."""
    known = connection.execute(sa.select(executors).order_by(executors.c.id)).all()
    if database.is_sqlite:
        held = {row.id: _is_locked(directory / "executors" / f"{row.id}.lock") for row in known}
    else:
        locks = sa.text("SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = :class")
        numbers = set(connection.execute(locks, {"class": _LOCKS}).scalars())
        held = {row.id: int(row.id.removeprefix("slot-")) in numbers for row in known}
    return [Process(row.id, row.host, row.pid, row.seen_at, held[row.id]) for row in known]


def _is_locked(path: Path) -> bool | None:
    """Looked at with a lock that others may have too, so that nobody who is only looked at loses theirs."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return False


_RECENT = 30.0
"""Seconds since the last sign of life that let a process count as alive; it gives one every few."""


def alive(connection: sa.Connection) -> int:
    """How many processes have given a sign of life just now."""
    recent = sa.select(sa.func.count()).where(executors.c.seen_at > now() - _RECENT)
    return int(connection.execute(recent).scalar_one())


class Slot:
    """One name, held until `release` or the end of the process."""

    def __init__(self, database: Database, directory: Path) -> None:
        """Take the first free name. The lock is a file beside an SQLite database, a session's lock in PostgreSQL."""
        self._database = database
        self._directory = directory / "executors"
        self._held: IO[str] | sa.Connection | None = None
        self.id = self._take()
        self.beat()

    def beat(self) -> None:
        """Say that the process is alive."""
        row = {"id": self.id, "host": socket.gethostname(), "pid": os.getpid(), "seen_at": now()}
        with self._database.begin() as connection:
            insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
            said = insert(executors).values(row)
            connection.execute(said.on_conflict_do_update(index_elements=["id"], set_=row))

    def dead(self) -> list[str]:
        """The names of which nobody holds the lock: their processes are gone, on whatever machine they were."""
        with self._database.begin() as connection:
            known = [name for name in connection.execute(sa.select(executors.c.id)).scalars() if name != self.id]
        return [name for name in known if self._is_free(name)]

    def forget(self, name: str) -> None:
        """A dead process's work is in other hands."""
        with self._database.begin() as connection:
            connection.execute(sa.delete(executors).where(executors.c.id == name))

    def release(self) -> None:
        """Let the name go; its work is done, or others take it over."""
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def _take(self) -> str:
        for number in range(1, MOST + 1):
            if (held := self._lock(number)) is not None:
                self._held = held
                return f"slot-{number}"
        raise UserError(f"There are {MOST} processes at work on {self._database.name} already. Stop one of them.")

    def _is_free(self, name: str) -> bool:
        held = self._lock(int(name.removeprefix("slot-")))
        if held is None:
            return False
        held.close()
        return True

    def _lock(self, number: int) -> IO[str] | sa.Connection | None:
        lock: Callable[[int], IO[str] | sa.Connection | None]
        lock = self._lock_file if self._database.is_sqlite else self._lock_session
        return lock(number)

    def _lock_file(self, number: int) -> IO[str] | None:
        self._directory.mkdir(parents=True, exist_ok=True)
        file = (self._directory / f"slot-{number}.lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file

    def _lock_session(self, number: int) -> sa.Connection | None:
        # A connection of its own, outside of any pool: the lock ends with it, whatever ends the process.
        connection = self._database.dedicated()
        locked = connection.execute(
            sa.text("SELECT pg_try_advisory_lock(:class, :number)"), {"class": _LOCKS, "number": number}
        )
        if not locked.scalar():
            connection.close()
            return None
        return connection
