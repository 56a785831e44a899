"""What sweeps have seen of each repository, so that the next one begins where the last one ended.

It must never move back: what was seen once is asked for again only when somebody says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    """What was seen, when a sweep was last tried, and when the webhook was last looked after (seconds since the epoch).
    """

    seen: Seen
    swept_at: float
    hook_at: float


def read(connection: sa.Connection, repo: Repo) -> Sighting | None:
    """None for a repository that was never swept. What another version has written counts as seen when that was."""
    row = connection.execute(sa.select(sightings).where(_is(repo))).one_or_none()
    if row is None:
        return None
    try:
        seen = cast("Seen", decode(row.seen))
    except Unreadable:
        seen = Seen(int(row.swept_at))
    return Sighting(seen, row.swept_at, row.hook_at)


def write(connection: sa.Connection, repo: Repo, seen: Seen, hook_at: float) -> None:
    """A sweep has ended. Another one, or one that was told to go back, may have ended with less: the most counts."""
    if (known := read(connection, repo)) is not None:
        seen = replace(seen, until=max(seen.until, known.seen.until))
    row = {"repository": partition_of(repo), "path": repo.path, "seen": encode(seen), "swept_at": now(),
           "hook_at": hook_at}  # fmt: skip
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(sightings).values(row).on_conflict_do_update(index_elements=["repository"], set_=row))


def note_try(connection: sa.Connection, repo: Repo, first: Seen) -> None:
    """A sweep has failed: the repository goes to the end of the line. What was seen stays; `first` is for a new one."""
    known = read(connection, repo)
    write(connection, repo, known.seen if known else first, known.hook_at if known else 0.0)


def _is(repo: Repo) -> sa.ColumnElement[bool]:
    return sightings.c.repository == partition_of(repo)


def acquaintances(connection: sa.Connection) -> set[str]:
    """The partitions of the repositories that have ever sent a delivery or were swept on purpose."""
    known = sa.union(sa.select(inbox.c.partition), sa.select(sightings.c.repository))
    return set(connection.execute(known).scalars())


def times(connection: sa.Connection) -> dict[str, float]:
    """When each repository was last tried, by its partition."""
    return {row.repository: row.swept_at for row in connection.execute(sa.select(sightings))}


def forget(connection: sa.Connection, before: float) -> int:
    """Drop repositories that were last in sight before that; how many they were."""
    return connection.execute(sa.delete(sightings).where(sightings.c.swept_at < before)).rowcount
