"""What can happen, in words both forges share. An event is a hint where to look: the handler reads the forge again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bot.core.model import Person, Place, Repo


@dataclass(frozen=True, slots=True)
class PullClosed:
    """A pull was merged or closed; which of the two is read from the forge."""

    repo: Repo
    number: int
    actor: Person


@dataclass(frozen=True, slots=True)
class PullOpened:
    """A pull was opened, or opened `again` after it had been closed. `base` and `body` spare a look at most of them."""

    repo: Repo
    number: int
    actor: Person
    base: str
    body: str
    again: bool


@dataclass(frozen=True, slots=True)
class PullLabelled:
    """Labels were put on a pull, open or closed: one or, where a forge tells of several in one go, more."""

    repo: Repo
    number: int
    labels: tuple[str, ...]
    actor: Person


@dataclass(frozen=True, slots=True)
class CommentPosted:
    """A comment was written on a pull or an issue. Edits and deletions are other events, and never commands."""

    repo: Repo
    number: int
    comment: int
    actor: Person
    body: str
    written_at: int = field(default=0, compare=False)
    """Seconds since the epoch; 0 where nobody says."""
    on: Place = "pull"


@dataclass(frozen=True, slots=True)
class CommentEdited:
    """A comment was edited: it gets a hint when it holds a command, and never an action."""

    repo: Repo
    number: int
    comment: int
    actor: Person
    body: str
    on: Place = "pull"


@dataclass(frozen=True, slots=True)
class PushedTo:
    """A branch moved (`before` and `after` are full ids; 40 zeros when it was created or deleted)."""

    repo: Repo
    branch: str
    before: str
    after: str
    actor: Person


@dataclass(frozen=True, slots=True)
class TagPushed:
    """A tag was pushed, by whatever way. `sha` is the commit where the forge tells it, else the object that the tag
    names; where the tag was deleted, it is what it had named.
    """

    repo: Repo
    tag: str
    sha: str
    actor: Person
    change: Literal["created", "moved", "deleted"] = "created"


@dataclass(frozen=True, slots=True)
class ChecksReported:
    """Something that runs on a commit has ended, well or not; what the rest says is read from the forge.

    `branches` are those that the forge names beside it: at least one, and not all of them perhaps.
    """

    repo: Repo
    sha: str
    branches: tuple[str, ...]
    actor: Person


Event = PullOpened | PullClosed | PullLabelled | CommentPosted | CommentEdited | PushedTo | TagPushed | ChecksReported


@dataclass(frozen=True, slots=True)
class Ignored:
    """A genuine delivery that concerns nothing the bot does; it is answered 2xx all the same."""

    reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A genuine delivery of a webhook. `id` is the same when the forge sends it again."""

    id: str
    event: Event | Ignored


@dataclass(frozen=True, slots=True)
class BadSignature:
    """A delivery that nobody who knows the secret has signed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A signed delivery whose body is not what its headers say."""

    reason: str
