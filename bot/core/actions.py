"""What a flow may ask the outside world for, and the answers it can get. Data only; performing is the app's business.

A `Read` changes nothing outside. A `Write` says what should be true afterwards, so it may run twice.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, overload

from bot.core.model import Branch, Change, CheckReport, Comment, Evidence, Person, Place, Pull, Repo, Role
from bot.core.picks import Conflict, ConflictPath, Partial, Picked, PickOutcome, Present, Step
from bot.core.refs import Touched, Untouched

# what a flow reads of a pick it finds here, beside the question
__all__ = ["Conflict", "ConflictPath", "Partial", "PickOutcome", "Picked", "Present", "Step"]

O_co = TypeVar("O_co", covariant=True)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Read(Generic[O_co]):
    """A question. Its type parameter is the union of its possible outcomes."""


@dataclass(frozen=True, slots=True)
class Write(Generic[O_co]):
    """A wish. Performed twice it leaves the same state as performed once."""


Flow = Generator[Read[Any] | Write[Any], Any, R]
"""A job's course: yields actions, receives outcomes, returns a report."""

Planning = Generator[Read[Any], Any, R]
"""A course that may only ask: yielding a `Write` in it is a type error."""


@overload
def ask(action: Read[O_co]) -> Generator[Read[O_co], Any, O_co]: ...
@overload
def ask(action: Write[O_co]) -> Generator[Write[O_co], Any, O_co]: ...
def ask(action: Read[O_co] | Write[O_co]) -> Generator[Any, Any, O_co]:
    """Yield one action and hand back its outcome with its exact type."""
    outcome: O_co = yield action
    return outcome


# ── the forge, read ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Missing:
    """The thing asked for does not exist (or the bot may not see it, which forges answer alike)."""

    what: str


@dataclass(frozen=True, slots=True)
class Labelling:
    """Who put a label on last, and how often it has been put on: each new time is a new wish."""

    actor: Person
    times: int
    at: int = 0
    """When it was put on last, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class GetPull(Read[Pull | Missing]):
    """One pull as it is now. `told`: the forge itself has told of it, so that a “not there” may be too early."""

    repo: Repo
    number: int
    told: bool = False


@dataclass(frozen=True, slots=True)
class GetLabellings(Read[dict[str, Labelling]]):
    """Who set the labels that a pull carries now, by label name."""

    repo: Repo
    number: int


@dataclass(frozen=True, slots=True)
class Identify(Read[Person]):
    """The account with what the forge itself says about its being a bot: not every webhook tells."""

    repo: Repo
    person: Person


@dataclass(frozen=True, slots=True)
class GetRole(Read[Role]):
    """The effective role of an account, asked from the forge at this moment; an error counts as none."""

    repo: Repo
    person: Person


@dataclass(frozen=True, slots=True)
class IsMember(Read[bool]):
    """Whether an account belongs to a team or group at this moment, by the name it has on the forge (`acme/release`).

    Whatever cannot be told counts as no.
    """

    repo: Repo
    person: Person
    group: str


@dataclass(frozen=True, slots=True)
class FindPulls(Read[tuple[Pull, ...]]):
    """Pulls from a branch of this repository onto a branch, open and closed, newest first."""

    repo: Repo
    head: str
    base: str


@dataclass(frozen=True, slots=True)
class FindPullsOf(Read[tuple[Pull, ...]]):
    """Pulls that the forge says a commit belongs to: what they brought, or what they hold."""

    repo: Repo
    commit: str


@dataclass(frozen=True, slots=True)
class FindComment(Read[Comment | None]):
    """The bot's own comment that carries a hidden marker."""

    repo: Repo
    number: int
    marker: str
    on: Place = "pull"


# ── the mirror, read ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Synced:
    """The state of a repository after a fetch."""

    branches: tuple[Branch, ...]
    policy: tuple[str, str] | None
    """Path and text of the policy file on the default branch."""

    def tip(self, branch: str) -> str | None:
        """The commit at the tip of a branch, or None when there is no such branch."""
        return next((b.sha for b in self.branches if b.name == branch), None)


@dataclass(frozen=True, slots=True)
class Sync(Read[Synced]):
    """Bring the default branch, the branches that match `patterns` (`release/*`) and one pull's head up to date."""

    repo: Repo
    patterns: tuple[str, ...]
    number: int | None = None


@dataclass(frozen=True, slots=True)
class NotLanded:
    """No commit on the base branch carries this pull."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """Commits were found, but it cannot be shown that they are exactly the pull's change."""

    reason: str
    next_step: str


@dataclass(frozen=True, slots=True)
class ResolveChange(Read[Change | NotLanded | Unproven]):
    """From a pull to the commits on its base branch that make it up, with proof."""

    repo: Repo
    pull: Pull


