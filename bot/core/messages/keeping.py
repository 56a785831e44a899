"""What is said about holds, notes, trackers and new lines.

It must never end in a dead end, and never hold a line that reads as a command of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.ledger import safe_url
from bot.core.messages.escape import code, listed, login, one_line, plain, pull_link
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Line, Person
from bot.core.release.gates import Gate

# ── holds and notes ──────────────────────────────────────────────────────────────────────────────────────────────────


def not_a_writer(person: Person) -> Refusal:
    """The one who asked may not write here."""
    said = f"{one_line(person.login, 60)} may not say that here: it takes the right to write."
    return Refusal(said, "Ask somebody who has it to say it.", "-1")


def too_long(what: str, limit: int) -> Refusal:
    """A text that does not fit."""
    return Refusal(f"{what} is too long: I keep {limit} characters of it.", "Say it shorter, with a link to the rest.")


def unfit_name(person: Person) -> Refusal:
    """An account whose name cannot be written down."""
    said = f"I cannot write the name {one_line(person.login, 60)} down, so nobody would know who holds the line."
    return Refusal(said, "Have somebody else say it.")


def too_many_holds(line: Line, most: int) -> Refusal:
    """Nobody else can hold the line."""
    return Refusal(f"{line} is held by {most} people already; one more changes nothing.", f"See /release status {line}")


def too_many_notes(line: Line, most: int) -> Refusal:
    """There is no room for more notes in the tracker."""
    return Refusal(
        f"The tracker of {line} has no room for more: it keeps {most} notes, and fewer where they are long.",
        f'Take back what is released already, as in /release notes {line} 123="", then ask again.',
    )


def render_held(line: Line, reason: str, tracker: str) -> str:
    """The line is held."""
    lifted = f"until a release manager says {code(f'/release unhold {line}')}"
    said = f"No candidate and no final is made {lifted}. It stands in {tracker}."
    return f"**{line} is held**: {plain(reason, 500)}\n\n{said}"


def render_unheld(line: Line, lifted: Sequence[str], tracker: str) -> str:
    """Nobody holds the line any more."""
    return f"**{line} goes on**: nobody holds it any more. It was held by {'; '.join(lifted)}. See {tracker}."


def render_not_held(line: Line) -> str:
    """Nobody holds the line."""
    return f"Nobody holds {line}, so there is nothing to lift: {code(f'/release status {line}')} says how it stands."


def render_noted(line: Line, said: Sequence[str], tracker: str) -> str:
    """What becomes of the changes that were named."""
    return f"{'; '.join(said)}. The next candidate of {line} has it. It is kept in {tracker}."


def say_note(number: int, text: str | None) -> str:
    """What becomes of one change."""
    if text is None:
        return f"{number} is left out"
    return f"{number} reads “{plain(text, 500)}”" if text else f"{number} reads as I make it"


def tell_hold(person: Person, line: Line, reason: str) -> str:
    """The same on the tracker, where whoever waits for the line is told."""
    return f"{login(person)} holds {line}: {plain(reason, 500)}"


def tell_unhold(person: Person, line: Line) -> str:
    """The end of all holds, on the tracker."""
    return f"{login(person)} has lifted the holds of {line}."


# ── trackers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def link_tracker(number: int, url: str) -> str:
    """The tracker, in a sentence."""
    return pull_link(number, safe_url(url)) if number else "the tracker"


def tell_tag(name: str, commit: str) -> str:
    """A version was made."""
    return f"{plain(name, 80)} is made ({commit})."


def tell_closed(gate: Gate) -> str:
    """Something has come into the way of a release."""
    step = f" Next: {gate.step}." if gate.step else ""
    return f"⛔ {gate.name}: {gate.said}.{step}"


def tell_open(name: str) -> str:
    """It is out of the way."""
    return f"✅ {name}: nothing is in the way of a release there any more."


# ── new lines ────────────────────────────────────────────────────────────────────────────────────────────────────────


def line_is_there(line: Line, branch: Branch) -> Refusal:
    """The line has a branch already."""
    said = f"{line} has a branch already: “{one_line(branch.name, 100)}” at {branch.sha[:12]}."
    return Refusal(said, f"Cut another line, or see how this one stands: /release status {line}")


def is_older(line: Line, newest: Line) -> Refusal:
    """The default branch has gone past the line."""
    return Refusal(
        f"{newest} is there already, and {line} comes before it: the default branch is past where {line} would begin.",
        f"Name where it begins: /release cut {line} from=BRANCH-OR-COMMIT",
    )


def no_source(source: str, nearest: tuple[Line, ...]) -> Refusal:
    """What the line was to begin at is not there."""
    known = f" Lines with a branch: {listed(nearest)}." if nearest else ""
    return Refusal(
        f"I find no branch “{one_line(source, 100)}”, and no commit of that id on the default branch or a line.{known}",
        "Name a branch of this repository, or a commit on one by at least 7 digits of its id.",
    )


def loses_final(line: Line, tag: str, commit: str) -> Refusal:
    """The line has been released before, from elsewhere."""
    return Refusal(
        f"{line} has {one_line(tag, 80)} already, and that is not below where the line would begin.",
        f"Begin at it: /release cut {line} from={commit}",
    )


def marker_elsewhere(branch: Branch, commit: str) -> Refusal:
    """The frozen marker of an earlier life of the line."""
    return Refusal(
        f"“{one_line(branch.name, 100)}” says that the line began at {branch.sha}, not at {commit}. I never move it.",
        f"Begin there with from={branch.sha}, or delete the marker if it is wrong.",
    )


def taken(branch: Branch) -> Refusal:
    """Somebody made the branch at that moment."""
    return Refusal(
        f"“{one_line(branch.name, 100)}” came to be at {branch.sha[:12]} while I was at it. I made no branch.",
        "Look at who made it, then ask again.",
    )


def say_unsupported(line: Line) -> str:
    """The policy lists the lines that are supported, and this one is none of them."""
    return f"the policy: nothing is released of {line} before {code('lines.supported')} names it"


def render_cut(line: Line, branch: str, commit: str, parts: Sequence[str], trouble: Sequence[str]) -> str:
    """The line is there, with all that belongs to it."""
    head = f"**{line} is cut**: {code(branch)} begins at {commit}."
    rows = "".join(f"\n- {part}" for part in parts)
    if not trouble:
        return f"{head}\n{rows}"
    wrong = "".join(f"\n- ⚠️ {each}" for each in trouble)
    then = "When that is mended, say it again as long as nothing was pushed to the line: I make what is lacking."
    return f"{head}\n{rows}{wrong}\n\n{then}"


def render_cut_news(line: Line, branch: str) -> str:
    """The same in a line, for whoever waits for it."""
    return f"{line} is cut: {code(branch)}."
