"""Turns each Action into one call of a forge or of a mirror, and resolves the credentials that call needs.

It must never decide anything: what is asked for is done, and what came of it is handed back. No credential may leave
here in a text, though a forge or git should have repeated it to us.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from bot.app.log import conceal, hide_for_now
from bot.app.perform_issues import ask_about_work
from bot.app.perform_releases import Drafting, OfReleases, ask_about_releases, draft_release
from bot.core.actions import (
    Action,
    BranchMoved,
    BranchReady,
    CheckBranch,
    CompareWithOriginal,
    DescribePull,
    DressPull,
    EnsureBranch,
    EnsureComment,
    EnsurePull,
    FindComment,
    FindOrigins,
    FindPresent,
    FindPulls,
    FindPullsOf,
    FindStanding,
    GetLabellings,
    GetPull,
    GetRole,
    Identify,
    IsMember,
    Missing,
    NotLanded,
    Origins,
    PickCommits,
    PickOutcome,
    React,
    Refused,
    ReportOn,
    ResolveChange,
    SetLabels,
    Standing,
    Sync,
    Synced,
    Unproven,
)
from bot.core.cutting import BranchTaken, CreateBranches, EnsureLabels
from bot.core.deploying import DispatchEvent, GetRepo
from bot.core.errors import Fault
from bot.core.history import FindPosted, FindTouched
from bot.core.issues import (
    EnsureIssue,
    EnsureMilestone,
    FindInMilestone,
    FindIssue,
    FindLabelled,
    FindMilestone,
    GetFacts,
    GetIssue,
)
from bot.core.jobs import FindEnded, FindWaiting
from bot.core.model import Change, CloneAccess, Commit, Evidence, ForgeName, NewCommit, Repo
from bot.core.publishing import (
    DeleteBranch,
    DraftRelease,
    EnsureRelease,
    FindRelease,
    FindReleases,
    GetCapabilities,
    MarkLatest,
    PublishRelease,
    StageRelease,
    TellPull,
)
from bot.core.refs import Touched, Untouched
from bot.core.standing import FindOpenOnto, FindTags, GetChecks, GetCommits, GetRequired
from bot.core.tagging import (
    Between,
    CommitMade,
    FetchTags,
    FindBetween,
    IsAncestor,
    LineProtected,
    MakeCommit,
    Pushed,
    PushRelease,
    ReadFiles,
    StageCommit,
    TagChecked,
    TagExists,
    TagFound,
    VerifyTag,
)
from bot.forges import Forge

_AboutTags = (
    FetchTags | VerifyTag | ReadFiles | IsAncestor | FindBetween | MakeCommit | StageCommit | PushRelease
    | CreateBranches
)  # fmt: skip

_log = logging.getLogger(__name__)


class Releases(Protocol):
    """The tags of one repository, and the commits that are to get them."""

    def fetch_tags(self, action: FetchTags) -> tuple[TagFound, ...]: ...
    def verify_tag(self, action: VerifyTag) -> TagChecked | Missing: ...
    def read_files(self, action: ReadFiles) -> dict[str, str | None]: ...
    def is_ancestor(self, action: IsAncestor) -> bool: ...
    def find_between(self, action: FindBetween) -> Between: ...
    def make_commit(self, action: MakeCommit) -> CommitMade: ...
    def push_release(self, action: PushRelease) -> Pushed | TagExists | BranchMoved | LineProtected | Refused: ...


class Mirror(Protocol):
    """The bot's clone of one repository: answers questions about commits and moves branches."""

    def sync(self, action: Sync) -> Synced: ...
    def resolve_change(self, action: ResolveChange) -> Change | NotLanded | Unproven: ...
    def find_present(self, action: FindPresent) -> tuple[Evidence, ...]: ...
    def pick(self, action: PickCommits) -> PickOutcome: ...
    def compare(self, action: CompareWithOriginal) -> str: ...
    def commits(self, action: GetCommits) -> tuple[Commit, ...]: ...
    def find_origins(self, action: FindOrigins) -> tuple[Origins, ...]: ...
    def find_standing(self, action: FindStanding) -> Standing: ...
    def check_branch(self, action: CheckBranch) -> Untouched | Touched | Missing: ...
    def ensure_branch(self, action: EnsureBranch) -> BranchReady | BranchMoved | Refused: ...
    def describe_commits(self, action: PickCommits) -> tuple[NewCommit, ...]: ...
    def stage_commit(self, action: StageCommit) -> BranchReady | BranchMoved | Refused: ...
    def create_branches(self, action: CreateBranches) -> BranchReady | BranchTaken | Refused: ...

    @property
    def releases(self) -> Releases: ...
    @property
    def drafting(self) -> Drafting: ...