@dataclass(frozen=True, slots=True)
class FindPresent(Read[tuple[Evidence, ...]]):
    """Evidence that commits of a change are already on a branch, at most one item per commit, strongest kept."""

    repo: Repo
    change: Change
    onto: Branch


@dataclass(frozen=True, slots=True)
class PickCommits(Read[PickOutcome]):
    """Pick commits in memory, oldest first. Same input, same ids: nothing is taken from a clock."""

    repo: Repo
    commits: tuple[str, ...]
    onto: str
    committed_at: int
    mainline: int | None = None
    sign_off: bool = False


@dataclass(frozen=True, slots=True)
class CheckBranch(Read[Untouched | Touched | Missing]):
    """Whether a branch is as the bot has made it, by making the pick again on each commit that it may have begun at."""

    pick: PickCommits
    branch: str


@dataclass(frozen=True, slots=True)
class CompareWithOriginal(Read[str]):
    """How the picked commits differ from their originals: `git range-diff` text, empty when they do not."""

    pick: PickCommits
    commit: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a commit is on a branch and counts there, or else which commit has taken it back."""

    holds: bool
    taken_back_by: str | None = None


@dataclass(frozen=True, slots=True)
class FindStanding(Read[Standing]):
    """How a commit stands on a branch. `numbers` are pulls by whose number it may have been reverted."""

    repo: Repo
    commit: str
    onto: Branch
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Origins:
    """What one commit of a branch says it comes from, or what it takes back comes from. Hints: anybody may say so."""

    commit: str
    pulls: tuple[int, ...] = ()
    """The numbers in its title."""
    picked_from: tuple[str, ...] = ()
    """The commits that its trailers name, as far as they are there."""
    reverted: tuple[int, ...] = ()
    """The pulls that it takes back, by their number."""


@dataclass(frozen=True, slots=True)
class FindOrigins(Read[tuple[Origins, ...]]):
    """What commits `before..after` of a branch say they come from; those that say nothing are left out."""

    repo: Repo
    before: str
    after: str


# ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class BranchReady:
    """The branch is at the wanted commit; `found` when it was there before."""

    sha: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class BranchMoved:
    """The branch was not where it was expected, and was left alone. `sha` is None when it is gone."""

    sha: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The forge said no, in its own words, and what a person can do about it."""

    reason: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.reason.rstrip('.')}. {self.next_step}"


@dataclass(frozen=True, slots=True)
class EnsureBranch(Write[BranchReady | BranchMoved | Refused]):
    """Put a branch at a picked commit, only if it is at `expect` now (None: only if it does not exist).

    `pick` makes the commit again where the first result is gone; being deterministic it has the same id. `by_forge`
    has the forge itself make new commits of the same trees, which it signs; only a branch that is new can be had so.
    """

    pick: PickCommits
    commit: str
    branch: str
    expect: str | None
    by_forge: bool = False


@dataclass(frozen=True, slots=True)
class PullReady:
    """The pull is there; `opened` tells whether this very action opened it."""

    pull: Pull
    opened: bool


@dataclass(frozen=True, slots=True)
class EnsurePull(Write[PullReady | Refused]):
    """An open pull from `head` onto `base`; an existing one is found, not repeated."""

    repo: Repo
    head: str
    base: str
    title: str
    body: str
    draft: bool = False


@dataclass(frozen=True, slots=True)
class DescribePull(Write[None]):
    """A pull of the bot's has this body."""

    repo: Repo
    number: int
    body: str


@dataclass(frozen=True, slots=True)
class DressPull(Write[None]):
    """Labels (added to what is there), assignees and milestone of a pull that the bot has opened."""

    repo: Repo
    number: int
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    milestone: int | None


@dataclass(frozen=True, slots=True)
class SetLabels(Write[None]):
    """Labels that should and should not be on a pull; others are left alone."""

    repo: Repo
    number: int
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnsureComment(Write[Comment]):
    """The bot's one comment with this marker says `body`. `existing` is the one found before, to save a look-up."""

    repo: Repo
    number: int
    marker: str
    body: str
    existing: int | None = None
    on: Place = "pull"


Reaction = Literal["eyes", "rocket", "confused", "-1"]


@dataclass(frozen=True, slots=True)
class React(Write[None]):
    """A reaction of the bot on a comment of pull or issue `number`. Decoration: its failure never fails a job."""

    repo: Repo
    number: int
    comment: int
    reaction: Reaction
    on: Place = "pull"


@dataclass(frozen=True, slots=True)
class ReportOn(Write[None]):
    """What the bot says about a commit under this name: said once, and changed where it stands."""

    repo: Repo
    sha: str
    report: CheckReport


Action = Read[Any] | Write[Any]
