"""GitHub's history and deliveries keep the contract, on the sandbox forge; and what is GitHub's alone."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.actions import Missing, Refused
from bot.core.events import Delivery
from bot.core.history import FailedDelivery, Touched
from bot.core.model import Repo, Role, Secret
from bot.forges.github import GitHub
from bot.forges.github.connection import Connection
from bot.forges.github.settings import RepositorySettings
from bot.forges.github_hooks import parse
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault
from bot.sandbox import Fault, Sandbox
from bot.sandbox.deliveries import Delivery as Sent
from bot.sandbox.github.routes_apps import give_hook
from bot.sandbox.issues import open_issue
from bot.sandbox.state import Hook, Repository
from tests.forges.canned import Canned, serving
from tests.forges.github.installed import install, register
from tests.forges.history_contract import (
    DeliveriesContract,
    HistoryAtLength,
    HistoryContract,
    Past,
    SandboxPast,
    SandboxPost,
    numbers_of,
    tell,
)
from tests.forges.settings_contract import SECRET
from tests.forges.test_github import PATH, AppBench, GitHubBench


class GitHubPast(SandboxPast, GitHubBench, Past):
    """The same bench, with a clock that stands still."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.stop_the_clock()

    def connect(self) -> GitHub:
        self.manners = Manners(30, pace=None, clock=self.hands.clock)  # long lists take the sandbox a while
        return super().connect()


