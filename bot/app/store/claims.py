"""Who may write in a repository now: whoever took it last. Checked before every write, so that a worker that was taken
for dead and was not cannot do what its successor does.

It must never be asked about reads: those may go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.app.store.database import claims


def take(connection: sa.Connection, partition: str) -> int:
    """Take a repository over; the token that proves it, greater than all before."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    first = insert(claims).values(partition=partition, token=1)
    taken = first.on_conflict_do_update(index_elements=["partition"], set_={"token": claims.c.token + 1})
    return int(connection.execute(taken.returning(claims.c.token)).scalar_one())


def holds(connection: sa.Connection, partition: str, token: int) -> bool:
    """Whether nobody has taken it since."""
    found = sa.select(claims.c.token).where(claims.c.partition == partition)
    return connection.execute(found).scalar() == token
