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
from bot.core.model import CheckReport, CloneAccess, Comment, NewCommit, Person, Pull, Repo, Role
from bot.core.setup import Hook, HookReady, HookWish, LabelWish, Visit


class Changes(Protocol):
    """Pulls."""

    def pull(self, repo: Repo, number: int, *, told: bool = False) -> Pull | Missing: ...
    def find_pulls(self, repo: Repo, head: str, base: str) -> tuple[Pull, ...]: ...
    def pulls_of(self, repo: Repo, commit: str) -> tuple[Pull, ...]: ...
    def ensure_pull(self, wish: EnsurePull) -> PullReady | Refused: ...
    def dress_pull(self, wish: DressPull) -> None: ...


class Conversation(Protocol):
    """Comments, reactions and labels."""

    def labellings(self, repo: Repo, number: int) -> dict[str, Labelling]: ...
    def set_labels(self, repo: Repo, number: int, add: tuple[str, ...], remove: tuple[str, ...]) -> None: ...
    def find_comment(self, repo: Repo, number: int, marker: str) -> Comment | None: ...
    def ensure_comment(self, wish: EnsureComment) -> Comment: ...
    def react(self, repo: Repo, number: int, comment: int, reaction: Reaction) -> None: ...


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


class Forge(Changes, Conversation, Refs, People, Protocol):
    """All four together: one connection to one forge."""

    @property
    def calls(self) -> int:
        """API requests sent so far."""


class RepositorySettings(Protocol):
    """What a repository is given before the bot works in it. A connection of its own: the bot's work never needs it."""

    def visit(self, path: str) -> Visit | Missing:
        """The repository of this path, and what the bot may do there."""

    def labels(self, repo: Repo) -> tuple[str, ...]:
        """The names of all its labels."""

    def ensure_label(self, repo: Repo, wish: LabelWish) -> bool | Refused:
        """Whether the label was made just now; one that is there stays as it is."""

    def find_hook(self, repo: Repo, url: str) -> Hook | Missing | Refused:
        """The webhook that sends to this address."""

    def ensure_hook(self, repo: Repo, wish: HookWish) -> HookReady | Refused:
        """Create the webhook, or put right what is wrong with it."""
