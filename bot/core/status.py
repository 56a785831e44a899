"""Shows how a change's backports stand: the labels, and the sticky comment with its row per line.

It must never touch the rows and labels of other lines, and never write what is there already.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import EnsureComment, FindComment, Flow, Planning, SetLabels, ask
from bot.core.ledger import Labelled, Ledger, Row, recover, reveal, state_label, states_of
from bot.core.messages.sticky import STATUS_MARKER, render_status
from bot.core.model import Comment, Line, Pull, Repo


@dataclass(frozen=True, slots=True)
class Status:
    """What the comment says now; without one, what the labels tell."""

    repo: Repo
    pull: Pull
    comment: Comment | None
    ledger: Ledger


def read_status(repo: Repo, pull: Pull) -> Planning[Status]:
    """Find the sticky comment of a change and read it."""
    comment = yield from ask(FindComment(repo, pull.number, STATUS_MARKER))
    ledger = reveal(comment.body) if comment else None
    return Status(repo, pull, comment, ledger if ledger is not None else recover(pull.labels))


def write_row(status: Status, line: Line, row: Row) -> Flow[None]:
    """Set the row of one line."""
    body = render_status(status.ledger.with_row(line, row))
    comment = status.comment
    if comment and _same(comment.body, body):
        return
    existing = comment.id if comment else None
    yield from ask(EnsureComment(status.repo, status.pull.number, STATUS_MARKER, body, existing))


def _same(one: str, other: str) -> bool:
    """Forges may trim a comment and change its line ends."""
    return one.replace("\r\n", "\n").strip() == other.strip()


def set_state(repo: Repo, pull: Pull, line: Line, state: Labelled | None) -> Flow[None]:
    """Exactly one of the bot's labels for a line, or none of them."""
    shown = states_of(pull.labels, line)
    add = (state_label(state, line),) if state and state not in shown else ()
    remove = tuple(state_label(other, line) for other in shown if other != state)
    if add or remove:
        yield from ask(SetLabels(repo, pull.number, add, remove))