class Mirrors(Protocol):
    """All mirrors; `of` makes the one that is wanted if it is not there yet."""

    def of(self, repo: Repo, access: CloneAccess) -> Mirror: ...
    def close(self) -> None: ...


class Performer:
    """Performs actions on the forges and mirrors it was given. Any number of threads may call it at once."""

    def __init__(self, forges: Mapping[ForgeName, Forge], mirrors: Mirrors) -> None:
        self._forges = forges
        self._mirrors = mirrors

    def __call__(self, action: Action) -> Any:  # noqa: ANN401 - the action's own type parameter says what comes back
        """Perform one action and hand back its outcome; `Fault` when there is none."""
        match action:
            case Sync() | ResolveChange() | FindPresent() | PickCommits() | FindOrigins() | FindStanding():
                return self._ask_mirror(action, action.repo)
            case EnsureBranch(by_forge=True):
                return self._make_by_forge(action)
            case CompareWithOriginal() | EnsureBranch() | CheckBranch():
                return self._ask_mirror(action, action.pick.repo)
            case GetCommits():
                return self._mirror(action.repo).commits(action)
            case FetchTags() | VerifyTag() | ReadFiles() | IsAncestor() | FindBetween() \
                    | MakeCommit() | StageCommit() | PushRelease() | CreateBranches():  # fmt: skip
                return self._ask_about_tags(action)
            case DraftRelease() | StageRelease() | DeleteBranch() | GetRepo() | DispatchEvent() | GetCapabilities() \
                    | FindRelease() | FindReleases() | EnsureRelease() | PublishRelease() | MarkLatest() \
                    | TellPull():  # fmt: skip
                return self._ask_about_versions(action)
            case FindEnded() | FindWaiting():
                return ()  # who remembers jobs answers this before it comes here
            case GetIssue() | FindIssue() | EnsureIssue() | FindLabelled() | GetFacts() \
                    | FindMilestone() | EnsureMilestone() | FindInMilestone() \
                    | EnsureLabels() | GetChecks() | GetRequired() | FindTags() | FindOpenOnto():  # fmt: skip
                return ask_about_work(self._forge(action.repo), action)
            case DescribePull() | DressPull() | SetLabels() | ReportOn() | React():
                return self._tell_forge(action)
            case _:
                return self._ask_forge(action)

    @property
    def forges(self) -> Mapping[ForgeName, Forge]:
        """The connections, by the name of the forge."""
        return self._forges

    def calls(self) -> int:
        """API requests that all forges together were sent so far."""
        return sum(forge.calls for forge in self._forges.values())

    def close(self) -> None:
        """End what the mirrors keep running."""
        self._mirrors.close()

    def _forge(self, repo: Repo) -> Forge:
        if (forge := self._forges.get(repo.forge)) is None:
            raise Fault(f"There is no connection to {repo.forge}, where {repo.path} is.")
        return forge

    def _mirror(self, repo: Repo) -> Mirror:
        access = self._forge(repo).clone_access(repo)
        hide_for_now(access.password)
        return self._mirrors.of(repo, access)

    def _make_by_forge(self, action: EnsureBranch) -> BranchReady | BranchMoved | Refused:
        """The mirror tells what the commits are, and the forge makes them."""
        repo = action.pick.repo
        commits = self._mirror(repo).describe_commits(action.pick)
        return self._forge(repo).create_commits(repo, action.branch, action.pick.onto, commits)

    def _ask_mirror(self, action: Action, repo: Repo) -> object:
        mirror = self._mirror(repo)
        match action:
            case Sync():
                return mirror.sync(action)
            case ResolveChange():
                return mirror.resolve_change(action)
            case FindPresent():
                return mirror.find_present(action)
            case PickCommits():
                return mirror.pick(action)
            case CompareWithOriginal():
                return mirror.compare(action)
            case FindOrigins():
                return mirror.find_origins(action)
            case FindStanding():
                return mirror.find_standing(action)
            case EnsureBranch():
                return mirror.ensure_branch(action)
            case CheckBranch():
                return mirror.check_branch(action)
            case _:
                raise _unknown(action)

    def _ask_about_tags(self, action: _AboutTags) -> object:
        if isinstance(action, StageCommit):
            make = _concealed(action.make)
            return self._mirror(make.repo).stage_commit(replace(action, make=make))
        if isinstance(action, CreateBranches):
            return self._mirror(action.repo).create_branches(action)
        releases = self._mirror(action.repo).releases
        match action:
            case FetchTags():
                return releases.fetch_tags(action)
            case VerifyTag():
                return releases.verify_tag(action)
            case ReadFiles():
                return releases.read_files(action)
            case IsAncestor():
                return releases.is_ancestor(action)
            case FindBetween():
                return releases.find_between(action)
            case MakeCommit():
                return releases.make_commit(_concealed(action))
            case PushRelease(_, tag):
                said = replace(tag, title=conceal(tag.title), notes=conceal(tag.notes))
                return releases.push_release(replace(action, tag=said))

    def _ask_about_versions(self, action: DraftRelease | StageRelease | OfReleases) -> object:
        match action:
            case DraftRelease(repo):
                return draft_release(self._mirror(repo).drafting, action)
            case StageRelease(DraftRelease(repo)):
                return draft_release(self._mirror(repo).drafting, action)
            case _:
                return ask_about_releases(self._forge(action.repo), action)

    def _ask_forge(self, action: Action) -> object:
        match action:
            case GetPull(repo, number, told):
                return self._forge(repo).pull(repo, number, told=told)
            case GetLabellings(repo, number):
                return self._forge(repo).labellings(repo, number)
            case Identify() | GetRole() | IsMember():
                return self._ask_of(action)
            case FindTouched() | FindPosted():
                return self._ask_back(action)
            case FindPulls(repo, head, base):
                return self._forge(repo).find_pulls(repo, head, base)
            case FindPullsOf(repo, commit):
                return self._forge(repo).pulls_of(repo, commit)
            case FindComment(repo, number, marker, on):
                return self._forge(repo).find_comment(repo, number, marker, on)
            case EnsurePull(repo):
                said = replace(action, title=conceal(action.title), body=conceal(action.body))
                return self._forge(repo).ensure_pull(said)
            case EnsureComment(repo):
                return self._forge(repo).ensure_comment(replace(action, body=conceal(action.body)))
            case _:
                raise _unknown(action)

    def _ask_of(self, action: Identify | GetRole | IsMember) -> object:
        """Questions about an account."""
        forge = self._forge(action.repo)
        match action:
            case Identify(_, person):
                return forge.identify(person)
            case GetRole(repo, person):
                return forge.role_of(repo, person)
            case IsMember(repo, person, group):
                return forge.is_member(repo, person, group)

    def _ask_back(self, action: FindTouched | FindPosted) -> object:
        """Questions about what has happened."""
        history = self._forge(action.repo).history
        match action:
            case FindTouched(repo, since):
                return history.touched(repo, since)
            case FindPosted(repo, since, touched):
                return history.posted(repo, since, touched)

    def _tell_forge(self, action: DescribePull | DressPull | SetLabels | ReportOn | React) -> None:
        if isinstance(action, React):
            self._decorate(action)
            return
        forge = self._forge(action.repo)
        match action:
            case DescribePull(repo, number, body):
                forge.describe_pull(repo, number, conceal(body))
            case DressPull():
                forge.dress_pull(action)
            case SetLabels(repo, number, add, remove):
                forge.set_labels(repo, number, add, remove)
            case ReportOn(repo, sha, report):
                forge.report_on(repo, sha, report)

    def _decorate(self, action: React) -> None:
        try:
            forge = self._forge(action.repo)
            forge.react(action.repo, action.number, action.comment, action.reaction, action.on)
        except Fault as fault:
            _log.warning("a reaction was left out: %s", fault)


def _concealed(make: MakeCommit) -> MakeCommit:
    files = tuple((path, conceal(text)) for path, text in make.files)
    return replace(make, files=files, message=conceal(make.message))


def _unknown(action: Action) -> Fault:
    return Fault(f"Nobody knows how to perform {type(action).__name__}.")
