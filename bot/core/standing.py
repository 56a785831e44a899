"""What can be asked about how a line stands. Data only.

It must never be asked for a decision that cannot wait: tags of a large project take many requests.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import Missing, Read
from bot.core.model import Check, Commit, Pull, Repo, Tag


@dataclass(frozen=True, slots=True)
class GetCommits(Read[tuple[Commit, ...]]):
    """The commits of these ids, as far as they are there after the last fetch."""

    repo: Repo
    shas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetChecks(Read[tuple[Check, ...] | Missing]):
    """What was reported on a commit, the latest under each name."""

    repo: Repo
    sha: str


@dataclass(frozen=True, slots=True)
class Required:
    """The names of the checks that a branch demands of what is merged into it, in order. `whole_pipeline`: everything
    that runs on a commit and is not optional has to pass, whatever it is called.
    """

    names: tuple[str, ...] = ()
    whole_pipeline: bool = False


@dataclass(frozen=True, slots=True)
class GetRequired(Read[Required | None]):
    """What a branch demands; None where the forge does not tell the bot all of it."""

    repo: Repo
    branch: str


@dataclass(frozen=True, slots=True)
class FindTags(Read[tuple[Tag, ...]]):
    """Every tag that a repository has."""

    repo: Repo


@dataclass(frozen=True, slots=True)
class FindOpenOnto(Read[tuple[Pull, ...] | Missing]):
    """The open pulls onto a branch, the newest first."""

    repo: Repo
    base: str
