"""Entries of the audit in words: what was written, on what it rested, what came of it, and where it can be seen.

It must never fail on an entry that another version of the program wrote: what it does not know it tells as it stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.app.operator.naming import PullName
from bot.app.store.audit import Entry
from bot.core.model import ForgeName

Laid = Mapping[str, Any]
"""A value of the core as the codec lays it out."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect, told."""

    at: float
    asked_by: str
    seen: tuple[str, ...]
    written: str
    came: str
    """What came of it, where that is not simply that it was done."""
    link: str | None


def tell(at: float, entry: Entry, name: PullName, sites: Mapping[ForgeName, str]) -> Effect:
    """An entry in words."""
    write, outcome = _load(entry.write), _load(entry.outcome)
    kind = str(write.get("$", "something"))
    said = _SAID.get(kind, _as_it_stands)
    seen = tuple(map(str, json.loads(entry.seen))) if entry.seen else ()
    return Effect(at, entry.actor, seen, said(write), _came(outcome), _link(kind, (write, outcome), name, sites))


def _load(text: str) -> Laid:
    try:
        laid = json.loads(text)
    except ValueError:
        return {}
    return laid if isinstance(laid, dict) else {}


def _came(outcome: Laid) -> str:
    told = _CAME.get(str(outcome.get("$")))
    return told(outcome) if told else ""


def _link(kind: str, both: tuple[Laid, Laid], name: PullName, sites: Mapping[ForgeName, str]) -> str | None:
    write, outcome = both
    if kind in _HOLDS_URL:
        url = (outcome.get(_HOLDS_URL[kind]) or {}).get("url") if _HOLDS_URL[kind] else outcome.get("url")
        return str(url) if url else None
    number, comment = write.get("number"), outcome.get("id")
    if kind not in ("EnsureComment", "TellPull") or not isinstance(number, int) or not comment:
        return None
    address = PullName(name.forge, name.path, number).address(sites)
    return f"{address}#{'issuecomment-' if name.forge == 'github' else 'note_'}{comment}" if address else None


def _as_it_stands(write: Laid) -> str:
    told = [f"{key}={value}" for key, value in write.items() if isinstance(value, str | int) and key != "$"]
    return f"{write.get('$', 'something')} {' '.join(told)}"[:200].strip()


def _branch(write: Laid) -> str:
    expected = f"to be at {write['expect']}" if write.get("expect") else "not to exist"
    return f"branch {write.get('branch')} put at {write.get('commit')}, expected {expected}"


def _ready(outcome: Laid) -> str:
    return "it was there already" if outcome.get("found") else f"it is at {outcome.get('sha')}"


def _pull_ready(outcome: Laid) -> str:
    number = (outcome.get("pull") or {}).get("number")
    return f"#{number} was {'opened' if outcome.get('opened') else 'there already'}"


def _issue_ready(outcome: Laid) -> str:
    how = "opened" if outcome.get("made") else "edited" if outcome.get("edited") else "as it should be"
    return f"#{(outcome.get('issue') or {}).get('number')} was {how}"


def _pushed(outcome: Laid) -> str:
    how = f"signed with {outcome['signed']}" if outcome.get("signed") else "not signed"
    there = "it was there already" if outcome.get("found") else "it is there"
    return f"{there}, as {(outcome.get('tag') or {}).get('sha')}, {how}"


def _shown(outcome: Laid) -> str:
    kind = "draft" if outcome.get("draft") else "prerelease" if outcome.get("prerelease") else "release"
    return f"the {kind} {outcome.get('tag')} is there"


def _version_staged(write: Laid) -> str:
    draft = write.get("draft") or {}
    return f"{_branch(write)}: {draft.get('tag')} upon {draft.get('parent')}"


def _release_wished(write: Laid) -> str:
    wish = write.get("wish") or {}
    kind = "draft release" if wish.get("draft") else "prerelease" if wish.get("prerelease") else "release"
    return f"{kind} {wish.get('tag')}: {wish.get('title')}{', marked as the latest' if wish.get('latest') else ''}"


