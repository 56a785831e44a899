"""The routing table: what follows from each event, and which flow does each job.

It must never write: planning only asks. An event is a hint where to look; what counts is what the forge says now.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import assert_never

from bot.core.actions import (
    FindOrigins,
    FindPullsOf,
    Flow,
    GetLabellings,
    GetPull,
    Labelling,
    Missing,
    Origins,
    Planning,
    ask,
)
from bot.core.backport import apologise, backport, settle
from bot.core.backport.carrier import may_carry, may_have_carried, settle_carried
from bot.core.conversation import answer, plan_comment, plan_edit
from bot.core.events import (
    ChecksReported,
    CommentEdited,
    CommentPosted,
    Event,
    PullClosed,
    PullLabelled,
    PullOpened,
    PushedTo,
    TagPushed,
)
from bot.core.jobs import Answer, Backport, FindWaiting, Job, Overview, Plan, Report, Settle
from bot.core.ledger import read_state_label
from bot.core.lines import CANDIDATES, ROLL_UPS, label_lines, line_of_branch, line_of_label, read_backport_branch
from bot.core.messages.pulls import BACKPORT_MARKER
from bot.core.model import Line, Person, Pull, Repo
from bot.core.overview import overview
from bot.core.permission import may_backport
from bot.core.policy import Policy
from bot.core.release.course import follow
from bot.core.release.ending import break_down
from bot.core.standing import FindOpenOnto
from bot.core.survey import Survey, take_survey
from bot.core.tagging import FetchTags
from bot.core.versions import read_tag
from bot.core.wishes import Follower, FollowTag, KeepTracker, LineJob, MakeCandidate

MAX_LOOKED_AT = 100
"""Commits of one push that are looked at; a push of more is a branch being rewritten, not backports being finished."""


def plan(event: Event) -> Planning[Plan]:
    """What to do about an event."""
    match event:
        case PullOpened():
            return (yield from _plan_opened(event))
        case PullClosed():
            return (yield from _plan_closed(event))
        case PullLabelled():
            return (yield from _plan_labelled(event))
        case CommentPosted():
            return (yield from plan_comment(event))
        case CommentEdited():
            return (yield from plan_edit(event))
        case PushedTo():
            return (yield from _plan_pushed(event))
        case TagPushed():
            return _plan_tag(event)
        case ChecksReported():
            return (yield from _plan_reported(event))
        case _:
            assert_never(event)


def leads_nowhere(event: Event) -> bool:
    """Whether an event by itself says that nothing follows, so that it need not be kept: checks end by the thousand."""
    return isinstance(event, ChecksReported) and not _candidates_of(event)


def flow_of(job: Job) -> Flow[Report]:
    """The flow that does a job."""
    match job:
        case Backport():
            return backport(job)
        case Settle():
            return settle(job)
        case Answer():
            return answer(job)
        case Overview():
            return overview(job)
        case LineJob() | Follower():
            return follow(job)
        case _:
            assert_never(job)


def after_breakdown(job: Job, what: str) -> Flow[None]:
    """What people are told when a job breaks down; `what` is a user's error in full, or the name of the fault."""
    if isinstance(job, Backport):
        yield from apologise(job, what)
    elif isinstance(job, LineJob):
        yield from break_down(job, what)


# ── pulls ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plan_opened(event: PullOpened) -> Planning[Plan]:
    """A pull may be a backport that a person carries on, or one that was closed; of my own the job tells itself."""
    if not may_carry(event.repo, event.base, event.body):
        return _nothing(f"#{event.number} is no backport.")
    if BACKPORT_MARKER in event.body and not event.again:
        return _nothing(f"#{event.number} is a backport of my own.")
    pull = yield from ask(GetPull(event.repo, event.number))
    if isinstance(pull, Missing):
        return _nothing(f"There is no pull #{event.number} that I can see.")
    survey = yield from take_survey(event.repo)
    return Plan(settle_carried(event.repo, pull, survey.policy), _broken(survey))


def _plan_closed(event: PullClosed) -> Planning[Plan]:
    """A closed pull may ask for backports, and may be one. Unmerged it counts too: a robot may have landed it."""
    pull = yield from ask(GetPull(event.repo, event.number, told=True))
    if isinstance(pull, Missing):
        return _nothing(f"There is no pull #{event.number} that I can see.")
    if pull.is_open:
        return _nothing(f"#{event.number} is open again.")
    if pull.head.startswith(ROLL_UPS) and pull.head_repo_id == event.repo.id:
        return (yield from _plan_rolled_up(event.repo, pull))
    if not pull.labels and not may_have_carried(event.repo, pull) and not pull.head.startswith(CANDIDATES):
        return _nothing(f"#{event.number} has no label, and is no backport.")
    if pull.head.startswith(CANDIDATES) and pull.head_repo_id == event.repo.id:
        return (yield from _go_on(event.repo, [pull.head]))
    survey = yield from take_survey(event.repo)
    settling = settle_carried(event.repo, pull, survey.policy)
    wished = yield from _plan_labels(event.repo, pull, survey)
    return Plan((*settling, *wished.jobs), (*_broken(survey), *wished.notes))


