"""The nouns that the whole bot speaks in (ARCHITECTURE.md has the glossary). Values only; nothing here acts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from bot.core.revisions import Branch as Branch  # noqa: PLC0414 - handed on, like the other three
from bot.core.revisions import Commit as Commit  # noqa: PLC0414
from bot.core.revisions import Line as Line  # noqa: PLC0414
from bot.core.revisions import Tag as Tag  # noqa: PLC0414

ForgeName = Literal["github", "gitlab"]

Place = Literal["pull", "issue"]
"""What a comment stands on. Some forges number the two apart, so that a number alone does not say where."""


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository on a forge. `id` is the forge's number and stays when the `path` ("owner/name") changes."""

    forge: ForgeName
    id: int
    path: str
    default_branch: str


@dataclass(frozen=True, slots=True)
class Person:
    """An account of a forge. `is_bot` is the forge's own statement, never guessed from the name."""

    id: int
    login: str
    is_bot: bool = False


class Role(IntEnum):
    """What an account may do in a repository, in ascending order; a forge's own names are mapped by its adapter."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5


@dataclass(frozen=True, slots=True)
class TreeChange:
    """What one path is after a commit: `mode` and `sha` as git has them, both None when the path is gone.

    `content` is that of a file or symbolic link; a submodule has none.
    """

    path: str
    mode: str | None
    sha: str | None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit for the forge to make in its own name: the message, the tree that comes of it, and what changes."""

    message: str
    tree: str
    changes: tuple[TreeChange, ...]


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request or merge request, as the forge answers it now."""

    number: int
    title: str
    body: str
    url: str
    author: Person
    is_open: bool
    merged: bool
    """The forge's own statement. A pull that a merge robot landed and closed says False."""
    merged_as: str | None
    """The commit that the forge names as the result of the merge; only meaningful when `merged`."""
    closed_at: int | None
    """Seconds since the epoch; for a merged pull the time of the merge."""
    base: str
    base_sha: str
    head: str
    head_sha: str
    head_repo_id: int | None
    """None when the fork that the pull came from is gone."""
    draft: bool = False
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    milestone: int | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a pull or an issue, by its id on the forge."""

    id: int
    author: Person
    body: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the bot has to say about one commit, shown beside it on the forge. A commit has one of each `name`."""

    name: str
    state: Literal["pending", "success", "failure", "neutral"]
    title: str
    """One line. Where a forge has no room for more, this is all that it shows."""
    summary: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that hangs on a release. Size and digest are None where the forge does not tell them."""

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """What a forge shows under a tag. Where it has no drafts or prereleases, none is one."""

    tag: str
    title: str
    body: str
    url: str
    draft: bool = False
    prerelease: bool = False
    assets: tuple[Asset, ...] = ()
    """The files that hang on it, in order of name."""


@dataclass(frozen=True, slots=True)
class ReleaseWish:
    """What a release should say and be; the tag is there already."""

    tag: str
    title: str
    body: str
    prerelease: bool = False
    latest: bool = False
    """Whether the forge's mark Latest goes to it; without it the mark stays where it is."""
    draft: bool = False
    """Whether it waits to be published. One that is published stays published."""


CheckState = Literal["pending", "passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was reported on a commit under one name, by whoever it was. What is skipped counts neither way."""

    name: str
    state: CheckState
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Protection:
    """Branches or tags that a forge keeps from being changed freely."""

    kind: Literal["branch", "tag"]
    pattern: str
    """A name; `**` stands for anything in it, `*` and `?` for anything but a slash."""
    excluded: tuple[str, ...] = ()
    """Patterns of what is not covered all the same."""

    def covers(self, name: str) -> bool:
        """Whether a branch or tag of this name is protected."""
        return _fits(self.pattern, name) and not any(_fits(pattern, name) for pattern in self.excluded)


_WILDCARDS = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def _fits(pattern: str, name: str) -> bool:
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    return re.fullmatch("".join(_WILDCARDS.get(part, re.escape(part)) for part in parts), name, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one forge can do and another cannot. Decisions ask here, and never for a forge's name."""

    draft_releases: bool
    """Whether a release can wait unseen until it is published."""
    prereleases: bool
    """Whether a release can be marked as a prerelease."""
    latest_mark: bool
    """Whether the mark Latest goes where it is told to; elsewhere the forge gives it to the newest release."""
    threads: bool
    """Whether it can be told how many discussions of a pull wait to be resolved."""
    signs_commits: bool
    """Whether it makes commits itself when it is told their content, and signs those of an App."""


MergeMethod = Literal["merge", "squash", "rebase", "fast-forward", "landed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One unit of work on the main branch with the commits that make it up, oldest first."""

    number: int
    title: str
    commits: tuple[Commit, ...]
    method: MergeMethod
    proof: str
    """One sentence that says why these commits, and no others, are the change."""
    mainline: int | None = None
    """The parent (from 1) that a single merge commit is picked against; None for ordinary commits."""
    merged_as: str | None = None
    """The merge commit that brought these commits. Who picks by hand may have picked that one, and named it."""


EvidenceKind = Literal["ancestor", "trailer", "pull", "tree", "patch-id", "similar"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a commit's effect is said to be on a line. Only `certain` evidence may make the bot skip work."""

    kind: EvidenceKind
    commit: str
    present_as: str | None
    certain: bool
    score: float
    """0 to 1; 1 for everything certain."""


class Secret:
    """A credential that prints as `***`, in logs, tracebacks and `repr` alike."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class CloneAccess:
    """How git reaches a repository. The password never enters the address or an argument list."""

    url: str
    username: str
    password: Secret = field(repr=False)
    pull_ref: str
    """Where the forge keeps a pull's head, with `{number}`: `refs/pull/{number}/head`."""
