"""Shows what the bot has to say about a commit beside it: as a check run, or as a commit status where that is refused.

It must never say the same thing twice: what is there is looked at first, and again after an answer was lost.
"""

from __future__ import annotations

from typing import Any

from bot.core.model import CheckReport, Repo
from bot.forges.github.connection import Connection
from bot.forges.github.reading import reading
from bot.forges.github.wire import Wire
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault

Json = dict[str, Any]
_LONGEST_SUMMARY, _LONGEST_DESCRIPTION = 65_535, 140
_STATUS_OF = {"pending": "pending", "success": "success", "failure": "failure", "neutral": "success"}


class Reports:
    """Reports of one connection; it learns where check runs are refused, and does not try again there."""

    def __init__(self, connection: Connection, manners: Manners) -> None:
        self._connection = connection
        self._manners = manners
        self._without_checks: set[int] = set()

    def ensure(self, repo: Repo, sha: str, report: CheckReport) -> None:
        """One report of this name stands beside the commit, and says this."""
        wire = self._connection.wire(repo, "reports")
        with reading(f"what is said about {sha[:12]} in {repo.path}"):
            if repo.id in self._without_checks or not self._try_check_run(_CheckRun(wire, repo, sha, report)):
                self._ensure(_Status(wire, repo, sha, report))
                # Only now: had everything been refused, it would say nothing about check runs.
                self._without_checks.add(repo.id)

    def _try_check_run(self, wish: _CheckRun) -> bool:
        """Whether check runs are for us: GitHub keeps them for Apps that were given the right."""
        try:
            self._ensure(wish)
        except WireFault as fault:
            if fault.passing or fault.status not in (403, 404):
                raise
            return False
        return True

    def _ensure(self, wish: _CheckRun | _Status) -> None:
        if wish.is_there():
            return
        try:
            wish.write()
        except WireFault as fault:
            if not fault.in_doubt:
                raise
            self._await(wish, fault)

    def _await(self, wish: _CheckRun | _Status, fault: WireFault) -> None:
        # Not written again here: the forge may still be about to act.
        for wait in self._manners.waits:
            self._manners.clock.sleep(wait)
            if wish.is_there():
                return
        raise fault


class _CheckRun:
    """A report as a check run."""

    def __init__(self, wire: Wire, repo: Repo, sha: str, report: CheckReport) -> None:
        self._ask = wire.requestJsonAndCheck
        self._repo = f"/repos/{repo.path}"
        self._sha = sha
        self._name = report.name
        self._mark = f"relbot:{report.name}"
        self._output = {"title": report.title, "summary": report.summary[:_LONGEST_SUMMARY]}
        self._fields = {"details_url": report.url} if report.url else {}
        if report.state == "pending":
            self._fields |= {"status": "in_progress"}
        else:
            self._fields |= {"status": "completed", "conclusion": report.state}
        self._known: int | None = None

    def is_there(self) -> bool:
        """Whether it stands there as it should."""
        question = {"check_name": self._name, "filter": "latest"}
        runs = self._ask("GET", f"{self._repo}/commits/{self._sha}/check-runs", question)[1]["check_runs"]
        # Another App may use the same name, and what it says is not ours to change.
        ours = next((run for run in runs if run["external_id"] == self._mark), None)
        self._known = None if ours is None else ours["id"]
        return ours is not None and _holds(ours, self._fields) and _holds(ours["output"], self._output)

    def write(self) -> None:
        """Change the one that was found, or make it."""
        wish = {"name": self._name, "external_id": self._mark, **self._fields, "output": self._output}
        if self._known is None:
            self._ask("POST", f"{self._repo}/check-runs", input={**wish, "head_sha": self._sha})
        else:
            self._ask("PATCH", f"{self._repo}/check-runs/{self._known}", input=wish)


class _Status:
    """A report as a commit status: one line, and GitHub shows the latest of each name."""

    def __init__(self, wire: Wire, repo: Repo, sha: str, report: CheckReport) -> None:
        self._ask = wire.requestJsonAndCheck
        self._repo = f"/repos/{repo.path}"
        self._sha = sha
        line = report.title
        if len(line) > _LONGEST_DESCRIPTION:
            line = line[: _LONGEST_DESCRIPTION - 1] + "…"
        self._wish = {"context": report.name, "state": _STATUS_OF[report.state], "description": line}
        if report.url:
            self._wish["target_url"] = report.url

    def is_there(self) -> bool:
        """Whether the latest of this name says so."""
        combined = self._ask("GET", f"{self._repo}/commits/{self._sha}/status", {"per_page": 100})[1]
        return any(_holds(status, self._wish) for status in combined["statuses"])

    def write(self) -> None:
        """Say it; what was said before stays in the history."""
        self._ask("POST", f"{self._repo}/statuses/{self._sha}", input=self._wish)


def _holds(there: Json, wish: Json) -> bool:
    return all(there[name] == value for name, value in wish.items())
