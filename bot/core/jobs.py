"""Plans, jobs and reports: what the bot has decided to do and what came of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from bot.core.actions import Reaction, Read
from bot.core.model import Evidence, Line, Person, Place, Pull, Repo
from bot.core.wishes import Deploy, Follower, FollowTag, KeepTracker, LineJob, place_of


@dataclass(frozen=True, slots=True)
class Backport:
    """Carry one change to one line. `actor` asked for it; `comment` is the chat comment that did, if one did."""

    repo: Repo
    number: int
    line: Line
    actor: Person
    generation: int = 0
    """Raised only by retry, recreate, or a label that is put on once more."""
    comment: int | None = None
    asked_at: int = 0
    """When the label that asks was put on last, in seconds since the epoch."""
    recreate: bool = False
    """Whether a backport that is there is to be built anew, as long as nobody but the bot has worked on it."""
    why: str = ""
    """The class of the change (`regression`), where somebody has said it."""

    @property
    def key(self) -> str:
        """Stable text that names this job: a job whose key has run is not run again.

        Who asks in chat is always answered, so each comment has a key of its own; what is done already is found done.
        """
        asked = self.generation if self.comment is None else f"comment-{self.comment}"
        return f"backport:{self.change}:{self.line}:{asked}"

    @property
    def change(self) -> str:
        """The change that this job writes about; jobs of one change run one after another."""
        return f"{self.repo.forge}:{self.repo.id}:{self.number}"


@dataclass(frozen=True, slots=True)
class Settle:
    """Bring the labels and the status row of a change in line with what is true of its backport now."""

    repo: Repo
    number: int
    line: Line
    occasion: str
    """A commit that was pushed to the line, or what became of `pull`: a reason to look, and never believed."""
    pull: int | None = None
    """The pull that carries it, or is said to."""

    @property
    def key(self) -> str:
        """One key per occasion, so that none is taken for another that is under way."""
        return f"settle:{self.change}:{self.line}:{self.pull}:{self.occasion}"

    @property
    def change(self) -> str:
        """See `Backport.change`."""
        return f"{self.repo.forge}:{self.repo.id}:{self.number}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Reply to a chat comment: a reaction, and a text where one is due."""

    repo: Repo
    number: int
    comment: int
    reaction: Reaction
    text: str | None = None
    on: Place = "pull"

    @property
    def key(self) -> str:
        """One answer of each kind to one comment."""
        return f"answer:{self.repo.forge}:{self.repo.id}:{self.comment}:{self.reaction}"

    @property
    def change(self) -> str:
        """See `Backport.change`."""
        return place_of(self.repo, self.number, self.on)


@dataclass(frozen=True, slots=True)
class Overview:
    """Tell in answer to a comment how lines stand: those named, or the newest of all. Nobody has to be asked for it."""

    repo: Repo
    number: int
    comment: int
    lines: tuple[Line, ...] = ()
    on: Place = "pull"

    @property
    def key(self) -> str:
        """One for each comment."""
        return f"overview:{self.repo.forge}:{self.repo.id}:{self.comment}"

    @property
    def change(self) -> str:
        """See `Backport.change`."""
        return place_of(self.repo, self.number, self.on)


Job = Backport | Settle | Answer | Overview | LineJob | KeepTracker | FollowTag | Deploy
"""All there is. What is asked about lines is a `LineJob`, and `core.release.course` knows the flow of each kind."""


def lane_of(job: Job) -> str:
    """Jobs of one lane run one after another, in the order in which they were begun."""
    return job.lane if isinstance(job, LineJob | Follower) else job.change


Ending = Literal["waiting", "well", "conflict", "refused", "failed", "cancelled"]
"""How a job stands: it waits or runs, has ended well, or in one of the ways that are not."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that was begun, and how it stands."""

    job: Job
    ending: Ending


@dataclass(frozen=True, slots=True)
class FindEnded(Read[tuple[Ended, ...]]):
    """The jobs of a pull or an issue as far as they are remembered, the newest first."""

    repo: Repo
    number: int
    on: Place = "pull"

    @property
    def change(self) -> str:
        """See `Backport.change`."""
        return place_of(self.repo, self.number, self.on)


@dataclass(frozen=True, slots=True)
class FindWaiting(Read[tuple[LineJob, ...]]):
    """The jobs that make something of a repository's lines, have ended well, and wait for what others do."""

    repo: Repo


def takes_long(job: Job) -> bool:
    """Whether a job may take many minutes: then it must not keep others waiting, and few are done at a time."""
    match job:
        case Backport() | Settle() | Answer() | Overview() | LineJob() | Follower():
            return False
        case _:
            assert_never(job)


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from an event. `notes` say, for each thing that was considered and left, why."""

    jobs: tuple[Job, ...] = ()
    notes: tuple[str, ...] = ()


ReportOutcome = Literal[
    "opened", "updated", "pushed", "present", "conflict", "refused", "nothing", "answered", "settled",
    "waiting", "made", "kept",
]  # fmt: skip


MOMENTARY: frozenset[ReportOutcome] = frozenset({"settled", "waiting"})
"""What holds for its moment only: a job that ended so is begun again by whatever asks for it next."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a job ended; `summary` is one sentence for the log and the command line."""

    job: Job
    outcome: ReportOutcome
    summary: str
    pull: Pull | None = None
    evidence: tuple[Evidence, ...] = ()
    told: str = ""
    """What was shown to the one who asked, as Markdown, where that is more than the summary."""
    code: str = ""
    """What confirms the job, where it waits for that."""
    then: tuple[Job, ...] = ()
    """What is to be done next. It is written down together with this end, so that neither is ever without the other."""
