"""The labels of a project on GitLab.

It must never take away or repaint a label that is there.
"""

from __future__ import annotations

from gitlab.v4.objects import Project

from bot.core.actions import Refused
from bot.core.model import Repo
from bot.core.setup import LabelWish
from bot.forges.fields import Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import reading
from bot.forges.gitlab.refusing import refused
from bot.forges.wire_fault import WireFault


class Labels:
    """Fulfils `bot.forges.Labels` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, repo: Repo) -> tuple[str, ...]:
        """The names of all labels, those of the groups round the project too."""
        with reading(f"the labels of {repo.path}"):
            found = self._project(repo).labels.list(iterator=True)
            return tuple(Fields("", label.attributes).text("name") for label in found)

    def ensure(self, repo: Repo, wish: LabelWish) -> bool | Refused:
        """Make the label; one that is there, or that a lost request has made, stays as it is."""
        label = {"name": wish.name, "color": f"#{wish.color}", "description": wish.description}
        try:
            with reading(f"the label {wish.name}"):
                self._project(repo).labels.create(label)
        except WireFault as fault:
            if "already" in fault.said:
                return False
            if fault.in_doubt and wish.name in self.all(repo):
                return True
            return refused(fault, f"GitLab did not make the label {wish.name}", "Reporter")
        return True

    def _project(self, repo: Repo) -> Project:
        return self._connection.client.projects.get(repo.id, lazy=True)
