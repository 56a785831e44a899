"""The routing table: what follows from each event, and which flow does each job.

It must never write: planning only asks. An event is a hint where to look; what counts is what the forge says now.
"""

from __future__ import annotations

import re
from typing import assert_never

from bot.core.actions import FindOrigins, Flow, GetLabellings, GetPull, Labelling, Missing, Planning, ask
from bot.core.backport import apologise, backport, settle
from bot.core.backport.settle import landed_as
from bot.core.conversation import answer, plan_comment, plan_edit
from bot.core.events import CommentEdited, CommentPosted, Event, PullClosed, PullLabelled, PushedTo
from bot.core.jobs import Answer, Backport, Job, Plan, Report, Settle
from bot.core.ledger import read_state_label
from bot.core.lines import label_lines, line_of_branch, line_of_label, read_backport_branch
from bot.core.messages.pulls import BACKPORT_MARKER
from bot.core.model import Line, Person, Pull, Repo
from bot.core.permission import may_backport
from bot.core.policy import Policy
from bot.core.survey import Survey, take_survey

MAX_SETTLED = 100
"""Changes that one push settles; a push of more is a branch being rewritten, not backports being finished."""


def plan(event: Event) -> Planning[Plan]:
    """What to do about an event."""
    match event:
        case PullClosed():
            return (yield from _plan_closed(event))
        case PullLabelled():
            return (yield from _plan_labelled(event))
        case CommentPosted():
            return (yield from plan_comment(event))
        case CommentEdited():
            return plan_edit(event)
        case PushedTo():
            return (yield from _plan_pushed(event))
        case _:
            assert_never(event)


def flow_of(job: Job) -> Flow[Report]:
    """The flow that does a job."""
    match job:
        case Backport():
            return backport(job)
        case Settle():
            return settle(job)
        case Answer():
            return answer(job)
        case _:
            assert_never(job)


def after_breakdown(job: Job, what: str) -> Flow[None]:
    """What people are told when a job breaks down; `what` is a user's error in full, or the name of the fault."""
    if isinstance(job, Backport):
        yield from apologise(job, what)


# ── pulls ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plan_closed(event: PullClosed) -> Planning[Plan]:
    """A closed pull may ask for backports, and may be one. Unmerged it counts too: a robot may have landed it."""
    pull = yield from ask(GetPull(event.repo, event.number))
    if isinstance(pull, Missing):
        return _nothing(f"There is no pull #{event.number} that I can see.")
    if pull.is_open:
        return _nothing(f"#{event.number} is open again.")
    if not pull.labels and not _may_be_backport(event.repo, pull):
        return _nothing(f"#{event.number} has no label, and is no backport.")
    survey = yield from take_survey(event.repo)
    settling = _settle_own(event.repo, pull, survey)
    wished = yield from _plan_labels(event.repo, pull, survey)
    return Plan((*settling, *wished.jobs), (*_broken(survey), *wished.notes))


def _plan_labelled(event: PullLabelled) -> Planning[Plan]:
    """Labels put on a closed pull start what all of its labels ask for; on an open one they wait for the merge."""
    labels = [label for label in event.labels if not read_state_label(label)]
    named = ", ".join(f"“{label}”" for label in labels or event.labels)
    if not labels:
        return _nothing(f"Nothing but a label of my own: {named}.")
    pull = yield from ask(GetPull(event.repo, event.number))
    if isinstance(pull, Missing):
        return _nothing(f"There is no pull #{event.number} that I can see.")
    if pull.is_open:
        return _nothing(f"#{event.number} is open; I start when it is merged.")
    survey = yield from take_survey(event.repo)
    if all(line_of_label(survey.policy, label) is None for label in labels):
        return Plan(notes=(*_broken(survey), f"Not a backport label: {named}."))
    wished = yield from _plan_labels(event.repo, pull, survey)
    return Plan(wished.jobs, (*_broken(survey), *wished.notes))


