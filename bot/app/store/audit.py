"""Every write that was performed: when, for which job, on whose wish, what came of it. Each entry seals the one before.

It must never be changed or thinned out: whoever does breaks the chain, and `verify` tells where.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from bot.app.store.database import audit, now

_FIRST = "0" * 64
_FORGOTTEN = "forgotten"
"""What stands for all entries that were too old: only ever the first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One write. `write` and `outcome` are values of the core in the codec's form."""

    job: str
    actor: str
    write: str
    outcome: str


def append(connection: sa.Connection, entry: Entry) -> None:
    """Add an entry. Entries of several processes come one after another."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE relbot_audit IN EXCLUSIVE MODE"))
    last = sa.select(audit.c.digest).order_by(audit.c.number.desc()).limit(1)
    previous = connection.execute(last).scalar() or _FIRST
    at = now()
    row = {"at": at, "job": entry.job, "actor": entry.actor, "write": entry.write, "outcome": entry.outcome,
           "previous": previous, "digest": _digest(at, entry, previous)}  # fmt: skip
    connection.execute(sa.insert(audit).values(row))


def of_job(connection: sa.Connection, job: str) -> Iterator[tuple[float, Entry]]:
    """The writes of a job with their times, the oldest first."""
    for row in connection.execute(sa.select(audit).where(audit.c.job == job).order_by(audit.c.number)):
        yield row.at, Entry(row.job, row.actor, row.write, row.outcome)


def forget(connection: sa.Connection, before: float) -> int:
    """Drop the entries before that; how many they were. In their place stands one that holds the last one's seal."""
    last = connection.execute(
        sa.select(audit.c.number, audit.c.digest).where(audit.c.at < before).order_by(audit.c.number.desc()).limit(1)
    ).one_or_none()
    if last is None:
        return 0
    gone = sa.delete(audit).where(audit.c.number < last.number).returning(audit.c.number)
    count = len(connection.execute(gone).all())
    stone = {"at": before, "job": "", "actor": "", "write": _FORGOTTEN, "outcome": "", "previous": last.digest}
    connection.execute(sa.update(audit).where(audit.c.number == last.number).values(**stone))
    return count


def verify(connection: sa.Connection) -> int | None:
    """The number of the first entry that was changed, or stands behind one that is gone; None when all is well."""
    previous = _FIRST
    for row in connection.execute(sa.select(audit).order_by(audit.c.number)):
        entry = Entry(row.job, row.actor, row.write, row.outcome)
        if row.write == _FORGOTTEN and previous == _FIRST:
            previous = row.digest
            continue
        if row.previous != previous or row.digest != _digest(row.at, entry, previous):
            return int(row.number)
        previous = row.digest
    return None


def _digest(at: float, entry: Entry, previous: str) -> str:
    text = "\n".join((previous, repr(at), entry.job, entry.actor, entry.write, entry.outcome))
    return hashlib.sha256(text.encode()).hexdigest()
