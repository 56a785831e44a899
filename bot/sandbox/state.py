"""What the sandbox forge remembers, as plain values in one JSON file that survives a restart.

It never holds what git holds: branches, tags, commits and trees are read from the bare repositories beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
"""What an account may do in a repository, in ascending order."""

NOBODY = "nobody"
"""The role that nobody has: what a rule asks for when it allows no one."""

MergeMethod = Literal["merge", "rebase_merge", "ff"]
"""GitLab's setting: a merge commit, a merge commit only onto its own base, or none at all."""


@dataclass
class User:
    """An account. `token` opens the API as this account, and git as a password.

    An organization stands for a namespace too: on GitLab its login is the path of a group, with slashes in it.
    """

    id: int
    login: str
    token: str
    kind: Literal["User", "Bot", "Organization"]


@dataclass
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass
class Milestone:
    id: int
    number: int
    title: str
    creator: str
    created_at: int
    updated_at: int
    state: Literal["open", "closed"] = "open"
    description: str | None = None
    closed_at: int | None = None


@dataclass
class Reaction:
    id: int
    user: str
    content: str
    """GitHub's name of a reaction, or the name of the emoji on GitLab."""
    created_at: int


@dataclass
class Comment:
    id: int
    user: str
    body: str
    created_at: int
    updated_at: int
    reactions: list[Reaction] = field(default_factory=list)
    internal: bool = False
    """Only for those who work on the project: GitLab's confidential notes."""
    system: bool = False
    """Written by the forge itself about what somebody did: GitLab's system notes."""
    thread: int = 0
    """The id of the first comment of its thread; 0 when it stands alone."""
    resolved_by: str | None = None
    """Who has settled what it asks for; the comments of a thread are settled together."""


@dataclass
class Entry:
    """One entry of an issue's history. `subject` is the label, milestone or account that the event is about."""

    id: int
    event: str
    actor: str
    created_at: int
    subject: str | None = None
    commit: str | None = None


@dataclass
class PullPart:
    """What a pull request has beyond an issue. `tested` is (base tip, head, test merge or None) of the last trial."""

    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    head_owner: str
    head_repository: int
    """The id stays when the fork is gone; then no repository has it."""
    draft: bool = False
    merged_at: int | None = None
    merged_by: str | None = None
    merged_as: str | None = None
    landed: tuple[str, str] | None = None
    """Where the base was before the merge and after it."""
    tested: tuple[str, str, str | None] | None = None
    asked: int = 0
    """How often the pull was read since its head or base last changed; the first answers know no mergeability."""
    squash: bool = False
    squashed_as: str | None = None
    drop_source: bool = False
    """Delete the head branch when the pull is merged."""


@dataclass
class Issue:
    """An issue, or a pull request when `pull` is there; both share one series of numbers."""

    id: int
    number: int
    title: str
    body: str | None
    user: str
    created_at: int
    updated_at: int
    state: Literal["open", "closed"] = "open"
    closed_at: int | None = None
    closed_by: str | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    milestone: int | None = None
    comments: list[Comment] = field(default_factory=list)
    history: list[Entry] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    pull: PullPart | None = None

    @property
    def part(self) -> PullPart:
        """What makes this issue a pull. Raises `ValueError` for a plain issue."""
        if self.pull is None:
            raise ValueError(f"#{self.number} is not a pull")
        return self.pull


@dataclass
class Hook:
    """A webhook; `events` names what it wants, `*` everything."""

    id: int
    url: str
    secret: str
    events: list[str]
    created_at: int
    active: bool = True
    content_type: str = "json"
    insecure: bool = False
    signing_token: str = ""
    failures: int = 0
    """Failed deliveries in a row. GitLab stops sending to a hook that keeps failing."""
    disabled_until: int | None = None
    of_app: bool = False
    """Whether it is that of a GitHub App."""


@dataclass
class Group:
    """What a namespace has beyond its path: members (login to role) and hooks, for every repository below it."""

    id: int
    path: str
    members: dict[str, str] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)


@dataclass
class Protection:
    """A protected branch or tag: a name or a pattern with `*`, and the least role that may push, and merge."""

    id: int
    name: str
    push: str = "maintain"
    merge: str = "maintain"
    force: bool = False
    checks: list[str] = field(default_factory=list)
    """The checks that have to pass first; GitHub's rulesets can demand that of branches."""


@dataclass
class Status:
    """The state that somebody reported for a commit under a name."""

    id: int
    sha: str
    ref: str
    name: str
    state: str
    user: str
    created_at: int
    description: str | None = None
    target_url: str | None = None
    pipeline: int = 0


@dataclass
class CheckRun:
    """What a GitHub App says about a commit. `app` is the App's number."""

    id: int
    app: int
    sha: str
    name: str
    started_at: int
    status: str = "queued"
    conclusion: str | None = None
    completed_at: int | None = None
    external_id: str | None = None
    details_url: str | None = None
    title: str | None = None
    summary: str | None = None


