"""Milestones on GitHub.

It must never delete one, nor touch one whose title only looks alike.
"""

from __future__ import annotations

from typing import Any

from bot.core.actions import Missing, Refused
from bot.core.issues import Items, Milestone, MilestoneWish
from bot.core.model import Repo
from bot.forges.fields import Fields
from bot.forges.github.connection import Connection
from bot.forges.github.issues import NO_ISSUES, list_items, place_of, settled
from bot.forges.github.pages import each
from bot.forges.github.reading import reading
from bot.forges.wire_fault import WireFault

Json = dict[str, Any]


class Milestones:
    """Fulfils `bot.forges.Milestones` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, repo: Repo, title: str) -> Milestone | Missing:
        """A request for a hundred milestones: they cannot be asked for by title."""
        try:
            found = self._find(repo, title)
        except WireFault as fault:
            if fault.status != NO_ISSUES:
                raise
            found = None
        return Missing(f"milestone {title} of {repo.path}") if found is None else found

    def ensure(self, repo: Repo, wish: MilestoneWish) -> Milestone | Refused:
        """Make the milestone where none is, or edit what differs."""
        try:
            there = self._find(repo, wish.title)
            return self._bring(repo, self._make(repo, wish) if there is None else there, wish)
        except WireFault as fault:
            return _refused(fault, repo, wish.title)

    def items(self, repo: Repo, milestone: Milestone, most: int) -> Items | Missing:
        """A request for a hundred."""
        return list_items(self._connection, repo, most, milestone=str(milestone.number))

    def _find(self, repo: Repo, title: str) -> Milestone | None:
        with reading(f"the milestones of {repo.path}"):
            listed = each(
                self._connection.wire(repo), f"{place_of(repo)}/milestones",
                state="all", sort="due_on", direction="desc",
            )  # fmt: skip
            return next((found for found in map(_read, listed) if found.title == title), None)

    def _make(self, repo: Repo, wish: MilestoneWish) -> Milestone:
        try:
            return self._send(repo, "POST", "", {"title": wish.title, "description": wish.description})
        except WireFault as fault:
            # A second one of a title is refused, so that a lost answer can be asked after at once.
            settled_by_look = fault.in_doubt or "already_exists" in fault.said
            found = self._find(repo, wish.title) if settled_by_look else None
            if found is None:
                raise
            return found

    def _bring(self, repo: Repo, there: Milestone, wish: MilestoneWish) -> Milestone:
        edit: Json = {}
        if settled(there.description) != settled(wish.description):
            edit["description"] = wish.description
        if there.is_open != wish.is_open:
            edit["state"] = "open" if wish.is_open else "closed"
        return self._send(repo, "PATCH", f"/{there.number}", edit) if edit else there

    def _send(self, repo: Repo, verb: str, where: str, body: Json) -> Milestone:
        with reading(f"the milestone just written in {repo.path}"):
            path = f"{place_of(repo)}/milestones{where}"
            return _read(Fields("", self._connection.wire(repo).requestJsonAndCheck(verb, path, input=body)[1]))


def _read(found: Fields) -> Milestone:
    return Milestone(
        number=found.number("number"),
        title=found.text("title"),
        description=found.text("description") if found.has("description") else "",
        is_open=found.says("state", "open"),
        url=found.text("html_url"),
    )


def _refused(fault: WireFault, repo: Repo, title: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (403, 404, 410, 422):
        raise fault
    step = f"Give the bot's token the permission issues: write in {repo.path}, or make the milestone by hand."
    return Refused(f"GitHub did not take the milestone {title}: {fault.said or fault}", step)
