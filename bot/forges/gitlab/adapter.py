"""GitLab in our own words: fulfils every protocol of `bot.forges` through python-gitlab.

It must never decide what to do about a pull, and never take a lost answer for a failed request: it looks first.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cached_property
from threading import Lock
from typing import Any

from gitlab.v4.objects import CurrentUserManager, Project, ProjectMergeRequest

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
from bot.forges.gitlab.branches import Branches
from bot.forges.gitlab.checks import Checks
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.facts import facts_of
from bot.forges.gitlab.history import History
from bot.forges.gitlab.issues import Issues
from bot.forges.gitlab.labels import Labels
from bot.forges.gitlab.milestones import Milestones
from bot.forges.gitlab.notes import Notes, Spot
from bot.forges.gitlab.reading import (
    known,
    read_account,
    read_labellings,
    read_pull,
    read_role,
    reading,
    title_of,
)
from bot.forges.gitlab.releases import Releases
from bot.forges.gitlab.reports import ensure_report
from bot.forges.gitlab.repositories import Repositories
from bot.forges.gitlab.tags import Tags
from bot.forges.gitlab.threads import Threads
from bot.forges.gitlab.words import listed, spoken
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault

_log = logging.getLogger(__name__)

_GROUP = re.compile(r"@?([A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,20})", re.ASCII)
_MOST_ACCOUNTS = 10_000


class GitLab:
    """One connection to gitlab.com or to one GitLab server. Any number of threads may use it at once.

    `base_url` is the address of its front page, `clone_base` that of git where it is another one; the token may be of
    any kind. Projects are named by id, so renaming one changes nothing. Expected answers are returned, everything else
    is a `Fault`.
    """

    capabilities = Capabilities(
        draft_releases=False, prereleases=False, latest_mark=False, threads=True, signs_commits=False
    )

    def __init__(
        self, base_url: str, token: Secret, *, clone_base: str | None = None, manners: Manners | None = None
    ) -> None:
        """`UserError` when the address or the token cannot be used."""
        self._manners = manners or Manners()
        self._token = token
        self._connection = Connection(base_url.rstrip("/"), token, self._manners)
        self._clone_base = (clone_base or base_url).rstrip("/")
        self.tags = Tags(self._connection)
        self.releases = Releases(self._connection, self._manners)
        self.branches = Branches(self._connection)
        self.checks = Checks(self._connection)
        self.history = History(self._connection, self.me)
        self.issues = Issues(self._connection, self._manners, self.me)
        self.labels = Labels(self._connection)
        self.milestones = Milestones(self._connection)
        self.repositories = Repositories(self._connection, self.me)
        self._notes = Notes(self._connection, self._manners, self.me)
        self.threads = Threads(self._connection)
        self._bots: dict[int, bool] = {}
        self._learning = Lock()

    # ── pulls ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def pull(self, repo: Repo, number: int, *, told: bool = False) -> Pull | Missing:
        """One merge request as it is now. One `told` of is not missing at once, unless all of the project is."""
        try:
            with known() if told else nullcontext(), reading(f"pull {number} of {repo.path}"):
                return read_pull(self._project(repo).mergerequests.get(number).attributes)
        except WireFault as fault:
            if fault.status != 404:
                raise
            missing = Missing(f"pull {number} of {repo.path}")
            if not fault.passing:
                return missing
            fault.answer = missing
            raise

    def find_pulls(self, repo: Repo, head: str, base: str) -> tuple[Pull, ...]:
        """Merge requests from branch `head` of the project itself onto branch `base`, open and closed, newest first.

        Their `base_sha` is empty: GitLab leaves it out of lists.
        """
        return tuple(self._pulls(repo, head, base, "all"))

    def pulls_of(self, repo: Repo, commit: str) -> tuple[Pull, ...]:
        """Merge requests that hold a commit or landed as it, open and closed, with an empty `base_sha` as in lists."""
        try:
            with reading(f"the pulls of {commit[:12]} in {repo.path}"):
                found = self._project(repo).commits.get(commit, lazy=True).merge_requests(iterator=True)
                return tuple(read_pull(attributes) for attributes in found)
        except WireFault as fault:
            if fault.status == 404:
                return ()
            raise

    def ensure_pull(self, wish: EnsurePull) -> PullReady | Refused:
        """Open the merge request, or find the open one. `opened` is also true when our own request opened it
        unanswered. What GitLab only finds out after the answer (`head_sha`, `base_sha`) may be empty.
        """
        doubted = False
        waits = iter(self._manners.waits)
        while True:
            try:
                return PullReady(self._open_pull(wish), opened=True)
            except WireFault as fault:
                doubted = doubted or fault.in_doubt
                if fault.in_doubt or fault.status == 409:
                    found = next(self._pulls(wish.repo, wish.head, wish.base, "opened"), None)
                    if found:
                        return PullReady(found, opened=doubted)
                fault.passing = fault.passing or _is_settling(fault)
                wait = next(waits, None)
                if wait is None or not fault.passing or fault.retry_after is not None:
                    return _refused(fault, wish)
            self._manners.clock.sleep(wait)

    def describe_pull(self, repo: Repo, number: int, body: str) -> None:
        """Give a merge request another description; its title stays."""
        self._edit(repo, number, {"description": spoken(body)})

    def dress_pull(self, wish: DressPull) -> None:
        """Add labels, set assignees and milestone with one request, and one before it for each assignee: GitLab wants
        their ids. Who has no account is left out.
        """
        edit: dict[str, object] = {"add_labels": listed(wish.labels)} if wish.labels else {}
        if assignees := [found for name in wish.assignees if (found := self._id_of(name)) is not None]:
            edit["assignee_ids"] = assignees
        if wish.milestone is not None:
            edit["milestone_id"] = wish.milestone
        self._edit(wish.repo, wish.number, edit)

    def _open_pull(self, wish: EnsurePull) -> Pull:
        with known(), reading(f"the pull just opened in {wish.repo.path}"):
            opened = self._project(wish.repo).mergerequests.create(
                {
                    "source_branch": wish.head,
                    "target_branch": wish.base,
                    "title": title_of(wish.title, draft=wish.draft),
                    "description": spoken(wish.body),
                }
            )
            return read_pull(opened.attributes)

    def _pulls(self, repo: Repo, head: str, base: str, state: str) -> Iterator[Pull]:
        with reading(f"the pulls of {repo.path}"):
            found = self._project(repo).mergerequests.list(
                iterator=True, source_branch=head, target_branch=base, state=state, order_by="created_at", sort="desc"
            )
            # The project of the branch cannot be asked for, and forks have branches of the same name.
            for pull in (read_pull(one.attributes) for one in found):
                if (pull.head, pull.base, pull.head_repo_id) == (head, base, repo.id):
                    yield pull

    def _edit(self, repo: Repo, number: int, edit: dict[str, Any]) -> None:
        if edit:
            with known(), reading(f"pull {number} of {repo.path}"):
                self._project(repo).mergerequests.update(number, edit)

    def _id_of(self, username: str) -> int | None:
        with reading(f"the account {username}"):
            found = self._connection.client.users.list(iterator=True, username=username)
            accounts = (read_account(one.attributes) for one in found)
            return next((one.id for one in accounts if one.login.casefold() == username.casefold()), None)

    # ── comments, reactions and labels ───────────────────────────────────────────────────────────────────────────────

    def labellings(self, repo: Repo, number: int) -> dict[str, Labelling]:
        """Who put on the labels that a merge request has now, by label. Costs one more request for each account that
        has not been met before: whether it is a bot is not said here.
        """
        with known(), reading(f"the labels of {repo.path}!{number}"):
            events = self._merge_request(repo, number).resourcelabelevents.list(iterator=True)
            found = read_labellings(event.attributes for event in events)
        return {name: Labelling(self.identify(one.actor), one.times, one.at) for name, one in found.items()}

    def set_labels(self, repo: Repo, number: int, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
        """Put labels on and take labels off with one request; the rest stays. GitLab makes labels that are new."""
        there = tuple(label for label in remove if "," not in label)  # no label has one, so it is not there
        edit = {"add_labels": listed(add)} if add else {}
        self._edit(repo, number, {**edit, "remove_labels": listed(there)} if there else edit)

    def find_comment(self, repo: Repo, number: int, marker: str, on: Place = "pull") -> Comment | None:
        """The bot's own first comment that holds `marker`. Anybody else may paste the marker, and is passed over."""
        return self._notes.find(Spot(repo, number, on), marker)

    def ensure_comment(self, wish: EnsureComment) -> Comment:
        """Edit the comment that is there, or write it; one that somebody has deleted meanwhile is written anew."""
        return self._notes.ensure(wish)

    def react(self, repo: Repo, number: int, comment: int, reaction: Reaction, on: Place = "pull") -> None:
        """Award an emoji to a comment; GitLab keeps one of each kind per account, and refuses a second."""
        self._notes.react(Spot(repo, number, on), comment, reaction)

    def facts(self, repo: Repo, numbers: tuple[int, ...]) -> dict[int, PullFacts]:
        """What merge requests say of themselves; a request for a hundred."""
        return facts_of(self._connection, repo, numbers)

    # ── git, and commits ─────────────────────────────────────────────────────────────────────────────────────────────

    def clone_access(self, repo: Repo) -> CloneAccess:
        """Where and as whom git reaches the project. GitLab takes any name beside a token."""
        url = f"{self._clone_base}/{repo.path}.git"
        return CloneAccess(url, "oauth2", self._token, "refs/merge-requests/{number}/head")

    def create_commits(
        self, repo: Repo, branch: str, base: str, commits: tuple[NewCommit, ...]  # noqa: ARG002
    ) -> BranchReady | BranchMoved | Refused:
        """GitLab signs what people commit in its editor, and nothing that is committed through its API."""
        return Refused("GitLab signs no commits that a bot makes.", "Leave `verified` out of the policy.")

    def report_on(self, repo: Repo, sha: str, report: CheckReport) -> None:
        """Show the report beside the commit, as a commit status."""
        ensure_report(self._project(repo).commits.get(sha, lazy=True), report)

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def me(self) -> Person:
        """The bot's own account; asked for once."""
        return self._me

    @cached_property
    def _me(self) -> Person:
        with reading("the bot's own account"):
            return read_account(CurrentUserManager(self._connection.client).get().attributes)

    def identify(self, person: Person) -> Person:
        """The account with what GitLab says about its being a bot, asked for once. One that it does not show counts as
        one.
        """
        with self._learning:
            known = self._bots.get(person.id)
        return Person(person.id, person.login, is_bot=self._learn(person) if known is None else known)

    def role_of(self, repo: Repo, person: Person) -> Role:
        """What the account may do in the project at this moment, by itself or through a group; none if it is no member.

        None too for a bot that was taken for a person, since webhooks do not tell: people's rights are not for bots.
        """
        if person.id <= 0:
            return Role.NONE
        try:
            with reading(f"the role of {person.login} in {repo.path}"):
                role = read_role(self._project(repo).members_all.get(person.id).attributes, person)
        except WireFault as fault:
            if fault.status == 404:
                return Role.NONE
            raise
        mistaken = role > Role.NONE and not person.is_bot and self.identify(person).is_bot
        return Role.NONE if mistaken else role

    def is_member(self, repo: Repo, person: Person, group: str) -> bool:  # noqa: ARG002 - a group is the server's
        """Whether the account is in the group `name/of/group` now, or in one above it; no when that cannot be told."""
        named = _GROUP.fullmatch(group)
        if named is None or person.id <= 0:
            return False
        try:
            with reading(f"the membership of {person.login} in {group}"):
                found = self._connection.client.groups.get(named[1], lazy=True).members_all.get(person.id)
                return read_role(found.attributes, person) > Role.NONE
        except WireFault as fault:
            if fault.passing:
                raise
            if fault.status != 404:
                _log.warning("whether %s is in %s cannot be told, which counts as no: %s", person.login, group, fault)
            return False

    def _learn(self, person: Person) -> bool:
        """Ask whether an account is a bot, and remember it: that never changes."""
        try:
            with reading(f"the account {person.login}"):
                bot = self._connection.client.users.get(person.id).attributes["bot"] is not False
        except WireFault as fault:
            if fault.status == 404:
                return True
            raise
        with self._learning:
            if len(self._bots) >= _MOST_ACCOUNTS:
                self._bots.clear()
            self._bots[person.id] = bot
        return bot

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def calls(self) -> int:
        """API requests sent so far."""
        return self._connection.calls

    def _project(self, repo: Repo) -> Project:
        return self._connection.client.projects.get(repo.id, lazy=True)

    def _merge_request(self, repo: Repo, number: int) -> ProjectMergeRequest:
        return self._project(repo).mergerequests.get(number, lazy=True)


def _is_settling(fault: WireFault) -> bool:
    """GitLab does not know yet what was pushed a moment ago."""
    return fault.status == 400 and "does not exist" in fault.said


def _refused(fault: WireFault, wish: EnsurePull) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    opening = f"GitLab did not open a merge request from {wish.head} onto {wish.base}: {fault.reason}"
    if fault.passing:
        raise fault
    match fault.status:
        case 403 | 404:
            return Refused(opening, f"Give the bot write access to {wish.repo.path}: the role Developer or above.")
        case 400 | 422:
            return Refused(opening, "Open the merge request by hand from that branch, or ask for the backport again.")
        case _:
            raise fault
