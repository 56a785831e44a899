"""Shows what the bot has to say about a commit beside it, as a commit status.

It must never say the same thing twice: what is there is looked at first, and GitLab refuses a state that stands.
"""

from __future__ import annotations

from gitlab.v4.objects import ProjectCommit

from bot.core.model import CheckReport
from bot.forges.fields import Fields
from bot.forges.gitlab.reading import reading
from bot.forges.wire_fault import WireFault

_LONGEST_DESCRIPTION = 255
_STATE_OF = {"pending": "pending", "success": "success", "failure": "failed", "neutral": "success"}


def ensure_report(commit: ProjectCommit, report: CheckReport) -> None:
    """One status of this name stands beside the commit, and says this.

    A status that stays in its state keeps the description that it came with: GitLab knows changes of state only.
    """
    with reading(f"what is said about {str(commit.get_id())[:12]}"):
        state = _STATE_OF[report.state]
        wish = {"name": report.name, "state": state, "description": _shorten(report.title)}
        if report.url:
            wish["target_url"] = report.url
        statuses = (Fields("", one.attributes) for one in commit.statuses.list(iterator=True, name=report.name))
        ours = [status for status in statuses if status.says("name", report.name)]
        latest = max(ours, key=lambda status: status.number("id"), default=None)
        shown = latest is not None and latest.says("status", state)
        if latest and shown and all(latest.says(name, text) for name, text in wish.items() if name != "state"):
            return
        try:
            commit.statuses.create(wish)
        except WireFault as fault:
            if not (shown and "Cannot transition status" in fault.said):
                raise


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_DESCRIPTION else text[: _LONGEST_DESCRIPTION - 1] + "…"
