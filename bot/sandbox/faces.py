"""What differs between the two forges beneath their APIs: how a pull is opened and lands, and what is told to hooks.

It never decides anything itself: `github.face` and `gitlab.face` do, and the engine asks the one that its forge has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from bot.sandbox.forge import Forge
    from bot.sandbox.issues import Scene
    from bot.sandbox.merging import Method, Person
    from bot.sandbox.state import Comment, Hook, Issue, Label, Repository, User

Kind = Literal["github", "gitlab"]
Change = tuple[str, str]
"""What a ref named before and after, 40 zeros for nothing."""


@dataclass(frozen=True)
class PullWish:
    """A pull to open; `head` is `branch` or `owner:branch`."""

    title: str
    head: str
    base: str
    body: str | None = None
    draft: bool = False


@dataclass(frozen=True)
class MergeWish:
    """How to merge; an empty `sha` merges whatever the head is, None for the texts means the forge's own words."""

    method: Method = "merge"
    sha: str = ""
    title: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Letter:
    """A webhook that is ready to be sent, and what its sender has to say about it."""

    id: str
    event: str
    body: bytes
    headers: Mapping[str, str]


class Face(Protocol):
    """One forge's own ways. The `tell_*` acts say what has just happened; a face may tell it to hooks or keep quiet."""

    kind: Kind
    pull_refs: str
    """The folder of the refs that the forge itself keeps for each pull."""
    robot: Person
    """Who makes the commits that nobody asked for by name."""
    address: str
    """The address that an account's commits carry when the forge makes them, with `{id}` and `{login}` in it."""
    exact_labels: bool
    """Whether label names that differ only in case are different labels."""

    def watch(self, forge: Forge) -> AbstractContextManager[None]:
        """Stands round everything that one request changes."""

    def open_pull(self, forge: Forge, repository: Repository, wish: PullWish, actor: str) -> Issue:
        """Open a pull, or refuse in the forge's own words."""

    def merge_pull(self, scene: Scene, wish: MergeWish) -> str:
        """Merge and close a pull, or refuse; answers the commit that the forge names as the result."""

    def set_pull_state(self, scene: Scene, state: str) -> None:
        """Close a pull, or open it again."""

    def displaced(self, labels: Sequence[str], new: str) -> list[str]:
        """Which of the labels of an issue give way when it gets a new one."""

    def tell_issue(self, scene: Scene, action: str, about: Mapping[str, object]) -> None:
        """Something happened to an issue or a pull; `about` has the label, milestone or account that it is about."""

    def tell_comment(self, scene: Scene, action: str, comment: Comment, before: str | None) -> None:
        """A comment was created, edited (`before` is its former text) or deleted."""

    def tell_label(self, forge: Forge, repository: Repository, label: Label, what: tuple[str, str]) -> None:
        """A label of the repository; `what` is (actor, action)."""

    def tell_ref(self, forge: Forge, repository: Repository, name: str, what: tuple[str, Change]) -> None:
        """A branch or a tag has moved; `what` is (actor, change)."""

    def audible(self, changes: Mapping[str, Change]) -> list[str]:
        """The refs of one push that the forge tells its hooks about."""

    def forbidden_refs(self, forge: Forge, repository: Repository, user: User | None) -> list[str]:
        """The full names or patterns of the refs that an account may not push to, though it may push to others."""

    def bystanders(self, forge: Forge, repository: Repository) -> list[tuple[Hook, dict[str, object], int]]:
        """Hooks that hear of a repository though neither it nor a group has them, each with what is added to what they
        are told, and the id of whoever has it.
        """

    def seal(self, hook: Hook, event: str, body: bytes, origin: int) -> Letter:
        """Sign a webhook for one hook; `origin` is the id of the repository or group that has it."""

    def reseal(self, hook: Hook, letter: Letter) -> Letter:
        """The same webhook as it is when it is sent once more."""

    def note_attempt(self, hook: Hook, status: int, now: int) -> None:
        """A webhook was answered with `status`, 0 for not at all."""