@dataclass
class AppRecord:
    """A GitHub App. Its account is `slug[bot]`; its proofs are checked with `public_key` (PEM)."""

    id: int
    client_id: str
    slug: str
    owner: str
    public_key: str
    created_at: int
    hook: Hook | None = None
    """Its webhook, one for all the repositories that it is installed in."""


@dataclass
class Installation:
    """Where an App is installed: for which repositories of an account, with a level for each right."""

    id: int
    app: int
    account: str
    repositories: list[int]
    rights: dict[str, str]
    created_at: int
    suspended_at: int | None = None


@dataclass
class Pass:
    """What an installation token is good for, and until when."""

    installation: int
    rights: dict[str, str]
    repositories: list[int]
    ends: int


@dataclass
class Asset:
    """A file that hangs on a release, or on GitLab a link to one. What was cut off while it was sent is `open`."""

    id: int
    name: str
    user: str
    created_at: int
    size: int = 0
    sha256: str = ""
    state: Literal["uploaded", "open"] = "uploaded"
    url: str = ""


@dataclass
class Release:
    """A release; `id`, `draft` and `prerelease` are GitHub's alone."""

    tag: str
    name: str
    description: str
    user: str
    created_at: int
    released_at: int
    id: int = 0
    draft: bool = False
    prerelease: bool = False
    assets: list[Asset] = field(default_factory=list)


@dataclass
class Repository:
    """A repository; `protected` maps a branch to the accounts that may push to it all the same."""

    id: int
    owner: str
    name: str
    created_at: int
    pushed_at: int
    default_branch: str = "main"
    private: bool = False
    archived: bool = False
    parent: int | None = None
    collaborators: dict[str, str] = field(default_factory=dict)
    protected: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    """By name, in lower case where names are the same in any case."""
    exact_labels: bool = False
    """Whether names that differ only in case are different labels, as they are on GitLab."""
    milestones: dict[int, Milestone] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    """Issues and pulls by number; on GitLab, where issues have numbers of their own, only the pulls."""
    tickets: dict[int, Issue] = field(default_factory=dict)
    """GitLab's issues."""
    hooks: dict[int, Hook] = field(default_factory=dict)
    merge_method: MergeMethod = "merge"
    branch_rules: dict[str, Protection] = field(default_factory=dict)
    tag_rules: dict[str, Protection] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    check_runs: list[CheckRun] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    """Commits that the forge made and signed itself for a GitHub App."""
    releases: dict[str, Release] = field(default_factory=dict)
    """By tag; those that are published, of which a tag has one."""
    drafts: list[Release] = field(default_factory=list)
    """Releases that are not published yet. GitHub takes any number of them for one tag."""
    latest: str = ""
    """The tag whose release was last given GitHub's mark Latest; without one the forge finds it by time."""
    required: dict[str, list[str]] = field(default_factory=dict)
    """The checks that the protection of a branch demands, as GitHub has it beside rulesets."""
    pipelines_must_succeed: bool = False
    """GitLab's setting: nothing is merged whose pipeline has not succeeded."""
    dispatches: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Who has sent which event, with what: on GitLab a pipeline of the branch with these variables."""
    packages: dict[str, str] = field(default_factory=dict)
    """GitLab's generic packages: the digest of each file by `name/version/file`."""

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.name}"

    def label(self, name: str) -> Label | None:
        """The label of this name."""
        return self.labels.get(self.label_key(name))

    def label_key(self, name: str) -> str:
        """What the label is kept under."""
        return name if self.exact_labels else name.lower()


@dataclass
class World:
    """Everything the forge remembers. `moved` maps a former "owner/name" in lower case to a repository's id."""

    kind: Literal["github", "gitlab"] = "github"
    users: dict[str, User] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    """By path in lower case; teams of an organization are here too."""
    apps: dict[int, AppRecord] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    passes: dict[str, Pass] = field(default_factory=dict)
    """By token."""
    moved: dict[str, int] = field(default_factory=dict)
    next_id: int = 1001

    def take_id(self) -> int:
        """A number that nothing in this world has yet."""
        self.next_id += 1
        return self.next_id - 1


_WORLD = TypeAdapter(World)


def load_world(file: Path, kind: Literal["github", "gitlab"]) -> World:
    """The world kept in `file`; an empty one when the file is not there yet. Raises `ValueError` for another kind."""
    if not file.exists():
        return World(kind)
    world = _WORLD.validate_json(file.read_bytes())
    if world.kind != kind:
        raise ValueError(f"{file} holds a {world.kind} forge, not a {kind} one")
    return world


def save_world(world: World, file: Path) -> None:
    """Write the world in one step: a reader finds the old file or the new one, never half of it."""
    draft = file.with_suffix(".new")
    draft.write_bytes(_WORLD.dump_json(world))
    draft.replace(file)
