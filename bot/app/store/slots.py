"""A name for this process among all that work on one database: the same one after a restart, and never held twice.

It must never be given up while the process lives: who takes over a free name takes over its work.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from bot.app.store.database import Database, executors, now
from bot.core.errors import UserError

MOST = 64
"""Processes on one database."""
LOCKS = 0x72656C63  # "relc"; the class of the advisory locks of PostgreSQL


_LOOKS = 3
"""Looks in a row that find a process silent before it counts as gone: it speaks between any two of them."""


class Lost(Exception):  # noqa: N818 - a state, and no mistake of anybody
    """Another process has our name."""


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
        numbers = set(connection.execute(locks, {"class": LOCKS}).scalars())
        held = {row.id: _number(row.id) in numbers for row in known}
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
        self._looks: dict[str, tuple[float, int]] = {}
        """When others were seen last, and how many looks in a row found that."""
        self.id = self._take()
        self._say()

    def beat(self) -> None:
        """Say that the process is alive. Raises `Lost` when another process has the name by now."""
        if isinstance(self._held, sa.Connection):
            self._hold_on(self._held)
        self._say()

    def _hold_on(self, held: sa.Connection) -> None:
        """A lock of PostgreSQL ends with its session, as when the server is restarted: then it is taken again."""
        with suppress(SQLAlchemyError):
            held.execute(sa.text("SELECT 1"))
            return
        with self._database.begin() as connection:
            last = connection.execute(sa.select(executors.c.host, executors.c.pid).where(executors.c.id == self.id))
            holder = last.one_or_none()
        if holder is not None and tuple(holder) != (socket.gethostname(), os.getpid()):
            raise Lost(f"The database was away, and {self.id} belongs to process {holder.pid} on {holder.host} since.")
        if (again := self._lock(_number(self.id))) is not None:  # else the server has not noticed yet that we were gone
            self._held = again
            with suppress(SQLAlchemyError):
                held.close()

    def _say(self) -> None:
        row = {"id": self.id, "host": socket.gethostname(), "pid": os.getpid(), "seen_at": now()}
        with self._database.begin() as connection:
            insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
            said = insert(executors).values(row)
            connection.execute(said.on_conflict_do_update(index_elements=["id"], set_=row))

    def dead(self) -> list[str]:
        """The names of which nobody holds the lock, and that were not heard of for some looks: the processes are gone,
        on whatever machine they were. The lock alone does not tell: all are free when the database has just come back.
        """
        with self._database.begin() as connection:
            rows = connection.execute(sa.select(executors.c.id, executors.c.seen_at).where(executors.c.id != self.id))
            seen: dict[str, float] = {row.id: row.seen_at for row in rows}
        before, self._looks = self._looks, {}
        for name, at in seen.items():
            last, looks = before.get(name, (at, 0))
            self._looks[name] = (at, looks + 1 if last == at else 1)
        return [name for name, (_, looks) in self._looks.items() if looks >= _LOOKS and self._is_free(name)]

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
        taken = self._taken_here()
        for number in range(1, MOST + 1):
            if number not in taken and (held := self._lock(number)) is not None:
                self._held = held
                return f"slot-{number}"
        raise UserError(f"There are {MOST} processes at work on {self._database.name} already. Stop one of them.")

    def _taken_here(self) -> set[int]:
        """Names of processes that live on this machine, though the database may just have lost their locks."""
        if self._database.is_sqlite:
            return set()
        here = sa.select(executors.c.id, executors.c.pid).where(executors.c.host == socket.gethostname())
        with self._database.begin() as connection:
            rows = connection.execute(here).all()
        return {_number(row.id) for row in rows if row.pid != os.getpid() and _is_ours(row.pid)}

    def _is_free(self, name: str) -> bool:
        held = self._lock(_number(name))
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
            sa.text("SELECT pg_try_advisory_lock(:class, :number)"), {"class": LOCKS, "number": number}
        )
        if not locked.scalar():
            connection.close()
            return None
        return connection


def _number(name: str) -> int:
    return int(name.removeprefix("slot-"))


def _is_ours(pid: int) -> bool:
    """Whether that is a process of the program: numbers are used again."""
    try:
        return b"bot" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
