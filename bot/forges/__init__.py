"""The forges in our own words: small protocols that every adapter fulfils. Nothing here knows one of them by name.

Each verb that writes says what should be true afterwards and may be called twice. Expected answers are values; what
cannot be explained to a user is a `Fault`, marked `passing` when trying again later makes sense. It does where a forge
does not find, or not yet use, what it has told of itself or what we have just made: it will catch up.
"""

from __future__ import annotations

from typing import Protocol

from bot.core.actions import (
    BranchMoved,
    BranchReady,
    DressPull,
    EnsureComment,
    EnsurePull,
    Labelling,
    Missing,
    PullReady,
    Reaction,
    Refused,
)
from bot.core.deploying import Dispatched, DispatchEvent
from bot.core.history import FailedDelivery, Posted, Touched
from bot.core.issues import Issue, IssueReady, IssueWish, Items, Milestone, MilestoneWish, PullFacts
from bot.core.model import (
    Asset,
    Capabilities,
    Check,
    CheckReport,
    CloneAccess,
    Comment,
    NewCommit,
    Person,
    Place,
    Protection,
    Pull,
    Release,
    ReleaseWish,
    Repo,
    Role,
    Tag,
)
from bot.core.refs import BranchDeleted, Protected, TagMoved, TagReady
from bot.core.setup import Hook, HookReady, HookWish, LabelWish, Visit
from bot.core.standing import Required


class Changes(Protocol):
    """Pulls."""

    def pull(self, repo: Repo, number: int, *, told: bool = False) -> Pull | Missing: ...
    def find_pulls(self, repo: Repo, head: str, base: str) -> tuple[Pull, ...]: ...
    def pulls_of(self, repo: Repo, commit: str) -> tuple[Pull, ...]: ...
    def ensure_pull(self, wish: EnsurePull) -> PullReady | Refused: ...
    def facts(self, repo: Repo, numbers: tuple[int, ...]) -> dict[int, PullFacts]:
        """What pulls say of themselves, many in one request; those that are not there are left out."""

    def describe_pull(self, repo: Repo, number: int, body: str) -> None: ...
    def dress_pull(self, wish: DressPull) -> None: ...


class Conversation(Protocol):
    """Comments, reactions and labels. Comments stand on a pull, or `on` an issue."""

    def labellings(self, repo: Repo, number: int) -> dict[str, Labelling]: ...
    def set_labels(self, repo: Repo, number: int, add: tuple[str, ...], remove: tuple[str, ...]) -> None: ...
    def find_comment(self, repo: Repo, number: int, marker: str, on: Place = "pull") -> Comment | None: ...
    def ensure_comment(self, wish: EnsureComment) -> Comment: ...
    def react(self, repo: Repo, number: int, comment: int, reaction: Reaction, on: Place = "pull") -> None: ...


class Refs(Protocol):
    """How git gets in, and what is said about commits; branches are read and written through git, but for commits that
    the forge is to sign.
    """

    def clone_access(self, repo: Repo) -> CloneAccess: ...
    def create_commits(
        self, repo: Repo, branch: str, base: str, commits: tuple[NewCommit, ...]
    ) -> BranchReady | BranchMoved | Refused: ...
    def report_on(self, repo: Repo, sha: str, report: CheckReport) -> None: ...


class People(Protocol):
    """Who is who, and who may do what."""

    def me(self) -> Person: ...
    def identify(self, person: Person) -> Person: ...
    def role_of(self, repo: Repo, person: Person) -> Role: ...
    def is_member(self, repo: Repo, person: Person, group: str) -> bool: ...


class Tags(Protocol):
    """Tags as the forge has them: made once, never moved."""

    def all(self, repo: Repo) -> tuple[Tag, ...]:
        """Every tag, in no order that means anything."""

    def find(self, repo: Repo, name: str) -> Tag | Missing: ...
    def ensure(self, repo: Repo, tag: Tag, message: str) -> TagReady | TagMoved | Refused:
        """An annotated tag at this commit; one that is there already stays as it is, wherever it is."""


class Issues(Protocol):
    """Issues that are no pulls. Whatever is found as the bot's own, its account has opened: a marker proves nothing."""

    def get(self, repo: Repo, number: int) -> Issue | Missing: ...
    def find(self, repo: Repo, marker: str, label: str, *, anywhere: bool = True) -> Issue | Missing:
        """The bot's own that has the marker in its body, open or closed, of several the oldest. One request where it
        has the label; where people have taken that off, the bot's newest issues are looked through, if `anywhere`.
        """

    def ensure(self, repo: Repo, wish: IssueWish) -> IssueReady | Refused:
        """Open the issue, or edit the one that is there; nothing is sent where it is as it should be. Of the text that
        is there now, what stands below the wish's mark is kept.
        """

    def labelled(self, repo: Repo, label: str, most: int, *, closed: bool = False) -> Items | Missing:
        """The open issues and pulls that have a label, and with `closed` the others too."""


class Labels(Protocol):
    """The labels that a repository knows."""

    def all(self, repo: Repo) -> tuple[str, ...]:
        """The names of all of them."""

    def ensure(self, repo: Repo, wish: LabelWish) -> bool | Refused:
        """Whether the label was made just now; one that is there stays as it is."""


class Milestones(Protocol):
    """Milestones, each found by its title."""

    def find(self, repo: Repo, title: str) -> Milestone | Missing: ...
    def ensure(self, repo: Repo, wish: MilestoneWish) -> Milestone | Refused:
        """Make the milestone, or edit the one that is there; nothing is sent where it is as it should be."""

    def items(self, repo: Repo, milestone: Milestone, most: int) -> Items | Missing:
        """The open issues and pulls in it."""


