"""GitHub in our own words: fulfils every protocol of `bot.forges` through PyGithub.

It must never decide what to do about a pull, and never take a lost answer for a failed request: it looks first.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from urllib.parse import quote, urlsplit

from github.Issue import Issue
from github.Milestone import Milestone
from github.Repository import Repository

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
from bot.core.issues import PullFacts
from bot.core.model import (
    Capabilities,
    CheckReport,
    CloneAccess,
    Comment,
    NewCommit,
    Person,
    Place,
    Pull,
    Repo,
    Role,
    Secret,
)
from bot.forges.github.branches import Branches
from bot.forges.github.checks import Checks
from bot.forges.github.comments import Comments
from bot.forges.github.commits import Commits
from bot.forges.github.connection import Connection
from bot.forges.github.facts import Facts
from bot.forges.github.history import History
from bot.forges.github.identity import AppKey
from bot.forges.github.issues import Issues
from bot.forges.github.known import known
from bot.forges.github.labels import Labels
from bot.forges.github.milestones import Milestones
from bot.forges.github.reading import read_labellings, read_pull, read_role, reading
from bot.forges.github.releases import Releases
from bot.forges.github.reports import Reports
from bot.forges.github.repositories import Repositories
from bot.forges.github.tags import Tags
from bot.forges.github.wire import Wire
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault

_log = logging.getLogger(__name__)

_TEAM = re.compile(r"@?([a-z0-9][a-z0-9-]*)/([a-z0-9][a-z0-9_-]*)", re.ASCII | re.IGNORECASE)


class GitHub:
    """One connection to github.com or to one GitHub Enterprise Server. Any number of threads may use it at once.

    `base_url` is that of the API, `clone_base` that of git if it cannot be derived from it; the credential is a token
    of any kind, or the key of a GitHub App. Expected answers are returned, everything else is a `Fault`.
    """

    capabilities = Capabilities(
        draft_releases=True, prereleases=True, latest_mark=True, threads=False, signs_commits=True
    )
    threads = None
    """Only GitHub's GraphQL tells whether a discussion is resolved."""

    def __init__(
        self,
        base_url: str,
        credential: Secret | AppKey,
        *,
        clone_base: str | None = None,
        manners: Manners | None = None,
    ) -> None:
        """`UserError` when the credential cannot be used."""
        self._manners = manners or Manners()
        self._connection = Connection(base_url.rstrip("/"), credential, self._manners)
        self._clone_base = (clone_base or _clone_base_of(base_url)).rstrip("/")
        self._comments = Comments(self._connection, self._manners)
        self._reports = Reports(self._connection, self._manners)
        self.tags = Tags(self._connection)
        self.releases = Releases(self._connection, self._manners)
        self.issues = Issues(self._connection, self._manners)
        self.labels = Labels(self._connection)
        self.milestones = Milestones(self._connection)
        self.branches = Branches(self._connection, is_app=isinstance(credential, AppKey))
        self.checks = Checks(self._connection)
        self.history = History(self._connection, is_app=isinstance(credential, AppKey))
        self.repositories = Repositories(self._connection, is_app=isinstance(credential, AppKey))

    # ── pulls ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def pull(self, repo: Repo, number: int, *, told: bool = False) -> Pull | Missing:
        """One pull as it is now. One `told` of is not missing at once, unless all of the repository is."""
        try:
            with self._known(repo) if told else nullcontext(), reading(f"pull {number} of {repo.path}"):
                return read_pull(self._repository(repo).get_pull(number).complete())
        except WireFault as fault:
            if fault.status != 404:
                raise
            missing = Missing(f"pull {number} of {repo.path}")
            if not fault.passing:
                return missing
            fault.answer = missing
            raise

    def find_pulls(self, repo: Repo, head: str, base: str) -> tuple[Pull, ...]:
        """Pulls from branch `head` of the repository itself onto branch `base`, open and closed, newest first."""
        return tuple(self._pulls(repo, head, base, "all"))

    def pulls_of(self, repo: Repo, commit: str) -> tuple[Pull, ...]:
        """The merged pulls that brought a commit to the default branch; elsewhere those that hold it, open or not."""
        try:
            with reading(f"the pulls of {commit[:12]} in {repo.path}"):
                return tuple(map(read_pull, self._repository(repo).get_commit(commit).get_pulls()))
        except WireFault as fault:
            if fault.status in (404, 422):  # a commit that GitHub does not know
                return ()
            raise

    def ensure_pull(self, wish: EnsurePull) -> PullReady | Refused:
        """Open the pull, or find the open one. `opened` is also true when our own request opened it unanswered."""
        doubted = False
        waits = iter(self._manners.waits)
        while True:
            try:
                return PullReady(self._open_pull(wish), opened=True)
            except WireFault as fault:
                doubted = doubted or fault.in_doubt
                if fault.in_doubt or _is_taken(fault):
                    found = next(self._pulls(wish.repo, wish.head, wish.base, "open"), None)
                    if found:
                        return PullReady(found, opened=doubted)
                fault.passing = fault.passing or _is_settling(fault)
                wait = next(waits, None)
                if wait is None or not fault.passing or fault.retry_after is not None:
                    return _refused(fault, wish)
            self._manners.clock.sleep(wait)

    def facts(self, repo: Repo, numbers: tuple[int, ...]) -> dict[int, PullFacts]:
        """What pulls say of themselves; a request for fifty."""
        return Facts(self._connection).of(repo, numbers)

    def describe_pull(self, repo: Repo, number: int, body: str) -> None:
        """Give a pull another body; its title stays."""
        with self._known(repo), reading(f"pull {number} of {repo.path}"):
            self._issue(repo, number).edit(body=body)

    def dress_pull(self, wish: DressPull) -> None:
        """Add labels and assignees, set the milestone: a request for each kind.

        One edit could do it all, but it would take off what others have put on since we looked; and one person who may
        no longer be assigned would spoil all of it, who is just left out here.
        """
        issue = self._issue(wish.repo, wish.number)
        with self._known(wish.repo), reading(f"issue {wish.number} of {wish.repo.path}"):
            if wish.labels:
                issue.add_to_labels(*wish.labels)
            if wish.assignees:
                issue.add_to_assignees(*wish.assignees)
            if wish.milestone is not None:
                issue.edit(milestone=self._milestone(issue, wish.milestone))

    def _open_pull(self, wish: EnsurePull) -> Pull:
        with self._known(wish.repo), reading(f"the pull just opened in {wish.repo.path}"):
            return read_pull(
                self._repository(wish.repo).create_pull(
                    wish.base, wish.head, title=wish.title, body=wish.body, draft=wish.draft
                )
            )

    def _pulls(self, repo: Repo, head: str, base: str, state: str) -> Iterator[Pull]:
        owner = repo.path.split("/", maxsplit=1)[0]
        with reading(f"the pulls of {repo.path}"):
            found = self._repository(repo).get_pulls(
                state=state, head=f"{owner}:{head}", base=base, sort="created", direction="desc"
            )
            # PyGithub drops the question when it follows the redirect of a renamed repository, so all pulls may come.
            for pull in map(read_pull, found):
                if (pull.head, pull.base, pull.head_repo_id) == (head, base, repo.id):
                    yield pull

    @staticmethod
    def _milestone(issue: Issue, number: int) -> Milestone:
        return Milestone(issue.requester, {}, {"number": number}, completed=True)

    # ── comments, reactions and labels: pulls are issues here, so where a comment stands makes no difference ─────────

    def labellings(self, repo: Repo, number: int) -> dict[str, Labelling]:
        """Who put on the labels that an issue or pull has now, by label."""
        with self._known(repo), reading(f"the history of {repo.path}#{number}"):
            return read_labellings(self._issue(repo, number).get_events())

    def set_labels(self, repo: Repo, number: int, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
        """Put labels on and take labels off; the rest stays. A label that nobody has made yet is made by GitHub."""
        issue = self._issue(repo, number)
        if add:
            with self._known(repo):
                issue.add_to_labels(*add)
        for label in remove:
            self._remove_label(issue, label)

    def find_comment(self, repo: Repo, number: int, marker: str, on: Place = "pull") -> Comment | None:  # noqa: ARG002
        """The bot's own first comment that holds `marker`. Anybody else may paste the marker, and is passed over."""
        return self._comments.find(repo, number, marker)

    def ensure_comment(self, wish: EnsureComment) -> Comment:
        """Edit the comment that is there, or write it; one that somebody has deleted meanwhile is written anew."""
        return self._comments.ensure(wish)

    def react(self, repo: Repo, number: int, comment: int, reaction: Reaction, on: Place = "pull") -> None:  # noqa: ARG002
        """Add a reaction to a comment; GitHub keeps one of each kind per account."""
        with reading(f"comment {comment} of {repo.path}"):
            self._issue(repo, number).get_comment(comment).create_reaction(reaction)

    def _remove_label(self, issue: Issue, label: str) -> None:
        # PyGithub leaves slashes as they are, and two dots would name something else altogether.
        name = quote(label, safe="")
        if name in ("", ".", ".."):
            return
        try:
            issue.requester.requestJsonAndCheck("DELETE", f"{issue.url}/labels/{name}")
        except WireFault as fault:
            if fault.status != 404:
                raise

    # ── git, and commits ─────────────────────────────────────────────────────────────────────────────────────────────

    def clone_access(self, repo: Repo) -> CloneAccess:
        """Where and as whom git reaches the repository. For an App the password is good for some minutes only."""
        url = f"{self._clone_base}/{repo.path}.git"
        return CloneAccess(url, "x-access-token", self._connection.token(repo), "refs/pull/{number}/head")

    def create_commits(
        self, repo: Repo, branch: str, base: str, commits: tuple[NewCommit, ...]
    ) -> BranchReady | BranchMoved | Refused:
        """A new branch whose commits on top of `base` GitHub has made, and signs where the bot is an App."""
        return Commits(self._connection.wire(repo), repo, base, commits).put_on(branch)

    def report_on(self, repo: Repo, sha: str, report: CheckReport) -> None:
        """Show the report beside the commit: as a check run where the credential may, else as a commit status."""
        self._reports.ensure(repo, sha, report)

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def me(self) -> Person:
        """The bot's own account; asked for once."""
        return self._connection.me

    def identify(self, person: Person) -> Person:
        """The account as it came: whatever GitHub sends says which ones are bots."""
        return person

    def role_of(self, repo: Repo, person: Person) -> Role:
        """What the account may do in the repository at this moment; none if GitHub knows no such collaborator."""
        path = f"{self._repository(repo).url}/collaborators/{quote(person.login, safe='')}/permission"
        wire = self._connection.wire(repo)
        try:
            with reading(f"the role of {person.login} in {repo.path}"):
                return read_role(wire.requestJsonAndCheck("GET", path)[1], person)
        except WireFault as fault:
            if fault.status != 404:
                raise
            # Of strangers GitHub says that they have no role; only an account that is gone should not be found.
            fault.passing = _is_there(wire, person)
            if fault.passing:
                raise
            return Role.NONE

    def is_member(self, repo: Repo, person: Person, group: str) -> bool:
        """Whether the account is in the team `organisation/team` now; no when that cannot be told."""
        if (team := _TEAM.fullmatch(group)) is None:
            _log.warning("%r is not the name of a team such as acme/release, so nobody is in it", group)
            return False
        wire = self._connection.wire(repo, "members")
        path = f"/orgs/{team[1]}/teams/{team[2].lower()}/memberships/{quote(person.login, safe='')}"
        try:
            with reading(f"the membership of {person.login} in {group}"):
                # The membership names a login, and logins can change hands.
                return wire.requestJsonAndCheck("GET", path)[1]["state"] == "active" and _is_there(wire, person)
        except WireFault as fault:
            if fault.passing:
                raise
            if fault.status != 404:
                _log.warning("whether %s is in %s cannot be told, which counts as no: %s", person.login, group, fault)
            return False

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def calls(self) -> int:
        """API requests sent so far."""
        return self._connection.calls

    def _known(self, repo: Repo) -> AbstractContextManager[None]:
        return known(self._connection, repo)

    def _repository(self, repo: Repo) -> Repository:
        return Repository(self._connection.wire(repo), url=f"/repos/{repo.path}")

    def _issue(self, repo: Repo, number: int) -> Issue:
        return self._repository(repo).get_issue(number)


def _clone_base_of(base_url: str) -> str:
    """github.com has its API on another host; a server of one's own has it under a path."""
    parts = urlsplit(base_url)
    host = "github.com" if parts.netloc == "api.github.com" else parts.netloc
    return f"{parts.scheme}://{host}"


def _is_there(wire: Wire, person: Person) -> bool:
    """Whether the login is still that of the account."""
    try:
        return bool(wire.requestJsonAndCheck("GET", f"/users/{quote(person.login, safe='')}")[1]["id"] == person.id)
    except WireFault as fault:
        if fault.status == 404:
            return False
        raise


def _is_taken(fault: WireFault) -> bool:
    return fault.status == 422 and "already exists" in fault.said


_SETTLING = (
    "No commits between", "does not exist", "sha can't be blank", "Head ref must be a branch",
    "PullRequest head invalid", "PullRequest base invalid", "already exists",
)  # fmt: skip


def _is_settling(fault: WireFault) -> bool:
    """GitHub does not know yet what was pushed a moment ago, or does not show yet the pull that it speaks of."""
    return fault.status == 422 and any(sign in fault.said for sign in _SETTLING)


def _refused(fault: WireFault, wish: EnsurePull) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    opening = f"GitHub did not open a pull from {wish.head} onto {wish.base}: {fault.reason}"
    if fault.passing:
        raise fault
    match fault.status:
        case 403 | 404:
            return Refused(opening, f"Give the bot's token write access to pull requests of {wish.repo.path}.")
        case 422:
            return Refused(opening, "Open the pull by hand from that branch, or ask for the backport again.")
        case _:
            raise fault
