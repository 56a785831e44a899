"""What was reported on a commit: check runs of Apps, and commit statuses of everybody else.

It must never leave a report out because it cannot be read: whoever asks may be about to release that commit.
"""

from __future__ import annotations

from bot.core.actions import Missing
from bot.core.model import Check, CheckState, Repo
from bot.forges.fields import OBJECT_ID, Fields
from bot.forges.github.connection import Connection
from bot.forges.github.pages import each
from bot.forges.github.reading import reading
from bot.forges.wire_fault import WireFault

_RUNS: dict[str, CheckState] = {"success": "passed", "neutral": "skipped", "skipped": "skipped"}
_STATUSES: dict[str, CheckState] = {"success": "passed", "pending": "pending"}


class Checks:
    """Fulfils `bot.forges.Checks` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, repo: Repo, sha: str) -> tuple[Check, ...] | Missing:
        """All check runs, the latest of each App and name, and the latest status of each name."""
        missing = Missing(f"commit {sha} of {repo.path}")
        if not OBJECT_ID.fullmatch(sha):
            return missing
        wire, commit = self._connection.wire(repo, "reports"), f"/repos/{repo.path}/commits/{sha}"
        try:
            with reading(f"the checks of {sha[:12]} in {repo.path}"):
                runs = [_read_run(run) for run in each(wire, f"{commit}/check-runs", "check_runs", filter="latest")]
                said = [_read_status(status) for status in each(wire, f"{commit}/status", "statuses")]
        except WireFault as fault:
            if fault.status in (404, 422):
                return missing
            raise
        return tuple(sorted([*runs, *said], key=lambda check: (check.name, check.state)))


def _read_run(run: Fields) -> Check:
    """A check run; a conclusion that nobody has heard of counts as a failure."""
    state: CheckState = "pending"
    if run.says("status", "completed"):
        state = _RUNS.get(run.text("conclusion") if run.has("conclusion") else "", "failed")
    return Check(run.text("name"), state, run.text("html_url") if run.has("html_url") else None)


def _read_status(status: Fields) -> Check:
    url = status.text("target_url") if status.has("target_url") else None
    return Check(status.text("context"), _STATUSES.get(status.text("state"), "failed"), url or None)
