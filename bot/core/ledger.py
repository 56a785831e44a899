"""What the bot knows of a change's backports, a row per line, and how that survives hidden inside its own comment.

It must never trust what it reads back: people can edit the comment, so what does not fit the shape counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.core.model import Line

State = Literal["open", "backported", "conflict", "present", "refused", "closed", "reverted"]
"""How a backport stands. The first four show as labels too."""

Labelled = Literal["open", "backported", "conflict", "present"]

_LABELS: dict[Labelled, str] = {
    "open": "backport-open/",
    "backported": "backported/",
    "conflict": "backport-conflict/",
    "present": "backport-present/",
}

MAX_ROWS = 60
MAX_PATHS = 20

_URL = r"https?://[A-Za-z0-9._~:/?#@!$&+,;=%-]{1,500}"
_LOGIN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}"

Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
Url = Annotated[str, Field(pattern=f"^{_URL}$")]
Short = Annotated[str, Field(max_length=300)]
Login = Annotated[str, Field(pattern=f"^{_LOGIN}$")]


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Stop(_Kept):
    """Where a pick stopped, and what a person needs to go on from there by hand."""

    paths: Annotated[tuple[tuple[Short, Short], ...], Field(max_length=MAX_PATHS)]
    """Path and git's word for the kind of conflict."""
    more: int = 0
    """How many further paths there are."""
    stopped_at: Sha | None
    commits: tuple[Sha, ...]
    """What is still to be picked, oldest first; the first ones apply."""
    mainline: int | None
    base: Short
    """The branch that the commits are on."""
    onto: Short
    head: Short
    """The branch that the backport belongs on."""
    sign_off: bool = False
    alike: Sha | None = None
    """A commit of the line that looks like this change."""
    asked_by: Login | None = None
    """Whom to tell."""


class Row(_Kept):
    """How the backport to one line stands. `note` is a plain sentence or two."""

    state: State
    onto: Short = ""
    pull: int | None = None
    url: Url | None = None
    commit: Sha | None = None
    """The commit of the line that carries the change."""
    note: Annotated[str, Field(max_length=1000)] = ""
    stop: Stop | None = None


_LINE_KEY = r"^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$"


class Ledger(_Kept):
    """The rows of one change, by line."""

    version: Literal[1] = 1
    rows: Annotated[dict[Annotated[str, Field(pattern=_LINE_KEY)], Row], Field(max_length=MAX_ROWS)] = {}

    def row(self, line: Line) -> Row | None:
        """The row of a line."""
        return self.rows.get(str(line))

    def with_row(self, line: Line, row: Row) -> Ledger:
        """The same ledger with one row set."""
        return Ledger(rows={**self.rows, str(line): row})

    def lines(self) -> tuple[tuple[Line, Row], ...]:
        """The rows, the newest line first."""
        pairs = ((Line.parse(name), row) for name, row in self.rows.items())
        return tuple(sorted(((line, row) for line, row in pairs if line), key=lambda pair: pair[0], reverse=True))


def safe_url(url: str) -> str | None:
    """An address that is fit to be linked, None for anything unusual."""
    return url if re.fullmatch(_URL, url, re.ASCII) else None


def safe_login(login: str) -> str | None:
    """The name of an account that can be mentioned, None for anything unusual."""
    return login if re.fullmatch(_LOGIN, login, re.ASCII) else None


# ── hidden in a comment ──────────────────────────────────────────────────────────────────────────────────────────────

_STATE = re.compile(r"<!-- relbot:state (\{.*?\}) -->")


def hide(ledger: Ledger) -> str:
    """One line of HTML comment that holds the ledger; nothing in it can end the comment early."""
    return hide_as("state", ledger)


def hide_as(name: str, kept: BaseModel) -> str:
    """The same of anything that is kept so, under the name that it is found by."""
    text = kept.model_dump_json(exclude_defaults=True)
    for character in "<>-":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"<!-- relbot:{name} {text} -->"


def reveal(body: str) -> Ledger | None:
    """The ledger in a comment; None when there is none or it cannot be read."""
    found = _STATE.search(body)
    if not found:
        return None
    try:
        return Ledger.model_validate_json(found[1])
    except ValidationError:
        return None


# ── shown as labels ──────────────────────────────────────────────────────────────────────────────────────────────────


def state_label(state: Labelled, line: Line) -> str:
    """The label that says how a line's backport stands."""
    return f"{_LABELS[state]}{line}"


def read_state_label(label: str) -> tuple[Labelled, Line] | None:
    """The state and the line that one of the bot's own labels tells; None for every other label."""
    for state, prefix in _LABELS.items():
        line = Line.parse(label[len(prefix) :]) if label.startswith(prefix) else None
        if line and label == state_label(state, line):
            return state, line
    return None


def states_of(labels: Iterable[str], line: Line) -> tuple[Labelled, ...]:
    """The states of one line that labels tell."""
    read = (read_state_label(label) for label in labels)
    return tuple(found[0] for found in read if found and found[1] == line)


def recover(labels: Iterable[str]) -> Ledger:
    """What the labels still tell where the ledger is lost."""
    ledger = Ledger()
    for label in labels:
        found = read_state_label(label)
        if found and len(ledger.rows) < MAX_ROWS:
            ledger = ledger.with_row(found[1], Row(state=found[0]))
    return ledger
