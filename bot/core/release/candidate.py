"""The course of a candidate: gates, the commit that is to be tagged, its checks, one push, and what is shown.

It must never tag a commit whose checks it has not seen pass, nor use up a number for what was not made.
"""

from __future__ import annotations

from typing import assert_never

from bot.core.actions import (
    BranchMoved,
    BranchReady,
    EnsurePull,
    FindPulls,
    Flow,
    Missing,
    Planning,
    Refused,
    Sync,
    ask,
)
from bot.core.jobs import Report
from bot.core.lines import CANDIDATES
from bot.core.messages import releases as messages
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Pull, Release
from bot.core.permission import may
from bot.core.publishing import DeleteBranch, Drafted, DraftRelease, FindRelease, StageRelease
from bot.core.release.deploy import deploys
from bot.core.release.draft import draft_candidate
from bot.core.release.ending import Ending, idle, refused, show
from bot.core.release.gates import Gate
from bot.core.release.look import LineNow, judge_checks, judge_line, look_at
from bot.core.release.shown import draft_of, show_candidate, trouble_with
from bot.core.standing import GetCommits
from bot.core.tagging import (
    LineMove,
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
from bot.core.versions import read_tag
from bot.core.wishes import FollowTag, KeepTracker, MakeCandidate


def make_candidate(job: MakeCandidate) -> Flow[Report]:
    """Make it, and show how it ended."""
    return (yield from show(job, (yield from _make(job))))


def _make(job: MakeCandidate) -> Flow[Ending]:
    now = yield from look_at(job.repo, job.line)
    if isinstance(now, Refusal):
        return refused(now)
    if not (yield from may(job.repo, job.asked.actor, "manager", now.policy)):
        return refused(messages.not_a_manager(job.asked.actor))
    if made := (yield from _find_made(job, now)):
        return (yield from _finish(job, now, made))
    return (yield from _prepare(job, now))


def _prepare(job: MakeCandidate, now: LineNow) -> Flow[Ending]:
    """From the gates to the checks of the very commit that is to be tagged."""
    asked, draft = yield from draft_candidate(now, job.asked.at)
    if isinstance(draft, Refused):
        return refused(Refusal(f"{draft.reason}.", f"{draft.next_step}."))
    if last := now.same_as(draft.commit):
        return (yield from _end_last(job, now, last))
    gates = yield from judge_line(now, draft, job.expected)
    if any(gate.verdict == "closed" for gate in gates):
        return _barred(now, gates)
    staged = yield from _stage(now, asked, draft)
    if isinstance(staged, Refusal):
        return refused(staged)
    if staged.sha != now.branch.sha:
        checks = yield from judge_checks(now, draft.commit)
        gates = tuple(checks if gate.name == "checks" else gate for gate in gates)
    if any(gate.verdict == "closed" for gate in gates):
        return _barred(now, gates)
    if any(gate.bars for gate in gates):
        text = messages.render_waiting(now.next.tag, draft.commit, now.staging, gates)
        return Ending("waiting", None, text, f"{now.next.tag} waits for the checks of {draft.commit[:12]}.")
    return (yield from _push(job, now, asked, draft, gates))


def _barred(now: LineNow, gates: tuple[Gate, ...]) -> Ending:
    closed = ", ".join(gate.name for gate in gates if gate.verdict == "closed")
    summary = f"{now.next.tag} is not made: {closed}."
    return Ending("refused", "confused", messages.render_barred(now.next.tag, gates), summary)


# ── the commit ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _stage(now: LineNow, asked: DraftRelease, draft: Drafted) -> Flow[Branch | Refusal]:
    """Put the commit where its checks run, in the place of what waited there before."""
    if draft.commit == now.branch.sha:
        return now.branch
    there = now.staged.sha if now.staged else None
    if there == draft.commit:
        return Branch(now.staging, there)
    staged = yield from ask(StageRelease(asked, draft.commit, now.staging, there))
    match staged:
        case BranchReady(sha):
            return Branch(now.staging, sha)
        case BranchMoved():
            return messages.moved(now.staging)
        case Refused(reason, step):
            return Refusal(f"{reason}.", step)
        case _:
            assert_never(staged)


# ── the tag ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _find_made(job: MakeCandidate, now: LineNow) -> Planning[TagFound | None]:
    """The candidate that this very wish has made, when its job is done anew: one wish makes one candidate."""
    if now.candidate is None:
        return None
    checked = yield from ask(VerifyTag(job.repo, now.candidate.name))
    if isinstance(checked, Missing) or not is_mine(job.repo, checked):
        return None
    if checked.trailer("Requested-In") != job.asked.origin:
        return None
    return checked.tag


def _end_last(job: MakeCandidate, now: LineNow, tag: TagFound) -> Flow[Ending]:
    """Nothing is new on the line. If the last candidate is mine and is not shown, its job was interrupted: it is ended
    now, for a job from the command line is never begun again.
    """
    version = read_tag(tag.name)
    if version is None or version.candidate is None:
        return idle(messages.nothing_new(tag.name))
    checked = yield from ask(VerifyTag(job.repo, tag.name))
    is_own = not isinstance(checked, Missing) and is_mine(job.repo, checked)
    if is_own and isinstance((yield from ask(FindRelease(job.repo, tag.name))), Missing):
        shown = yield from show_candidate(job.repo, now.line, draft_of(now, version, tag))
        if isinstance(shown, Release):
            return (yield from _finish(job, now, tag))
    return idle(messages.nothing_new(tag.name))


def _push(
    job: MakeCandidate, now: LineNow, asked: DraftRelease, draft: Drafted, gates: tuple[Gate, ...]
) -> Flow[Ending]:
    """The line forward and the tag, in one push that does both or nothing."""
    provenance = Provenance(
        requested_by=job.asked.actor.login, requested_in=job.asked.origin,
        gates=tuple(f"{gate.name}: {gate.said}" for gate in gates if gate.verdict == "open"),
    )  # fmt: skip
    wish = TagWish(now.next.tag, draft.commit, f"{job.repo.path} {now.next.version}", provenance, asked.at)
    moves = draft.commit != now.branch.sha
    line = LineMove(now.branch.name, now.branch.sha)
    pushed = yield from ask(PushRelease(job.repo, wish, line, now.staging if moves else None))
    match pushed:
        case Pushed(tag=tag):
            return (yield from _finish(job, now, tag, draft.notes))
        case TagExists(reason=reason):
            return refused(messages.tag_exists(now.next.tag, reason))
        case BranchMoved():
            return refused(messages.moved(now.branch.name))
        case LineProtected(reason):
            return (yield from _offer(job, now, draft, reason))
        case Refused(reason, step):
            return refused(Refusal(f"{reason}.", step))
        case _:
            assert_never(pushed)


def _offer(job: MakeCandidate, now: LineNow, draft: Drafted, reason: str) -> Flow[Ending]:
    """The line takes no push of mine, so people merge the commit. Once it is in, the line's own tip is tagged."""
    if draft.commit == now.branch.sha:
        return refused(messages.tag_refused(now.next.tag, reason))
    earlier = yield from ask(FindPulls(now.repo, now.staging, now.branch.name))
    if any(pull.head_sha == draft.commit and _is_declined(pull, job.asked.at) for pull in earlier[:1]):
        return refused(messages.declined(now.next.tag, earlier[0]))
    title, body = messages.describe_section(now.next.version, now.branch.name, now.next.tag)
    ready = yield from ask(EnsurePull(now.repo, now.staging, now.branch.name, title, body))
    if isinstance(ready, Refused):
        return refused(Refusal(f"{ready.reason}.", ready.next_step))
    text = messages.render_offered(now.next.tag, now.branch.name, ready.pull, reason)
    return Ending("waiting", None, text, f"{now.next.tag} waits for the merge of #{ready.pull.number}.")


def _is_declined(pull: Pull, since: int) -> bool:
    """Whether people have closed it since it was wished for; who asks anew wants it again."""
    return not pull.is_open and not pull.merged and (pull.closed_at or 0) >= since


# ── afterwards ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _finish(job: MakeCandidate, now: LineNow, tag: TagFound, notes: str | None = None) -> Flow[Ending]:
    """The tag is there: show it as a prerelease, take the bot's own branch away, and tell. Each may be done already."""
    commit = tag.commit or now.branch.sha
    checked = yield from ask(VerifyTag(job.repo, tag.name))
    signed = None if isinstance(checked, Missing) else checked.signed
    version = read_tag(tag.name) or now.next.version
    draft = draft_of(now, version, tag)
    release = yield from show_candidate(job.repo, now.line, draft, notes)
    yield from clear_staging(now, commit)
    url = release.url if isinstance(release, Release) else None
    told = messages.render_made(tag.name, commit, url, signed)
    if trouble := trouble_with(release):
        told += f" The forge shows no prerelease of it: {trouble}."
    news = messages.render_news(tag.name, url, job.asked.actor.login)
    follow = (FollowTag(job.repo, job.line, tag.name, commit),) if deploys(now.policy, version) else ()
    then = (KeepTracker(job.repo, job.line, tag.name), *follow)
    return Ending("made", "rocket", told, f"{tag.name} is made of {commit[:12]}.", news, then)


def clear_staging(now: LineNow, tagged: str) -> Flow[None]:
    """Take the bot's own branch away, unless a later candidate waits there, upon what the line is at now."""
    synced = yield from ask(Sync(now.repo, (f"{CANDIDATES}*", now.branch.name)))
    staged, tip = synced.tip(now.staging), synced.tip(now.branch.name)
    if staged is None:
        return
    commits = yield from ask(GetCommits(now.repo, (staged,)))
    waits = any(commit.sha == staged and tip in commit.parents for commit in commits)
    if staged == tagged or not waits:
        yield from ask(DeleteBranch(now.repo, now.staging, staged))
