"""What follows from a final: its section on the default branch, its milestone, and a line on each pull that it holds.

It must never say a thing twice, nor take long at a time: pulls are told in portions, and others have turns between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.actions import EnsureComment, Flow, Missing, Planning, Refused, Sync, ask
from bot.core.backport.carrier import read_claims
from bot.core.changelog.write import roll_up
from bot.core.issues import EnsureMilestone, FindInMilestone, FindMilestone, GetFacts, Milestone, MilestoneWish
from bot.core.jobs import Job, Report
from bot.core.lines import ROLL_UPS
from bot.core.messages import after as messages
from bot.core.messages.escape import code, plain
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch
from bot.core.publishing import TellPull
from bot.core.release.look import LineNow
from bot.core.release.proposals import Proposal, propose
from bot.core.release.shown import draft_of, section_of
from bot.core.tagging import ReadFiles, TagChecked, TagFound
from bot.core.versions import Version, read_tag
from bot.core.wishes import FollowTag

MOST_TOLD = 300
"""Pulls of one final that are told of it. A first final may hold thousands; forges take some 500 comments an hour."""

PORTION = 40
"""Pulls that are told by one job. Each may carry another one, and one costs two requests: a job is granted 300."""


@dataclass(frozen=True, slots=True)
class Final:
    """A final that is out, and the line as it is now."""

    now: LineNow
    version: Version
    checked: TagChecked
    url: str | None
    """Where the forge shows it."""

    @property
    def tag(self) -> TagFound:
        """Its tag."""
        return self.checked.tag


def follow_final(job: FollowTag, final: Final, next_jobs: Sequence[Job], said: Sequence[str] = ()) -> Flow[Report]:
    """All of it, each part found done where it is; `said` is what is to be told besides, `next_jobs` are begun once."""
    told = [*said]
    if job.occasion == "rolled up":
        return Report(job, "settled", (yield from _bring_section(final)))
    if not job.told:
        told += [(yield from _bring_section(final)), *(yield from _settle_milestones(final))]
    portion = yield from _tell_pulls(job, final)
    then: list[Job] = [portion.rest] if portion.rest else []
    if not job.told:
        told.append(portion.said)
        yield from _tell_tracker(final, told)
        then += next_jobs
    summary = " ".join((f"{job.tag} is followed.", *told, *portion.trouble))
    return Report(job, "settled", summary, then=tuple(then))


def _tell_tracker(final: Final, told: Sequence[str]) -> Flow[None]:
    tracker = final.now.tracker
    if tracker and tracker.is_open:
        marker = messages.after_marker(final.version)
        body = messages.render_after(final.version, final.tag.name, final.url, told)
        yield from ask(EnsureComment(final.now.repo, tracker.number, marker, body, on="issue"))


# ── the changelog of the default branch ──────────────────────────────────────────────────────────────────────────────


def _bring_section(final: Final) -> Flow[str]:
    """Propose the section at its place among the versions that are there; how that stands, in a sentence."""
    now, path, commit = final.now, final.now.policy.changelog.file, final.tag.commit or final.tag.sha
    default = now.repo.default_branch
    tip = (yield from ask(Sync(now.repo, ()))).tip(default)
    line = (yield from ask(ReadFiles(now.repo, commit, (path,))))[path]
    if tip is None or line is None or section_of(line, final.version) is None:
        return messages.no_section(path)
    there = (yield from ask(ReadFiles(now.repo, tip, (path,))))[path] or ""
    text = roll_up(there, line, final.version).text
    message, body = messages.describe_roll_up(final.version, final.tag.name, now.branch.name)
    proposal = Proposal(
        Branch(default, tip), f"{ROLL_UPS}{final.version}", ((path, text),), message, body, final.tag.tagged_at or 0
    )
    proposed = yield from propose(now.repo, proposal)
    if isinstance(proposed, Refusal):
        return f"Its section could not be brought to {code(default)}: {plain(str(proposed), 500)}"
    return messages.roll_up_said(proposed, default)


# ── milestones ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _settle_milestones(final: Final) -> Flow[tuple[str, ...]]:
    """Close that of the version and open that of the next, where the project has one for the version at all."""
    repo, version = final.now.repo, final.version
    found = yield from ask(FindMilestone(repo, f"{version.line}.{version.patch}"))
    if isinstance(found, Missing):
        return ()
    said = (yield from _close(final, found)) if found.is_open else messages.milestone_said(found.title, 0)
    after = f"{version.line}.{version.patch + 1}"
    if _goes_on(final) and isinstance((yield from ask(FindMilestone(repo, after))), Missing):
        made = yield from ask(EnsureMilestone(repo, MilestoneWish(after)))
        if isinstance(made, Refused):
            return said, plain(str(made), 500)
    return (said,)


def _close(final: Final, found: Milestone) -> Flow[str]:
    items = yield from ask(FindInMilestone(final.now.repo, found))
    if isinstance(items, Missing) or items.found or items.more:
        count = None if isinstance(items, Missing) or items.more else len(items.found)
        return messages.milestone_said(found.title, count)
    closed = yield from ask(
        EnsureMilestone(final.now.repo, MilestoneWish(found.title, found.description, is_open=False))
    )
    return plain(str(closed), 500) if isinstance(closed, Refused) else messages.milestone_said(found.title, 0)


def _goes_on(final: Final) -> bool:
    """Whether the line has a next patch to plan: not below a later final, nor at the end of its life."""
    finals = (found for tag in final.now.tags if (found := read_tag(tag.name)) and found.candidate is None)
    supported = final.now.policy.lines.supported
    ahead = any(other.line == final.version.line and final.version < other for other in finals)
    return not ahead and (supported is None or final.version.line in supported)


# ── the pulls ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Portion:
    """What came of telling some pulls, and the job that tells the next ones."""

    said: str
    trouble: tuple[str, ...] = ()
    rest: FollowTag | None = None


def _tell_pulls(job: FollowTag, final: Final) -> Flow[_Portion]:
    """Say on each pull that it is released; where it carries another one to the line, on that one too."""
    drafted = yield from ask(draft_of(final.now, final.version, final.tag))
    if isinstance(drafted, Refused):
        return _Portion(f"I cannot tell which pulls are in it: {plain(str(drafted), 500)}")
    shipped = drafted.shipped
    numbers = yield from _whom(final, shipped[:MOST_TOLD][job.told : job.told + PORTION], shipped)
    body = messages.render_released(final.version, final.tag.name, final.url)
    trouble = []
    for number in numbers:
        told = yield from ask(TellPull(job.repo, number, messages.released_marker(final.version), body))
        if isinstance(told, Refused):
            trouble.append(told.reason)
    done = job.told + PORTION
    rest = replace(job, told=done) if done < min(len(shipped), MOST_TOLD) else None
    return _Portion(messages.pulls_said(len(shipped), MOST_TOLD), tuple(trouble[:5]), rest)


def _whom(final: Final, wanted: tuple[int, ...], shipped: tuple[int, ...]) -> Planning[tuple[int, ...]]:
    """The pulls of these numbers that are there, and those that the merged ones among them say they carry."""
    repo = final.now.repo
    facts = yield from ask(GetFacts(repo, wanted))
    claims = {claim for one in facts.values() if one.merged for claim in read_claims(repo, one.body)}
    carried = tuple(sorted(claims - set(shipped)))[:PORTION]
    known = (yield from ask(GetFacts(repo, carried))) if carried else {}
    return (*(number for number in wanted if number in facts), *(number for number in carried if number in known))
