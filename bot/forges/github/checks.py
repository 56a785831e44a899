"""What was reported on a commit: check runs of Apps, and commit statuses of everybody else.

It must never leave a report out because it cannot be read: whoever asks may be about to release that commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from bot.core.actions import Missing
from bot.core.model import Check, CheckState, Repo
from bot.core.standing import Required
from bot.forges.fields import OBJECT_ID, Fields
from bot.forges.github.connection import Connection
from bot.forges.github.pages import ask, each
from bot.forges.github.reading import reading
from bot.forges.github.wire import Wire
from bot.forges.ref_names import is_ref_name
from bot.forges.wire_fault import WireFault

_DEMANDS_NOTHING = ("Required status checks not enabled", "Branch not protected")
"""What GitHub says to those who may know; to everybody else it says that nothing was found, or that it is forbidden."""
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

    def required(self, repo: Repo, branch: str) -> Required | None:
        """What rulesets and the branch's own protection demand: two requests, three where the protection tells nothing
        here. None where only administrators are told, and for a branch that is not there: a pattern may protect it.
        """
        if not is_ref_name(branch):
            return None
        wire, path = self._connection.wire(repo), f"/repos/{repo.path}"
        with reading(f"what {branch} of {repo.path} demands"):
            own = _of_branch(wire, f"{path}/branches/{quote(branch)}", branch)
            if own is None:
                return None
            rules = [name for rule in each(wire, f"{path}/rules/branches/{quote(branch)}") for name in _of_rule(rule)]
            return Required(tuple(sorted({*own, *rules})))


def _of_branch(wire: Wire, path: str, branch: str) -> tuple[str, ...] | None:
    """What the protection of a branch itself demands, or None. The branch is protected by rulesets as well, which are
    asked after by themselves: then its own protection is there, and switched off.
    """
    try:
        found = ask(wire, path)
    except WireFault as fault:
        if fault.status != 404:
            raise
        return None
    if not found.says("name", branch):  # what has been renamed is answered for under its former name
        return None
    if not found.says("protected", value=True):
        return ()
    protection = found.fields("protection") if found.has("protection") else Fields("", {})
    if protection.says("enabled", value=False):
        return ()
    told = protection.fields("required_status_checks") if protection.has("required_status_checks") else None
    contexts = told.texts("contexts") if told else ()
    # That none are named here may mean that there are none, or that they are not for everybody's eyes.
    return contexts or _of_protection(wire, f"{path}/protection/required_status_checks")


def _of_protection(wire: Wire, path: str) -> tuple[str, ...] | None:
    try:
        return ask(wire, path).texts("contexts")
    except WireFault as fault:
        if fault.status not in (403, 404):
            raise
        return () if fault.said in _DEMANDS_NOTHING else None


def _of_rule(rule: Fields) -> Iterator[str]:
    if rule.says("type", "required_status_checks"):
        for check in rule.fields("parameters").each("required_status_checks"):
            yield check.text("context")


def _read_run(run: Fields) -> Check:
    """A check run; a conclusion that nobody has heard of counts as a failure."""
    state: CheckState = "pending"
    if run.says("status", "completed"):
        state = _RUNS.get(run.text("conclusion") if run.has("conclusion") else "", "failed")
    return Check(run.text("name"), state, run.text("html_url") if run.has("html_url") else None)


def _read_status(status: Fields) -> Check:
    url = status.text("target_url") if status.has("target_url") else None
    return Check(status.text("context"), _STATUSES.get(status.text("state"), "failed"), url or None)
