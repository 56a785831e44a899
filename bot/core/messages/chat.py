"""Answers to chat commands.

It must never hold a line that reads as a command itself: the bot would talk to itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import assert_never

from bot.core.commands import (
    TABLE,
    Complaint,
    Incomplete,
    NotBuilt,
    TooMany,
    UnknownVerb,
    UnknownWord,
    Verb,
    Who,
)
from bot.core.messages.escape import code, listed, login, plain
from bot.core.model import Line, Person
from bot.core.policy import PolicyErrors
from bot.core.prose import NOT_TEXT

WHO: dict[Who, str] = {"anyone": "anyone", "write": "who may write here", "manager": "release managers"}
"""The words for who may say something."""


def answer_marker(comment: int, part: str = "answer") -> str:
    """The hidden marker of the answer to one comment, or of a part of it that comes on its own."""
    return f"<!-- relbot:{part}:{comment} -->"


def render_help() -> str:
    """The table of what exists, from the same rows that commands are read by."""
    rows = [_help_row(verb) for verb in TABLE if verb.built]
    return (
        "I understand these, each at the start of its own line:\n\n"
        "| Command | Who | What it does | Example |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        "A line is written `2.7`, `v2.7` or `release/2.7`; `all` means every supported one. `/cherry-pick` says the "
        "same as `/backport`. A label does it too, on an open pull as well: I start when it is merged."
    )


def _help_row(verb: Verb) -> str:
    return f"| `{usage(verb).replace('|', BAR)}` | {WHO[verb.who]} | {verb.help} | `{verb.example}` |"


BAR = r"\|"
"""A bar in a cell of a table, in code as well."""


def usage(verb: Verb, *, whole: bool = False) -> str:
    """How a verb is written: `/backport LINE…`. Without what arrives later, unless the `whole` is wanted."""
    takes = [word for word in verb.takes.split() if whole or not any(key in word for key in verb.later)]
    shown = [word.replace("NUMBER=NOTE", '123="…"').replace("=TEXT", '="…"').replace("=NUMBER", "=N") for word in takes]
    return " ".join((verb.said, *shown))


def render_not_here() -> str:
    """The answer to a backport that is asked for on an issue."""
    return "Here is no change to pick. Ask for the backport on the pull that brought it, by a label or in a comment."


def render_which_line() -> str:
    """A release of no line, where none can be told from the pull."""
    return "Which line? This is no pull onto a line's branch, so name one, as in `/release rc 2.7`."


def render_said_twice(what: str) -> str:
    """A comment that asks for one thing in two ways. `what` is the bot's own."""
    return f"You ask for {what} in two ways here, so I take the first. For the other one say it in another comment."


def render_no_such_code(said: str) -> str:
    """A confirmation of nothing that waits."""
    return f"Nothing waits for {code(said, 60)}: it may be done, dropped or too old. Ask anew, and I show a new code."


def render_nothing_to_cancel() -> str:
    """Nothing that was asked for here waits for a confirmation."""
    return "Nothing that was asked for here waits for a confirmation, so there is nothing to drop."


def render_ping() -> str:
    """A sign of life."""
    return "I am here. `/release help` lists what I can do."


def render_edit_hint() -> str:
    """Why nothing follows from an edit."""
    return "I read commands when a comment is posted, not when it is edited. Please post it as a new comment."


def render_complaint(complaint: Complaint, verb: Verb | None = None, known: Iterable[Line] = ()) -> str:
    """What is wrong with a command, and the nearest that is right. `verb` is the row that it belongs to."""
    match complaint:
        case UnknownVerb(command, word, nearest):
            near = f"; did you mean `{command} {nearest}`?" if nearest else "."
            return f"I do not know {_shown(f'{command} {word}')}{near} `/release help` lists what I can do."
        case UnknownWord(word):
            return f"I did nothing for {_shown(word)}: {_what_is_right(word, verb, tuple(known))}"
        case NotBuilt(what):
            there = ", ".join(f"`{usage(row)}`" for row in TABLE if row.built)
            return f"`{what}` is not there yet, so I did nothing. What is there: {there}."
        case Incomplete("LINE") if verb and verb.built:
            return f"Which line? Name one or more, as in `{verb.example}`."
        case Incomplete(wanted):
            return f"Something is missing: {code(wanted)}." + (f" Write it as `{usage(verb)}`." if verb else "")
        case TooMany(limit, what):
            return f"I take at most {limit} {what}. What is beyond that I left; please post it on its own."
        case _:
            assert_never(complaint)


def _shown(word: str) -> str:
    return "code, a link or markup in a command" if NOT_TEXT in word else code(word, 60)


def _what_is_right(word: str, verb: Verb | None, lines: tuple[Line, ...]) -> str:
    """The nearest line where lines are wanted; otherwise how the verb is written."""
    if verb is None or "LINE…" not in verb.takes:
        return "it says nothing to me there." + (f" It is written `{usage(verb)}`." if verb else "")
    near = difflib.get_close_matches(word[:60].lower(), [*(str(line) for line in lines), "all"], n=1, cutoff=0.4)
    if near:
        return f"it is not a line. Did you mean `{verb.said} {near[0]}`?"
    return f"it is not a line. The lines here are {listed(lines[:10])}; write one as in `{verb.said} 2.7`."


def render_missing_lines(missing: tuple[Line, ...], nearest: tuple[Line, ...]) -> str:
    """Lines that were asked for and have no branch."""
    these = f"Line {missing[0]} has" if len(missing) == 1 else f"Lines {listed(missing)} have"
    near = f"Did you mean `/backport {nearest[0]}`?" if nearest else "Create the branch first."
    return f"{these} no branch, so I did nothing there. {near}"


def render_no_lines() -> str:
    """`all`, where there is no line at all."""
    return "I know of no supported line here: there is no branch of one, and the policy names none."


def render_too_early(labels: Iterable[str]) -> str:
    """A command on an open pull."""
    wanted = ", ".join(code(label) for label in labels)
    return f"This pull is open, and I start at its merge: put {wanted} on it now, or say this again after the merge."


def render_no_permission(person: Person, verbs: Iterable[Verb]) -> str:
    """The one who asked may not. `verbs` are the rows of what was asked for."""
    needed: dict[Who, list[str]] = {}
    for verb in dict.fromkeys(verbs):
        needed.setdefault(verb.who, []).append(f"`{verb.said}`")
    takes = "; ".join(f"{', '.join(said)} {_TAKES[who]}" for who, said in needed.items())
    return f"{login(person)}, I did nothing: {takes}. Please ask somebody who may to say it."


_TAKES: dict[Who, str] = {
    "anyone": "may be said by anyone",
    "write": "takes write access to this repository",
    "manager": "takes a release manager of this repository",
}


def render_policy_errors(errors: PolicyErrors) -> str:
    """Every mistake of the policy file, with the line it is in."""
    rows = [f"- line {e.line}, {code(e.quote, 120)}: {plain(e.message, 250)}" for e in errors.errors[:10]]
    more = len(errors.errors) - len(rows)
    if more > 0:
        rows.append(f"- and {more} more")
    return (
        f"The policy file {code(errors.path)} on the default branch is wrong, so I did nothing:\n\n"
        + "\n".join(rows)
        + "\n\nMend it there, then ask me again."
    )