def _latest(write: Laid) -> str:
    return f"the mark Latest {'put on' if write.get('latest') else 'taken from'} the release {write.get('tag')}"


def _published(write: Laid) -> str:
    return f"the release {write.get('tag')} published{' as the latest' if write.get('latest') else ''}"


def _issue(write: Laid) -> str:
    return f"an issue of my own: {(write.get('wish') or {}).get('title')}"


def _released(write: Laid) -> str:
    """The tag, with the leases on which all of it rests."""
    tag, line = write.get("tag") or {}, write.get("line")
    moved = f", and {line.get('branch')} put there, expected to be at {line.get('expect')}" if line else ""
    return f"tag {tag.get('name')} made at {tag.get('commit')}, expected not to exist{moved}"


def _labels(write: Laid) -> str:
    words = [f"+{label}" for label in write.get("add", ())] + [f"-{label}" for label in write.get("remove", ())]
    return f"labels of #{write.get('number')}: {' '.join(words)}"


def _comment(write: Laid) -> str:
    lines = [line for line in str(write.get("body", "")).splitlines() if line.strip() and not line.startswith("<!--")]
    return f"comment on #{write.get('number')}: {lines[0][:120] if lines else ''}"


def _dressed(write: Laid) -> str:
    given = [*write.get("labels", ()), *(f"@{login}" for login in write.get("assignees", ()))]
    return f"labels and people of #{write.get('number')}: {' '.join(map(str, given)) or 'none'}"


_HOLDS_URL = {
    "EnsurePull": "pull", "EnsureIssue": "issue", "EnsureRelease": "", "PublishRelease": "", "MarkLatest": "",
    "DispatchEvent": "",
}  # fmt: skip
"""Where the outcome of a write has the address of what was written; empty: the outcome is it."""

_SAID: dict[str, Callable[[Laid], str]] = {
    "EnsureBranch": _branch,
    "StageCommit": _branch,
    "StageRelease": _version_staged,
    "PushRelease": _released,
    "EnsureRelease": _release_wished,
    "PublishRelease": _published,
    "MarkLatest": _latest,
    "DeleteBranch": lambda write: f"branch {write.get('branch')} deleted, expected to be at {write.get('expect')}",
    "EnsureIssue": _issue,
    "EnsurePull": lambda write: f"a pull from {write.get('head')} onto {write.get('base')}: {write.get('title')}",
    "EnsureComment": _comment,
    "TellPull": _comment,
    "SetLabels": _labels,
    "DressPull": _dressed,
    "DescribePull": lambda write: f"the text of #{write.get('number')}",
    "React": lambda write: f"reaction {write.get('reaction')} on comment {write.get('comment')}",
    "DispatchEvent": lambda write: f"the event {write.get('name')} for {(write.get('repo') or {}).get('path')}",
    "Retried": lambda write: f"told to be done again (it was {write.get('was')})",
    "Cancelled": lambda _: "told to stop",
    "Replayed": lambda _: "told to be planned again",
}

_CAME: dict[str, Callable[[Laid], str]] = {
    "Refused": lambda outcome: f"the forge refused: {outcome.get('reason')}",
    "BranchMoved": lambda outcome: f"it was at {outcome.get('sha') or 'no commit'} instead, and was left alone",
    "BranchReady": _ready,
    "BranchDeleted": lambda outcome: f"it was at {outcome.get('sha')}",
    "Protected": lambda outcome: f"it is protected, and was left alone: {outcome.get('reason')}",
    "Missing": lambda outcome: f"not there: {outcome.get('what')}",
    "Pushed": _pushed,
    "TagExists": lambda outcome: f"a tag of that name was there and was left alone: {outcome.get('reason')}",
    "LineProtected": lambda outcome: f"the line takes no push, and nothing was done: {outcome.get('reason')}",
    "PullReady": _pull_ready,
    "IssueReady": _issue_ready,
    "Release": _shown,
}