def _plan_labelled(event: PullLabelled) -> Planning[Plan]:
    """Labels put on a closed pull start what all of its labels ask for; on an open one they wait for the merge."""
    labels = [label for label in event.labels if not read_state_label(label)]
    named = ", ".join(f"“{label}”" for label in labels or event.labels)
    if not labels:
        return _nothing(f"Nothing but a label of my own: {named}.")
    pull = yield from ask(GetPull(event.repo, event.number, told=True))
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
            asked_at = max(labelling.at for labelling in set_by)
            jobs.append(Backport(repo, pull.number, line, asker, max(0, generation), asked_at=asked_at))
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
    jobs = yield from _settle_pushed(event.repo, line, origins[-MAX_LOOKED_AT:], survey)
    left = len(origins) - MAX_LOOKED_AT
    notes = (f"{left} further commits are left unlooked at.",) if left > 0 else ()
    # Nothing is fetched for a line without a tracker: its job asks for that first.
    return Plan((*jobs, KeepTracker(event.repo, line, event.after)), (*_broken(survey), *notes))


def _settle_pushed(
    repo: Repo, line: Line, origins: tuple[Origins, ...], survey: Survey
) -> Planning[tuple[Settle, ...]]:
    """A job for each change that the commits may carry or take back, by their own word and by the forge's."""
    settling: dict[int, Settle] = {}
    for origin in origins:
        numbers = list(origin.pulls)
        for source in origin.picked_from[:MAX_LOOKED_AT]:
            numbers += [pull.number for pull in (yield from ask(FindPullsOf(repo, source))) if not pull.is_open]
        for number in origin.reverted:  # what is taken back by number is the backport, mostly
            pull = yield from ask(GetPull(repo, number))
            carried = () if isinstance(pull, Missing) else settle_carried(repo, pull, survey.policy)
            settling |= {job.number: replace(job, occasion=origin.commit) for job in carried}
            numbers += [] if carried else [number]
        settling |= {n: Settle(repo, n, line, origin.commit) for n in numbers if n not in settling}
    return tuple(settling.values())


def _may_be_line(event: PushedTo) -> bool:
    """Spares a fetch for most pushes: a line's branch has its number in its name, and a new branch no new backports."""
    ends = event.before.strip("0") and event.after.strip("0")
    numbered = re.search(r"[0-9]\.[0-9]", event.branch) and not read_backport_branch(Policy(), event.branch)
    return bool(ends and numbered) and event.branch != event.repo.default_branch


def _plan_reported(event: ChecksReported) -> Planning[Plan]:
    """Checks count where a candidate is made; everywhere else the forge shows them itself."""
    candidates = _candidates_of(event)
    if not candidates:
        return _nothing("Checks have ended on no candidate's branch.")
    return (yield from _go_on(event.repo, candidates))


def _go_on(repo: Repo, candidates: list[str]) -> Planning[Plan]:
    """The jobs that wait for what has happened to these branches."""
    waiting = yield from ask(FindWaiting(repo))
    making = (job for job in waiting if isinstance(job, MakeCandidate))
    jobs = tuple(job for job in making if f"{CANDIDATES}{job.line}" in candidates)
    return Plan(jobs) if jobs else _nothing(f"Nobody waits for “{candidates[0]}”.")


def _candidates_of(event: ChecksReported) -> list[str]:
    return [branch for branch in event.branches if branch.startswith(CANDIDATES)]


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plan_tag(event: TagPushed) -> Plan:
    """What a version's tag leads to is for its job to see. Nothing is asked here: tags come by the hundred."""
    version = read_tag(event.tag)
    if version is None:
        return _nothing(f"Tag “{event.tag}” was {event.change}, and names no version.")
    job = FollowTag(event.repo, version.line, event.tag, event.sha, event.change)
    notes = () if event.change == "created" else (f"Tag “{event.tag}” was {event.change}. I never do that.",)
    return Plan((job,), notes)


def _plan_rolled_up(repo: Repo, merged: Pull) -> Planning[Plan]:
    """The default branch has the section of one version now: the pulls that bring others' are made anew upon it."""
    found = (yield from ask(FindOpenOnto(repo, repo.default_branch))) if merged.merged else ()
    listed = () if isinstance(found, Missing) else found
    heads = [pull.head for pull in listed if pull.head.startswith(ROLL_UPS) and pull.head_repo_id == repo.id]
    wanted = {version for head in heads if (version := read_tag(head.removeprefix(ROLL_UPS)))}
    if not wanted:
        return _nothing(f"#{merged.number} brings a section to {repo.default_branch}, and no other one waits for it.")
    every = [(read_tag(tag.name), tag.name) for tag in (yield from ask(FetchTags(repo)))]
    tags = [(version, name) for version, name in every if version is not None and version in wanted]
    sha = merged.merged_as or merged.head_sha
    return Plan(tuple(FollowTag(repo, version.line, name, sha, "rolled up") for version, name in tags))


# ── notes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _nothing(note: str) -> Plan:
    return Plan(notes=(note,))


def _broken(survey: Survey) -> tuple[str, ...]:
    if not survey.errors:
        return ()
    return tuple(f"{survey.errors.path}, line {error.line}: {error.message}" for error in survey.errors.errors[:5])
