"""Turns the actions about issues, milestones, what pulls say and how lines stand into calls of a forge.

It must never decide anything, nor hand a credential on in a text: what is written is cleaned of them here.
"""

from __future__ import annotations

from dataclasses import replace

from bot.app.log import conceal
from bot.core.actions import Refused
from bot.core.cutting import EnsureLabels, LabelsReady
from bot.core.issues import (
    EnsureIssue,
    EnsureMilestone,
    FindInMilestone,
    FindIssue,
    FindLabelled,
    FindMilestone,
    GetFacts,
    GetIssue,
    IssueReady,
)
from bot.core.model import Repo
from bot.core.setup import LabelWish, missing_labels
from bot.core.standing import FindOpenOnto, FindTags, GetChecks, GetRequired
from bot.forges import Forge

OfIssues = GetIssue | FindIssue | EnsureIssue | FindLabelled
OfLines = GetChecks | GetRequired | FindTags | FindOpenOnto
OfMilestones = FindMilestone | EnsureMilestone | FindInMilestone
OfWork = OfIssues | OfMilestones | OfLines | GetFacts | EnsureLabels


def ask_about_work(forge: Forge, action: OfWork) -> object:
    """Whatever is asked or wished for here."""
    match action:
        case GetFacts(repo, numbers):
            return forge.facts(repo, numbers)
        case EnsureLabels(repo, wishes):
            return _make_labels(forge, repo, wishes)
        case FindMilestone() | EnsureMilestone() | FindInMilestone():
            return _ask_milestones(forge, action)
        case GetChecks() | GetRequired() | FindTags() | FindOpenOnto():
            return _ask_how_lines_stand(forge, action)
        case _:
            return _ask_issues(forge, action)


def _ask_issues(forge: Forge, action: OfIssues) -> object:
    match action:
        case GetIssue(repo, number):
            return forge.issues.get(repo, number)
        case FindIssue(repo, marker, label, anywhere):
            return forge.issues.find(repo, marker, label, anywhere=anywhere)
        case EnsureIssue(repo, wish):
            ready = forge.issues.ensure(repo, replace(wish, title=conceal(wish.title), body=conceal(wish.body)))
            # What a write answers with is kept, and its text may be long; whoever wished for it has it.
            return replace(ready, issue=replace(ready.issue, body="")) if isinstance(ready, IssueReady) else ready
        case FindLabelled(repo, label, most, closed):
            return forge.issues.labelled(repo, label, most, closed=closed)


def _ask_milestones(forge: Forge, action: OfMilestones) -> object:
    match action:
        case FindMilestone(repo, title):
            return forge.milestones.find(repo, title)
        case EnsureMilestone(repo, wish):
            return forge.milestones.ensure(repo, replace(wish, description=conceal(wish.description)))
        case FindInMilestone(repo, milestone, most):
            return forge.milestones.items(repo, milestone, most)


def _make_labels(forge: Forge, repo: Repo, wishes: tuple[LabelWish, ...]) -> LabelsReady | Refused:
    made = []
    for wish in missing_labels(wishes, forge.labels.all(repo)):
        outcome = forge.labels.ensure(repo, wish)
        if isinstance(outcome, Refused):
            return outcome
        made += [wish.name] if outcome else []
    return LabelsReady(tuple(made))


def _ask_how_lines_stand(forge: Forge, action: OfLines) -> object:
    match action:
        case GetRequired(repo, branch):
            return forge.checks.required(repo, branch)
        case GetChecks(repo, sha):
            return forge.checks.of(repo, sha)
        case FindTags(repo):
            return forge.tags.all(repo)
        case FindOpenOnto(repo, base):
            return forge.history.open_onto(repo, base)
