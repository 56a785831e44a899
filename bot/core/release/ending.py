"""How a job about releases ends, and how that is shown where it was asked for.

It must never stay silent: who asks for a release is told what came of it, and what the next step is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.core.actions import EnsureComment, Flow, React, Reaction, ask
from bot.core.jobs import Job, Report, ReportOutcome
from bot.core.messages import releases as messages
from bot.core.messages.chat import answer_marker
from bot.core.messages.escape import plain
from bot.core.messages.finals import render_objection
from bot.core.messages.refusals import Refusal
from bot.core.messages.typed import as_typed
from bot.core.wishes import Confirmed, LineJob


@dataclass(frozen=True, slots=True)
class Ending:
    """What is shown: a status that is edited in place, and `news`, a comment of its own since edits notify nobody."""

    outcome: ReportOutcome
    reaction: Reaction | None
    text: str
    summary: str
    news: str = ""
    then: tuple[Job, ...] = ()
    """What follows from it, which nobody has to wait for."""
    code: str = ""
    """What confirms it, where it waits for that."""


def refused(refusal: Refusal) -> Ending:
    """It was not done, for a reason that a person can do something about."""
    text = f"{plain(refusal.reason, 1000)} {plain(refusal.next_step, 500)}"
    return Ending("refused", refusal.reaction, text, str(refusal))


def idle(refusal: Refusal) -> Ending:
    """There was nothing to do, and a person can say why that should be otherwise."""
    return replace(refused(refusal), outcome="nothing")


def object_to(job: LineJob, ending: Ending) -> Ending:
    """The ending of what was confirmed and is not done all the same: who confirmed it is told in a new comment."""
    if not isinstance(job, Confirmed) or job.answered is None or ending.outcome not in ("refused", "nothing"):
        return ending
    return replace(ending, news=render_objection(job.answered.by, plain(ending.summary, 1000)))


def break_down(job: LineJob, what: str) -> Flow[None]:
    """The bot itself failed. `what` is a user's error in full, or the name under which the log has the rest."""
    yield from show(job, object_to(job, refused(messages.broken_down(what))))


def show(job: LineJob, ending: Ending) -> Flow[Report]:
    """Tell it in the comment of this job, and react; on the command line the report tells it."""
    text, summary = ending.text, ending.summary
    if job.asked.comment:
        yield from _comment(job, ending)
    else:
        text, summary = as_typed(text), as_typed(summary)
    return Report(job, ending.outcome, summary, told=text, code=ending.code, then=ending.then)


def name_of(job: LineJob) -> str:
    """What the comment of a job is found by, beside the comment that asked."""
    return f"{job.verb}-{job.line}{job.apart}"


def _comment(job: LineJob, ending: Ending) -> Flow[None]:
    asked, name = job.asked, name_of(job)
    marker = answer_marker(asked.comment, name)
    yield from ask(EnsureComment(job.repo, asked.number, marker, f"{marker}\n{ending.text}", on=asked.on))
    if ending.news:
        # What was told earlier, and came to nothing, is not written over: edits notify nobody.
        said = job.answered.at if isinstance(job, Confirmed) and job.answered else 0
        part = "news" if ending.outcome == "made" else f"news-{ending.outcome}-{said}"
        news = answer_marker(asked.comment, f"{name}-{part}")
        yield from ask(EnsureComment(job.repo, asked.number, news, f"{news}\n{ending.news}", on=asked.on))
    if ending.reaction:
        yield from ask(React(job.repo, asked.number, asked.comment, ending.reaction, asked.on))
