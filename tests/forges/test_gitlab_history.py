"""GitLab's history and deliveries keep the contract, on the sandbox forge; and what is GitLab's alone."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.actions import Refused
from bot.core.errors import Fault
from bot.core.events import Delivery
from bot.core.history import FailedDelivery, Posted, Touched
from bot.core.model import Repo, Secret
from bot.forges.gitlab import GitLab
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.settings import RepositorySettings
from bot.forges.gitlab_hooks import parse
from bot.forges.pacing import Manners
from bot.sandbox import Fault as Failing
from bot.sandbox import Sandbox
from bot.sandbox.deliveries import Delivery as Sent
from bot.sandbox.issues import add_comment
from bot.sandbox.state import Hook
from tests.forges.canned import Canned, serving
from tests.forges.history_contract import (
    DeliveriesContract,
    HistoryAtLength,
    Past,
    SandboxPast,
    SandboxPost,
    numbers_of,
    tell,
)
from tests.forges.settings_contract import SECRET
from tests.forges.test_gitlab import PATH, GitLabBench


class GitLabPast(SandboxPast, GitLabBench, Past):
    """The same bench, with a clock that stands still."""

    forge: GitLab
    idle_cost = 2
    """GitLab has a list of issues apart from that of merge requests."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.stop_the_clock()
        # Long lists take the sandbox a while.
        self.forge = GitLab(sandbox.url, self.token, manners=Manners(30, pace=None, clock=self.hands.clock))


@pytest.fixture
def past(gitlab_sandbox: Sandbox) -> GitLabPast:
    return GitLabPast(gitlab_sandbox)


class TestGitLabHistory(HistoryAtLength):
    """The contract, on GitLab."""


class GitLabPost(SandboxPost):
    """A webhook of the project, and a token that may look after it."""

    def add_hook(self) -> Hook:
        self.sandbox.grant(self.path, "relbot", "maintain")
        self.connection = Connection(self.sandbox.url, Secret(self.sandbox.token_for("relbot")), self.manners)
        self.settings = RepositorySettings(self.connection)
        return self.sandbox.add_hook(self.path, self.url, SECRET.reveal())

    def calls(self) -> int:
        return self.connection.calls

    def parse(self, sent: Sent) -> Delivery:
        found = parse(sent.headers, sent.body, [SECRET], self.now())
        assert isinstance(found, Delivery)
        return found


@pytest.fixture
def post(gitlab_sandbox: Sandbox, listener: int) -> GitLabPost:
    return GitLabPost(gitlab_sandbox, f"http://127.0.0.1:{listener}/hooks/gitlab", PATH)


class TestGitLabDeliveries(DeliveriesContract):
    """The contract, on GitLab."""


# ── GitLab's own ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_gitlab_has_written_itself_and_what_is_confidential_is_left_out(past: GitLabPast) -> None:
    since, number = past.now(), past.pull("backport/2.7/1", "release/2.7")
    past.sandbox.commit(PATH, "backport/2.7/1", {"more.py": "1\n"}, "more", "relbot")
    assert any(note.system for note in past.sandbox.issue(PATH, number).comments)
    with past.sandbox.forge.changing():
        add_comment(past.sandbox._scene(PATH, number, "ada"), "Not for everybody", internal=True)
    comment = past.comment(number, "For everybody", by="ada")
    past.grant("relbot", past.forge.role_of(past.repo, past.person("ada")))
    posted = past.forge.history.posted(past.repo, since, tell(past, since))
    assert posted == (Posted(number, comment, past.person("ada"), "For everybody", since, is_edited=False),)


def test_a_comment_that_somebody_reacted_to_counts_as_edited_since_gitlab_does_not_tell(past: GitLabPast) -> None:
    since, number = past.now(), past.pull("backport/2.7/1", "release/2.7")
    comment = past.comment(number, "/release ping", by="ada")
    past.forward(5)
    past.forge.react(past.repo, number, comment, "eyes")
    posted = past.forge.history.posted(past.repo, since, tell(past, since))
    assert isinstance(posted, tuple)
    assert [one.is_edited for one in posted] == [True]


def test_a_merge_request_that_went_away_meanwhile_has_said_nothing(past: GitLabPast) -> None:
    gone = Touched(99, is_open=True, is_merged=False, labels=(), touched_at=0)
    assert past.forge.history.posted(past.repo, 0, (gone,)) == ()


def test_many_projects_are_read_on_by_their_ids(past: GitLabPast) -> None:
    made = [past.sandbox.create_repository(f"ada/p{n:03}") for n in range(120)]
    for one in made:
        one.collaborators["relbot"] = "write"
    before = past.forge.calls
    assert len(past.forge.history.repositories()) == 121
    assert past.forge.calls - before == 2


