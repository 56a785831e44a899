"""The one comment on a change that shows how its backports stand: a row per line, and a recipe where one is needed.

It must never grow beyond what a forge takes: recipes go first, the rows stay.
"""

from __future__ import annotations

from typing import assert_never

from bot.core.ledger import Ledger, Row, Stop, hide
from bot.core.messages.escape import code, plain, pull_link
from bot.core.messages.recipe import recipe
from bot.core.model import Line

STATUS_MARKER = "<!-- relbot:backports -->"

MAX_BODY = 60_000
"""Characters; both forges take at least 65,536."""


def render_status(ledger: Ledger) -> str:
    """The whole comment, with the ledger hidden in it."""
    body = _render(ledger)
    for line, row in ledger.lines():
        if len(body) > MAX_BODY and row.stop:
            ledger = ledger.with_row(line, row.model_copy(update={"stop": None, "note": _TOO_LONG}))
            body = _render(ledger)
    return body


_TOO_LONG = "The recipe is too long to be shown here; pick the commits of this change in their order."


def _render(ledger: Ledger) -> str:
    rows = "\n".join(f"| {line} | {row.state} | {_tell(row)} |" for line, row in ledger.lines())
    sections = [_explain(line, row.stop) for line, row in ledger.lines() if row.state == "conflict" and row.stop]
    table = f"**Backports of this change**\n\n| Line | State | What I did |\n|---|---|---|\n{rows}"
    return "\n\n".join((f"{STATUS_MARKER}\n{hide(ledger)}", table, *sections))


def _tell(row: Row) -> str:
    sentences = (_what(row), plain(row.note, 1000))
    return " ".join(sentence for sentence in sentences if sentence)


def _what(row: Row) -> str:
    """What happened, in a sentence; the note says the rest."""
    pull = pull_link(row.pull, row.url) if row.pull else "A pull"
    onto = f" onto {plain(row.onto)}" if row.onto else ""
    match row.state:
        case "open":
            return f"{pull}{onto} waits for review."
        case "backported":
            return f"The change is on the line{_by(row)}."
        case "conflict":
            return f"The pick{onto} stops at a conflict; I resolve none by myself.{' See below.' if row.stop else ''}"
        case "present":
            return f"The change is on the line already{_by(row)}; I did nothing."
        case "closed":
            return f"{pull}{onto} was closed without being merged."
        case "reverted":
            return f"The change was on the line{_by(row)}, and is there no more."
        case "refused":
            return ""
        case _:
            assert_never(row.state)


def _by(row: Row) -> str:
    commit = f", as {row.commit}" if row.commit else ""
    pull = f", by {pull_link(row.pull, row.url)}" if row.pull else ""
    return commit + pull


def _explain(line: Line, stop: Stop) -> str:
    """What stands in the way on one line, and the way on."""
    whom = f"@{stop.asked_by}, this" if stop.asked_by else "This"
    where = f" at {stop.stopped_at}" if stop.stopped_at else ""
    paths = [f"- {code(path)} ({plain(kind)})" for path, kind in stop.paths]
    if stop.more:
        paths.append(f"- and {stop.more} more")
    alike = f"\n\nBefore you start, look at {stop.alike}: it looks like this change." if stop.alike else ""
    return (
        f"### {line}: a conflict to resolve\n\n{whom} one needs a person: git stops{where} with conflicts in\n\n"
        + "\n".join(paths)
        + f"{alike}\n\n{recipe(stop)}"
    )