class Releases(Protocol):
    """Releases, each found by its tag; there is never a second one for a tag that the bot has made."""

    def all(self, repo: Repo) -> tuple[Release, ...]:
        """Every release, drafts among them, in no order that means anything."""

    def find(self, repo: Repo, tag: str) -> Release | Missing:
        """The published one, or else the draft."""

    def ensure(self, repo: Repo, wish: ReleaseWish) -> Release | Missing | Refused:
        """Make the release, or edit the one that is there; the tag is missing when nobody has made it."""

    def publish(self, repo: Repo, tag: str, *, latest: bool) -> Release | Missing | Refused:
        """Show everybody what was a draft; one that is published already is fine."""

    def set_latest(self, repo: Repo, tag: str, *, latest: bool) -> Release | Missing | Refused:
        """Give the mark Latest to a release, or take it from this one; nothing else of it changes. Refused where the
        capability `latest_mark` is not there.
        """

    def attach(self, repo: Repo, tag: str, name: str, content: bytes) -> Asset | Missing | Refused:
        """Hang a file on a release, draft or published. One of this name that is there stays: it is never replaced,
        and where the forge tells that it is another file, that is a refusal.
        """


class Branches(Protocol):
    """What may be done with branches."""

    def protections(self, repo: Repo) -> tuple[Protection, ...]:
        """What is protected, branches and tags, as far as the forge tells those who only write."""

    def may_push(self, repo: Repo, branch: str) -> bool | None:
        """Whether the bot may push to a branch, there or not; None where only an attempt would tell."""

    def delete(
        self, repo: Repo, name: str, *, expect: str
    ) -> BranchDeleted | BranchMoved | Missing | Protected | Refused:
        """Delete a branch that is at this commit now. Looked at in the moment before: no forge's API does both at
        once, so a push in between is lost with it, and the answer says what to make it again from.
        """


class Checks(Protocol):
    """What was reported on commits, by anybody."""

    def of(self, repo: Repo, sha: str) -> tuple[Check, ...] | Missing:
        """The latest under each name, in order of name; the commit is missing when the forge does not know it."""

    def required(self, repo: Repo, branch: str) -> Required | None:
        """What the branch demands of commits; None where that is not told to those who only write."""


class Threads(Protocol):
    """The discussions of a pull, where the capability `threads` says that they can be told."""

    def unresolved(self, repo: Repo, number: int) -> int | Missing:
        """How many wait to be resolved."""


class History(Protocol):
    """What happened, for whoever was not told. Cheap where nothing did: a request a repository."""

    def allowance_of(self, repo: Repo) -> str:
        """Whose allowance of requests its own are taken from: repositories with the same answer share one."""

    def repositories(self) -> tuple[Repo, ...]:
        """Every repository that the credential can write to, archived ones left out, in order of path."""

    def touched(self, repo: Repo, since: int) -> tuple[Touched, ...] | Missing:
        """Pulls, and issues with the label of trackers, that something happened to at that time or later (seconds since
        the epoch), the oldest first.
        """

    def posted(self, repo: Repo, since: int, touched: tuple[Touched, ...]) -> tuple[Posted, ...] | Missing:
        """Comments written on what was `touched` at that time or later, the oldest first; without the bot's own."""

    def open_onto(self, repo: Repo, base: str) -> tuple[Pull, ...] | Missing:
        """The open pulls onto a branch, the newest first."""


class Repositories(Protocol):
    """Repositories by their names, and what they can be told beside what is written to them."""

    def current(self, repo: Repo) -> Repo | Missing:
        """The repository as it is called now; missing where another one has its name."""

    def find(self, path: str) -> Repo | Missing:
        """The repository of this path, as far as the bot may write to it."""

    def dispatch(self, wish: DispatchEvent) -> Dispatched | Missing | Refused:
        """Send it an event; each call sends another one."""


class Deliveries(Protocol):
    """The deliveries of a repository's webhook that sends to `url`, as far as the credential may look after it."""

    def failed(self, repo: Repo, url: str, since: int) -> tuple[FailedDelivery, ...] | Missing | Refused:
        """Those that failed at that time or later and were not sent again with success, the oldest first."""

    def redeliver(self, repo: Repo, url: str, failed: FailedDelivery) -> Missing | Refused | None:
        """Have it sent once more."""


class Forge(Changes, Conversation, Refs, People, Protocol):
    """All four together, and what releases stand on: one connection to one forge."""

    @property
    def calls(self) -> int:
        """API requests sent so far."""

    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def tags(self) -> Tags: ...
    @property
    def releases(self) -> Releases: ...
    @property
    def issues(self) -> Issues: ...
    @property
    def labels(self) -> Labels: ...
    @property
    def milestones(self) -> Milestones: ...
    @property
    def branches(self) -> Branches: ...
    @property
    def checks(self) -> Checks: ...
    @property
    def history(self) -> History: ...
    @property
    def repositories(self) -> Repositories: ...
    @property
    def threads(self) -> Threads | None:
        """None where the capability `threads` is not there."""


class RepositorySettings(Protocol):
    """What a repository is given before the bot works in it. A connection of its own: the bot's work never needs it."""

    def visit(self, path: str) -> Visit | Missing:
        """The repository of this path, and what the bot may do there."""

    def labels(self, repo: Repo) -> tuple[str, ...]:
        """The names of all its labels."""

    def ensure_label(self, repo: Repo, wish: LabelWish) -> bool | Refused:
        """Whether the label was made just now; one that is there stays as it is."""

    @property
    def deliveries(self) -> Deliveries: ...
    def find_hook(self, repo: Repo, url: str) -> Hook | Missing | Refused:
        """The webhook that sends to this address."""

    def ensure_hook(self, repo: Repo, wish: HookWish) -> HookReady | Refused:
        """Create the webhook, or put right what is wrong with it."""
