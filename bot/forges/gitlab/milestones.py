"""Milestones of a project on GitLab.

It must never touch one of a group, which other projects share, nor one whose title only looks alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitlab.v4.objects import ProjectMilestoneManager

from bot.core.actions import Missing, Refused
from bot.core.issues import Items, Milestone, MilestoneWish
from bot.core.model import Repo
from bot.forges.fields import Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.issues import list_items
from bot.forges.gitlab.reading import known, reading
from bot.forges.gitlab.words import spoken
from bot.forges.wire_fault import WireFault

Json = dict[str, Any]


class Milestones:
    """Fulfils `bot.forges.Milestones` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, repo: Repo, title: str) -> Milestone | Missing:
        """One request: GitLab is asked for the title."""
        found = self._find(repo, title)
        return Missing(f"milestone {title} of {repo.path}") if found is None else found

    def ensure(self, repo: Repo, wish: MilestoneWish) -> Milestone | Refused:
        """Make the milestone where none is, or edit what differs."""
        try:
            there = self._find(repo, wish.title)
            return self._bring(repo, self._make(repo, wish) if there is None else there, wish)
        except WireFault as fault:
            return _refused(fault, repo, wish.title)

    def items(self, repo: Repo, milestone: Milestone, most: int) -> Items | Missing:
        """A request for a hundred issues, and one for a hundred merge requests; both are asked for by its title."""
        return list_items(self._connection, repo, most, milestone=milestone.title)

    def _find(self, repo: Repo, title: str) -> Milestone | None:
        with reading(f"the milestones of {repo.path}"):
            listed = self._of(repo).list(iterator=True, title=title)
            return next((found for one in listed if (found := _read(one.attributes)).title == title), None)

    def _make(self, repo: Repo, wish: MilestoneWish) -> Milestone:
        try:
            with reading(f"the milestone {wish.title} just made in {repo.path}"):
                made = self._of(repo).create({"title": wish.title, "description": spoken(wish.description)})
                return _read(made.attributes)
        except WireFault as fault:
            # A second one of a title is refused, so that a lost answer can be asked after at once.
            found = self._find(repo, wish.title) if fault.in_doubt or "already" in fault.said else None
            if found is None:
                raise
            return found

    def _bring(self, repo: Repo, there: Milestone, wish: MilestoneWish) -> Milestone:
        edit: Json = {}
        if there.description.rstrip() != spoken(wish.description).rstrip():
            edit["description"] = spoken(wish.description)
        if there.is_open != wish.is_open:
            edit["state_event"] = "activate" if wish.is_open else "close"
        if not edit:
            return there
        with known(), reading(f"the milestone {wish.title} of {repo.path}"):
            return _read(self._of(repo).update(there.number, edit))

    def _of(self, repo: Repo) -> ProjectMilestoneManager:
        return self._connection.client.projects.get(repo.id, lazy=True).milestones


def _read(attributes: Mapping[str, Any]) -> Milestone:
    found = Fields("", dict(attributes))
    return Milestone(
        number=found.number("id"),
        title=found.text("title"),
        description=found.text("description") if found.has("description") else "",
        is_open=found.says("state", "active"),
        url=found.text("web_url") if found.has("web_url") else "",
    )


def _refused(fault: WireFault, repo: Repo, title: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404, 422):
        raise fault
    step = f"Give the bot the role Developer in {repo.path}, or make the milestone by hand."
    return Refused(f"GitLab did not take the milestone {title}: {fault.said or fault}", step)
