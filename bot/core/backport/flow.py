"""The course of a backport job, from the question whether it may be done to what is shown in the end.

It must never act on what an event said: the pull, the policy, the role and the line are read anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from bot.core.actions import (
    BranchMoved,
    CheckBranch,
    Conflict,
    FindPresent,
    Flow,
    GetPull,
    Missing,
    Partial,
    PickCommits,
    Picked,
    Present,
    React,
    Reaction,
    ask,
)
from bot.core.backport.delivery import Declined, deliver, find_earlier
from bot.core.backport.ending import Case, Ending, conflict, present, refuse, unresolved
from bot.core.backport.resolve import resolve
from bot.core.backport.settle import settle
from bot.core.jobs import Backport, Report, Settle
from bot.core.ledger import Row
from bot.core.lines import NoBranch, TwoBranches, branches_of, find_branch, label_of
from bot.core.messages import refusals
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Change, Evidence, Pull
from bot.core.permission import may_backport
from bot.core.policy import Policy
from bot.core.refs import Touched, Untouched
from bot.core.status import read_status, set_state, write_row
from bot.core.survey import take_survey

ATTEMPTS = 5
"""How often a pick is made when the line moves under the push each time."""


def backport(job: Backport) -> Flow[Report]:
    """Do the job, then show its ending: label, row, reaction."""
    pull = yield from ask(GetPull(job.repo, job.number, told=True))
    if isinstance(pull, Missing):
        return Report(job, "nothing", f"There is no pull #{job.number} that I can see.")
    if pull.is_open:
        yield from _react(job, "confused")
        return Report(job, "nothing", f"#{pull.number} is open; I start when it is merged.")
    status = yield from read_status(job.repo, pull)
    ending = yield from _carry(job, pull, status.ledger.row(job.line))
    if isinstance(ending, Declined):
        return (yield from _keep_declined(job, ending.pull))
    if ending.label:
        yield from set_state(job.repo, pull, job.line, ending.label)
    if ending.row:
        yield from write_row(status, job.line, _shown(status.ledger.row(job.line), ending.row, humble=ending.humble))
    yield from _react(job, ending.reaction)
    return Report(job, ending.outcome, ending.summary, ending.pull, ending.evidence)


def _keep_declined(job: Backport, pull: Pull) -> Flow[Report]:
    """A backport that people have closed is not made again; what is shown of it is brought up to date."""
    yield from settle(Settle(job.repo, job.number, job.line, "closed", pull.number))
    summary = f"#{pull.number} was closed without being merged, and nobody has asked again since."
    return Report(job, "nothing", summary, pull)


def apologise(job: Backport, what: str) -> Flow[None]:
    """Say on the change that the job broke down: a failed backport that nobody notices is missing from the release."""
    pull = yield from ask(GetPull(job.repo, job.number, told=True))
    if isinstance(pull, Missing):
        return
    ending = refuse(refusals.broken_down(what, label_of(Policy(), job.line)))
    assert ending.row is not None
    status = yield from read_status(job.repo, pull)
    yield from write_row(status, job.line, _shown(status.ledger.row(job.line), ending.row, humble=False))
    yield from _react(job, ending.reaction)


def _react(job: Backport, reaction: Reaction) -> Flow[None]:
    if job.comment is not None:
        yield from ask(React(job.repo, job.number, job.comment, reaction))


def _shown(before: Row | None, row: Row, *, humble: bool) -> Row:
    """A refusal does not hide how far a backport is: it becomes the note of the row that says so."""
    if before and humble:
        return before
    if before and row.state == "refused" and before.state not in ("refused", "closed"):
        return before.model_copy(update={"note": row.note})
    return row


def _carry(job: Backport, pull: Pull, before: Row | None) -> Flow[Ending | Declined]:
    """May it be done, what is to be done, and doing it."""
    survey = yield from take_survey(job.repo, job.number)
    label = label_of(survey.policy, job.line)
    if survey.errors:
        return refuse(refusals.broken_policy(survey.errors, label))
    if not (yield from may_backport(job.repo, job.actor, survey.policy)):
        return refuse(refusals.not_permitted(job.actor, label), humble=True)
    onto = _branch_of(job, survey.policy, survey.branches)
    if isinstance(onto, Refusal):
        return refuse(onto)
    change = yield from resolve(job.repo, pull)
    if not isinstance(change, Change):
        return unresolved(job, pull, change)
    case = Case(job, pull, survey.policy, change)
    if job.recreate:
        branch = yield from _find_branch(case, onto)
        if isinstance(branch, Refusal):
            return refuse(branch)
        if branch is not None:
            return (yield from _pick_until_it_holds(replace(case, instead_of=branch), onto))
    earlier = yield from find_earlier(case, onto, before)
    if isinstance(earlier, Ending | Declined):
        return earlier
    return (yield from _pick_until_it_holds(replace(case, doubts=earlier), onto))


def _find_branch(case: Case, onto: Branch) -> Flow[str | Refusal | None]:
    """Where the branch is that is to be built anew; None where there is none, and all is as if nobody had asked."""
    whole = _pick(case, onto, tuple(commit.sha for commit in case.change.commits))
    branch = yield from ask(CheckBranch(whole, case.head))
    match branch:
        case Untouched(sha):
            return refusals.signed_branch(case.head) if case.policy.backport.verified else sha
        case Touched():
            return refusals.touched_branch(case.head)
        case Missing():
            return None
        case _:
            assert_never(branch)


def _branch_of(job: Backport, policy: Policy, branches: tuple[Branch, ...]) -> Branch | Refusal:
    found = find_branch(policy, job.line, branches)
    label = label_of(policy, job.line)
    match found:
        case Branch():
            return found
        case NoBranch(nearest):
            return refusals.no_branch(job.line, branches_of(policy, job.line)[0], nearest, label)
        case TwoBranches(names):
            return refusals.two_branches(job.line, names, label)
        case _:
            assert_never(found)


def _pick_until_it_holds(case: Case, onto: Branch) -> Flow[Ending | Declined]:
    """Pick onto the line's tip, and again where a push found that the line had moved."""
    for _ in range(ATTEMPTS):
        ended = yield from _attempt(case, onto)
        if not isinstance(ended, BranchMoved):
            return ended
        survey = yield from take_survey(case.job.repo, case.job.number)
        tip = _branch_of(case.job, case.policy, survey.branches)
        if isinstance(tip, Refusal):
            return refuse(tip)
        onto = tip
    return refuse(refusals.restless_branch(onto.name, ATTEMPTS, case.label))


