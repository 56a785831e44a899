"""The course of a new line: where it begins, its branch and the frozen marker of that place, and what belongs to it.

It must never move a branch that is there, nor begin a line at a commit that is on no branch of the repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import assert_never

from bot.core.actions import BranchReady, Flow, Missing, Planning, Refused, Sync, ask
from bot.core.cutting import BranchTaken, CreateBranches, EnsureLabels
from bot.core.issues import EnsureMilestone, FindMilestone, MilestoneWish
from bot.core.jobs import Report
from bot.core.ledger import safe_url
from bot.core.lines import NoBranch, TwoBranches, branches_of, find_branch, is_branch_name
from bot.core.messages import keeping as messages
from bot.core.messages.escape import code, link, plain
from bot.core.messages.refusals import Refusal
from bot.core.messages.releases import broken_policy, not_a_manager, two_branches
from bot.core.model import Branch
from bot.core.permission import may
from bot.core.release.ending import Ending, refused, show
from bot.core.release.keep import show_tracker
from bot.core.release.look import is_supported, look_at
from bot.core.setup import wanted_labels
from bot.core.standing import GetCommits
from bot.core.survey import Survey, take_survey
from bot.core.tagging import FetchTags, IsAncestor
from bot.core.versions import read_tag
from bot.core.wishes import CutLine

FROZEN = "orig/"
"""How the branches begin that mark where lines began; they are never moved."""

_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.ASCII)
_Part = tuple[str, str]
"""What was done, or what is wrong with it; one of the two is empty."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a line begins, and the branches that say so."""

    branch: str
    commit: str

    @property
    def frozen(self) -> str:
        return f"{FROZEN}{self.branch}"


def cut_line(job: CutLine) -> Flow[Report]:
    """Make the line, and show how it ended."""
    return (yield from show(job, (yield from _cut(job))))


def _cut(job: CutLine) -> Flow[Ending]:
    survey = yield from take_survey(job.repo)
    if survey.errors:
        return refused(broken_policy(survey.errors))
    if not (yield from may(job.repo, job.asked.actor, "manager", survey.policy)):
        return refused(not_a_manager(job.asked.actor))
    place = yield from _find_place(job, survey)
    if isinstance(place, Refusal):
        return refused(place)
    made = yield from ask(CreateBranches(job.repo, place.commit, (place.branch, place.frozen)))
    match made:
        case BranchReady():
            return (yield from _furnish(job, survey, place))
        case BranchTaken(branch):
            return refused(messages.taken(branch))
        case Refused(reason, step):
            return refused(Refusal(f"{reason}. Nothing was made of {job.line} at {place.commit}.", step))
        case _:
            assert_never(made)


# ── where it begins ──────────────────────────────────────────────────────────────────────────────────────────────────


def _find_place(job: CutLine, survey: Survey) -> Planning[_Place | Refusal]:
    """A line whose branch is where it began is one that I was interrupted at, or that nothing was done to yet."""
    name = branches_of(survey.policy, job.line)[0]
    synced = yield from ask(Sync(job.repo, (f"{FROZEN}{name}*",)))
    began = synced.tip(f"{FROZEN}{name}")
    there = find_branch(survey.policy, job.line, survey.branches)
    if isinstance(there, TwoBranches):
        return two_branches(job.line, there.names)
    if isinstance(there, Branch):
        unchanged = there.name == name and there.sha == began
        return _Place(name, there.sha) if unchanged else messages.line_is_there(job.line, there)
    if job.source is None and (newest := max(survey.lines, default=job.line)) > job.line:
        return messages.is_older(job.line, newest)
    commit = yield from _find_source(job, survey, there)
    if isinstance(commit, Refusal):
        return commit
    if began not in (None, commit):
        return messages.marker_elsewhere(Branch(f"{FROZEN}{name}", began or ""), commit)
    return (yield from _object_to(job, commit)) or _Place(name, commit)


