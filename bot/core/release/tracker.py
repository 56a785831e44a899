"""The issue that shows how a line stands: generated text, what people wrote below it, and the holds hidden in it.

It must never lose a word that people wrote there, nor take their text for its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.core.issues import Item, notes_below
from bot.core.ledger import hide_as, safe_url
from bot.core.messages.escape import clip, plain, pull_link
from bot.core.model import Branch, Line, Tag
from bot.core.release.gates import Gate

NOTES = "<!-- relbot:notes -->"
"""What stands below it belongs to people."""

INVITATION = "_Below this line the text is yours: I keep it as it is._"
MAX_BODY = 60_000
"""Characters; both forges take at least 65,536."""
MAX_SHOWN = 60
"""Changes that are listed one by one."""

MAX_HOLDS, MAX_NOTES, MAX_TEXT, MAX_NAME = 20, 500, 500, 200
MAX_HIDDEN = 40_000
"""Characters of what is hidden; the rest is for what is shown, and for people."""

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Number = Annotated[str, Field(pattern="^[1-9][0-9]{0,9}$")]


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_HOLDER = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}(?:\[bot\])?"
"""The name of an account; an App may hold a line too."""


def is_holder(login: str) -> bool:
    """Whether a hold can be written down under this name."""
    return re.fullmatch(_HOLDER, login, re.ASCII) is not None


class HoldRow(_Kept):
    """Somebody's wish that the line be not released."""

    by: Annotated[str, Field(pattern=f"^{_HOLDER}$")]
    reason: Text
    at: int


class Shown(_Kept):
    """What people were told last, since edits notify nobody: the gates that were closed, and the last tag."""

    closed: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=20)] = ()
    tag: Annotated[str, Field(max_length=MAX_NAME)] = ""


class Account(_Kept):
    """What of a line is known only here. `notes` are changelog entries set by hand, None for one left out."""

    version: Literal[1] = 1
    shown: Shown = Shown()
    holds: Annotated[tuple[HoldRow, ...], Field(max_length=MAX_HOLDS)] = ()
    notes: Annotated[dict[Number, Text | None], Field(max_length=MAX_NOTES)] = {}


_ACCOUNT = re.compile(r"<!-- relbot:line (\{.*?\}) -->")


def marker_of(line: Line) -> str:
    """What a line's tracker is found by: 2.1 is not in the marker of 2.10."""
    return f"<!-- relbot:tracker {line} -->"


def fits(account: Account) -> bool:
    """Whether there is room for it in a tracker."""
    return len(account.notes) <= MAX_NOTES and len(hide_as("line", account)) <= MAX_HIDDEN


def with_account(body: str, account: Account) -> str:
    """A tracker's text with another account hidden in it, all else being as it was."""
    shown, mark, notes = body.partition(NOTES)
    return _ACCOUNT.sub(lambda _: hide_as("line", account), shown, count=1) + mark + notes


def hidden_in(body: str) -> str:
    """What is hidden in a tracker, as it is written there."""
    found = _ACCOUNT.search(body.partition(NOTES)[0])
    return found[0] if found else ""


def read_account(body: str) -> Account | None:
    """What is hidden in a tracker; None where there is nothing that can be read, and nothing may be released then."""
    found = _ACCOUNT.search(body.partition(NOTES)[0])
    try:
        return Account.model_validate_json(found[1]) if found else None
    except ValidationError:
        return None


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class View:
    """All that a tracker shows of a line at one moment."""

    line: Line
    branch: Branch
    version: str
    """The final that the line is on the way to, as `2.7.1`."""
    final: Tag | None
    candidates: Sequence[Tag]
    """Of the version that is being made, in the order of their numbers."""
    included: Sequence[str] | None
    """What the line has brought since the last final, an entry each, as the changelog will have it; None where nobody
    has looked yet.
    """
    pending: Sequence[Item]
    missing: Sequence[Item]
    """What is still open of the milestone."""
    gates: Sequence[Gate]


def title_of(line: Line) -> str:
    """For people; nothing is found by it."""
    return f"Release {line}"


def render_tracker(view: View, account: Account, before: str = "") -> str:
    """The whole text: marker, what is hidden, what is shown, and what people wrote in `before`."""
    head = f"{marker_of(view.line)}\n{hide_as('line', account)}"
    parts = [
        f"**The line {view.line} on the way to {view.version}** (`{view.branch.name}` at {view.branch.sha})",
        _holds(account), _gates(view), _candidates(view), _included(view), _items("Open backports", view.pending),
        _items("Still open for this version", view.missing),
        "Commands can be said here: `/release help` lists them.",
    ]  # fmt: skip
    notes = notes_of(before)
    shown = "\n\n".join(part for part in parts if part)
    room = MAX_BODY - len(head) - len(notes) - 200
    return f"{head}\n{clip(shown, max(room, 1000))}\n\n---\n{INVITATION}\n{NOTES}\n{notes}"


def notes_of(body: str) -> str:
    """What people wrote; see `notes_below`."""
    return notes_below(NOTES, body)


def _holds(account: Account) -> str:
    rows = [f"- {plain(hold.by, 60)}: {plain(hold.reason, 500)}" for hold in account.holds]
    return "\n".join(("### Held", *rows)) if rows else ""


def _gates(view: View) -> str:
    signs = {"open": "✅", "warns": "⚠️", "waits": "⏳", "closed": "⛔"}
    rows = [f"| {signs[gate.verdict]} {gate.name} | {gate.said}{_step(gate)} |" for gate in view.gates]
    return "\n".join(("### Gates of the next candidate", "", "| gate | |", "|---|---|", *rows)) if rows else ""


def _step(gate: Gate) -> str:
    return f": {gate.step}" if gate.step and gate.verdict != "open" else ""


def _candidates(view: View) -> str:
    last = f"The last final is {plain(view.final.name, 80)}." if view.final else "The line has no final yet."
    rows = [f"- {plain(each.name, 80)} ({each.sha})" for each in view.candidates]
    return "\n".join(("### Candidates", *(rows or ["None yet."]), "", last))


def _included(view: View) -> str:
    if view.included is None:
        return ""
    shown = [f"- {entry}" for entry in view.included[:MAX_SHOWN]]
    more = len(view.included) - len(shown)
    return "\n".join(("### In it", *(shown or ["Nothing since."]), *((f"- … and {more} more",) if more > 0 else ())))


def _items(heading: str, items: Sequence[Item]) -> str:
    rows = [f"- {pull_link(item.number, safe_url(item.url))} {plain(item.title, 100)}" for item in items[:MAX_SHOWN]]
    more = len(items) - len(rows)
    return "\n".join((f"### {heading}", *rows, *((f"- … and {more} more",) if more > 0 else ()))) if rows else ""
