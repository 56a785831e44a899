"""The course of a final: a tested candidate's very commit gets its final name, once somebody has confirmed that.

It must never make a commit, nor tag one that is not the candidate's; nor show a release that is not as it was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from bot.core.actions import BranchMoved, Flow, Missing, Planning, Refused, ask
from bot.core.jobs import Report
from bot.core.messages import finals as messages
from bot.core.messages import releases
from bot.core.messages.refusals import Refusal
from bot.core.model import Tag
from bot.core.permission import may
from bot.core.publishing import FindRelease
from bot.core.release.confirmation import Asking, drop, hear, is_dropped, wait
from bot.core.release.ending import Ending, object_to, refused, show
from bot.core.release.look import LineNow, Wanted, look_at
from bot.core.release.marks import is_withdrawn
from bot.core.release.prospect import Prospect, foresee
from bot.core.release.shown import show_final
from bot.core.survey import take_survey
from bot.core.tagging import (
    FetchTags,
    LineProtected,
    Provenance,
    Pushed,
    PushRelease,
    TagExists,
    TagFound,
    TagWish,
    VerifyTag,
    is_mine,
)
from bot.core.versions import last_of, read_tag
from bot.core.wishes import Answered, FollowTag, MakeFinal


def make_final(job: MakeFinal) -> Flow[Report]:
    """Make it once it is confirmed, and show how it ended."""
    if is_dropped(job):
        return (yield from show(job, drop(job)))
    return (yield from show(job, object_to(job, (yield from _make(job)))))


def _make(job: MakeFinal) -> Flow[Ending]:
    made = yield from _find_made(job)
    if made and made.asked_in == job.asked.origin:
        return (yield from _resume(job, made))
    now = yield from look_at(job.repo, job.line, Wanted(final=True, number=job.candidate))
    if isinstance(now, Refusal):
        is_left = made is not None and (yield from _is_left(job, made))
        return (yield from _resume(job, made)) if made and is_left else refused(now)
    if not (yield from may(job.repo, job.asked.actor, "manager", now.policy)):
        return refused(releases.not_a_manager(job.asked.actor))
    seen = yield from foresee(now, job.candidate)
    if isinstance(seen, Refusal):
        return refused(seen)
    if seen.is_barred:
        return _barred(seen)
    heard = yield from hear(job, now.policy, _bound(seen))
    match heard:
        case Refusal():
            return refused(heard)
        case Asking():
            text = messages.render_offer(now.next.tag, seen.candidate, seen.gates, seen.left_out)
            return wait(job, now.policy, heard, _bound(seen), text)
        case None:
            assert job.answered  # or nobody was heard
            return (yield from _push(job, seen, job.answered))
        case _:
            assert_never(heard)


def _bound(seen: Prospect) -> dict[str, str]:
    """What is confirmed. Of the line's tip the code knows, too: what is left out was shown with it."""
    branch = seen.now.branch
    return {"tag": seen.now.next.tag, "candidate": seen.candidate.name, "commit": seen.commit, branch.name: branch.sha}


def _barred(seen: Prospect) -> Ending:
    closed = ", ".join(gate.name for gate in seen.gates if gate.bars)
    text = messages.render_barred_final(seen.now.next.tag, seen.candidate.name, seen.gates, seen.left_out)
    return Ending("refused", "confused", text, f"{seen.now.next.tag} is not made: {closed}.")


# ── the tag ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Made:
    """The final's tag as it is on the forge."""

    tag: TagFound
    signed: bool
    candidate: str
    confirmed_by: str
    asked_in: str = ""

    @property
    def commit(self) -> str:
        """What it names."""
        return self.tag.commit or ""


def _find_made(job: MakeFinal) -> Planning[_Made | None]:
    """The last final, if it is mine. One that this very wish has made is found here when its job is done anew."""
    tags = yield from ask(FetchTags(job.repo))
    last = last_of(job.line, [Tag(tag.name, tag.commit) for tag in tags if tag.commit]).final
    checked = (yield from ask(VerifyTag(job.repo, last.name))) if last else Missing("a final")
    if isinstance(checked, Missing) or not is_mine(job.repo, checked):
        return None
    candidate, by = checked.trailer("Candidate") or "", checked.trailer("Confirmed-By") or ""
    return _Made(checked.tag, checked.signed is not None, candidate, by, checked.trailer("Requested-In") or "")


def _is_left(job: MakeFinal, made: _Made) -> Planning[bool]:
    """Whether a final of mine is not shown, so that its job was interrupted, and may be by the one who asks now: a job
    from the command line is never begun again.
    """
    survey = yield from take_survey(job.repo)
    if survey.errors or not (yield from may(job.repo, job.asked.actor, "manager", survey.policy)):
        return False
    shown = yield from ask(FindRelease(job.repo, made.tag.name))
    return isinstance(shown, Missing) or (shown.draft and not is_withdrawn(shown))


def _push(job: MakeFinal, seen: Prospect, answered: Answered) -> Flow[Ending]:
    """The tag alone: the commit is on the line already, and nothing moves there."""
    now, confirmed_by = seen.now, answered.by.login
    provenance = Provenance(
        requested_by=job.asked.actor.login, requested_in=job.asked.origin, confirmed_by=confirmed_by,
        candidate=seen.candidate.name,
        gates=tuple(f"{gate.name}: {gate.said}" for gate in seen.gates if gate.verdict == "open"),
    )  # fmt: skip
    wish = TagWish(now.next.tag, seen.commit, f"{job.repo.path} {now.next.version}", provenance, answered.at)
    pushed = yield from ask(PushRelease(job.repo, wish))
    match pushed:
        case Pushed(tag=tag):
            made = _Made(tag, pushed.signed is not None, seen.candidate.name, confirmed_by)
            return (yield from _finish(job, now, made))
        case TagExists(reason=reason):
            return refused(releases.tag_exists(now.next.tag, reason))
        case BranchMoved():
            return refused(releases.moved(now.branch.name))
        case LineProtected(reason):
            return refused(releases.tag_refused(now.next.tag, reason))
        case Refused(reason, step):
            return refused(Refusal(f"{reason}.", step))
        case _:
            assert_never(pushed)


def _resume(job: MakeFinal, made: _Made) -> Flow[Ending]:
    """The tag is there, and whatever else may be, too."""
    now = yield from look_at(job.repo, job.line)
    return refused(now) if isinstance(now, Refusal) else (yield from _finish(job, now, made))


# ── the release ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _finish(job: MakeFinal, now: LineNow, made: _Made) -> Flow[Ending]:
    """Show it on the forge, and tell. What follows from the tag follows whether it could be shown or not."""
    tag, asked_by = made.tag.name, job.asked.actor.login
    then = (FollowTag(job.repo, job.line, tag, made.commit),)  # the same job as a webhook's, which names the commit
    shown = yield from show_final(now, read_tag(tag) or now.next.version, made.tag, confirmed=True)
    if isinstance(shown, Refused):
        text = messages.render_half_made(tag, made.commit, shown.reason, shown.next_step)
        summary = f"{tag} is tagged, and its release is not shown: {shown.reason}"
        return Ending("refused", "confused", text, summary, then=then)
    url, of = shown.url, made.candidate or None
    text = messages.render_final(tag, url, of, made.commit, signed=made.signed)
    news = messages.render_final_news(tag, url, (asked_by, made.confirmed_by))
    return Ending("made", "rocket", text, f"{tag} is released: {made.commit[:12]}.", news, then)

