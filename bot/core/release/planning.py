"""The plan of a candidate or a final: what it would be, what is in it and left out, and what stands in its way.

It must never write anything but the answer itself.
"""

from __future__ import annotations

from bot.core.actions import Flow, Refused
from bot.core.jobs import Report
from bot.core.messages import finals as messages
from bot.core.messages import releases
from bot.core.messages.refusals import Refusal
from bot.core.release.draft import draft_candidate
from bot.core.release.ending import Ending, idle, refused, show
from bot.core.release.look import LineNow, Wanted, find_pending, judge_line, look_at
from bot.core.release.prospect import foresee
from bot.core.wishes import ShowPlan


def show_plan(job: ShowPlan) -> Flow[Report]:
    """Look, and tell."""
    now = yield from look_at(job.repo, job.line, Wanted(final=job.final))
    if isinstance(now, Refusal):
        return (yield from show(job, refused(now)))
    ending = (yield from _plan_final(now)) if job.final else (yield from _plan_candidate(job, now))
    return (yield from show(job, ending))


def _plan_candidate(job: ShowPlan, now: LineNow) -> Flow[Ending]:
    _, draft = yield from draft_candidate(now, job.asked.at)
    if isinstance(draft, Refused):
        return refused(Refusal(f"{draft.reason}.", f"{draft.next_step}."))
    if last := now.same_as(draft.commit):
        return idle(releases.nothing_new(last.name))
    gates = yield from judge_line(now, draft)
    left_out = messages.render_pending(now.line, (yield from find_pending(now)))
    head = messages.render_candidate_head(now.next.tag, draft.commit, now.branch.name, now.next.why)
    return _told(now, messages.render_plan(head, gates, draft.notes, left_out))


def _plan_final(now: LineNow) -> Flow[Ending]:
    seen = yield from foresee(now, None)
    if isinstance(seen, Refusal):
        return refused(seen)
    after = messages.render_left_out(seen.candidate.name, seen.left_out)
    pending = messages.render_pending(now.line, (yield from find_pending(now)))
    left_out = "\n\n".join(filter(None, (after, pending)))
    head = messages.render_final_head(now.next.tag, seen.candidate)
    return _told(now, messages.render_plan(head, seen.gates, seen.notes, left_out))


def _told(now: LineNow, text: str) -> Ending:
    return Ending("answered", "rocket", text, f"{now.next.tag} is planned, and nothing was done.")
