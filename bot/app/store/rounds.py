"""What is done every so often by one process among all: when it was begun last, and what came of it.

It must never let two processes begin the same round: who takes it has it until the next one is due.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.app.store.database import now, rounds

_CLOCKS_DIFFER = 86_400.0


@dataclass(frozen=True, slots=True)
class Round:
    """The last of its name. Times are seconds since the epoch; `ended_at` is None while it lasts, or when it died."""

    began_at: float
    ended_at: float | None
    summary: str


def take(connection: sa.Connection, name: str, every: float) -> bool:
    """Begin a round, unless one was begun less than `every` seconds ago. What was begun more than a day from now was
    begun by a clock that was wrong, and holds nobody up.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    moment = now()
    begun = {"began_at": moment, "ended_at": None}
    first = insert(rounds).values(name=name, summary="", **begun)
    is_due = sa.or_(rounds.c.began_at <= moment - every, rounds.c.began_at > moment + _CLOCKS_DIFFER)
    taken = first.on_conflict_do_update(index_elements=["name"], set_=begun, where=is_due)
    return connection.execute(taken.returning(rounds.c.name)).scalar() is not None


def end(connection: sa.Connection, name: str, summary: str) -> None:
    """Say what came of it."""
    ended = sa.update(rounds).where(rounds.c.name == name)
    connection.execute(ended.values(ended_at=now(), summary=summary[:2000]))


def last(connection: sa.Connection, name: str) -> Round | None:
    """The last round of this name."""
    found = sa.select(rounds.c.began_at, rounds.c.ended_at, rounds.c.summary).where(rounds.c.name == name)
    row = connection.execute(found).one_or_none()
    return Round(*row) if row else None


def every(connection: sa.Connection) -> dict[str, Round]:
    """The last round of each name."""
    found = sa.select(rounds.c.name, rounds.c.began_at, rounds.c.ended_at, rounds.c.summary).order_by(rounds.c.name)
    return {name: Round(*rest) for name, *rest in connection.execute(found)}
