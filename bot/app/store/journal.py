"""The jobs by their keys: what is to be done, what became of it, and how often it was tried.

It must never let a key be begun again that waits, runs, or has ended well.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import sqlalchemy as sa

from bot.app.codec import Unreadable, decode, encode
from bot.app.log import redact
from bot.app.store.database import jobs, now, sightings
from bot.app.store.deliveries import partition_of
from bot.core.jobs import MOMENTARY, Ended, Ending, Job, Report
from bot.core.model import Repo
from bot.core.wishes import LineJob

TRIES = 3
"""How often a job that ends in a fault is begun without anybody asking for it."""

JobState = Literal["waiting", "done", "settled", "refused", "failed", "cancelled"]
_BEGUN_AGAIN = ("settled", "refused", "failed")
"""What was settled holds for its moment only, and what stood in the way may be gone by then. What an operator has
cancelled stays so until somebody says in so many words that it is to be begun again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A job as it stands in the journal; times are seconds since the epoch."""

    key: str
    attempt: int
    state: JobState
    repository: str
    change: str
    delivery: str
    outcome: str
    summary: str
    created_at: float
    updated_at: float


def begin(connection: sa.Connection, job: Job, delivery: str, *, anew: bool = True) -> int | None:
    """Write a job down as waiting; the number of the attempt, None when its key is not to be begun again.

    Without `anew` nothing is begun again that was ever begun, but for what waits for others.
    """
    found = sa.select(jobs.c.state, jobs.c.attempt, jobs.c.outcome).where(jobs.c.key == job.key).with_for_update()
    known = connection.execute(found).one_or_none()
    if known is None:
        row = {"key": job.key, "attempt": 1, "state": "waiting", "job": encode(job), "repository": job.repo.path,
               "change": job.change, "delivery": delivery, "outcome": "", "summary": "",
               "created_at": now(), "updated_at": now()}  # fmt: skip
        connection.execute(sa.insert(jobs).values(row))
        return 1
    if known.state not in _BEGUN_AGAIN or not (anew or known.outcome == "waiting"):
        return None
    again = {"attempt": known.attempt + 1, "state": "waiting", "job": encode(job), "delivery": delivery,
             "outcome": "", "summary": "", "updated_at": now()}  # fmt: skip
    connection.execute(sa.update(jobs).where(jobs.c.key == job.key).values(again))
    return int(known.attempt) + 1


def begin_again(connection: sa.Connection, key: str) -> tuple[Job, int] | None:
    """Let a job that has ended, and not well, be done once more; the number of that attempt. None for every other.

    Raises `Unreadable` when another version of the program wrote it.
    """
    found = connection.execute(sa.select(jobs).where(jobs.c.key == key).with_for_update()).one_or_none()
    if found is None or not (found.state in (*_BEGUN_AGAIN, "cancelled") or found.outcome == "conflict"):
        return None
    job = _read(connection, found)
    again = {"attempt": found.attempt + 1, "state": "waiting", "job": encode(job), "repository": job.repo.path,
             "outcome": "", "summary": "", "updated_at": now()}  # fmt: skip
    connection.execute(sa.update(jobs).where(jobs.c.key == key).values(again))
    return job, int(found.attempt) + 1


def _read(connection: sa.Connection, row: sa.Row[Any]) -> Job:
    """The job as it can be done now: forges answer no write under the name that a repository had before."""
    job = cast("Job", decode(row.job))
    seen = sa.select(sightings.c.path).where(
        sightings.c.repository == partition_of(job.repo), sightings.c.swept_at > row.updated_at
    )
    path = connection.execute(seen).scalar()
    return replace(job, repo=replace(job.repo, path=path)) if path else job


def cancel(connection: sa.Connection, key: str, why: str) -> bool:
    """Let a job that waits or runs go no further than the action it is at; whether there was anything to stop."""
    mine = (jobs.c.key == key, jobs.c.state == "waiting")
    stopped = sa.update(jobs).where(*mine).values(state="cancelled", summary=redact(why)[:2000], updated_at=now())
    return connection.execute(stopped).rowcount == 1


def goes_on(connection: sa.Connection, key: str, attempt: int) -> bool:
    """Whether this attempt is still wanted."""
    mine = (jobs.c.key == key, jobs.c.attempt == attempt, jobs.c.state == "waiting")
    return connection.execute(sa.select(jobs.c.key).where(*mine)).scalar() is not None


def note(connection: sa.Connection, key: str, why: str) -> None:
    """Why a job is not done yet."""
    mine = (jobs.c.key == key, jobs.c.state == "waiting")
    connection.execute(sa.update(jobs).where(*mine).values(summary=redact(why)[:2000]))


def read(connection: sa.Connection, key: str, attempt: int) -> tuple[Job, Kept] | None:
    """The job of an attempt that still waits. Raises `Unreadable` when another version of the program wrote it."""
    found = sa.select(jobs).where(jobs.c.key == key, jobs.c.attempt == attempt, jobs.c.state == "waiting")
    row = connection.execute(found).one_or_none()
    return (decode(row.job), _kept(row)) if row else None


def end(connection: sa.Connection, key: str, attempt: int, report: Report | str) -> None:
    """Write down how an attempt ended: with a report, or in a fault or error that `report` tells."""
    if isinstance(report, str):
        ended = {"state": "failed", "outcome": "", "summary": redact(report)[:2000]}
    else:
        state = "settled" if report.outcome in MOMENTARY else "refused" if report.outcome == "refused" else "done"
        ended = {"state": state, "outcome": report.outcome, "summary": redact(report.summary)[:2000]}
    mine = (jobs.c.key == key, jobs.c.attempt == attempt)
    connection.execute(sa.update(jobs).where(*mine).values(**ended, updated_at=now()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are looked for. `start` is how their key begins; `since` is when they last changed at the earliest."""

    change: str | None = None
    state: JobState | None = None
    repository: str | None = None
    start: str | None = None
    since: float | None = None


