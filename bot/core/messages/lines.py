"""What `/release status` answers: a row for each line.

It must never show a text of the forge unescaped: titles, names of checks and of tags are anybody's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bot.core.ledger import safe_url
from bot.core.messages.escape import listed, plain, pull_link
from bot.core.model import Check, Commit, Line, Pull, Tag
from bot.core.moments import moment_of
from bot.core.release.gates import Hold
from bot.core.versions import Released

MAX_NAMED = 3
"""Checks that failed, and are called by their names."""
MAX_PULLS = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """How one line stands. With more than one branch nobody can say which is meant, and nothing else is known."""

    line: Line
    branches: tuple[str, ...]
    head: str = ""
    commit: Commit | None = None
    checks: tuple[Check, ...] | None = None
    """None where the forge does not know the commit."""
    released: Released = field(default_factory=Released)
    picks: tuple[Pull, ...] | None = None
    """None where the forge does not tell."""
    holds: tuple[Hold, ...] | None = ()
    """None where the line's tracker cannot be read, and nothing may be released."""


def render_lines(
    standings: tuple[Standing, ...], missing: tuple[Line, ...], more: tuple[Line, ...], nearest: tuple[Line, ...] = ()
) -> str:
    """The table; the lines that were asked for and have no branch, with those that come near and have one; and those
    that are too many to be shown.
    """
    parts = []
    if standings:
        head = f"| Line | Head | Checks | Last candidate | Last final | Pending picks | Holds |\n{'|---' * 7}|\n"
        parts.append(head + "\n".join(map(_row, standings)))
    if missing:
        near = f" Did you mean `/release status {nearest[0]}`?" if nearest else ""
        parts.append(f"{_these(missing)} no branch here.{near}")
    if more:
        parts.append(f"Not shown: {listed(more[:20])}. Name one to see it, as in `/release status {more[0]}`.")
    return "\n\n".join(parts) or "There is no line here: no branch is one by its name."


def _these(lines: tuple[Line, ...]) -> str:
    return f"Line {lines[0]} has" if len(lines) == 1 else f"Lines {listed(lines)} have"


def _row(standing: Standing) -> str:
    if len(standing.branches) > 1:
        names = " and ".join(plain(name, 100) for name in standing.branches)
        cells = [f"two branches: {names}. Delete all but one.", "", *_released(standing.released), "", ""]
    else:
        cells = [_head(standing), _checks(standing.checks), *_released(standing.released), _picks(standing.picks),
                 _holds(standing.holds)]  # fmt: skip
    return f"| {standing.line} | {' | '.join(cells)} |"


def _head(standing: Standing) -> str:
    """The commit's id in full becomes a link on both forges, which show the beginning of it."""
    if standing.commit is None:
        return standing.head
    at = moment_of(standing.commit.committed_at)
    return f"{standing.head} {plain(standing.commit.title, 80)} ({at:%Y-%m-%d %H:%M} UTC)"


def _checks(checks: tuple[Check, ...] | None) -> str:
    if checks is None:
        return "the forge does not know this commit yet"
    if not checks:
        return "none"
    counts = Counter(check.state for check in checks)
    failed = [plain(check.name, 60) for check in checks if check.state == "failed"]
    named = f": {', '.join(failed[:MAX_NAMED])}" + (" …" if len(failed) > MAX_NAMED else "")
    said = [f"{counts[state]} {state}" for state in ("passed", "pending", "skipped") if counts[state]]
    return ", ".join([*said, f"{len(failed)} failed{named}"] if failed else said)


def _released(released: Released) -> list[str]:
    return [_tag(released.candidate), _tag(released.final)]


def _tag(tag: Tag | None) -> str:
    return plain(tag.name, 80) if tag else "none"


def _holds(holds: tuple[Hold, ...] | None) -> str:
    if holds is None:
        return "its tracker cannot be read"
    shown = [f"{plain(hold.by, 60)}: {plain(hold.reason, 80)}" for hold in holds[:MAX_NAMED]]
    left = len(holds) - len(shown)
    return "; ".join([*shown, f"{left} more"] if left > 0 else shown) or "none"


def _picks(pulls: tuple[Pull, ...] | None) -> str:
    if pulls is None:
        return "the forge does not tell"
    shown = [pull_link(pull.number, safe_url(pull.url)) for pull in pulls[:MAX_PULLS]]
    left = len(pulls) - len(shown)
    return ", ".join([*shown, f"{left} more"] if left > 0 else shown) or "none"
