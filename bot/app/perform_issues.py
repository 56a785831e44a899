"""Turns the actions about issues, milestones and what pulls say into calls of a forge.

It must never decide anything, nor hand a credential on in a text: what is written is cleaned of them here.
"""

from __future__ import annotations

from dataclasses import replace

from bot.app.log import conceal
from bot.core.issues import (
    EnsureIssue,
    EnsureMilestone,
    FindInMilestone,
    FindIssue,
    FindLabelled,
    FindMilestone,
    GetFacts,
    GetIssue,
)
from bot.forges import Forge


def ask_issues(forge: Forge, action: GetIssue | FindIssue | EnsureIssue | FindLabelled | GetFacts) -> object:
    """Questions and wishes about issues, and what pulls say of themselves."""
    match action:
        case GetIssue(repo, number):
            return forge.issues.get(repo, number)
        case FindIssue(repo, marker, label):
            return forge.issues.find(repo, marker, label)
        case EnsureIssue(repo, wish):
            return forge.issues.ensure(repo, replace(wish, title=conceal(wish.title), body=conceal(wish.body)))
        case FindLabelled(repo, label, most):
            return forge.issues.labelled(repo, label, most)
        case GetFacts(repo, numbers):
            return forge.facts(repo, numbers)


def ask_milestones(forge: Forge, action: FindMilestone | EnsureMilestone | FindInMilestone) -> object:
    """Questions and wishes about milestones."""
    match action:
        case FindMilestone(repo, title):
            return forge.milestones.find(repo, title)
        case EnsureMilestone(repo, wish):
            return forge.milestones.ensure(repo, replace(wish, description=conceal(wish.description)))
        case FindInMilestone(repo, milestone, most):
            return forge.milestones.items(repo, milestone, most)
