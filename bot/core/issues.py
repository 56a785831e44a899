"""Issues and milestones, and what pulls say of themselves for release notes: values, and what can be asked about them.

It must never trust an issue for carrying a marker alone: anybody can paste one, so who wrote it counts as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.core.actions import Missing, Read, Refused, Write
from bot.core.model import Person, Place, Repo

TRACKER_LABEL = "release tracker"
"""What every tracker is labelled with: by it the forge finds them in one request, and sweeps see what is said there."""

MARKER = "<!-- relbot:"
"""How the bot's hidden markers begin."""

MOST_ITEMS = 300
"""How many open issues and pulls are listed at most: more help nobody, and each hundred is a request."""


# ── issues ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that is no pull, as the forge answers it now. `milestone` is the forge's number for it, as a pull's."""

    number: int
    title: str
    body: str
    url: str
    author: Person
    is_open: bool
    labels: tuple[str, ...] = ()
    milestone: int | None = None
    is_mine: bool = False
    """Whether the bot's own account has opened it."""

    @property
    def is_kept(self) -> bool:
        """Whether the bot keeps it: it has opened it, and left a marker in it."""
        return self.is_mine and MARKER in self.body


@dataclass(frozen=True, slots=True)
class IssueWish:
    """What the bot's issue that has `marker` in its body should say and be. What people have added stays on it."""

    marker: str
    title: str
    body: str
    label: str = TRACKER_LABEL
    """The label that it is looked for by."""
    labels: tuple[str, ...] = ()
    """Labels that should be on it besides."""
    milestone: int | None = None
    """None leaves it where it is."""
    is_open: bool = True
    below: str = ""
    """The mark below which the text is people's: what stands there when it is written stays."""
    seen: str = ""
    """A part of the text that this one was made of: where it is not there any longer, somebody was quicker, and their
    text stays.
    """

    def over(self, body: str) -> IssueWish:
        """The same in the place of the text that is there now."""
        if self.seen not in body:
            return replace(self, body=body)
        if not self.below:
            return self
        return replace(self, body=f"{self.body.partition(self.below)[0]}{self.below}\n{notes_below(self.below, body)}")


_HIDDEN = re.compile(r"<!-- relbot:[^\n]* -->\n?")


def notes_below(mark: str, body: str) -> str:
    """What people wrote. Where they have deleted the mark, all that is shown may be theirs, and is kept."""
    shown, found, notes = body.replace("\r\n", "\n").partition(mark)
    return notes.removeprefix("\n") if found else _HIDDEN.sub("", shown).lstrip("\n")


@dataclass(frozen=True, slots=True)
class IssueReady:
    """The issue is as it was wished for. `made`: this very wish opened it; `edited`: it was there, and not so."""

    issue: Issue
    made: bool = False
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """An open issue or pull, as a list tells of it."""

    number: int
    on: Place
    title: str
    url: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """Open issues and pulls, the newest first of each kind. `more`: there are others, which are not told."""

    found: tuple[Item, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class GetIssue(Read[Issue | Missing]):
    """One issue as it is now; a pull is none."""

    repo: Repo
    number: int


@dataclass(frozen=True, slots=True)
class FindIssue(Read[Issue | Missing]):
    """The bot's own issue that has this marker in its body, open or closed.

    Without `anywhere` it is looked for by its label alone, in one request: one that has lost its label is not found.
    """

    repo: Repo
    marker: str
    label: str = TRACKER_LABEL
    anywhere: bool = True


@dataclass(frozen=True, slots=True)
class EnsureIssue(Write[IssueReady | Refused]):
    """The bot's issue with this marker is as it is wished for; it is opened where there is none."""

    repo: Repo
    wish: IssueWish


@dataclass(frozen=True, slots=True)
class FindLabelled(Read[Items | Missing]):
    """The open issues and pulls that have a label, and with `closed` the others too."""

    repo: Repo
    label: str
    most: int = MOST_ITEMS
    closed: bool = False


# ── milestones ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone; `number` is what the forge calls it where an issue or a pull names it."""

    number: int
    title: str
    description: str
    is_open: bool
    url: str


@dataclass(frozen=True, slots=True)
class MilestoneWish:
    """What the milestone of this title should say and be."""

    title: str
    description: str = ""
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class FindMilestone(Read[Milestone | Missing]):
    """The milestone of exactly this title, open or closed."""

    repo: Repo
    title: str


@dataclass(frozen=True, slots=True)
class EnsureMilestone(Write[Milestone | Refused]):
    """The milestone is as it is wished for; it is made where there is none."""

    repo: Repo
    wish: MilestoneWish


@dataclass(frozen=True, slots=True)
class FindInMilestone(Read[Items | Missing]):
    """The open issues and pulls of a milestone."""

    repo: Repo
    milestone: Milestone
    most: int = MOST_ITEMS


# ── what pulls say of themselves ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PullFacts:
    """What release notes take from a pull."""

    number: int
    title: str
    body: str
    url: str
    author: Person
    labels: tuple[str, ...] = ()
    milestone: str | None = None
    """Its title."""
    merged: bool = False
    association: str = ""
    """What the forge calls the author beside this repository now (`MEMBER`, `CONTRIBUTOR`); empty where it is not told.
    Whoever has had a pull merged is no newcomer any longer: who is new is told by history alone.
    """


@dataclass(frozen=True, slots=True)
class GetFacts(Read[dict[int, PullFacts]]):
    """What these pulls say of themselves, by number; those that are not there are left out."""

    repo: Repo
    numbers: tuple[int, ...]
