"""What people can ask for about a line's releases, each wish a job; and the answers that some wishes wait for.

There must never be two names for one wish: a comment that is told of again asks for nothing new.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from bot.core.model import Line, Person, Place, Repo
from bot.core.versions import Version

CONFIRM_WITHIN = 15 * 60
"""Seconds in which a wish can be confirmed, by the forge's clock."""


def place_of(repo: Repo, number: int, on: Place) -> str:
    """How the pull or issue is called that a job writes about; see `Backport.change`."""
    # An issue is named apart: where it has a number of its own, a pull may have the same.
    return f"{repo.forge}:{repo.id}:{'issue-' if on == 'issue' else ''}{number}"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for something about releases, and the comment that did; a comment 0 is the command line."""

    actor: Person
    number: int
    comment: int
    on: Place = "pull"
    at: int = 0
    """When it was written, in seconds since the epoch; 0 where nobody says."""

    @property
    def origin(self) -> str:
        """Where it was asked for, as a tag tells it: the same for the same wish only."""
        if not self.comment:
            return f"command line at {self.at}"
        return f"comment {self.comment} on {'issue' if self.on == 'issue' else 'pull'} {self.number}"


@dataclass(frozen=True, slots=True)
class LineJob:
    """A wish about one line."""

    repo: Repo
    line: Line
    asked: Asked

    verb: ClassVar[str]
    """How its key begins; told apart from the others' by it."""
    noun: ClassVar[str]
    """What is made, as in “the candidate of 2.7”."""

    @property
    def key(self) -> str:
        """One for each comment and line: the same wish is never done a second time."""
        where = f"{self.verb}:{self.repo.forge}:{self.repo.id}:{self.line}"
        return f"{where}:comment-{self.asked.comment or f'0-{self.asked.at}'}{self.apart}"

    @property
    def apart(self) -> str:
        """What tells it apart from others of the same verb, line and comment."""
        return ""

    @property
    def number(self) -> int:
        """The pull or issue where it was asked for."""
        return self.asked.number

    @property
    def change(self) -> str:
        """See `Backport.change`."""
        return place_of(self.repo, self.asked.number, self.asked.on)

    @property
    def lane(self) -> str:
        """Jobs of one line run one after another, wherever they were asked for."""
        return lane_of_line(self.repo, self.line)

    @property
    def named(self) -> str:
        """The job in words of the bot's own."""
        return f"{self.noun} of {self.line}"


def lane_of_line(repo: Repo, line: Line) -> str:
    """The lane of whatever is done about a line."""
    return f"{repo.forge}:{repo.id}:line-{line}"


# ── what is made of a line ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class MakeCandidate(LineJob):
    """Make the next candidate of a line. Where its checks have to be waited for, the same job is begun again."""

    expected: str | None = None
    """The commit, or how its id begins, that the line has to be at."""

    verb: ClassVar[str] = "rc"
    noun: ClassVar[str] = "the candidate"


@dataclass(frozen=True, slots=True)
class ShowPlan(LineJob):
    """Tell what the next candidate or final would be, and do nothing."""

    final: bool = False

    verb: ClassVar[str] = "plan"
    noun: ClassVar[str] = "the plan"

    @property
    def apart(self) -> str:
        """One comment can ask for both plans."""
        return ":final" if self.final else ":rc"


@dataclass(frozen=True, slots=True)
class Answered:
    """What somebody said to a wish that waits for a confirmation. An empty `code` drops the wish."""

    by: Person
    code: str
    at: int
    """When it was said, in seconds since the epoch; 0 where nobody says."""


