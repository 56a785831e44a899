"""The discussions of merge requests.

It must never resolve one.
"""

from __future__ import annotations

from bot.core.actions import Missing
from bot.core.model import Repo
from bot.forges.fields import Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import reading
from bot.forges.wire_fault import WireFault


class Threads:
    """Fulfils `bot.forges.Threads` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def unresolved(self, repo: Repo, number: int) -> int | Missing:
        """How many discussions have something in them that can be resolved and is not."""
        project = self._connection.client.projects.get(repo.id, lazy=True)
        try:
            with reading(f"the discussions of {repo.path}!{number}"):
                threads = project.mergerequests.get(number, lazy=True).discussions.list(iterator=True)
                return sum(any(map(_waits, Fields("", one.attributes).each("notes"))) for one in threads)
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"pull {number} of {repo.path}")
            raise


def _waits(note: Fields) -> bool:
    return note.says("resolvable", value=True) and not note.says("resolved", value=True)
