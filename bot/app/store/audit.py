"""Every effect: when, for which job, on whose wish, what had been seen, what was written and what came of it.

Each entry seals the one before.

It must never be changed or thinned out: whoever does breaks the chain, and `verify` tells where.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.app.store.database import audit, now

_FIRST = "0" * 64
_FORGOTTEN = "forgotten"
"""What stands for all entries that were too old: only ever the first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One effect. `write` and `outcome` are values of the core in the codec's form; `seen` is a list of sentences."""

    job: str
    actor: str
    write: str
    outcome: str
    seen: str = ""
    """What the job had read since its effect before, or in the beginning."""


def append(connection: sa.Connection, entry: Entry) -> None:
    """Add an entry. Entries of several processes come one after another."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE relbot_audit IN EXCLUSIVE MODE"))
    last = sa.select(audit.c.digest).order_by(audit.c.number.desc()).limit(1)
    previous = connection.execute(last).scalar() or _FIRST
    at = now()
    row = {"at": at, "job": entry.job, "actor": entry.actor, "write": entry.write, "outcome": entry.outcome,
           "seen": entry.seen, "previous": previous, "digest": _digest(at, entry, previous)}  # fmt: skip
    connection.execute(sa.insert(audit).values(row))


def of_job(connection: sa.Connection, job: str) -> Iterator[tuple[float, Entry]]:
    """The effects of a job with their times, the oldest first."""
    for row in connection.execute(sa.select(audit).where(audit.c.job == job).order_by(audit.c.number)):
        yield row.at, _entry(row)


def forget(connection: sa.Connection, before: float) -> int:
    """Drop the entries before that; how many they were. In their place stands one that holds the last one's seal."""
    last = connection.execute(
        sa.select(audit.c.number, audit.c.digest).where(audit.c.at < before).order_by(audit.c.number.desc()).limit(1)
    ).one_or_none()
    if last is None:
        return 0
    gone = sa.delete(audit).where(audit.c.number < last.number).returning(audit.c.number)
    count = len(connection.execute(gone).all())
    stone = {"at": before, "job": "", "actor": "", "write": _FORGOTTEN, "outcome": "", "seen": "",
             "previous": last.digest}  # fmt: skip
    connection.execute(sa.update(audit).where(audit.c.number == last.number).values(**stone))
    return count


def size(connection: sa.Connection) -> int:
    """How many entries there are."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(audit)).scalar_one())


def verify(connection: sa.Connection, newest: int | None = None) -> int | None:
    """The number of the first entry that was changed, or stands behind one that is gone; None when all is well.

    With `newest` only so many of the last ones are looked at.
    """
    first = 0
    if newest is not None:
        last = sa.select(audit.c.number).order_by(audit.c.number.desc()).limit(1).offset(newest)
        first = connection.execute(last).scalar() or 0  # the entry before them is where they begin
    found = sa.select(audit).where(audit.c.number >= first).order_by(audit.c.number)
    previous = None if first else _FIRST
    with connection.execute(found.execution_options(yield_per=1000)) as rows:
        for row in rows:
            begins = row.previous if previous is None else previous
            if row.write == _FORGOTTEN and previous in (None, _FIRST):
                previous = row.digest
                continue
            if row.previous != begins or row.digest != _digest(row.at, _entry(row), begins):
                return int(row.number)
            previous = row.digest
    return None


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(row.job, row.actor, row.write, row.outcome, row.seen)


def _digest(at: float, entry: Entry, previous: str) -> str:
    """What is empty is left out: programs that knew nothing of `seen` have sealed their entries without it."""
    seen = (entry.seen,) if entry.seen else ()
    text = "\n".join((previous, repr(at), entry.job, entry.actor, entry.write, entry.outcome, *seen))
    return hashlib.sha256(text.encode()).hexdigest()
