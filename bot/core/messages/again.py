"""What `/release retry` answers.

It must never promise more than a new try.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from bot.core.jobs import Answer, Backport, Job, Overview, Settle
from bot.core.messages.escape import listed, plain
from bot.core.retry import Redo
from bot.core.wishes import Deploy, FollowTag, KeepTracker, LineJob


def render_retry(redo: Redo) -> str:
    """What is done again, what is at work anyway, and what is left."""
    sentences = []
    wanted = [*map(name_job, redo.again), *(f"the backport to {line}, which met a conflict" for line in redo.lines)]
    if wanted:
        sentences.append(f"I do again: {_join(wanted)}. What was done stays done.")
    if redo.busy:
        sentences.append(f"I am still at it: {_join(map(name_job, redo.busy))}.")
    if redo.cancelled:
        lines = tuple(dict.fromkeys(job.line for job in redo.cancelled if isinstance(job, Backport)))
        way = f", or say `/backport {lines[0]}`" if lines else ""
        sentences.append(f"Whoever runs me has stopped {_join(map(name_job, redo.cancelled))}: ask them{way}.")
    if not sentences:
        return (
            "Nothing on this pull has failed, was refused or met a conflict, as far as I remember, so there is nothing "
            "to do again. For a backport that is missing say `/backport` with its lines."
        )
    return " ".join(sentences)


def name_job(job: Job) -> str:
    """A job, in words of the bot's own."""
    match job:
        case Backport(line=line):
            return f"the backport to {line}"
        case LineJob():
            return job.named
        case KeepTracker(line=line):
            return f"the tracker of {line}"
        case FollowTag(tag=tag):
            return f"what follows from the tag {plain(tag, 80)}"
        case Deploy(tag=tag):
            return f"the deployment of {plain(tag, 80)}"
        case Settle(line=line):
            return f"the look at what is true of {line}"
        case Answer():
            return "the answer to a comment"
        case Overview(lines=lines):
            return f"the overview of {listed(lines)}" if lines else "the overview of the lines"
        case _:
            assert_never(job)


def _join(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))
