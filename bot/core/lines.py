"""Lines under a policy: which labels, branches and words mean which line, and what the names of a backport are.

It must never let one line pass for another: 2.1 is not 2.10, and a name that is not wholly a line is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.core.model import Branch, Line
from bot.core.policy import Policy

_LINE = r"(?:0|[1-9][0-9]{0,8})\.(?:0|[1-9][0-9]{0,8})"
_NUMBER = r"[1-9][0-9]{0,9}"

CANDIDATES = "relbot/rc/"
"""How the branches begin on which candidates wait for their checks."""
ROLL_UPS = "relbot/changelog/"
"""How the branches begin that bring a version's section to the default branch; the version follows."""

# ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class All:
    """The label that asks for every supported line."""


@dataclass(frozen=True, slots=True)
class Skip:
    """The label that says that a change is not for a line."""

    line: Line


def line_of_label(policy: Policy, label: str) -> Line | Skip | All | None:
    """What a label asks for; None when it is no backport label."""
    prefix, suffix = policy.backport.label.split("{line}")
    word = label[len(prefix) : len(label) - len(suffix)]
    if label.lower() != f"{prefix}{word}{suffix}".lower():
        return None
    if word.lower() == "all":
        return All()
    if word.lower().startswith("skip-"):
        skipped = line_of_word(policy, word[len("skip-") :])
        return Skip(skipped) if skipped else None
    return line_of_word(policy, word)


def label_lines(policy: Policy, labels: Iterable[str], known: Iterable[Line]) -> dict[Line, tuple[str, ...]]:
    """The lines that labels ask for, each with the labels that do; `known` are the lines that have a branch.

    A line's own label stands before `all`, and `skip` takes a line out of `all` only: who names a line means it.
    """
    wishes: dict[Line, list[str]] = {}
    alls: list[str] = []
    skipped: set[Line] = set()
    for label in labels:
        match line_of_label(policy, label):
            case Line() as line:
                wishes.setdefault(line, []).append(label)
            case Skip(line):
                skipped.add(line)
            case All():
                alls.append(label)
            case None:
                pass
    if alls:
        for line in supported_lines(policy, known):
            if line not in skipped:
                wishes.setdefault(line, []).extend(alls)
    return {line: tuple(asking) for line, asking in sorted(wishes.items(), reverse=True)}


def supported_lines(policy: Policy, known: Iterable[Line]) -> tuple[Line, ...]:
    """What `all` means: the policy's lines, or the newest two that have a branch.

    The contract counts a line from its first candidate on. Tags are not read yet, so its branch stands for it.
    """
    if policy.lines.supported is not None:
        return policy.lines.supported
    return tuple(sorted(known, reverse=True)[:2])


def line_of_word(policy: Policy, word: str) -> Line | None:
    """`2.7`, `v2.7`, `release/2.7`, or the name of the line's branch."""
    return Line.parse(word) or line_of_branch(policy, word)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def known_issue_label(policy: Policy, line: Line) -> str:
    """The label of what a line is known to suffer from."""
    return policy.changelog.known_issues.replace("{line}", str(line))


def label_of(policy: Policy, line: Line) -> str:
    """The label that asks for a line."""
    return policy.backport.label.replace("{line}", str(line))


def backport_branch(policy: Policy, line: Line, number: int) -> str:
    """The branch that a backport of a change lives on."""
    return policy.backport.branch.replace("{line}", str(line)).replace("{number}", str(number))


def read_backport_branch(policy: Policy, name: str) -> tuple[Line, int] | None:
    """The line and the number in the name of a backport's branch; None for any other branch."""
    pattern = re.escape(policy.backport.branch)
    pattern = pattern.replace(re.escape("{line}"), f"(?P<line>{_LINE})", 1)
    pattern = pattern.replace(re.escape("{number}"), f"(?P<number>{_NUMBER})", 1)
    found = re.fullmatch(pattern, name, re.ASCII)
    line = Line.parse(found["line"]) if found else None
    return (line, int(found["number"])) if found and line else None


_NO_NAME = re.compile(r"\.\.|@\{|//|(?:^|/)\.|\.lock(?:/|$)|^[/-]|[/.]$|^HEAD$|[\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]")


def is_branch_name(word: str) -> bool:
    """Whether git would have a branch of this name: no pattern, no option, no other way to name a commit."""
    return 0 < len(word) <= 240 and _NO_NAME.search(word) is None


def branches_of(policy: Policy, line: Line) -> tuple[str, ...]:
    """The names that a line's branch may have, the template's own first: `release/2.7`, `…/v2.7`, `…/v2.7.0`."""
    template = policy.lines.branch
    stem, suffix = _stem(policy)
    forms = (template.replace("{line}", str(line)), *(f"{stem}{v}{suffix}" for v in (line, f"v{line}", f"v{line}.0")))
    return tuple(dict.fromkeys(forms))


def line_of_branch(policy: Policy, name: str) -> Line | None:
    """The line whose branch has this name."""
    stem, suffix = _stem(policy)
    found = re.fullmatch(f"{re.escape(stem)}v?({_LINE})(?:\\.0)?{re.escape(suffix)}", name, re.ASCII)
    line = Line.parse(found[1]) if found else None
    return line if line and name in branches_of(policy, line) else None


def sync_patterns(policy: Policy) -> tuple[str, ...]:
    """The branches that the mirror needs, as patterns with one star: `release/*`."""
    stem, suffix = _stem(policy)
    return (f"{stem}*{suffix}",)


def _stem(policy: Policy) -> tuple[str, str]:
    """The template around the line, without a `v` that belongs to the line: `release/v{line}` has `release/`."""
    prefix, suffix = policy.lines.branch.split("{line}")
    stem = prefix[:-1] if re.search(r"(^|[^A-Za-z])v$", prefix) else prefix
    return stem, suffix


# ── the branches there are ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class NoBranch:
    """A line without a branch; `nearest` are the lines that do have one, the nearest first, three at most."""

    nearest: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class TwoBranches:
    """A line with more than one branch: nobody can say which is meant."""

    names: tuple[str, ...]


def known_lines(policy: Policy, branches: Iterable[Branch]) -> tuple[Line, ...]:
    """The lines that have a branch, the newest first."""
    lines = {line_of_branch(policy, branch.name) for branch in branches}
    return tuple(sorted((line for line in lines if line), reverse=True))


def find_branch(policy: Policy, line: Line, branches: tuple[Branch, ...]) -> Branch | NoBranch | TwoBranches:
    """The one branch of a line."""
    names = branches_of(policy, line)
    found = [branch for branch in branches if branch.name in names]
    if not found:
        known = known_lines(policy, branches)
        return NoBranch(tuple(sorted(known, key=lambda other: _distance(line, other))[:3]))
    if len(found) > 1:
        return TwoBranches(tuple(branch.name for branch in found))
    return found[0]


def _distance(one: Line, other: Line) -> tuple[int, int]:
    return abs(one.major - other.major), abs(one.minor - other.minor)