def _attempt(case: Case, onto: Branch) -> Flow[Ending | Declined | BranchMoved]:
    """One pick onto one tip. Commits that are certainly there are not picked a second time."""
    found = yield from ask(FindPresent(case.job.repo, case.change, onto))
    there = {item.commit for item in found if item.certain}
    missing = tuple(commit.sha for commit in case.change.commits if commit.sha not in there)
    if not missing:
        return present(case, onto, found)
    pick = _pick(case, onto, missing)
    evidence = (*found, *case.doubts)
    picked = yield from ask(pick)
    match picked:
        case Present():
            empty = tuple(Evidence("tree", sha, None, certain=True, score=1.0) for sha in missing)
            return present(case, onto, (*(item for item in found if item.certain), *empty))
        case Conflict() if case.instead_of:
            return refuse(refusals.conflicting_now(case.head, onto.name, [path.path for path in picked.paths[:5]]))
        case Conflict():
            return conflict(case, onto, pick, picked, evidence)
        case Picked() | Partial():
            return (yield from deliver(case, onto, pick, picked, evidence))
        case _:
            assert_never(picked)


def _pick(case: Case, onto: Branch, commits: tuple[str, ...]) -> PickCommits:
    """Dated with the closing of the pull: data, not a clock, so that a second run makes the same commits."""
    at = case.pull.closed_at
    dated = at if at is not None else max(commit.authored_at for commit in case.change.commits)
    return PickCommits(case.job.repo, commits, onto.sha, dated, case.change.mainline, case.policy.backport.sign_off)