class AppPast(SandboxPast, AppBench, Past):
    """The same, and the bot comes as a GitHub App, installed in one place more where it may only read."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.stop_the_clock()

    def connect(self) -> GitHub:
        self.manners = Manners(30, pace=None, clock=self.hands.clock)  # long lists take the sandbox a while
        return super().connect()

    def settle_in(self, made: Repository, role: Role) -> None:
        world = self.sandbox.forge.world
        (app,), (installation, *_) = world.apps.values(), world.installations.values()
        if role >= Role.WRITE:
            installation.repositories.append(made.id)
        elif role:
            install(self.sandbox, app, made.path, metadata="read", contents="read")


@pytest.fixture
def past(sandbox: Sandbox) -> GitHubPast:
    return GitHubPast(sandbox)


class TestGitHubHistory(HistoryAtLength):
    """The contract, on GitHub, with a token."""


@pytest.mark.slow
class TestGitHubAppHistory(HistoryContract):
    """The contract once more, for a GitHub App; at length it is the same."""

    @pytest.fixture
    def past(self, sandbox: Sandbox) -> AppPast:
        return AppPast(sandbox)


def test_an_app_has_an_allowance_in_each_place_and_an_account_one_for_all(sandbox: Sandbox) -> None:
    repos = [Repo("github", n, path, "main") for n, path in enumerate(("Acme/a", "acme/b", "other/c"))]
    _, key = register(sandbox)
    app, holder = GitHub(sandbox.url, key), GitHub(sandbox.url, Secret("token"))
    assert [app.history.allowance_of(repo) for repo in repos] == ["acme", "acme", "other"]
    assert len({holder.history.allowance_of(repo) for repo in repos}) == 1


class GitHubPost(SandboxPost):
    """A webhook of the repository, and a token that may look after it."""

    def add_hook(self) -> Hook:
        self.sandbox.grant(self.path, "relbot", "admin")
        self.connection = Connection(self.sandbox.url, Secret(self.sandbox.token_for("relbot")), self.manners)
        self.settings = RepositorySettings(self.connection)
        return self.sandbox.add_hook(self.path, self.url, SECRET.reveal())

    def calls(self) -> int:
        return self.connection.calls

    def parse(self, sent: Sent) -> Delivery:
        found = parse(sent.headers, sent.body, [SECRET])
        assert isinstance(found, Delivery)
        return found


class AppPost(GitHubPost):
    """The webhook of a GitHub App that is installed in the repository."""

    def add_hook(self) -> Hook:
        app, key = register(self.sandbox)
        install(self.sandbox, app, self.path)
        self.connection = Connection(self.sandbox.url, key, self.manners)
        self.settings = RepositorySettings(self.connection, is_app=True)
        return give_hook(self.sandbox.forge, app, self.url, SECRET.reveal())


@pytest.fixture
def post(sandbox: Sandbox, listener: int) -> GitHubPost:
    return GitHubPost(sandbox, f"http://127.0.0.1:{listener}/hooks/github", PATH)


class TestGitHubDeliveries(DeliveriesContract):
    """The contract, for a webhook of the repository."""


@pytest.fixture
def app_post(sandbox: Sandbox, listener: int) -> AppPost:
    return AppPost(sandbox, f"http://127.0.0.1:{listener}/hooks/github", PATH)


class TestGitHubAppDeliveries(DeliveriesContract):
    """The contract once more, for the webhook of a GitHub App."""

    @pytest.fixture
    def post(self, app_post: AppPost) -> AppPost:
        return app_post

    def test_without_the_right_it_is_refused_with_a_next_step(self, post: AppPost) -> None:  # type: ignore[override]
        """An App always may; what it may lack is a webhook."""
        (app,) = post.sandbox.forge.world.apps.values()
        app.hook = None
        refused = post.settings.deliveries.failed(post.repo, post.url, 0)
        assert isinstance(refused, Refused)
        assert refused.next_step.endswith(".")


# ── GitHub's own ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_issues_that_are_no_pulls_are_left_out_and_cost_nothing(past: GitHubPast) -> None:
    since, number = past.now(), past.pull("backport/2.7/1", "release/2.7")
    with past.sandbox.forge.changing():
        open_issue(past.sandbox.forge, past.sandbox.find(PATH).issues, "An issue", None, "ada")
    assert numbers_of(past.forge.history.touched(past.repo, since)) == [number]


def test_where_a_repository_has_no_issues_the_pulls_themselves_are_listed(past: GitHubPast) -> None:
    number = past.pull("backport/2.7/1", "main")
    past.label(number, "x", by="ada")
    past.forward(10)
    since = past.now()
    past.branch("other")
    other = past.pull("other", "release/2.7")
    past.merge(other, by="ada")
    gone = Fault(r"/issues$", "GET", 410, times=2, body={"message": "Issues are disabled for this repo"})
    past.sandbox.fail(gone)
    assert tell(past, since) == (Touched(other, is_open=False, is_merged=True, labels=(), touched_at=since),)
    assert numbers_of(past.forge.history.touched(past.repo, 0)) == [number, other]


def test_where_a_repository_has_no_issues_what_is_said_on_pulls_is_found(past: GitHubPast) -> None:
    number, since = past.pull("backport/2.7/1", "main"), past.now()
    comment = past.comment(number, "/release ping", by="ada")
    touched = tell(past, since)
    body = {"message": "Issues has been disabled in this repository."}
    past.sandbox.fail(Fault(r"/issues/comments$", "GET", 410, body=body))
    posted = past.forge.history.posted(past.repo, since, touched)
    assert not isinstance(posted, Missing)
    assert [one.comment for one in posted] == [comment]


def test_one_app_is_asked_once_about_the_deliveries_of_all_its_repositories(app_post: AppPost) -> None:
    post, (installation,) = app_post, app_post.sandbox.forge.world.installations.values()
    other = post.sandbox.create_repository("ada/other")
    installation.repositories.append(other.id)
    post.fail()
    (here,) = post.happen()
    post.sandbox.commit("ada/other", "main", {"a.py": "0\n"}, "start", "ada")
    there = [sent.id for sent in post.sandbox.deliveries.all if sent.payload["repository"]["id"] == other.id]
    since, before = post.now() - 60, post.calls()
    assert [one.id for one in post.failed(since)] == [here.id]
    elsewhere = post.settings.deliveries.failed(Repo("github", other.id, "ada/other", "main"), post.url, since)
    assert not isinstance(elsewhere, Missing | Refused)
    assert [one.id for one in elsewhere] == there
    assert post.calls() - before == 2
    post.forward(61)
    post.failed(since)
    assert post.calls() - before == 4


def test_a_suspended_installation_opens_nothing(sandbox: Sandbox) -> None:
    past = AppPast(sandbox)
    assert past.forge.history.repositories() == (past.repo,)
    (installation,) = sandbox.forge.world.installations.values()
    installation.suspended_at = past.now()
    assert past.forge.history.repositories() == ()


@pytest.mark.parametrize("where", [r"/access_tokens$", r"/installation/repositories$"])
def test_an_owner_who_locks_the_app_out_does_not_hide_what_others_have(sandbox: Sandbox, where: str) -> None:
    past = AppPast(sandbox)
    (app,) = sandbox.forge.world.apps.values()
    sandbox.create_repository("ada/other")
    install(sandbox, app, "ada/other")
    said = "Although you appear to have the correct authorization credentials, the organization has an IP allow list."
    sandbox.fail(Fault(where, status=403, body={"message": said}))
    assert len(past.forge.history.repositories()) == 1
    assert len(past.forge.history.repositories()) == 2


def test_an_owner_whose_requests_are_used_up_does_not_hide_what_others_have(sandbox: Sandbox) -> None:
    past = AppPast(sandbox)
    (app,) = sandbox.forge.world.apps.values()
    sandbox.create_repository("ada/other")
    install(sandbox, app, "ada/other")
    busy = {"retry-after": "3000"}
    sandbox.fail(Fault(r"/installation/repositories$", status=403, body={"message": "Slow down."}, headers=busy))
    assert [len(past.forge.history.repositories()) for _ in range(2)] == [1, 1]


REPO = Repo("github", 7, PATH, "main")
PULL = {"merged_at": None}


def issue(number: int, second: int) -> dict[str, Any]:
    at = f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"
    return {"number": number, "state": "open", "labels": [], "pull_request": PULL, "updated_at": at}


def github(url: str) -> GitHub:
    return GitHub(url, Secret("token"), manners=Manners(2, (), pace=None))


def test_a_list_that_moves_while_it_is_read_is_read_on_by_time_and_not_by_page() -> None:
    """Between the two pages pull 1 is touched again: by page, pull 101 would now be on the first one. What was touched
    in the second before is asked for too, and is left out.
    """
    first = [issue(500, 0), *(issue(n, n) for n in range(1, 101))]
    rest = [issue(n, n) for n in (99, 100, 101, 102)] + [issue(1, 3000)]
    link = ("Link", '<http://127.0.0.1/repositories/7/issues?page=2>; rel="next"')
    with serving(Canned(body=first, headers=(link,)), Canned(body=rest)) as script:
        found = github(script.url).history.touched(REPO, 1_767_225_601)
        assert numbers_of(found) == [*range(2, 103), 1]
        assert ["since=2026-01-01T00%3A00%3A00Z" in script.paths[0], "page=1" in script.paths[0]] == [True, True]
        assert ["since=2026-01-01T00%3A01%3A39Z" in script.paths[1], "page=1" in script.paths[1]] == [True, True]


@pytest.mark.parametrize("body", [
    {}, [{}], [issue(1, 0) | {"updated_at": "soon"}], [issue(1, 0) | {"number": "../1"}],
    [issue(1, 0) | {"labels": ["x"]}], [issue(1, 0) | {"updated_at": None}],
])  # fmt: skip
def test_a_misshapen_list_is_a_fault(body: object) -> None:
    with serving(Canned(body=body)) as script, pytest.raises(Exception, match="not shaped"):
        github(script.url).history.touched(REPO, 0)


@pytest.mark.parametrize("status", [429, 500])
def test_trouble_that_passes_is_neither_missing_nor_nothing(status: int) -> None:
    with serving(Canned(status)) as script, pytest.raises(WireFault) as caught:
        github(script.url).history.touched(REPO, 0)
    assert caught.value.passing


def attempt(number: int, guid: str, code: int, at: str = "2026-01-01T00:00:00.123Z") -> dict[str, Any]:
    return {"id": number, "guid": guid, "status_code": code, "delivered_at": at, "repository_id": 7}


HOOK = {"id": 3, "config": {"url": "https://bot.example.org/hooks/github/"}}


def test_a_delivery_that_got_through_once_is_not_lost_whenever_that_was() -> None:
    sent = [attempt(9, "c", 0), attempt(8, "a", 502), attempt(7, "b", 200), attempt(6, "b", 500), attempt(5, "a", 200)]
    with serving(Canned(body=[HOOK]), Canned(body=sent)) as script:
        settings = RepositorySettings(Connection(script.url, Secret("token"), Manners(2, (), pace=None)))
        found = settings.deliveries.failed(REPO, "https://bot.example.org/hooks/github", 0)
    assert found == (FailedDelivery("c", "3/9", 1_767_225_600),)


def test_of_a_great_many_deliveries_the_newest_are_read() -> None:
    pages = [[attempt(page * 100 + n, f"d{page}-{n}", 502) for n in range(100, 0, -1)] for page in range(30, 0, -1)]
    with serving(Canned(body=[HOOK])) as script:
        link = ("Link", f'<{script.url}/repositories/7/hooks/3/deliveries?cursor=x>; rel="next"')
        script.answers += [Canned(body=page, headers=(link,)) for page in pages]
        settings = RepositorySettings(Connection(script.url, Secret("token"), Manners(2, (), pace=None)))
        found = settings.deliveries.failed(REPO, "https://bot.example.org/hooks/github", 0)
        assert not isinstance(found, Missing | Refused)
        assert found[-1].id == "d30-100"
        assert len(script.asked) == 21


@pytest.mark.parametrize("body", [b"", b"null", b"{}"])
def test_however_little_github_says_when_it_accepts_it_has_accepted(body: bytes) -> None:
    with serving(Canned(202, body)) as script:
        settings = RepositorySettings(Connection(script.url, Secret("token"), Manners(2, (), pace=None)))
        assert settings.deliveries.redeliver(REPO, "https://bot", FailedDelivery("c", "3/9", 0)) is None
        assert script.paths == ["POST /repositories/7/hooks/3/deliveries/9/attempts"]
