"""What happened in a repository, as the forge tells it afterwards, for whoever was not told when it did.

It must never say more than where to look: what is to be done is decided by reading the forge again, as after a webhook.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import Missing, Read
from bot.core.model import Person, Place, Repo


@dataclass(frozen=True, slots=True)
class Touched:
    """A pull, or a tracker's issue, that something happened to; `touched_at` is when that last was, in seconds since
    the epoch.
    """

    number: int
    is_open: bool
    is_merged: bool
    labels: tuple[str, ...]
    touched_at: int
    on: Place = "pull"


@dataclass(frozen=True, slots=True)
class Posted:
    """A comment on a pull or an issue, with its text as it is now; `posted_at` is when it was written first."""

    number: int
    comment: int
    actor: Person
    body: str
    posted_at: int
    is_edited: bool
    on: Place = "pull"


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A delivery of a webhook that nobody took. `id` is what a delivery of it is called when it arrives; `handle` is
    what the forge wants to be given to send it again.
    """

    id: str
    handle: str
    failed_at: int


@dataclass(frozen=True, slots=True)
class FindTouched(Read[tuple[Touched, ...] | Missing]):
    """Pulls, and issues with the label of trackers, that something happened to at that time or later, the oldest
    first.
    """

    repo: Repo
    since: int


@dataclass(frozen=True, slots=True)
class FindPosted(Read[tuple[Posted, ...] | Missing]):
    """Comments written on what was `touched` at that time or later, the oldest first; the bot's own are left out."""

    repo: Repo
    since: int
    touched: tuple[Touched, ...]