def _find_source(job: CutLine, survey: Survey, there: NoBranch) -> Planning[str | Refusal]:
    """The commit that was named: a branch's tip, or a commit of the default branch or of a line."""
    source = job.source or job.repo.default_branch
    if is_branch_name(source):
        synced = yield from ask(Sync(job.repo, (f"{source}*",)))
        if (tip := synced.tip(source)) is not None:
            return tip
    if _COMMIT.fullmatch(source.lower()):
        for commit in (yield from ask(GetCommits(job.repo, (source.lower(),)))):
            if (yield from _is_on_any(job, survey, commit.sha)):
                return commit.sha
    return messages.no_source(source, there.nearest)


def _is_on_any(job: CutLine, survey: Survey, commit: str) -> Planning[bool]:
    """Whether a branch of the repository holds it: what was fetched of forks' pulls lies beside it."""
    main = [branch for branch in survey.branches if branch.name == job.repo.default_branch]
    lines = [branch for branch in survey.branches if branch not in main]
    for branch in (*main, *lines):
        if (yield from ask(IsAncestor(job.repo, commit, branch.sha))):
            return True
    return False


def _object_to(job: CutLine, commit: str) -> Planning[Refusal | None]:
    """A line that was released before begins where that can still be told: above its last final."""
    found = yield from ask(FetchTags(job.repo))
    finals = [(version, tag) for tag in found if tag.commit and (version := read_tag(tag.name)) is not None
              and version.line == job.line and version.candidate is None]  # fmt: skip
    if not finals:
        return None
    _, last = max(finals, key=lambda pair: (pair[0].place, pair[1].name))
    sha = last.commit or ""
    is_below = yield from ask(IsAncestor(job.repo, sha, commit))
    return None if is_below else messages.loses_final(job.line, last.name, sha)


# ── what belongs to it ───────────────────────────────────────────────────────────────────────────────────────────────


def _furnish(job: CutLine, survey: Survey, place: _Place) -> Flow[Ending]:
    """Labels, milestone and tracker. What the forge refuses of these is told, and takes nothing from the line."""
    parts: list[_Part] = [
        (f"{code(place.frozen)} marks where it began, and is never moved", ""),
        (yield from _label(job, survey)), (yield from _open_milestone(job)), (yield from _open_tracker(job)),
        ("", "" if is_supported(survey.policy, job.line) else messages.say_unsupported(job.line)),
    ]  # fmt: skip
    done, wrong = [did for did, _ in parts if did], [said for _, said in parts if said]
    text = messages.render_cut(job.line, place.branch, place.commit, done, wrong)
    summary = f"{place.branch} begins at {place.commit[:12]}."
    return Ending("made", "rocket", text, summary, messages.render_cut_news(job.line, place.branch))


def _label(job: CutLine, survey: Survey) -> Flow[_Part]:
    wishes = wanted_labels(survey.policy, [job.line])
    made = yield from ask(EnsureLabels(job.repo, wishes))
    if isinstance(made, Refused):
        return "", f"labels: {plain(str(made), 500)}"
    return f"{len(wishes)} labels, among them {code(wishes[1].name)}", ""


def _open_milestone(job: CutLine) -> Flow[_Part]:
    """One that people have made, or have closed, is left as it is."""
    title = f"{job.line}.0"
    found = yield from ask(FindMilestone(job.repo, title))
    made = (yield from ask(EnsureMilestone(job.repo, MilestoneWish(title)))) if isinstance(found, Missing) else found
    if isinstance(made, Refused):
        return "", f"milestone: {plain(str(made), 500)}"
    return f"the milestone {link(title, safe_url(made.url))}", ""


def _open_tracker(job: CutLine) -> Flow[_Part]:
    now = yield from look_at(job.repo, job.line)
    shown = now if isinstance(now, Refusal) else (yield from show_tracker(now, job.key))
    if isinstance(shown, Refusal):
        return "", f"tracker: {plain(str(shown), 500)}"
    return f"{messages.link_tracker(shown.number, shown.url)}, its tracker", ""
