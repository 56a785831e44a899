"""How the bot is, from its database and its folder: a fact for each thing, with the next step where it is not well.

It must never change anything, nor make anybody who writes wait for long.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.app.operator.opening import Desk
from bot.app.operator.times import span
from bot.app.store import audit, deliveries, journal, rounds
from bot.app.store.database import now
from bot.app.store.slots import Process, processes
from bot.app.store.spool import Spool

DAY = 86_400
_LONG = 15 * 60
"""Seconds after which work that waits is worth a look, though something is at work."""
_SILENT = 60
"""Seconds; a process says every few that it lives."""
_NEWEST = 1000
"""Entries of the audit that are verified without being asked for all."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing. `good` is None where nobody is to worry, False where `mend` is to be done."""

    name: str
    said: str
    good: bool | None = True
    mend: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _View:
    desk: Desk
    connection: sa.Connection
    at: float
    processes: list[Process]
    whole_audit: bool

    @property
    def at_work(self) -> bool:
        return any(each.lives is not False for each in self.processes)


def examine(desk: Desk, *, whole_audit: bool = False) -> list[Fact]:
    """Every fact, read in one look."""
    with desk.database.reading() as connection:
        found = processes(desk.database, connection, desk.home.directory)
        view = _View(desk, connection, now(), found, whole_audit)
        return [fact for look in _LOOKS for fact in look(view)]


def _see_database(view: _View) -> Iterator[Fact]:
    database = view.desk.database
    if database.is_sqlite:
        kind, size = "SQLite", _size_of(Path(str(database.url.database)))
    else:
        kind = "PostgreSQL"
        size = int(view.connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())
    data = {"kind": kind, "name": database.name, "bytes": size}
    yield Fact("database", f"{kind}, {size / 1e6:.1f} MB, {database.name}", None, data=data)


def _size_of(file: Path) -> int:
    parts = (file, file.with_name(f"{file.name}-wal"))
    return sum(os.stat(part).st_size for part in parts if part.exists())  # noqa: PTH116 - as short as it gets


def _see_processes(view: _View) -> Iterator[Fact]:
    if not view.processes:
        yield Fact("processes", "nothing is at work", False, "Start `relbot serve`.", {"processes": []})
    for each in view.processes:
        silent = view.at - each.seen_at
        data = {"id": each.id, "host": each.host, "pid": each.pid, "silent_s": round(silent, 1), "lives": each.lives}
        said = f"process {each.pid} on {each.host}, last heard of {span(silent)} ago"
        if each.lives is False:
            mend = "" if view.at_work else "Start `relbot serve`; it takes the work over."
            yield Fact(each.id, f"{said}: it is gone, and another takes its work over", False, mend, data)
        elif silent > _SILENT:
            mend = "See its log, and start it again; nothing is lost by that."
            yield Fact(each.id, f"{said}: it is there, and silent", False, mend, data)
        else:
            yield Fact(each.id, said, data=data)


def _see_deliveries(view: _View) -> Iterator[Fact]:
    count, oldest = deliveries.waiting(view.connection)
    failed = deliveries.failed_since(view.connection, view.at - DAY)
    age = view.at - oldest if oldest is not None else 0.0
    data = {"waiting": count, "oldest_s": round(age, 1) if count else None, "failed_last_day": failed}
    said = f"{count} wait, the oldest for {span(age)}" if count else "none waits"
    said += f"; of those of the last day {failed} failed or had a job that did" if failed else ""
    yield Fact("deliveries", said, *_judge(view, count, age), data)
    spooled = len(Spool(view.desk.home.directory / "spool"))
    mend = "The server brings them in once the database takes them; see that it runs." if spooled else ""
    yield Fact("spool", f"{spooled} deliveries are on the disk", not spooled, mend, {"deliveries": spooled})


def _see_jobs(view: _View) -> Iterator[Fact]:
    counts = journal.count(view.connection)
    failed = journal.count(view.connection, journal.Wanted(state="failed", since=view.at - DAY)).get("failed", 0)
    oldest = journal.oldest(view.connection)
    age = view.at - oldest.updated_at if oldest else 0.0
    waits = {"key": oldest.key, "age_s": round(age, 1), "why": oldest.summary or None} if oldest else None
    said = ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "none yet"
    yield Fact("jobs", said, None, data={"states": counts, "oldest": waits, "failed_last_day": failed})
    if oldest:
        why = f": {oldest.summary}" if oldest.summary else ""
        yield Fact("oldest job", f"{oldest.key} for {span(age)}{why}", *_judge(view, 1, age))
    mend = "`relbot jobs --failed` lists them, `relbot jobs --retry KEY` does one again." if failed else ""
    yield Fact("failed today", f"{failed} jobs in the last day", not failed, mend)


def _judge(view: _View, count: int, age: float) -> tuple[bool, str]:
    """Whether what waits is a reason to worry, and what is to be done then."""
    if not count or (view.at_work and age < _LONG):
        return True, ""
    if view.at_work:
        return False, "It waits for long: `relbot jobs --state waiting` shows why."
    return age < _SILENT, "Nothing is at work: start `relbot serve` or `relbot work`."


def _see_audit(view: _View) -> Iterator[Fact]:
    entries = audit.size(view.connection)
    looked_at = entries if view.whole_audit else min(entries, _NEWEST)
    broken = audit.verify(view.connection, None if view.whole_audit else _NEWEST)
    data = {"entries": entries, "verified": looked_at, "broken_at": broken}
    if broken is None:
        yield Fact("audit", f"{entries} entries, {looked_at} of them verified", data=data)
        return
    mend = "Somebody has changed the database by hand. Compare it with a backup from before."
    yield Fact("audit", f"entry {broken} was changed, or what stood before it is gone", False, mend, data)


def _see_rounds(view: _View) -> Iterator[Fact]:
    for name, last in rounds.every(view.connection).items():
        ended = view.at - last.ended_at if last.ended_at is not None else None
        data = {"began_s": round(view.at - last.began_at, 1), "ended_s": ended and round(ended, 1)}
        said = f"{span(view.at - last.began_at)} ago: " + (last.summary if ended is not None else "not ended yet")
        yield Fact(f"last {name}", said, None, data={**data, "summary": last.summary or None})


_LOOKS: tuple[Callable[[_View], Iterator[Fact]], ...] = (
    _see_processes, _see_deliveries, _see_jobs, _see_rounds, _see_audit, _see_database,
)  # fmt: skip
"""In the order in which they are shown; whoever adds something to be seen adds its look here."""
