"""The inbox: every delivery that was answered, until it is planned and for a month after.

It must never hold a delivery twice: one that is sent again is recognised, and planned again only where it had failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.app.codec import decode, encode
from bot.app.log import redact
from bot.app.store.database import inbox, now
from bot.core.events import ChecksReported, CommentEdited, CommentPosted, Event, PushedTo, TagPushed
from bot.core.model import Repo
from bot.core.wishes import place_of

State = Literal["waiting", "planned", "failed"]


def partition_of(repo: Repo) -> str:
    """What is done for one repository is done in turn; its number stays when its name changes."""
    return f"{repo.forge}:{repo.id}"


def change_of(event: Event) -> str:
    """The pull or issue that an event is about, as jobs name it; empty where it is about none."""
    match event:
        case PushedTo() | TagPushed() | ChecksReported():
            return ""
        case CommentPosted() | CommentEdited():
            return place_of(event.repo, event.number, event.on)
        case _:
            return place_of(event.repo, event.number, "pull")


def is_found(key: str) -> bool:
    """Whether a sweep has found it, rather than a forge sent it: then only what is news begins anything."""
    return key.startswith(_FOUND)


def found_key(repo: Repo, name: str) -> str:
    """The key of what a sweep has found; nothing that a forge sends can have it."""
    return f"{_FOUND}{repo.forge}:{repo.id}:{name}"


_FOUND = "sweep:"
_TRIES = 3
"""How often something is planned when that fails without anybody asking for it; what a forge sends again is planned
each time.
"""


def put(connection: sa.Connection, key: str, event: Event) -> int | None:
    """Keep a delivery; the round in which it is to be planned, None when there is nothing to do about it."""
    row = {"key": key, "received_at": now(), "event": encode(event), "partition": partition_of(event.repo),
           "state": "waiting", "round": 0, "notes": "", "change": change_of(event),
           "repository": event.repo.path.lower()}  # fmt: skip
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    fresh = insert(inbox).values(row).on_conflict_do_nothing().returning(inbox.c.key)
    if connection.execute(fresh).scalar() is not None:
        return 0
    return plan_again(connection, key, ("failed",), encode(event))


def plan_again(connection: sa.Connection, key: str, states: tuple[State, ...], event: str | None = None) -> int | None:
    """Let a delivery in one of these states be planned once more; the round of that, None when it is in none.

    `event` is what it says now. What a sweep finds again and again is not planned more often than makes sense.
    """
    may = inbox.c.round + 1 < _TRIES if event is not None and is_found(key) else sa.true()
    said = {} if event is None else {"event": event}
    again = (
        sa.update(inbox)
        .where(inbox.c.key == key, inbox.c.state.in_(states), may)
        .values(state="waiting", round=inbox.c.round + 1, received_at=now(), **said)
        .returning(inbox.c.round)
    )
    return cast("int | None", connection.execute(again).scalar())


def read(connection: sa.Connection, key: str, to_plan: int | None = None) -> tuple[Event, float] | None:
    """The event of a delivery, and when it came last (seconds since the epoch). With `to_plan` only one that waits to
    be planned in that round.

    Raises `Unreadable` when another version of the program has written it.
    """
    found = sa.select(inbox.c.event, inbox.c.received_at).where(inbox.c.key == key)
    if to_plan is not None:
        found = found.where(inbox.c.state == "waiting", inbox.c.round == to_plan)
    row = connection.execute(found).one_or_none()
    return (cast("Event", decode(row.event)), row.received_at) if row else None


def mark(connection: sa.Connection, key: str, state: State, notes: str | None = None) -> None:
    """What has become of a delivery; without `notes` they stay. One of whose jobs fails is failed, whatever it was."""
    changed = {"state": state} | ({"notes": redact(notes)[:4000]} if notes is not None else {})
    connection.execute(sa.update(inbox).where(inbox.c.key == key).values(**changed))


def note(connection: sa.Connection, key: str, why: str) -> None:
    """Why a delivery is not planned yet."""
    mine = (inbox.c.key == key, inbox.c.state == "waiting")
    connection.execute(sa.update(inbox).where(*mine).values(notes=redact(why)[:4000]))


def waiting(connection: sa.Connection) -> tuple[int, float | None]:
    """How many deliveries wait to be planned, and since when the oldest does (seconds since the epoch)."""
    found = sa.select(sa.func.count(), sa.func.min(inbox.c.received_at)).where(inbox.c.state == "waiting")
    count, oldest = connection.execute(found).one()
    return int(count), oldest


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery as it stands in the inbox; `received_at` is when it came last, in seconds since the epoch."""

    key: str
    received_at: float
    event: str
    """In the codec's form."""
    partition: str
    state: State
    notes: str


