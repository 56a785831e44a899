"""What the notes say of one change: its category, its text, whose it is; and why, where they say nothing.

It must never let a change go unmentioned: what makes no entry is named with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.core.changelog.rules import BREAKING_LABELS, NONE, OTHER, REVERTED, Rules
from bot.core.changelog.told import Told, read_note, split_areas
from bot.core.titles import breaking_notes, read_title

if TYPE_CHECKING:
    from bot.core.model import Person


@dataclass(frozen=True, slots=True)
class PullFacts:
    """What a forge knows of a pull. Everything may be missing: without a forge, git alone has to do."""

    title: str = ""
    body: str = ""
    labels: tuple[str, ...] = ()
    author: Person | None = None
    is_first: bool = False
    """Whether it is the first that its author got merged."""
    origin: int | None = None
    """The pull that this one carries to a line."""


@dataclass(slots=True)
class Entry:
    """One change in the notes. Its texts are as people wrote them; whoever renders makes them harmless.

    It is not frozen, since that would take twice as long to make, a hundred thousand times over.
    """

    category: str
    text: str
    numbers: tuple[int, ...]
    """Pulls: the change itself first, then what brought it to this line."""
    sha: str
    authors: tuple[str, ...]
    logins: tuple[str, ...] = ()
    """The same people as accounts, where a forge told."""
    scope: str = ""
    breaking: tuple[str, ...] = ()
    """What no longer works as before."""
    also_in: tuple[str, ...] = ()
    """Versions of other lines that had it before."""
    is_first: bool = False
    names: tuple[str, ...] = ()
    """The authors as git names them."""

    @property
    def name(self) -> str:
        """How to speak of it: by its pull, or its commit where it has none."""
        return f"#{self.numbers[0]}" if self.numbers else self.sha[:10]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A change that the notes do not list, and why not."""

    sha: str
    numbers: tuple[int, ...]
    title: str
    reason: str


Override = str | None
"""What a person has the notes say of a pull; None for nothing."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known beyond git: pulls by number, and the words of people who release."""

    rules: Rules = field(default_factory=Rules)
    pulls: Mapping[int, PullFacts] = field(default_factory=dict)
    overrides: Mapping[int, Override] = field(default_factory=dict)


@dataclass(slots=True)
class _Reading:
    """A change while its entry is made: its commits, the last of which brought it, and what forges know of it."""

    tolds: Sequence[Told]
    head: Told
    numbers: tuple[int, ...]
    facts: tuple[PullFacts, ...]
    kind: str
    scope: str
    text: str
    marked: bool


def read_change(tolds: Sequence[Told], sources: Sources, *, is_revert: bool = False) -> Entry | LeftOut:
    """The entry of a change. An override comes first, then its release note, its labels, and its title."""
    reading = _read(tolds, sources)
    head, rules = reading.head, sources.rules
    if head.is_merge and not reading.numbers and not head.kind:
        return _leave_out(reading, "merges branches, and lands no pull")
    if head.is_release:
        return _leave_out(reading, "is about releasing")
    text, reason = _text(reading, sources, is_revert=is_revert)
    if reason:
        return _leave_out(reading, reason)
    breaking = _breaking(reading, text)
    category = _category(reading, rules, is_revert=is_revert)
    if category == NONE:
        if not breaking and not _is_said(reading, sources):
            return _leave_out(reading, f"is left out by the policy ({_why(reading, rules)})")
        category = "Changed"
    logins: tuple[str, ...] = ()
    names = _authors(tolds)
    if reading.facts:
        logins = next(((facts.author.login,) for facts in reading.facts if facts.author), ())
    return Entry(
        category, text, reading.numbers, head.sha, logins or names, logins, reading.scope, breaking,
        is_first=bool(reading.facts) and reading.facts[0].is_first, names=names,
    )  # fmt: skip


