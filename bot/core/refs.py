"""What comes of wishes about branches and tags. Data only.

It must never say that something was moved or deleted which the forge has kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.model import Tag


@dataclass(frozen=True, slots=True)
class BranchDeleted:
    """The branch is gone; `sha` is where it was, so that it can be made again."""

    sha: str


@dataclass(frozen=True, slots=True)
class Protected:
    """The forge keeps this branch, and it was left alone."""

    reason: str


@dataclass(frozen=True, slots=True)
class TagReady:
    """The tag is at the wanted commit; `made` is also true when our own request made it unanswered."""

    tag: Tag
    made: bool


@dataclass(frozen=True, slots=True)
class TagMoved:
    """A tag of this name is at another commit, and was left alone: no tag is ever moved."""

    tag: Tag


@dataclass(frozen=True, slots=True)
class Untouched:
    """The branch holds what the bot has put there, and nothing else."""

    sha: str


@dataclass(frozen=True, slots=True)
class Touched:
    """The branch holds something that the pick does not come to, whatever it was made onto."""

    sha: str
