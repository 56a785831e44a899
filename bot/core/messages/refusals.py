"""Why the bot did not do what was asked, and what to do next: plain sentences, escaped by whoever shows them.

It must never end in a dead end: every refusal names the next step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.core.actions import Reaction
from bot.core.messages.escape import listed, one_line
from bot.core.model import Line, Person, Pull
from bot.core.policy import PolicyErrors


@dataclass(frozen=True, slots=True)
class Refusal:
    """What happened, with which input, and the next step."""

    reason: str
    next_step: str
    reaction: Reaction = "confused"

    def __str__(self) -> str:
        return f"{self.reason} {self.next_step}"


def broken_policy(errors: PolicyErrors, label: str) -> Refusal:
    """The policy file is wrong, so nothing in it is in force."""
    return Refusal(say_broken_policy(errors), f"Mend it on the default branch, then {relabel(label)}.")


def say_broken_policy(errors: PolicyErrors) -> str:
    """Its first mistake, and how many there are besides."""
    first = errors.errors[0]
    more = f" ({len(errors.errors) - 1} more mistakes follow.)" if len(errors.errors) > 1 else ""
    where = f"{one_line(errors.path, 80)} is wrong in line {first.line}, “{one_line(first.quote, 120)}”"
    said = one_line(first.message, 250)
    return f"The policy file {where}: {said}{'' if said.endswith('?') else '.'}{more}"


def not_permitted(person: Person, label: str) -> Refusal:
    """The one who asked may not."""
    return Refusal(
        f"{one_line(person.login, 60)} may not ask for backports here: that takes write access.",
        f"Ask somebody who has it to put the label “{label}” on (off first, if it is on).",
        "-1",
    )


def no_branch(line: Line, name: str, nearest: tuple[Line, ...], label: str) -> Refusal:
    """The line has no branch."""
    step = f"Use the label of a line that exists, or create the branch and then {relabel(label)}."
    return Refusal(say_no_branch(line, name, nearest), step)


def say_no_branch(line: Line, name: str, nearest: tuple[Line, ...]) -> str:
    """That there is none, and which lines have one."""
    known = f"the nearest lines are {listed(nearest)}" if nearest else "and no other line has one either"
    return f"Line {line} has no branch (I looked for “{name}”); {known}."


def two_branches(line: Line, names: Iterable[str], label: str) -> Refusal:
    """The line has more than one branch."""
    return Refusal(say_two_branches(line, names), f"Delete all but one, then {relabel(label)}.")


def say_two_branches(line: Line, names: Iterable[str]) -> str:
    """That there are several, with their names."""
    both = " and ".join(f"“{name}”" for name in names)
    return f"Line {line} has more than one branch: {both}."


def not_landed(pull: Pull, reason: str) -> Refusal:
    """The change is not on its base branch: never landed, or reverted since."""
    step = "Put the label on the pull that lands it again." if pull.merged else "Reopen and merge it; I start then."
    return Refusal(f"#{pull.number} is not on “{one_line(pull.base, 100)}”: {one_line(reason, 300)}.", step)


def foreign_branch(name: str, base: str, seen: Pull | None, label: str) -> Refusal:
    """The branch that the backport belongs on holds commits that this pick did not make."""
    history = f" (#{seen.number} from it onto “{base}” is {'merged' if seen.merged else 'closed'})" if seen else ""
    return Refusal(
        f"The branch “{name}” is there already and holds other commits than this pick{history}; I do not overwrite it.",
        f"Open a pull from it onto “{base}” if it is what you want; otherwise delete it, then {relabel(label)}.",
    )


def touched_branch(name: str) -> Refusal:
    """Somebody has worked on the backport."""
    return Refusal(
        f"The branch “{name}” holds commits that I did not make, so I do not build it anew.",
        "Bring the line into it by hand; or close its pull, delete the branch, and ask again.",
    )


def conflicting_now(name: str, onto: str, paths: Iterable[str]) -> Refusal:
    """The line has moved on, and the pick with it into a conflict."""
    where = ", ".join(f"“{one_line(path, 100)}”" for path in paths)
    return Refusal(
        f"On what “{onto}” is now the pick stops at conflicts in {where}; the branch “{name}” stays as it was.",
        f"Merge “{onto}” into it by hand; or close its pull, delete the branch, and ask again for the recipe.",
    )


def signed_branch(name: str) -> Refusal:
    """The forge makes the commits itself, and only on new branches."""
    return Refusal(
        f"The policy has the forge make the commits, and it makes them on new branches only; “{name}” is there.",
        "Close its pull, delete the branch, and ask again.",
    )


def restless_branch(name: str, attempts: int, label: str) -> Refusal:
    """Others were faster each time."""
    return Refusal(
        f"“{name}” moved each of the {attempts} times that I was about to push to it.",
        f"When it is quieter, {relabel(label)}.",
    )


def broken_down(what: str, label: str) -> Refusal:
    """The bot itself failed. `what` is a user's error in full, or the id under which the log has the rest."""
    return Refusal(f"I broke down on this one ({one_line(what, 600)}).", f"When that is mended, {relabel(label)}.")


def relabel(label: str) -> str:
    """How to ask once more."""
    return f"take the label “{label}” off and put it on again"
