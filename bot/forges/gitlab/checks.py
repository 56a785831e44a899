"""What was reported on a commit: its pipelines, and the jobs and commit statuses that they are made of.

It must never leave a report out because it cannot be read: whoever asks may be about to release that commit.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.actions import Missing
from bot.core.model import Check, CheckState, Repo
from bot.core.standing import Required
from bot.forges.fields import OBJECT_ID, Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import reading
from bot.forges.wire_fault import WireFault

_STATES: dict[str, CheckState] = {
    "success": "passed", "skipped": "skipped", "failed": "failed", "canceled": "failed",
    "created": "pending", "waiting_for_resource": "pending", "waiting_for_callback": "pending", "preparing": "pending",
    "pending": "pending", "running": "pending", "manual": "pending", "scheduled": "pending", "canceling": "pending",
}  # fmt: skip


class Checks:
    """Fulfils `bot.forges.Checks` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, repo: Repo, sha: str) -> tuple[Check, ...] | Missing:
        """The latest pipeline of each ref and source, and the latest job or status of each name and ref."""
        missing = Missing(f"commit {sha} of {repo.path}")
        if not OBJECT_ID.fullmatch(sha):
            return missing
        project = self._connection.client.projects.get(repo.id, lazy=True)
        try:
            with reading(f"the checks of {sha[:12]} in {repo.path}"):
                said = project.commits.get(sha, lazy=True).statuses.list(iterator=True)
                statuses = _latest((Fields("", one.attributes) for one in said), "name")
                ran = project.pipelines.list(iterator=True, sha=sha)
                pipelines = _latest((Fields("", one.attributes) for one in ran), "source")
                found = [*map(_read_status, statuses), *map(_read_pipeline, pipelines)]
        except WireFault as fault:
            if fault.status == 404:
                return missing
            raise
        return tuple(sorted(found, key=lambda check: (check.name, check.state)))

    def required(self, repo: Repo, branch: str) -> Required | None:  # noqa: ARG002 - one setting for all branches
        """Whether the project wants pipelines to succeed; GitLab knows no names. External status checks are left out:
        they are answered for merge requests, and never for a commit by itself.
        """
        with reading(f"the settings of {repo.path}"):
            found = Fields("", self._connection.client.projects.get(repo.id).attributes)
            if not found.has("only_allow_merge_if_pipeline_succeeds"):
                return None
            return Required(whole_pipeline=found.says("only_allow_merge_if_pipeline_succeeds", value=True))


def _latest(found: Iterable[Fields], key: str) -> Iterable[Fields]:
    """Of each ref and `key` the one that was made last."""
    ordered = sorted(found, key=lambda one: one.number("id"))
    return {(one.text(key), _text(one, "ref")): one for one in ordered}.values()


def _read_status(status: Fields) -> Check:
    """A job or a status; one that may fail, or that waits for somebody who need not come, counts neither way."""
    state = _state_of(status)
    optional = status.says("allow_failure", value=True) and (state == "failed" or status.says("status", "manual"))
    return Check(status.text("name"), "skipped" if optional else state, _text(status, "target_url") or None)


def _read_pipeline(pipeline: Fields) -> Check:
    name = f"pipeline ({pipeline.text('source')}, {_text(pipeline, 'ref')})"
    return Check(name, _state_of(pipeline), pipeline.text("web_url"))


def _state_of(found: Fields) -> CheckState:
    """A state that nobody has heard of counts as a failure."""
    return _STATES.get(found.text("status"), "failed")


def _text(found: Fields, name: str) -> str:
    return found.text(name) if found.has(name) else ""
