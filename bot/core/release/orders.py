"""Makes jobs of what is asked for about releases in a comment.

It must never let a confirmation reach a wish that it was not shown for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from bot.core.actions import GetPull, Missing, Planning, ask
from bot.core.commands import (
    AskCandidate,
    AskCut,
    AskFinal,
    AskHold,
    AskNotes,
    AskPlan,
    AskUnhold,
    AskYank,
    Cancel,
    Confirm,
    OfLines,
)
from bot.core.events import CommentPosted
from bot.core.jobs import FindWaiting
from bot.core.lines import line_of_branch
from bot.core.messages import chat
from bot.core.model import Line
from bot.core.survey import take_survey
from bot.core.wishes import (
    Answered,
    Asked,
    Confirmed,
    CutLine,
    Hold,
    LineJob,
    MakeCandidate,
    MakeFinal,
    SetNotes,
    ShowPlan,
    Unhold,
    Yank,
)

_Plain = AskPlan | AskFinal | AskYank | AskCut | AskHold | AskUnhold | AskNotes


def take_up(event: CommentPosted, order: OfLines) -> Planning[Sequence[LineJob] | str]:
    """The jobs that an order comes to, or the answer to it where there is none."""
    repo, asked = event.repo, Asked(event.actor, event.number, event.comment, event.on, event.written_at)
    match order:
        case AskCandidate(line, sha):
            line = line or (yield from _line_of_pull(event))
            return [MakeCandidate(repo, line, asked, sha)] if line else chat.render_which_line()
        case Confirm(code):
            return (yield from _confirm(event, code))
        case Cancel():
            return (yield from _cancel(event))
        case _:
            return [_job_of(event, order, asked)]


def _job_of(event: CommentPosted, order: _Plain, asked: Asked) -> LineJob:
    repo = event.repo
    match order:
        case AskPlan(line, final):
            return ShowPlan(repo, line, asked, final)
        case AskFinal(line, candidate):
            return MakeFinal(repo, line, asked, candidate=candidate)
        case AskYank(version, reason):
            return Yank(repo, version.line, asked, patch=version.patch, rc=version.candidate, reason=reason)
        case AskCut(line, source):
            return CutLine(repo, line, asked, source)
        case AskHold(line, reason):
            return Hold(repo, line, asked, reason)
        case AskUnhold(line):
            return Unhold(repo, line, asked)
        case AskNotes(line, notes):
            return SetNotes(repo, line, asked, notes)
        case _:
            assert_never(order)


def _line_of_pull(event: CommentPosted) -> Planning[Line | None]:
    """The line that the pull goes onto, where it goes onto one."""
    if event.on != "pull":
        return None
    pull = yield from ask(GetPull(event.repo, event.number, told=True))
    survey = yield from take_survey(event.repo)
    return None if isinstance(pull, Missing) else line_of_branch(survey.policy, pull.base)


def _confirm(event: CommentPosted, code: str) -> Planning[Sequence[LineJob] | str]:
    """The wish that the code was shown for. Whether the code still holds is for the wish itself to see."""
    code = code.lower()
    waiting = [job for job in (yield from ask(FindWaiting(event.repo))) if isinstance(job, Confirmed)]
    meant = [job for job in waiting if code.startswith(f"{job.ticket}-")]
    said = Answered(event.actor, code, event.written_at)
    return [replace(job, repo=event.repo, answered=said) for job in meant] or chat.render_no_such_code(code)


def _cancel(event: CommentPosted) -> Planning[Sequence[LineJob] | str]:
    """Whatever was asked for here and waits for a confirmation."""
    waiting = [job for job in (yield from ask(FindWaiting(event.repo))) if isinstance(job, Confirmed)]
    here = [job for job in waiting if (job.asked.number, job.asked.on) == (event.number, event.on)]
    said = Answered(event.actor, "", event.written_at)
    return [replace(job, repo=event.repo, answered=said) for job in here] or chat.render_nothing_to_cancel()