def _authors(tolds: Sequence[Told]) -> tuple[str, ...]:
    """Who wrote the commits; a merge is by whoever pressed the button."""
    if len(tolds) == 1:
        return (tolds[0].author,)
    return tuple(dict.fromkeys(told.author for told in tolds if not told.is_merge)) or (tolds[-1].author,)


def _read(tolds: Sequence[Told], sources: Sources) -> _Reading:
    """The change with its pulls, the original before what carried it."""
    head = tolds[-1]
    numbers = head.numbers
    facts: tuple[PullFacts, ...] = ()
    if sources.pulls:
        origins = (sources.pulls[n].origin for n in numbers if n in sources.pulls)
        numbers = tuple(dict.fromkeys((*(n for n in origins if n is not None), *numbers)))
        facts = tuple(sources.pulls[number] for number in numbers if number in sources.pulls)
    reading = _Reading(tolds, head, numbers, facts, head.kind, head.scope, head.title, head.marked)
    if facts and facts[0].title and head.undoes is None:
        said = read_title(facts[0].title)
        if said.kind or not head.kind:
            reading.text, scope = split_areas(said.text)
            reading.kind, reading.scope, reading.marked = said.kind, said.scope or scope, said.marked
    return reading


def _text(reading: _Reading, sources: Sources, *, is_revert: bool) -> tuple[str, str]:
    """What is to be said; or, as the second, why nothing."""
    overrides = sources.overrides
    for number in reversed(reading.numbers) if overrides else ():
        if number in overrides:
            said = overrides[number]
            return (said, "") if said else ("", "is left out by hand")
    note = _note(reading)
    if note is not None:
        return (note, "") if note else ("", "has a release note that says NONE")
    if is_revert and reading.head.undoes:
        return _undone(reading.head.undoes), ""
    return reading.text or reading.head.sha[:10], ""


def _undone(title: str) -> str:
    """What a revert of something released says: the title that it takes back, without quotes and numbers."""
    return read_title(read_title(title).text.strip("\"“”")).text


def _note(reading: _Reading) -> str | None:
    """The release note of the pull itself, of its commits, or of the pull that it carries."""
    for facts in reversed(reading.facts):
        if (note := read_note(facts.body)) is not None:
            return note
    for told in reversed(reading.tolds):
        if told.note is not None:
            return told.note
    return None


def _is_said(reading: _Reading, sources: Sources) -> bool:
    """Whether somebody has written what the notes shall say: that is not left out because of a kind or label."""
    return bool(_note(reading)) or any(sources.overrides.get(number) for number in reading.numbers)


def _category(reading: _Reading, rules: Rules, *, is_revert: bool) -> str:
    if is_revert and not (reading.head.undoes or "").lower().lstrip("\"“").startswith("revert"):
        return REVERTED
    for facts in reading.facts:
        if (category := rules.category_of_label(facts.labels)) is not None:
            return category
    return rules.kinds.get(reading.kind, OTHER)


def _why(reading: _Reading, rules: Rules) -> str:
    labelled = any(rules.category_of_label(facts.labels) is not None for facts in reading.facts)
    return "label" if labelled else f"kind {reading.kind}"


def _breaking(reading: _Reading, text: str) -> tuple[str, ...]:
    """What a change breaks by its own word; where a mark or a label alone says so, its text."""
    notes = [note for told in reading.tolds for note in told.breaking]
    for facts in reading.facts:
        if "BREAKING" in facts.body:
            notes += breaking_notes(facts.body)
    if not notes:
        said = reading.marked or [told for told in reading.tolds if told.marked] or _is_labelled_breaking(reading.facts)
        return (text,) if said else ()
    return tuple(dict.fromkeys(notes))


def _is_labelled_breaking(facts: Sequence[PullFacts]) -> bool:
    return any(label.casefold() in BREAKING_LABELS for one in facts for label in one.labels) if facts else False


def _leave_out(reading: _Reading, reason: str) -> LeftOut:
    return LeftOut(reading.head.sha, reading.numbers, reading.text, reason)