def of_change(connection: sa.Connection, change: str, most: int = 200) -> Sequence[Told]:
    """The newest deliveries about a pull, the oldest of them first."""
    newest = _TOLD.where(inbox.c.change == change).order_by(inbox.c.received_at.desc()).limit(most)
    return _told(connection, newest)[::-1]


def named(connection: sa.Connection, keys: Iterable[str]) -> Sequence[Told]:
    """The deliveries of these keys."""
    return _told(connection, _TOLD.where(inbox.c.key.in_(sorted(keys))))


def beginning(connection: sa.Connection, start: str, most: int = 20) -> Sequence[Told]:
    """The deliveries whose key, or whose name on the forge, begins so; the newest first."""
    ways = ("", "github:", "gitlab:", _FOUND)
    begins = [inbox.c.key.startswith(f"{way}{start}", autoescape=True) for way in ways]
    return _told(connection, _TOLD.where(sa.or_(*begins)).order_by(inbox.c.received_at.desc()).limit(most))


def places_of(connection: sa.Connection, path: str) -> Sequence[tuple[str, float]]:
    """The repositories that had this path, as deliveries name them, and when each was heard of; the last one first."""
    last = sa.func.max(inbox.c.received_at).label("last")
    found = sa.select(inbox.c.partition, last).where(inbox.c.repository == path.lower()).group_by(inbox.c.partition)
    return [(row.partition, row.last) for row in connection.execute(found.order_by(last.desc()))]


def failed_since(connection: sa.Connection, since: float) -> int:
    """How many that came since then have failed, or have had a job that did."""
    found = sa.select(sa.func.count()).where(inbox.c.state == "failed", inbox.c.received_at >= since)
    return int(connection.execute(found).scalar_one())


_TOLD = sa.select(*(inbox.c[name] for name in ("key", "received_at", "event", "partition", "state", "notes")))


def _told(connection: sa.Connection, found: sa.Select[Any]) -> list[Told]:
    return [Told(**row._mapping) for row in connection.execute(found)]  # noqa: SLF001 - its public name


def left_waiting(connection: sa.Connection, before: float, most: int = 50) -> list[tuple[str, int, str]]:
    """Key, round and partition of what waits to be planned since before then; the oldest first."""
    found = (
        sa.select(inbox.c.key, inbox.c.round, inbox.c.partition)
        .where(inbox.c.state == "waiting", inbox.c.received_at < before)
        .order_by(inbox.c.received_at)
        .limit(most)
    )
    return [(row.key, row.round, row.partition) for row in connection.execute(found)]


def broken_down(connection: sa.Connection, before: float, most: int = 100) -> list[tuple[str, str]]:
    """Key and partition of what a fault has kept from being planned, that came before then and was tried less than
    `_TRIES` times; the oldest first.
    """
    found = (
        sa.select(inbox.c.key, inbox.c.partition)
        .where(inbox.c.state == "failed", inbox.c.round + 1 < _TRIES, inbox.c.received_at < before,
               inbox.c.notes.startswith("fault "), inbox.c.event != "")
        .order_by(inbox.c.received_at)
        .limit(most)
    )  # fmt: skip
    return [(row.key, row.partition) for row in connection.execute(found)]


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
