"""What a flow may ask about tags, and about the commits that are to be tagged, and what comes of it. Data only.

There must never be a wish in it that moves a tag, takes one away, or forces a branch that is not the bot's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.core.actions import BranchMoved, BranchReady, Missing, Read, Refused, Write
from bot.core.model import Repo

SignatureKind = Literal["ssh", "gpg", "x509"]
Verdict = Literal["good", "bad", "none", "unchecked"]
"""`unchecked`: there is a signature, and the bot was told of no keys by which to judge it."""


@dataclass(frozen=True, slots=True)
class TagFound:
    """A tag as the last fetch has left it. `commit` is what it comes down to, None when that is no commit."""

    name: str
    sha: str
    """The object that the ref holds: the tag object, or the commit itself where there is none."""
    commit: str | None
    annotated: bool = False
    """Whether there is a tag object."""
    tagged_at: int | None = None
    """Seconds since the epoch, where a tag object says it."""


@dataclass(frozen=True, slots=True)
class TagChecked:
    """All that one tag says of itself, and what its signature is worth."""

    tag: TagFound
    tagger: str | None
    """Name and address as git writes them."""
    title: str
    trailers: tuple[tuple[str, str], ...]
    signed: SignatureKind | None
    verdict: Verdict
    said: str
    """One sentence about the signature, for people."""
    keyed: bool = False
    """Whether the bot was told of keys, so that what it has made itself has a signature that it can judge."""

    def trailer(self, key: str) -> str | None:
        """The value of the last trailer of that name."""
        return next((value for name, value in reversed(self.trailers) if name.lower() == key.lower()), None)


MINE = ("Requested-By", "Requested-In")
"""The trailers that every tag of the bot's has, and that people have no reason to write."""


def is_mine(repo: Repo, checked: TagChecked) -> bool:
    """Whether the bot has made a tag in this repository. Anybody can write its trailers; where it has a key, they count
    only under a signature of that key.
    """
    says_so = all(checked.trailer(key) for key in MINE)
    fits = checked.trailer("Repository") == name_of(repo) and checked.trailer("Commit") == checked.tag.commit
    return says_so and fits and (checked.verdict == "good" or not checked.keyed)


def name_of(repo: Repo) -> str:
    """A repository as a trailer has it: a tag that is right in one is not in another."""
    return f"{repo.forge}:{repo.path}"


@dataclass(frozen=True, slots=True)
class FetchTags(Read[tuple[TagFound, ...]]):
    """Every tag that the forge's repository has now, by name. `patterns` are names with at most one `*`."""

    repo: Repo
    patterns: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class VerifyTag(Read[TagChecked | Missing]):
    """One tag of the forge's repository, as it is now, whoever made it."""

    repo: Repo
    name: str


@dataclass(frozen=True, slots=True)
class ReadFiles(Read[dict[str, str | None]]):
    """The texts of files in a commit, by path; None where there is no file of text of that path."""

    repo: Repo
    commit: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IsAncestor(Read[bool]):
    """Whether a commit is another one or below it. A commit that is not there is below none."""

    repo: Repo
    commit: str
    of: str


@dataclass(frozen=True, slots=True)
class Titled:
    """A commit by its id and the first line of its message, cut."""

    sha: str
    title: str


@dataclass(frozen=True, slots=True)
class Between:
    """The newest of some commits, and how many there are besides."""

    commits: tuple[Titled, ...] = ()
    more: int = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.commits) + self.more


@dataclass(frozen=True, slots=True)
class FindBetween(Read[Between]):
    """The commits that `of` holds and `without` does not, the newest first; both are there after the last fetch."""

    repo: Repo
    of: str
    without: str
    most: int = 50


@dataclass(frozen=True, slots=True)
class CommitMade:
    """A commit in memory. Where no file would change it is the parent itself."""

    commit: str
    tree: str
    changed: tuple[str, ...]
    """The paths whose content it changes."""


@dataclass(frozen=True, slots=True)
class MakeCommit(Read[CommitMade]):
    """A commit on `parent` with new texts for files (path, text). Same input, same id: nothing is taken from a clock.

    A file keeps its mode; a new one is an ordinary file. The bot is the author and the committer.
    """

    repo: Repo
    parent: str
    files: tuple[tuple[str, str], ...]
    message: str
    committed_at: int


@dataclass(frozen=True, slots=True)
class StageCommit(Write[BranchReady | BranchMoved | Refused]):
    """The bot's own branch is at a commit that `make` describes, only if it is at `expect` now (None: not there)."""

    make: MakeCommit
    commit: str
    branch: str
    expect: str | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a tag came about: each part becomes one trailer of its message, where there is anything to say."""

    requested_by: str
    """Who asked for it."""
    requested_in: str = ""
    """The address of the comment that asked."""
    gates: tuple[str, ...] = ()
    """What was looked at and found right."""
    image: str = ""
    """The image that was tested, by its digest."""
    smoke: str = ""
    """What the smoke test said."""
    confirmed_by: str = ""
    """Who confirmed it, where that was needed."""
    candidate: str = ""
    """The tag of the candidate that it is the same commit as."""


@dataclass(frozen=True, slots=True)
class TagWish:
    """A tag to be made. Foreign text may stand in any part: none of it can pass for another part."""

    name: str
    commit: str
    title: str
    provenance: Provenance
    tagged_at: int
    notes: str = ""


@dataclass(frozen=True, slots=True)
class LineMove:
    """A line's branch that goes forward with the tag, from the commit at which it was seen."""

    branch: str
    expect: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """The tag is on the forge, and the branch holds its commit: both were read back.

    `found` when an earlier try had made it. `signed` is None for a bot without a key.
    """

    tag: TagFound
    found: bool = False
    signed: SignatureKind | None = None


@dataclass(frozen=True, slots=True)
class TagExists:
    """A tag of that name is there which is not this one, and was left alone; so was the branch."""

    tag: TagFound
    reason: str
    """In what it differs."""


@dataclass(frozen=True, slots=True)
class LineProtected:
    """A rule keeps the bot from pushing to the line's branch, so that neither of the two was done."""

    reason: str
    """In the forge's words."""


@dataclass(frozen=True, slots=True)
class PushRelease(Write[Pushed | TagExists | BranchMoved | LineProtected | Refused]):
    """A new tag, and with `line` the branch forward to its commit, in one push that does both or nothing.

    `staged` is the branch of the forge's where the commit waits, in case it is not here.
    """

    repo: Repo
    tag: TagWish
    line: LineMove | None = None
    staged: str | None = None
