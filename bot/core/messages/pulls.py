"""Title and body of the pull that carries a backport.

It must never repeat foreign text unescaped, and never the original's body: its mentions and keywords would fire again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

from bot.core.actions import Step
from bot.core.ledger import safe_url
from bot.core.messages.escape import clip, code, fence, login, one_line, plain, pull_link
from bot.core.model import Change, Evidence, EvidenceKind, Line, Person, Pull
from bot.core.policy import Policy

BACKPORT_MARKER = "<!-- relbot:backport {"
"""How the hidden first line of such a body begins."""
MAX_TITLE = 240
MAX_DIFFERENCE = 20_000
MAX_COMMITS = 100
"""How many commits a body lists."""
MAX_LIST = 10_000
"""Characters that a list of commits may take: a body of more than 65,536 in all is refused."""

WHY: dict[EvidenceKind, str] = {
    "ancestor": "it is part of the line's history",
    "trailer": "a commit there says that it was picked from it",
    "pull": "a pull carried it there",
    "tree": "picking it would change nothing",
    "patch-id": "a commit there makes the same change",
    "similar": "a commit there looks like it",
}


@dataclass(frozen=True, slots=True)
class Carried:
    """What a backport's pull brings, for its body."""

    original: Pull
    change: Change
    line: Line
    onto: str
    steps: tuple[Step, ...]
    evidence: tuple[Evidence, ...]
    difference: str
    """What `git range-diff` says, empty when the pick is the original."""
    actor: Person
    why: str = ""
    """The class of the change, where somebody has said it."""


def render_title(policy: Policy, line: Line, original: Pull) -> str:
    """The policy's template, filled in one pass so that a title cannot hold a placeholder of its own.

    Forges do not render Markdown in titles, and a title that was altered would no longer match the original's.
    """
    template = policy.backport.title
    room = MAX_TITLE - len(template)
    filling = {"{line}": str(line), "{number}": str(original.number), "{title}": one_line(original.title, room)}
    return re.sub(r"\{(line|number|title)\}", lambda found: filling[found[0]], template)


def render_body(carried: Carried) -> str:
    """What was picked, from where, what was left out and why, and how the pick differs from the original."""
    original = pull_link(carried.original.number, safe_url(carried.original.url))
    parts = (
        f'{BACKPORT_MARKER}"change":{carried.original.number},"line":"{carried.line}"}} -->',
        f"I picked {original} onto {code(carried.onto)}, as {login(carried.actor)} asked.{_class(carried.why)}",
        _picked(carried),
        _left_out(carried),
        _alike(carried),
        f"How I know that these commits are the change: {plain(carried.change.proof, 500)}",
        _difference(carried.difference),
        _trailers(carried),
    )
    return "\n\n".join(part for part in parts if part)


def _class(why: str) -> str:
    return f" It is asked for as: **{plain(why, 40)}**." if why else ""


def _picked(carried: Carried) -> str:
    titles = {commit.sha: commit.title for commit in carried.change.commits}
    rows = [f"- {step.source} {plain(titles.get(step.source, ''))}" for step in _brought(carried)]
    return "**Picked**\n\n" + _some(rows)


def _left_out(carried: Carried) -> str:
    reasons = {item.commit: WHY[item.kind] for item in carried.evidence if item.certain}
    for step in carried.steps:
        if step.outcome == "present":
            reasons.setdefault(step.source, WHY["tree"])
    rows = [f"- {sha}: {why}" for sha, why in reasons.items()]
    return "**Left out, being on the line already**\n\n" + _some(rows) if rows else ""


def _alike(carried: Carried) -> str:
    rows = [f"- {item.commit}: {WHY[item.kind]}{_seen_as(item)}" for item in carried.evidence if not item.certain]
    if not rows:
        return ""
    return (
        "**Please look first.** This may be on the line already, so this is a draft. Close it if it is the same, mark "
        "it as ready if it is not.\n\n" + _some(rows)
    )


def _seen_as(item: Evidence) -> str:
    return f" ({item.present_as})" if item.present_as else ""


def _difference(text: str) -> str:
    if not text.strip():
        return "The pick does not differ from the original."
    block = fence(clip(text, MAX_DIFFERENCE), "diff")
    return f"<details><summary>How the pick differs from the original</summary>\n\n{block}\n\n</details>"


def _trailers(carried: Carried) -> str:
    """Forges offer a body as the message of a squash; this way the origin survives one."""
    return "\n".join(f"(cherry picked from commit {step.source})" for step in _brought(carried)[:MAX_COMMITS])


def _brought(carried: Carried) -> tuple[Step, ...]:
    return tuple(step for step in carried.steps if step.outcome == "picked")


def _some(rows: list[str]) -> str:
    sizes = accumulate(len(row) + 1 for row in rows[:MAX_COMMITS])
    shown = sum(1 for size in sizes if size <= MAX_LIST)
    more = len(rows) - shown
    return "\n".join(rows[:shown]) + (f"\n- and {more} more" if more > 0 else "")