def find(connection: sa.Connection, wanted: Wanted | None = None, *, most: int = 100) -> Sequence[Kept]:
    """Jobs, the newest first."""
    found = sa.select(jobs).where(*_conditions(wanted or Wanted())).order_by(jobs.c.updated_at.desc()).limit(most)
    return [_kept(row) for row in connection.execute(found)]


def count(connection: sa.Connection, wanted: Wanted | None = None) -> dict[str, int]:
    """How many jobs there are, by their state."""
    found = sa.select(jobs.c.state, sa.func.count()).where(*_conditions(wanted or Wanted())).group_by(jobs.c.state)
    return {state: int(number) for state, number in connection.execute(found)}


def ended(connection: sa.Connection, change: str, most: int = 200) -> tuple[Ended, ...]:
    """How the newest jobs of a change stand, the newest first; what another version wrote is passed over."""
    found = sa.select(jobs).where(jobs.c.change == change).order_by(jobs.c.updated_at.desc()).limit(most)
    standing: list[Ended] = []
    for row in connection.execute(found):
        with suppress(Unreadable):
            standing.append(Ended(decode(row.job), _ending(row.state, row.outcome)))
    return tuple(standing)


def awaiting(connection: sa.Connection, repo: Repo) -> tuple[LineJob, ...]:
    """The jobs about a repository's lines that have ended for now, and wait for what others do; the newest first."""
    here = jobs.c.change.startswith(f"{partition_of(repo)}:", autoescape=True)
    found = sa.select(jobs.c.job).where(jobs.c.state == "settled", jobs.c.outcome == "waiting", here)
    read: list[LineJob] = []
    for text in connection.execute(found.order_by(jobs.c.updated_at.desc())).scalars():
        with suppress(Unreadable):
            job = decode(text)
            read += [job] if isinstance(job, LineJob) else []
    return tuple(read)


def _ending(state: str, outcome: str) -> Ending:
    if outcome == "conflict":
        return "conflict"
    return cast("Ending", state) if state in ("waiting", "refused", "failed", "cancelled") else "well"


def oldest(connection: sa.Connection) -> Kept | None:
    """The job that has waited for longest."""
    found = sa.select(jobs).where(jobs.c.state == "waiting").order_by(jobs.c.updated_at).limit(1)
    row = connection.execute(found).one_or_none()
    return _kept(row) if row else None


def before(connection: sa.Connection, kept: Kept) -> int:
    """How many jobs of the same repository have waited for longer than this one."""
    same = jobs.c.change.startswith(f"{kept.change.rpartition(':')[0]}:", autoescape=True)
    found = sa.select(sa.func.count()).where(jobs.c.state == "waiting", jobs.c.updated_at < kept.updated_at, same)
    return int(connection.execute(found).scalar_one())


