"""The labels of a repository on GitHub.

It must never take away or repaint a label that is there.
"""

from __future__ import annotations

from github.Repository import Repository

from bot.core.actions import Refused
from bot.core.model import Repo
from bot.core.setup import LabelWish
from bot.forges.github.connection import Connection
from bot.forges.github.reading import reading
from bot.forges.github.refusing import refused
from bot.forges.wire_fault import WireFault


class Labels:
    """Fulfils `bot.forges.Labels` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, repo: Repo) -> tuple[str, ...]:
        """The names of all labels."""
        with reading(f"the labels of {repo.path}"):
            return tuple(label.name for label in self._repository(repo).get_labels())

    def ensure(self, repo: Repo, wish: LabelWish) -> bool | Refused:
        """Make the label; one that is there, or that a lost request has made, stays as it is."""
        try:
            self._repository(repo).create_label(wish.name, wish.color, wish.description)
        except WireFault as fault:
            if fault.status == 422 and "already" in fault.said:
                return False
            if fault.in_doubt and wish.name.casefold() in {name.casefold() for name in self.all(repo)}:
                return True
            return refused(fault, f"GitHub did not make the label {wish.name}", "issues: write")
        return True

    def _repository(self, repo: Repo) -> Repository:
        return Repository(self._connection.wire(repo), url=f"/repos/{repo.path}")