def test_no_more_than_five_are_asked_for_in_a_minute(post: GitLabPost) -> None:
    post.fail()
    post.happen(6)
    lost = post.failed()
    post.recover()
    for one in lost[:5]:
        assert post.settings.deliveries.redeliver(post.repo, post.url, one) is None
    before = post.calls()
    with pytest.raises(Fault, match="in a minute") as caught:
        post.settings.deliveries.redeliver(post.repo, post.url, lost[5])
    assert (caught.value.passing, post.calls()) == (True, before)
    post.forward(61)
    assert post.settings.deliveries.redeliver(post.repo, post.url, lost[5]) is None
    assert post.failed() == ()


def test_where_gitlab_counts_otherwise_its_no_will_pass(post: GitLabPost) -> None:
    post.fail()
    post.happen()
    post.sandbox.forge.sent_again[post.repo.id, "relbot"] = [post.now()] * 5
    with pytest.raises(Fault) as caught:
        post.settings.deliveries.redeliver(post.repo, post.url, post.failed()[0])
    assert caught.value.passing


def test_a_webhook_that_is_switched_off_or_whose_server_is_away_sends_nothing_again(post: GitLabPost) -> None:
    post.fail()
    post.happen()
    (lost,) = post.failed()
    away = post.settings.deliveries.redeliver(post.repo, post.url, lost)
    post.hook.failures = 40
    off = post.settings.deliveries.redeliver(post.repo, post.url, lost)
    for refused, words in ((away, "TCP"), (off, "Hook disabled")):
        assert isinstance(refused, Refused)
        assert words in refused.reason
        assert refused.next_step.endswith(".")


def test_an_old_gitlab_that_has_no_such_list_is_named(post: GitLabPost) -> None:
    post.sandbox.fail(Failing("/events$", status=404, body={"error": "404 Not Found"}))
    refused = post.settings.deliveries.failed(post.repo, post.url, 0)
    assert isinstance(refused, Refused)
    assert "17.3" in refused.next_step


REPO, URL = Repo("gitlab", 7, PATH, "main"), "https://bot.example.org/hooks/gitlab"


def settings_at(url: str) -> RepositorySettings:
    return RepositorySettings(Connection(url, Secret("token"), Manners(2, (), pace=None)))


def event(number: int, headers: dict[str, str], **more: str) -> dict[str, Any]:
    return {"id": number, "request_headers": headers, "response_status": "internal error", **more}


def test_a_gitlab_that_does_not_say_when_has_it_failed_since_then_and_what_has_no_name_is_left_out() -> None:
    sent = [
        event(9, {"Idempotency-Key": "b"}), event(8, {"idempotency-key": "a", "Webhook-Id": "w"}),
        event(7, {"X-Gitlab-Event-UUID": "u"}), event(6, {"Idempotency-Key": "../x"}),
    ]  # fmt: skip
    with serving(Canned(body=[{"id": 3, "url": URL}]), Canned(body=sent), Canned(body=[])) as script:
        found = settings_at(script.url).deliveries.failed(REPO, URL, 1000)
        assert found == (FailedDelivery("w", "3/8", 1000), FailedDelivery("b", "3/9", 1000))
        assert [path.partition("?")[0] for path in script.paths] == [
            "GET /api/v4/projects/7/hooks", *["GET /api/v4/projects/7/hooks/3/events"] * 2,
        ]
        assert all("per_page=20" in path for path in script.paths[1:])


def request(number: int, second: int) -> dict[str, Any]:
    at = f"2026-01-01T00:{second // 60:02}:{second % 60:02}.789Z"
    return {"iid": number, "state": "opened", "labels": [], "updated_at": at}


def test_a_list_that_moves_while_it_is_read_is_read_on_by_time_and_not_by_page() -> None:
    first = [request(n, n) for n in range(1, 101)]
    rest = [request(n, n) for n in (100, 101, 102)] + [request(1, 3000)]
    link = ("Link", '<http://127.0.0.1/api/v4/projects/7/merge_requests?page=2>; rel="next"')
    with serving(Canned(body=first, headers=(link,)), Canned(body=rest), Canned(body=[])) as script:
        forge = GitLab(script.url, Secret("token"), manners=Manners(2, (), pace=None))
        assert numbers_of(forge.history.touched(REPO, 1_767_225_601)) == [*range(2, 103), 1]
        assert "updated_after=2026-01-01T00%3A00%3A01Z" in script.paths[0]
        assert "updated_after=2026-01-01T00%3A01%3A40Z" in script.paths[1]
        assert "/issues?" in script.paths[2]
        assert "labels=release+tracker" in script.paths[2]
        assert all("&page=1&" in f"{path}&" for path in script.paths)


@pytest.mark.parametrize("body", [{}, [{}], [request(1, 0) | {"updated_at": "soon"}], [request(1, 0) | {"iid": "1"}]])
def test_a_misshapen_list_is_a_fault(body: object) -> None:
    with serving(Canned(body=body)) as script, pytest.raises(Fault, match="not shaped"):
        GitLab(script.url, Secret("token"), manners=Manners(2, (), pace=None)).history.touched(REPO, 0)