def places_of(connection: sa.Connection, path: str) -> Sequence[tuple[str, float]]:
    """The repositories that had this path when a job of theirs was begun; see `deliveries.places_of`."""
    same = sa.func.lower(jobs.c.repository) == path.lower()
    found = sa.select(jobs.c.change, jobs.c.updated_at).where(same).order_by(jobs.c.updated_at.desc()).limit(1000)
    places: dict[str, float] = {}
    for row in connection.execute(found):
        places.setdefault(row.change.rpartition(":")[0], row.updated_at)
    return list(places.items())


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.change is not None:
        conditions.append(jobs.c.change == wanted.change)
    if wanted.state is not None:
        conditions.append(jobs.c.state == wanted.state)
    if wanted.repository is not None:
        conditions.append(sa.func.lower(jobs.c.repository) == wanted.repository.lower())
    if wanted.start is not None:
        conditions.append(jobs.c.key.startswith(wanted.start, autoescape=True))
    if wanted.since is not None:
        conditions.append(jobs.c.updated_at >= wanted.since)
    return conditions


def waiting(connection: sa.Connection) -> int:
    """How many jobs wait or run."""
    return int(connection.execute(sa.select(sa.func.count()).where(jobs.c.state == "waiting")).scalar_one())


def left_waiting(connection: sa.Connection, before: float, most: int = 50) -> list[tuple[Job, int]]:
    """Jobs that wait or run since before then, with their attempts; the oldest first, without what cannot be read."""
    found = sa.select(jobs.c.job, jobs.c.attempt).where(jobs.c.state == "waiting", jobs.c.updated_at < before)
    read = []
    for row in connection.execute(found.order_by(jobs.c.updated_at).limit(most)):
        with suppress(Unreadable):
            read.append((decode(row.job), row.attempt))
    return read


def is_answered(connection: sa.Connection, repo: Repo, comment: int) -> bool:
    """Whether a comment was ever answered."""
    key = f"answer:{repo.forge}:{repo.id}:{comment}:"
    found = sa.select(jobs.c.key).where(jobs.c.key.startswith(key, autoescape=True)).limit(1)
    return connection.execute(found).scalar() is not None


def broken_down(connection: sa.Connection, before: float, most: int = 100) -> Sequence[tuple[Job, Kept]]:
    """Jobs that a fault has ended before that, and that were tried less than `TRIES` times; the oldest first.

    Those of another version of the program are left out.
    """
    found = (
        sa.select(jobs)
        .where(jobs.c.state == "failed", jobs.c.attempt < TRIES, jobs.c.updated_at < before,
               jobs.c.summary.startswith("fault "))
        .order_by(jobs.c.updated_at)
    )  # fmt: skip
    read: list[tuple[Job, Kept]] = []
    for row in connection.execute(found).all():  # any number of those that cannot be read may come first
        with suppress(Unreadable):
            read.append((_read(connection, row), _kept(row)))
        if len(read) == most:
            break
    return read


def states(connection: sa.Connection) -> dict[str, int]:
    """How many jobs there are in each state."""
    counted = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
    return {state: int(count) for state, count in connection.execute(counted)}


def waiting_since(connection: sa.Connection) -> float | None:
    """Since when the oldest of the jobs that wait or run does so (seconds since the epoch)."""
    return connection.execute(sa.select(sa.func.min(jobs.c.updated_at)).where(jobs.c.state == "waiting")).scalar()


def forget(connection: sa.Connection, before: float) -> int:
    """Drop jobs that ended before that; how many they were. Their effects are on the forge, and found there."""
    gone = sa.delete(jobs).where(jobs.c.updated_at < before, jobs.c.state != "waiting")
    return connection.execute(gone).rowcount


def _kept(row: sa.Row[tuple[object, ...]]) -> Kept:
    return Kept(**{name: value for name, value in row._mapping.items() if name != "job"})  # noqa: SLF001 - its public name


def partition(connection: sa.Connection, key: str) -> str:
    """The repository that a job works in, as deliveries name it."""
    return str(connection.execute(sa.select(jobs.c.change).where(jobs.c.key == key)).scalar_one()).rpartition(":")[0]
