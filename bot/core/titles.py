"""What the message of a commit says that it is, by the Conventional Commits specification 1.0.0: kind, scope, breaking.

It must never take an ordinary title for a conventional one: `Note: this is slow` names no kind of change.
"""

from __future__ import annotations

import re
from typing import NamedTuple

KINDS = {
    "feat": "feat", "feature": "feat", "fix": "fix", "bugfix": "fix", "hotfix": "fix", "perf": "perf", "docs": "docs",
    "doc": "docs", "refactor": "refactor", "style": "style", "test": "test", "tests": "test", "build": "build",
    "deps": "build", "ci": "ci", "chore": "chore", "revert": "revert", "security": "security", "deprecate": "deprecate",
    "remove": "remove",
}  # fmt: skip
"""Words that may stand before the colon, and the kind that each means. The specification leaves the list open; these
are the Angular convention's and what projects commonly add."""

_PREFIXES = re.compile(r"(?:\[[^\]\n]{1,60}\][ \t]*){0,4}", re.ASCII)
_TITLE = re.compile(
    r"(?P<kind>[A-Za-z]{2,12})(?:\((?P<scope>[^()\r\n]{1,100})\))?(?P<mark>!?):[ \t]+(?P<text>\S.*)", re.ASCII
)
_NUMBER = re.compile(r"\([#!]([1-9][0-9]{0,9})\)", re.ASCII)
_FOOTER = re.compile(r"^BREAKING(?: CHANGE|-CHANGE)(?::[ \t]+|[ \t]+#)(?P<text>\S.*)$", re.MULTILINE)
_NEXT_FOOTER = re.compile(r"[A-Za-z][A-Za-z-]{1,60}(?:: | #)\S|\(cherry picked from commit ", re.ASCII)


class Title(NamedTuple):
    """A title, taken apart. `kind` and `scope` are empty where it names none."""

    kind: str
    scope: str
    text: str
    """Without kind, scope and the numbers at its end."""
    marked: bool
    """Whether an exclamation mark says that the change is breaking."""
    numbers: tuple[int, ...]
    """Of pulls, at its end: `Title (#12) (#34)` was brought by 34, which carried 12."""


def read_title(title: str) -> Title:
    """Take a title apart. `[2.7] fix(ops)!: Text (#12)` is conventional: tags in brackets come before the kind."""
    whole, found = _split_numbers(title.strip())
    if ":" not in whole:
        return Title("", "", whole, marked=False, numbers=found)
    bare = whole[_PREFIXES.match(whole).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    said = _TITLE.fullmatch(bare.strip())
    if said is None or (kind := KINDS.get(said["kind"].lower())) is None:
        return Title("", "", whole, marked=False, numbers=found)
    return Title(kind, (said["scope"] or "").strip(), said["text"].strip(), said["mark"] == "!", found)


def _split_numbers(title: str) -> tuple[str, tuple[int, ...]]:
    """A title without the numbers at its end, and those."""
    numbers: list[int] = []
    while title.endswith(")") and (number := _NUMBER.fullmatch(title, title.rfind("("))):
        numbers.insert(0, int(number[1]))
        title = title[: number.start()].rstrip()
    return title, tuple(numbers)


def breaking_notes(body: str) -> tuple[str, ...]:
    """What the footers `BREAKING CHANGE: …` say, each up to the next footer or empty line."""
    notes = []
    for footer in _FOOTER.finditer(body):
        lines = [footer["text"]]
        for line in body[footer.end() + 1 :].split("\n"):
            if not line.strip() or _FOOTER.match(line) or _NEXT_FOOTER.match(line):
                break
            lines.append(line)
        notes.append(" ".join(" ".join(lines).split()))
    return tuple(notes)


def is_breaking(title: Title, body: str) -> bool:
    """Whether a change says of itself that it breaks what worked before, by mark or by footer."""
    return title.marked or bool(_FOOTER.search(body))
