"""What sweeps have seen of each repository, so that the next one begins where the last one ended.

It must never move back: what was seen once is asked for again only when somebody says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.app.codec import Unreadable, decode, encode
from bot.app.store.database import inbox, now, sightings
from bot.app.store.deliveries import partition_of
from bot.core.model import Repo
from bot.core.sweep import Seen


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen, when it was, and when the webhook was last looked after (seconds since the epoch)."""

    seen: Seen
    swept_at: float
    hook_at: float


def read(connection: sa.Connection, repo: Repo) -> Sighting | None:
    """None for a repository that was never swept, or by another version of the program."""
    row = connection.execute(sa.select(sightings).where(sightings.c.repository == partition_of(repo))).one_or_none()
    try:
        return Sighting(cast("Seen", decode(row.seen)), row.swept_at, row.hook_at) if row else None
    except Unreadable:
        return None


def write(connection: sa.Connection, repo: Repo, seen: Seen, hook_at: float) -> None:
    """A sweep has ended."""
    row = {"repository": partition_of(repo), "path": repo.path, "seen": encode(seen), "swept_at": now(),
           "hook_at": hook_at}  # fmt: skip
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(sightings).values(row).on_conflict_do_update(index_elements=["repository"], set_=row))


def acquaintances(connection: sa.Connection) -> set[str]:
    """The partitions of the repositories that have ever sent a delivery or were swept on purpose."""
    known = sa.union(sa.select(inbox.c.partition), sa.select(sightings.c.repository))
    return set(connection.execute(known).scalars())


def times(connection: sa.Connection) -> dict[str, float]:
    """When each repository was swept last, by its partition."""
    return {row.repository: row.swept_at for row in connection.execute(sa.select(sightings))}


def forget(connection: sa.Connection, before: float) -> int:
    """Drop repositories that were last in sight before that; how many they were."""
    return connection.execute(sa.delete(sightings).where(sightings.c.swept_at < before)).rowcount
