"""The jobs by their keys: what is to be done, what became of it, and how often it was tried.

It must never let a key be begun again that waits, runs, or has ended well.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from bot.app.codec import Unreadable, decode, encode
from bot.app.log import redact
from bot.app.store.database import jobs, now
from bot.core.jobs import Job, Report
from bot.core.model import Repo

TRIES = 3
"""How often a job that ends in a fault is begun without anybody asking for it."""

JobState = Literal["waiting", "done", "settled", "refused", "failed"]
_BEGUN_AGAIN = ("settled", "refused", "failed")
"""What was settled holds for its moment only, and what stood in the way may be gone by then."""


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

    Without `anew` nothing is begun again that was ever begun.
    """
    found = sa.select(jobs.c.state, jobs.c.attempt).where(jobs.c.key == job.key).with_for_update()
    known = connection.execute(found).one_or_none()
    if known is None:
        row = {"key": job.key, "attempt": 1, "state": "waiting", "job": encode(job), "repository": job.repo.path,
               "change": job.change, "delivery": delivery, "outcome": "", "summary": "",
               "created_at": now(), "updated_at": now()}  # fmt: skip
        connection.execute(sa.insert(jobs).values(row))
        return 1
    if known.state not in _BEGUN_AGAIN or not anew:
        return None
    again = {"attempt": known.attempt + 1, "state": "waiting", "job": encode(job), "delivery": delivery,
             "outcome": "", "summary": "", "updated_at": now()}  # fmt: skip
    connection.execute(sa.update(jobs).where(jobs.c.key == job.key).values(again))
    return int(known.attempt) + 1


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
        state = report.outcome if report.outcome in ("settled", "refused") else "done"
        ended = {"state": state, "outcome": report.outcome, "summary": redact(report.summary)[:2000]}
    mine = (jobs.c.key == key, jobs.c.attempt == attempt)
    connection.execute(sa.update(jobs).where(*mine).values(**ended, updated_at=now()))


def find(
    connection: sa.Connection, *, change: str | None = None, state: JobState | None = None, most: int = 100
) -> Sequence[Kept]:
    """Jobs, the newest first."""
    found = sa.select(jobs).order_by(jobs.c.updated_at.desc()).limit(most)
    if change is not None:
        found = found.where(jobs.c.change == change)
    if state is not None:
        found = found.where(jobs.c.state == state)
    return [_kept(row) for row in connection.execute(found)]


def waiting(connection: sa.Connection) -> int:
    """How many jobs wait or run."""
    return int(connection.execute(sa.select(sa.func.count()).where(jobs.c.state == "waiting")).scalar_one())


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
        .limit(most)
    )  # fmt: skip
    read = []
    for row in connection.execute(found).all():
        with suppress(Unreadable):
            read.append((decode(row.job), _kept(row)))
    return read


def forget(connection: sa.Connection, before: float) -> int:
    """Drop jobs that ended before that; how many they were. Their effects are on the forge, and found there."""
    gone = sa.delete(jobs).where(jobs.c.updated_at < before, jobs.c.state != "waiting")
    return connection.execute(gone).rowcount


def _kept(row: sa.Row[tuple[object, ...]]) -> Kept:
    return Kept(**{name: value for name, value in row._mapping.items() if name != "job"})  # noqa: SLF001 - its public name


def partition(connection: sa.Connection, key: str) -> str:
    """The repository that a job works in, as deliveries name it."""
    return str(connection.execute(sa.select(jobs.c.change).where(jobs.c.key == key)).scalar_one()).rpartition(":")[0]