def _plan_labels(repo: Repo, pull: Pull, survey: Survey) -> Planning[Plan]:
    """A job for each line that the labels ask for now.

    With a broken policy the default's labels still count: the job then says on the pull what is wrong.
    """
    wishes = label_lines(survey.policy, pull.labels, survey.lines)
    if not wishes:
        return Plan()
    labellings = yield from ask(GetLabellings(repo, pull.number))
    jobs: list[Job] = []
    notes: list[str] = []
    for line, labels in wishes.items():
        set_by = [labellings[label] for label in labels if label in labellings]
        asker = yield from _find_asker(repo, survey.policy, set_by)
        if asker:
            generation = max(labelling.times for labelling in set_by) - 1
            jobs.append(Backport(repo, pull.number, line, asker, max(0, generation)))
        else:
            notes.append(_unasked(line, set_by))
    return Plan(tuple(jobs), tuple(notes))


def _find_asker(repo: Repo, policy: Policy, set_by: list[Labelling]) -> Planning[Person | None]:
    """Of the people and named Apps who set the labels for a line, the first who may: one who may not hides nobody.

    Whether a single one may is asked by the job, which tells it on the pull.
    """
    askers = list(dict.fromkeys(one.actor for one in set_by if not one.actor.is_bot or policy.trusts(one.actor)))
    if len(askers) > 1:
        for asker in askers:
            if (yield from may_backport(repo, asker, policy)):
                return asker
    return askers[0] if askers else None


def _unasked(line: Line, set_by: list[Labelling]) -> str:
    if not set_by:
        return f"The label for {line} is gone again."
    return f"The label for {line} was set by {set_by[0].actor.login}, a bot that the policy does not name."


def _settle_own(repo: Repo, pull: Pull, survey: Survey) -> tuple[Settle, ...]:
    """The pull is a backport when its branch says so, is of this repository, and it goes onto that line's branch."""
    told = read_backport_branch(survey.policy, pull.head)
    if told is None or pull.head_repo_id != repo.id or line_of_branch(survey.policy, pull.base) != told[0]:
        return ()
    line, number = told
    return (Settle(repo, number, line, landed_as(pull), pull.number),)


def _may_be_backport(repo: Repo, pull: Pull) -> bool:
    """Cheap, and right for every backport; it only spares a fetch for the pulls that are none."""
    in_place = pull.head_repo_id == repo.id
    return in_place and (BACKPORT_MARKER in pull.body or pull.base != repo.default_branch)


# ── pushes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plan_pushed(event: PushedTo) -> Planning[Plan]:
    """Commits that arrive on a line may be backports that somebody finished by hand."""
    if not _may_be_line(event):
        return _nothing(f"“{event.branch}” is not a line's branch, or has no new commits.")
    survey = yield from take_survey(event.repo)
    line = line_of_branch(survey.policy, event.branch)
    if line is None:
        return Plan(notes=(*_broken(survey), f"“{event.branch}” is not a line's branch."))
    origins = yield from ask(FindOrigins(event.repo, event.before, event.after))
    landed = dict(origins)
    jobs = tuple(Settle(event.repo, number, line, sha, None) for number, sha in landed.items())
    notes = (f"{len(jobs) - MAX_SETTLED} further changes are left unsettled.",) if len(jobs) > MAX_SETTLED else ()
    return Plan(jobs[:MAX_SETTLED], (*_broken(survey), *notes))


def _may_be_line(event: PushedTo) -> bool:
    """Spares a fetch for most pushes: a line's branch has its number in its name, and a new branch no new backports."""
    ends = event.before.strip("0") and event.after.strip("0")
    numbered = re.search(r"[0-9]\.[0-9]", event.branch) and not read_backport_branch(Policy(), event.branch)
    return bool(ends and numbered) and event.branch != event.repo.default_branch


# ── notes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _nothing(note: str) -> Plan:
    return Plan(notes=(note,))


def _broken(survey: Survey) -> tuple[str, ...]:
    if not survey.errors:
        return ()
    return tuple(f"{survey.errors.path}, line {error.line}: {error.message}" for error in survey.errors.errors[:5])
