"""Which of a pull's jobs `/release retry` does again.

It must never choose what has ended well, nor what a later job has made up for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from bot.core.jobs import Answer, Backport, Ended, Job, Overview, Settle
from bot.core.model import Line, Person
from bot.core.wishes import Follower, LineJob


@dataclass(frozen=True, slots=True)
class Redo:
    """What is to be done again."""

    again: tuple[Job, ...] = ()
    """Jobs that failed or were refused; they keep their names, so that what was done is found done."""
    lines: tuple[Line, ...] = ()
    """Lines whose backport met a conflict: that job did end, so it is a new one that is asked for."""
    busy: tuple[Job, ...] = ()
    """What is being done still, or waits; answers to what people said are not told of."""
    cancelled: tuple[Job, ...] = ()
    """What an operator has stopped; only they let it go on."""


def choose(ended: Iterable[Ended], actor: Person) -> Redo:
    """Of each thing that was to be done only the newest job counts. Who asks now is who the jobs are done for."""
    newest: dict[tuple[str, str], Ended] = {}
    for each in ended:
        newest.setdefault(_subject(each.job), each)
    again: list[Job] = []
    lines: list[Line] = []
    for each in newest.values():
        match each.job:
            case Backport(line=line) if each.ending == "conflict":
                lines.append(line)
            case Backport() as job if each.ending in ("failed", "refused"):
                again.append(replace(job, actor=actor))
            case LineJob() as job if each.ending in ("failed", "refused"):
                again.append(replace(job, asked=replace(job.asked, actor=actor)))
            case job if each.ending in ("failed", "refused"):
                again.append(job)
    busy = tuple(each.job for each in newest.values() if each.ending == "waiting" and _is_of_the_change(each.job))
    cancelled = tuple(each.job for each in newest.values() if each.ending == "cancelled")
    return Redo(tuple(again), tuple(lines), busy, cancelled)


def _is_of_the_change(job: Job) -> bool:
    """What is only said to somebody, of whom there may be many, is nothing that anybody waits for here."""
    return isinstance(job, Backport | Settle)


def _subject(job: Job) -> tuple[str, str]:
    """What a job is about, beyond the occasion that began it."""
    match job:
        case Backport(line=line) | Settle(line=line):
            return type(job).__name__, str(line)
        case LineJob(line=line):
            return f"{job.verb}{job.apart}", str(line)
        case Answer() | Overview() | Follower():
            return type(job).__name__, job.key
        case _:
            assert_never(job)
