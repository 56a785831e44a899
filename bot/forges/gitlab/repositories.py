"""Projects on GitLab by their names, and the pipelines by which they can be told something.

It must never take for the bot's to write what only everybody may read.
"""

from __future__ import annotations

from collections.abc import Callable

from gitlab.utils import EncodedId

from bot.core.actions import Missing, Refused
from bot.core.deploying import Dispatched, DispatchEvent
from bot.core.model import Person, Repo, Role
from bot.forges.fields import Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import read_role, reading
from bot.forges.wire_fault import WireFault


class Repositories:
    """Fulfils `bot.forges.Repositories` for one connection; `me` tells the bot's own account."""

    def __init__(self, connection: Connection, me: Callable[[], Person]) -> None:
        self._connection = connection
        self._me = me

    def current(self, repo: Repo) -> Repo | Missing:
        """One request, by the number, which stays."""
        found = self._look(str(repo.id))
        return Missing(f"repository {repo.path}") if found is None else found

    def find(self, path: str) -> Repo | Missing:
        """Two requests: the project, and the bot's role in it."""
        # A number would be taken for that of a project.
        found = self._look(path) if "/" in path else None
        if found is None or not self._may_push(found):
            return Missing(f"repository {path}")
        return found

    def dispatch(self, wish: DispatchEvent) -> Dispatched | Missing | Refused:
        """A pipeline of the default branch. GitLab knows no events, so what it is about stands in its variables."""
        told = {"event": wish.name, **dict(wish.payload)}
        variables = [{"key": f"RELBOT_{name.upper()}", "value": value} for name, value in told.items()]
        project = self._connection.client.projects.get(wish.repo.id, lazy=True)
        try:
            with reading(f"the pipeline just begun in {wish.repo.path}"):
                made = project.pipelines.create({"ref": wish.repo.default_branch, "variables": variables})
                return Dispatched(Fields("", made.attributes).text("web_url"))
        except WireFault as fault:
            return _refused(fault, wish)

    def _look(self, name: str) -> Repo | None:
        try:
            with reading(f"the project {name}"):
                found = Fields("", self._connection.client.http_get(f"/projects/{EncodedId(name)}"))
                if not found.has("default_branch"):  # nothing was ever pushed to it
                    return None
                branch = found.text("default_branch")
                return Repo("gitlab", found.number("id"), found.text("path_with_namespace"), branch)
        except WireFault as fault:
            # A project that was renamed is pointed to, and no pointer is followed.
            if fault.status not in (301, 404) or fault.passing:
                raise
            return None

    def _may_push(self, repo: Repo) -> bool:
        me = self._me()
        try:
            with reading(f"the role of {me.login} in {repo.path}"):
                members = self._connection.client.projects.get(repo.id, lazy=True).members_all
                return read_role(members.get(me.id).attributes, me) >= Role.WRITE
        except WireFault as fault:
            if fault.status != 404:
                raise
            return False


def _refused(fault: WireFault, wish: DispatchEvent) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404):
        raise fault
    branch, path = wish.repo.default_branch, wish.repo.path
    step = (
        f"Let the bot run pipelines with variables on {branch} of {path}: the role Developer, or whoever may merge "
        "where that branch is protected; its setting for pipeline variables; and a CI file that makes jobs of them."
    )
    return Refused(f"GitLab began no pipeline in {path} for {wish.name}: {fault.said or fault}", step)
