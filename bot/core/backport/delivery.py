"""Brings a pick to its line: by a pull that people review, or by a push where policy wants it and nothing is in doubt.

It must never overwrite a branch: each is created, or moved from the very commit that was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from bot.core.actions import (
    BranchMoved,
    BranchReady,
    CompareWithOriginal,
    DescribePull,
    DressPull,
    EnsureBranch,
    EnsurePull,
    FindPulls,
    Flow,
    Partial,
    PickCommits,
    Picked,
    Planning,
    Refused,
    ask,
)
from bot.core.backport.ending import Case, Ending, pushed, refuse, waiting
from bot.core.jobs import Backport
from bot.core.ledger import Row, read_state_label, states_of
from bot.core.lines import line_of_label
from bot.core.messages import refusals
from bot.core.messages.escape import one_line
from bot.core.messages.pulls import Carried, render_body, render_title
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Evidence, Pull


@dataclass(frozen=True, slots=True)
class Declined:
    """People have closed the pull that carried the change, and nobody has asked for another since."""

    pull: Pull


def find_earlier(case: Case, onto: Branch, before: Row | None) -> Planning[Ending | Declined | tuple[Evidence, ...]]:
    """An earlier backport of this change: an open or a declined pull ends the job, a merged one leaves a doubt.

    A merged one alone proves nothing, since it may have been reverted. The look-up is spared where neither the labels
    nor the comment know of a backport to this line and nobody asks again.
    """
    if not (case.job.generation or before or states_of(case.pull.labels, case.job.line)):
        return ()
    pulls = yield from ask(FindPulls(case.job.repo, case.head, onto.name))
    opened = next((pull for pull in pulls if pull.is_open), None)
    if opened:
        return waiting(case, onto, opened, "updated", ())
    if declined := _declined(case.job, pulls):
        return declined
    merged = next((pull for pull in pulls if pull.merged), None)
    if not merged:
        return ()
    return tuple(Evidence("pull", c.sha, merged.merged_as, certain=False, score=0.9) for c in case.change.commits)


def _declined(job: Backport, pulls: tuple[Pull, ...]) -> Declined | None:
    """A pull that was closed after the label was put on last; a comment asks anew whenever it is written."""
    if job.comment is not None:
        return None
    asked = (job.asked_at, min(job.generation, 1))  # put on again in the same second it is a new wish
    closed = (pull for pull in pulls if not pull.is_open and not pull.merged)
    return next((Declined(pull) for pull in closed if asked <= (pull.closed_at or 0, 0)), None)


def deliver(
    case: Case, onto: Branch, pick: PickCommits, picked: Picked | Partial, evidence: tuple[Evidence, ...]
) -> Flow[Ending | Declined | BranchMoved]:
    """Push where policy says so; a pick with any doubt goes through a draft whatever the policy says."""
    if case.policy.backport.delivery == "push" and all(item.certain for item in evidence):
        return (yield from _push(case, onto, pick, picked))
    return (yield from _propose(case, onto, pick, picked, evidence))


def _push(case: Case, onto: Branch, pick: PickCommits, picked: Picked | Partial) -> Flow[Ending | BranchMoved]:
    branch = yield from ask(EnsureBranch(pick, picked.commit, onto.name, onto.sha))
    match branch:
        case BranchReady():
            return pushed(case, onto, picked.commit)
        case BranchMoved():
            return pushed(case, onto, picked.commit) if branch.sha == picked.commit else branch
        case Refused():
            return _said_no(branch)
        case _:
            assert_never(branch)


def _propose(
    case: Case, onto: Branch, pick: PickCommits, picked: Picked | Partial, evidence: tuple[Evidence, ...]
) -> Flow[Ending | Declined]:
    """Branch, then pull, then its decoration: whatever fails later, the pull is there."""
    verified = case.policy.backport.verified
    branch = yield from ask(EnsureBranch(pick, picked.commit, case.head, case.instead_of, verified))
    match branch:
        case Refused():
            return _said_no(branch)
        case BranchMoved() if branch.sha != picked.commit:
            return refuse(refusals.touched_branch(case.head)) if case.instead_of else (yield from _taken(case, onto))
        case BranchReady(found=False):
            pass
        case BranchMoved() | BranchReady():
            if declined := _declined(case.job, (yield from ask(FindPulls(case.job.repo, case.head, onto.name)))):
                return declined
        case _:
            assert_never(branch)
    difference = yield from ask(CompareWithOriginal(pick, picked.commit))
    wish = _wish(case, onto, picked, evidence, difference)
    opened = yield from ask(wish)
    if isinstance(opened, Refused):
        return _said_no(opened)
    if case.instead_of and not opened.opened:
        yield from ask(DescribePull(case.job.repo, opened.pull.number, wish.body))
    yield from _dress(case, opened.pull)
    return waiting(case, onto, opened.pull, "opened" if opened.opened else "updated", evidence)


def _wish(
    case: Case, onto: Branch, picked: Picked | Partial, evidence: tuple[Evidence, ...], difference: str
) -> EnsurePull:
    line, pull = case.job.line, case.pull
    body = render_body(
        Carried(pull, case.change, line, onto.name, picked.steps, evidence, difference, case.job.actor,
                case.job.why)
    )
    draft = not all(item.certain for item in evidence)
    return EnsurePull(case.job.repo, case.head, onto.name, render_title(case.policy, line, pull), body, draft)


def _dress(case: Case, pull: Pull) -> Flow[None]:
    """Take over from the original what the policy says."""
    rules, original = case.policy.backport, case.pull
    labels = tuple(label for label in original.labels if not _is_ours(case, label)) if rules.copy_labels else ()
    assignees = original.assignees if rules.copy_assignees else ()
    milestone = original.milestone if rules.copy_milestone else None
    if labels or assignees or milestone is not None:
        yield from ask(DressPull(case.job.repo, pull.number, labels, assignees, milestone))


def _is_ours(case: Case, label: str) -> bool:
    """Labels that ask for backports, or tell of them: on a backport they would start further ones."""
    return line_of_label(case.policy, label) is not None or read_state_label(label) is not None


def _taken(case: Case, onto: Branch) -> Flow[Ending]:
    """The branch holds other commits: an open pull from it is the backport; otherwise a person has to look."""
    pulls = yield from ask(FindPulls(case.job.repo, case.head, onto.name))
    opened = next((pull for pull in pulls if pull.is_open), None)
    if opened:
        return waiting(case, onto, opened, "updated", ())
    return refuse(refusals.foreign_branch(case.head, onto.name, pulls[0] if pulls else None, case.label))


def _said_no(refused: Refused) -> Ending:
    return refuse(Refusal(one_line(refused.reason, 500), one_line(refused.next_step, 300)))
