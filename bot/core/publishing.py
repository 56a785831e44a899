"""What a flow may ask about the commit that becomes a version, and about releases as a forge shows them. Data only.

There must never be a wish in it that takes a release away, or a branch that is not where it was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import BranchMoved, BranchReady, Missing, Read, Refused, Write
from bot.core.issues import PullFacts
from bot.core.model import Capabilities, Comment, Place, Release, ReleaseWish, Repo
from bot.core.numbering import Oversized
from bot.core.refs import BranchDeleted, Protected
from bot.core.versions import Version

# ── the commit that becomes a version ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Drafted:
    """A commit in memory, with the changelog's section of the version and its number in the version files."""

    commit: str
    """The parent itself where nothing would change."""
    changed: tuple[str, ...]
    """The paths whose content it changes."""
    notes: str
    """What the version brings since the last tag before it, as Markdown, cut to what a forge takes."""
    numbers: tuple[int, ...]
    """The pulls that the section is made of."""
    oversized: tuple[Oversized, ...]
    """The commits since the last final that bring more than a patch may."""
    warnings: tuple[str, ...] = ()
    """What the section could not tell, and what of it people's words stood against; the first of them."""
    shipped: tuple[int, ...] = ()
    """The pulls whose changes the final holds, listed or not: all but those that it takes back itself."""


Known = tuple[int, Place, str]
"""An open issue or pull: its number, which of the two it is, and its title."""


@dataclass(frozen=True, slots=True)
class DraftRelease(Read[Drafted | Refused]):
    """Draft the commit of a version upon `parent`. Same input, same id: `at` dates commit and section.

    A candidate has the section and the number of the final that it becomes. `policy` is path and text of the file.
    Refused where a version file cannot be written, in the words of `bumps`.
    """

    repo: Repo
    parent: str
    version: Version
    tag: str
    at: int
    policy: tuple[str, str] | None = None
    facts: tuple[PullFacts, ...] = ()
    """What the forge knows of the pulls, as far as it was asked; of bodies only release-note blocks are read."""
    notes: tuple[tuple[int, str | None], ...] = ()
    """What people have set for pulls by hand, None for nothing at all."""
    known: tuple[Known, ...] = ()
    """What the version is known to suffer from."""


@dataclass(frozen=True, slots=True)
class StageRelease(Write[BranchReady | BranchMoved | Refused]):
    """The bot's own branch is at a drafted commit, only if it is at `expect` now (None: only if it is not there).

    The commit is drafted again where the first result is gone; being deterministic it has the same id.
    """

    draft: DraftRelease
    commit: str
    branch: str
    expect: str | None


# ── what a forge shows ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FindRelease(Read[Release | Missing]):
    """The release that a forge shows under a tag, or its draft."""

    repo: Repo
    tag: str


@dataclass(frozen=True, slots=True)
class FindReleases(Read[tuple[Release, ...]]):
    """Every release, drafts among them."""

    repo: Repo


@dataclass(frozen=True, slots=True)
class GetCapabilities(Read[Capabilities]):
    """What the forge of a repository can do, and another cannot."""

    repo: Repo


@dataclass(frozen=True, slots=True)
class EnsureRelease(Write[Release | Missing | Refused]):
    """The release is as it is wished for; it is made where there is none."""

    repo: Repo
    wish: ReleaseWish


@dataclass(frozen=True, slots=True)
class PublishRelease(Write[Release | Missing | Refused]):
    """Everybody sees what was a draft; `latest` says where the forge's mark goes."""

    repo: Repo
    tag: str
    latest: bool


@dataclass(frozen=True, slots=True)
class MarkLatest(Write[Release | Missing | Refused]):
    """The forge's mark Latest is on this release, or is taken from it."""

    repo: Repo
    tag: str
    latest: bool


@dataclass(frozen=True, slots=True)
class TellPull(Write[Comment | Refused]):
    """The bot's one comment with this marker is on a pull. Where the pull takes none, that is an outcome: of hundreds
    of pulls one that is locked keeps nobody from being told.
    """

    repo: Repo
    number: int
    marker: str
    body: str


@dataclass(frozen=True, slots=True)
class DeleteBranch(Write[BranchDeleted | BranchMoved | Missing | Protected | Refused]):
    """A branch is gone that is at `expect` now."""

    repo: Repo
    branch: str
    expect: str
