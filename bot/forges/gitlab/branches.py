"""What GitLab protects, what the bot may push to, and the deletion of branches.

It must never delete a branch that is protected, that is the default, or that is not where it was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitlab.v4.objects import Project

from bot.core.actions import BranchMoved, Missing, Refused
from bot.core.model import Protection, Repo
from bot.core.refs import BranchDeleted, Protected
from bot.forges.fields import OBJECT_ID, Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import reading
from bot.forges.ref_names import is_ref_name
from bot.forges.wire_fault import WireFault

_DEVELOPER = 30


class Branches:
    """Fulfils `bot.forges.Branches` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # ── protection ───────────────────────────────────────────────────────────────────────────────────────────────────

    def protections(self, repo: Repo) -> tuple[Protection, ...]:
        """All protected branches and tags, as names and patterns."""
        project = self._project(repo)
        with reading(f"what is protected in {repo.path}"):
            branches = [_pattern_of(one.attributes) for one in project.protectedbranches.list(iterator=True)]
            tags = [_pattern_of(one.attributes) for one in project.protectedtags.list(iterator=True)]
        return (*(Protection("branch", name) for name in branches), *(Protection("tag", name) for name in tags))

    def may_push(self, repo: Repo, branch: str) -> bool | None:
        """What GitLab says of a branch that is there; of one that is not, None when a protection waits for it."""
        if not is_ref_name(branch):
            return False
        project = self._project(repo)
        with reading(f"what the bot may do in {repo.path}"):
            there = self._look(project, branch)
            if there is not None:
                return there.says("can_push", value=True)
            if any(one.kind == "branch" and one.covers(branch) for one in self.protections(repo)):
                return None
            return _level(Fields("", self._connection.client.projects.get(repo.id).attributes)) >= _DEVELOPER

    # ── deletion ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def delete(
        self, repo: Repo, name: str, *, expect: str
    ) -> BranchDeleted | BranchMoved | Missing | Protected | Refused:
        """Delete the branch if it is at `expect`."""
        project, gone = self._project(repo), Missing(f"branch {name} of {repo.path}")
        with reading(f"the branch {name} of {repo.path}"):
            there = self._look(project, name)
            if there is None:
                return gone
            if there.says("default", value=True):
                return Protected(f"{name} is the default branch of {repo.path}.")
            if there.says("protected", value=True):
                return Protected(f"{name} is protected in {repo.path}.")
            if (tip := there.fields("commit").matching("id", OBJECT_ID)) != expect:
                return BranchMoved(tip)
            try:
                project.branches.delete(name)
            except WireFault as fault:
                if fault.status == 404 and "Branch" in fault.said:
                    return gone
                # After a lost answer it is gone, or the same wish can be sent once more.
                if not fault.in_doubt or self._look(project, name) is not None:
                    return _refused(fault, repo, name)
            return BranchDeleted(tip)

    @staticmethod
    def _look(project: Project, name: str) -> Fields | None:
        if not is_ref_name(name):
            return None
        try:
            return Fields("", project.branches.get(name).attributes)
        except WireFault as fault:
            if fault.status != 404:
                raise
            return None

    def _project(self, repo: Repo) -> Project:
        return self._connection.client.projects.get(repo.id, lazy=True)


def _pattern_of(rule: Mapping[str, Any]) -> str:
    # GitLab's star stands for slashes too.
    return Fields("", dict(rule)).text("name").replace("*", "**")


def _level(project: Fields) -> int:
    """The access level of whoever asks, in the project or through a group; 0 for a stranger."""
    if not project.has("permissions"):
        return 0
    ways = project.fields("permissions")
    given = (ways.fields(name) for name in ("project_access", "group_access") if ways.has(name))
    return max((way.number("access_level") for way in given if not way.says("access_level", 0)), default=0)


def _refused(fault: WireFault, repo: Repo, name: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404, 405):
        raise fault
    step = f"Give the bot the role Developer in {repo.path}, or delete the branch by hand."
    return Refused(f"GitLab did not delete the branch {name}: {fault.said or fault}", step)
