"""The inbox: every delivery that was answered, until it is planned and for a month after.

It must never hold a delivery twice: one that is sent again is recognised, and planned again only where it had failed.
"""

from __future__ import annotations

from typing import Literal, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.app.codec import decode, encode
from bot.app.log import redact
from bot.app.store.database import inbox, now
from bot.core.events import Event
from bot.core.model import Repo

State = Literal["waiting", "planned", "failed"]


def partition_of(repo: Repo) -> str:
    """What is done for one repository is done in turn; its number stays when its name changes."""
    return f"{repo.forge}:{repo.id}"


def is_found(key: str) -> bool:
    """Whether a sweep has found it, rather than a forge sent it: then only what is news begins anything."""
    return key.startswith(_FOUND)


def found_key(repo: Repo, name: str) -> str:
    """The key of what a sweep has found; nothing that a forge sends can have it."""
    return f"{_FOUND}{repo.forge}:{repo.id}:{name}"


_FOUND = "sweep:"
_TRIES = 3
"""How often what a sweep has found is planned when that fails; what a forge sends again is planned each time."""


def put(connection: sa.Connection, key: str, event: Event) -> int | None:
    """Keep a delivery; the round in which it is to be planned, None when there is nothing to do about it."""
    row = {"key": key, "received_at": now(), "event": encode(event), "partition": partition_of(event.repo),
           "state": "waiting", "round": 0, "notes": ""}  # fmt: skip
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    fresh = insert(inbox).values(row).on_conflict_do_nothing().returning(inbox.c.key)
    if connection.execute(fresh).scalar() is not None:
        return 0
    may = inbox.c.round + 1 < _TRIES if is_found(key) else sa.true()
    again = (
        sa.update(inbox)
        .where(inbox.c.key == key, inbox.c.state == "failed", may)
        .values(state="waiting", round=inbox.c.round + 1, received_at=now(), event=row["event"])
        .returning(inbox.c.round)
    )
    return cast("int | None", connection.execute(again).scalar())


def read(connection: sa.Connection, key: str) -> tuple[Event, float] | None:
    """The event of a delivery, and when it came last (seconds since the epoch).

    Raises `Unreadable` when another version of the program has written it.
    """
    found = sa.select(inbox.c.event, inbox.c.received_at).where(inbox.c.key == key)
    row = connection.execute(found).one_or_none()
    return (cast("Event", decode(row.event)), row.received_at) if row else None


def mark(connection: sa.Connection, key: str, state: State, notes: str = "") -> None:
    """What has become of a delivery. One of whose jobs fails is failed, whatever it was."""
    changed = {"state": state} | ({"notes": redact(notes)[:4000]} if notes else {})
    connection.execute(sa.update(inbox).where(inbox.c.key == key).values(**changed))


def waiting(connection: sa.Connection) -> tuple[int, float | None]:
    """How many deliveries wait to be planned, and since when the oldest does (seconds since the epoch)."""
    found = sa.select(sa.func.count(), sa.func.min(inbox.c.received_at)).where(inbox.c.state == "waiting")
    count, oldest = connection.execute(found).one()
    return int(count), oldest


def knows(connection: sa.Connection, key: str) -> bool:
    """Whether the delivery has arrived."""
    return connection.execute(sa.select(inbox.c.key).where(inbox.c.key == key)).scalar() is not None


def forget_words(connection: sa.Connection, before: float) -> int:
    """Drop what people wrote in what was received before that; its key is kept, so that it is recognised still."""
    bare = sa.update(inbox).where(inbox.c.received_at < before, inbox.c.state != "waiting", inbox.c.event != "")
    return connection.execute(bare.values(event="")).rowcount


def forget(connection: sa.Connection, before: float) -> int:
    """Drop what was received before that and is planned; how many they were."""
    gone = sa.delete(inbox).where(inbox.c.received_at < before, inbox.c.state != "waiting")
    return connection.execute(gone).rowcount


def partition(connection: sa.Connection, key: str) -> str:
    """The repository that a delivery is about."""
    return str(connection.execute(sa.select(inbox.c.partition).where(inbox.c.key == key)).scalar_one())