@dataclass(frozen=True, slots=True)
class Confirmed(LineJob):
    """A wish that is not done before somebody has confirmed it: it ends as `waiting`, and is begun again with that."""

    answered: Answered | None = None

    def anew(self, at: int) -> Self:
        """The same wish, asked for once more: what was said to it before does not count any longer."""
        return replace(self, asked=replace(self.asked, at=at), answered=None)

    @property
    def ticket(self) -> str:
        """How the codes of this wish begin, so that the wish is found by a code."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:4]

    def code(self, *bound: str) -> str:
        """The code that confirms this wish as long as all that it is bound to is as it was shown (`7f3a-92c1d04e`)."""
        told = "\0".join((self.key, *bound))
        return f"{self.ticket}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class MakeFinal(Confirmed):
    """Promote a tested candidate: the last one, or the one of this `candidate` number."""

    candidate: int | None = None

    verb: ClassVar[str] = "final"
    noun: ClassVar[str] = "the final"


@dataclass(frozen=True, slots=True)
class Yank(Confirmed):
    """Withdraw a version, forward only: it is marked, and what points at it points elsewhere."""

    patch: int = 0
    """With the line the version that is meant."""
    rc: int | None = None
    """Of a candidate, its number."""
    reason: str = ""

    verb: ClassVar[str] = "yank"
    noun: ClassVar[str] = "the withdrawal"

    @property
    def apart(self) -> str:
        """One comment can withdraw several versions of a line."""
        return f":{self.version}"

    @property
    def version(self) -> Version:
        """What is withdrawn."""
        return Version(self.line, self.patch, self.rc)


@dataclass(frozen=True, slots=True)
class CutLine(LineJob):
    """Make a new line: its branch, the frozen marker of where it began, labels, tracker and milestone."""

    source: str | None = None
    """A branch or commit; None is the tip of the default branch."""

    verb: ClassVar[str] = "cut"
    noun: ClassVar[str] = "the branch"


# ── what is kept about a line ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Hold(LineJob):
    """Let no candidate and no final of a line be made."""

    reason: str = ""

    verb: ClassVar[str] = "hold"
    noun: ClassVar[str] = "the hold"


@dataclass(frozen=True, slots=True)
class Unhold(LineJob):
    """Take every hold of a line away."""

    verb: ClassVar[str] = "unhold"
    noun: ClassVar[str] = "the end of the holds"


@dataclass(frozen=True, slots=True)
class SetNotes(LineJob):
    """Set the changelog entries of changes by hand; None leaves a change out, an empty text takes back what was set."""

    notes: tuple[tuple[int, str | None], ...] = ()

    verb: ClassVar[str] = "notes"
    noun: ClassVar[str] = "the notes"

    @property
    def apart(self) -> str:
        """One comment can set some in each of its lines."""
        return f":{hashlib.sha256(repr(self.notes).encode(errors='replace')).hexdigest()[:8]}"


# ── what follows without anybody asking ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Follower:
    """Work about a line that follows from something that has happened."""

    repo: Repo
    line: Line

    @property
    def change(self) -> str:
        """Nobody asked for it anywhere, so it is told of with the line."""
        return self.lane

    @property
    def lane(self) -> str:
        """See `LineJob.lane`."""
        return lane_of_line(self.repo, self.line)


@dataclass(frozen=True, slots=True)
class KeepTracker(Follower):
    """Bring the tracker of a line up to date, where there is one."""

    occasion: str
    """What happened: a reason to look, and never believed."""

    @property
    def key(self) -> str:
        """One key per occasion."""
        return f"tracker:{self.repo.forge}:{self.repo.id}:{self.line}:{self.occasion}"


Occasion = Literal["created", "moved", "deleted", "rolled up"]
"""Why a tag is looked at: what was done to it, or that the changelog that its section goes into has moved on."""


@dataclass(frozen=True, slots=True)
class FollowTag(Follower):
    """Do what follows from a version's tag that is there: what I began is ended, what people made is judged."""

    tag: str
    sha: str
    """What the occasion said that the tag names: a reason to look, and never believed."""
    occasion: Occasion = "created"
    told: int = 0
    """To how many of its pulls an earlier part of this work has said that they are released."""

    @property
    def key(self) -> str:
        """One for each tag and what it names."""
        apart = ("" if self.occasion == "created" else f":{self.occasion}") + (f":{self.told}" if self.told else "")
        return f"tag:{self.repo.forge}:{self.repo.id}:{self.tag}:{self.sha}{apart}"


@dataclass(frozen=True, slots=True)
class Deploy(Follower):
    """Tell the repository that deploys this one that a version is out, as the policies of both want it."""

    tag: str
    sha: str
    """What the tag named when it was counted, its object or its commit: it has to name that still."""

    @property
    def key(self) -> str:
        """See `FollowTag.key`."""
        return f"deploy:{self.repo.forge}:{self.repo.id}:{self.tag}:{self.sha}"
