"""What is said about releases: why none is made, what waits, what was made.

It must never end in a dead end, and never hold a line that reads as a command of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.core.issues import Issue
from bot.core.ledger import safe_login, safe_url
from bot.core.messages.escape import code, link, one_line, plain, pull_link
from bot.core.messages.refusals import Refusal, say_broken_policy, say_no_branch, say_two_branches
from bot.core.model import Line, Person, Pull
from bot.core.policy import PolicyErrors
from bot.core.release.gates import Gate
from bot.core.versions import Version

_SIGNS = {"open": "✅", "warns": "⚠️", "waits": "⏳", "closed": "⛔"}


# ── why nothing is made ──────────────────────────────────────────────────────────────────────────────────────────────


def broken_policy(errors: PolicyErrors) -> Refusal:
    """The policy file is wrong, so nothing in it is in force."""
    return Refusal(say_broken_policy(errors), "Mend it on the default branch, then ask again.")


def no_branch(line: Line, name: str, nearest: tuple[Line, ...]) -> Refusal:
    """The line has no branch."""
    step = "Name a line that exists, or have a manager make it: /release cut"
    return Refusal(say_no_branch(line, name, nearest), f"{step} {line}")


def two_branches(line: Line, names: Iterable[str]) -> Refusal:
    """The line has more than one branch."""
    return Refusal(say_two_branches(line, names), "Delete all but one, then ask again.")


def unreadable_tracker(line: Line, issue: Issue | None) -> Refusal:
    """The holds of a line are hidden in its tracker, and cannot be read there any more."""
    where = f"#{issue.number}" if issue else "the tracker"
    return Refusal(
        f"What I had hidden in {where}, the tracker of {line}, was changed by hand: I cannot tell whether it is held.",
        "Bring its second line back from the issue's history. Without its first line it is no tracker any more: then I "
        "make a new one, in which nobody holds the line.",
    )


def not_a_manager(person: Person) -> Refusal:
    """The one who asked may not release."""
    said = f"{one_line(person.login, 60)} may not release here: that takes a release manager."
    return Refusal(said, "Ask somebody who is one to say it.", "-1")


def nothing_new(tag: str) -> Refusal:
    """The last candidate is this very commit."""
    said = f"{one_line(tag, 80)} is this very commit: there is nothing new on the line."
    return Refusal(said, "Merge something first, then ask again.")


def moved(branch: str) -> Refusal:
    """Somebody pushed to the line while it was released."""
    return Refusal(
        f"“{one_line(branch, 100)}” moved while I was at it. Nothing was tagged, and nothing of the push was touched.",
        "Look at what was pushed, then ask again.",
    )


def tag_exists(tag: str, reason: str) -> Refusal:
    """A tag of that name is there already."""
    return Refusal(
        f"The tag {one_line(tag, 80)} is there and is none of mine: {one_line(reason, 200)}. I move no tag.",
        "Look at who made it. Ask again, and I count on from it.",
    )


def tag_refused(tag: str, reason: str) -> Refusal:
    """The section is on the line, and the tag is what the forge does not take."""
    said = f"The forge does not take {one_line(tag, 80)} from me: {one_line(reason, 300)}."
    return Refusal(said, "Let me create such tags, then ask again.")


def declined(tag: str, pull: Pull) -> Refusal:
    """People have closed the pull that was to bring the section."""
    said = f"{one_line(tag, 80)} is not made: #{pull.number}, which was to bring its section, was closed unmerged."
    return Refusal(said, "Ask again when it is wanted after all.")


def broken_down(what: str) -> Refusal:
    """The bot itself failed."""
    said = f"I broke down on this one ({one_line(what, 600)}). What I had done by then stays done, a tag too."
    return Refusal(said, "When that is mended, say /release retry here.")


# ── what is shown of a release ───────────────────────────────────────────────────────────────────────────────────────


def render_gates(gates: Sequence[Gate]) -> str:
    """A row for each gate."""
    rows = (f"| {_SIGNS[gate.verdict]} {gate.name} | {gate.said}{_step(gate)} |" for gate in gates)
    return "\n".join(("| Gate | |", "|---|---|", *rows))


def _step(gate: Gate) -> str:
    return f". Next: {gate.step}" if gate.step and gate.verdict != "open" else ""


def render_barred(tag: str, gates: Sequence[Gate]) -> str:
    """Gates keep the version from being made."""
    barring = [gate for gate in gates if gate.verdict == "closed"]
    these = "One gate is" if len(barring) == 1 else f"{len(barring)} gates are"
    return f"**{plain(tag, 80)} is not made.** {these} closed, and no number is used up.\n\n{render_gates(gates)}"


def render_waiting(tag: str, commit: str, branch: str, gates: Sequence[Gate]) -> str:
    """The commit is there, and its checks have not ended."""
    head = f"**{plain(tag, 80)} is prepared** as {commit} on {code(branch)}; I go on when its checks have ended."
    head += f" Where none begins, let them run for pushes to {code('relbot/rc/**')}."
    return f"{head}\n\n{render_gates(gates)}"


def describe_section(version: Version, branch: str, tag: str) -> tuple[str, str]:
    """Title and text of the pull that brings a version's section onto a line that takes no push of mine."""
    what = f"This brings the section of {version.line}.{version.patch} into the changelog of {code(branch)}."
    then = f"I may not push there, so please merge it: I go on by myself then, and tag {plain(tag, 80)}."
    return f"chore(release): {version.line}.{version.patch}", f"{what} {then}"


def render_offered(tag: str, branch: str, pull: Pull, reason: str) -> str:
    """The commit waits for somebody to merge it."""
    where = pull_link(pull.number, safe_url(pull.url))
    why = f"{code(branch)} takes no push of mine: {plain(reason, 300)}"
    return f"**{plain(tag, 80)} is prepared**, and {where} brings its section: {why}. Merge it, and I go on."


def render_made(tag: str, commit: str, url: str | None, signed: str | None) -> str:
    """The candidate is there."""
    seal = "signed" if signed else "not signed, since I have no key"
    return f"**{_linked(tag, url)} is made** of {commit}; the tag is {seal}."


def render_news(tag: str, url: str | None, asked_by: str) -> str:
    """The same for whoever waits for it: edits notify nobody."""
    whom = f"@{login} " if (login := safe_login(asked_by)) else ""
    return f"{whom}{_linked(tag, url)} is made."


def render_prerelease(tag: str, line: Line, notes: str) -> str:
    """What a candidate's page on the forge says, with what is new in it."""
    head = f"A candidate for the next release of {line}. The tag {plain(tag, 80)} says what was looked at before."
    return f"{head}\n\n{notes}" if notes else head


def _linked(tag: str, url: str | None) -> str:
    return link(plain(tag, 80), safe_url(url) if url else None)
