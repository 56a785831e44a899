"""A GitHub App on the sandbox forge: tokens for each place and purpose, and what happens when they end."""

from __future__ import annotations

import subprocess
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.core.actions import EnsureComment
from bot.core.errors import Fault, UserError
from bot.core.model import Person, Pull, Repo, Secret
from bot.forges.github import AppKey, GitHub
from bot.forges.pacing import Manners
from bot.sandbox import Fault as Trouble
from bot.sandbox import PullWish, Sandbox
from bot.sandbox.github.routes_apps import form_team
from tests.forges.clocks import Hands
from tests.forges.github.installed import install, key_pair, register

PATH, OTHER = "ada/tensors", "ada/losses"
HOUR = 3600


class Stage:
    """An App that is installed in one repository of two, and a clock for both sides."""

    def __init__(self, sandbox: Sandbox, hands: Hands) -> None:
        self.sandbox = sandbox
        self.hands = hands
        self.repo, self.other = (
            Repo("github", sandbox.create_repository(path).id, path, "main") for path in (PATH, OTHER)
        )
        sandbox.commit(PATH, "main", {"a.py": "x = 1\n"}, "start", "ada")
        self.app, self.key = register(sandbox)
        self.installation = install(sandbox, self.app, PATH)
        self.github = self.connect()

    def connect(self) -> GitHub:
        manners = Manners(waits=(0.01, 0.02), clock=self.hands.clock)
        return GitHub(self.sandbox.url, self.key, manners=manners)

    def asked(self, end: str) -> int:
        return sum(entry.path.endswith(end) for entry in self.sandbox.requests)

    def pull(self) -> int:
        self.sandbox.branch(PATH, "topic", "main", "ada")
        self.sandbox.commit(PATH, "topic", {"a.py": "x = 2\n"}, "change", "ada")
        return self.sandbox.open_pull(PATH, PullWish("by hand", "topic", "main"), "ada")

    @property
    def passes(self) -> list[tuple[int, dict[str, str], list[int]]]:
        """What each token was made for, oldest first."""
        return [(one.installation, one.rights, one.repositories) for one in self.sandbox.forge.world.passes.values()]


@pytest.fixture
def stage(sandbox: Sandbox) -> Stage:
    hands = Hands()
    sandbox.forge.clock = hands.clock.today
    return Stage(sandbox, hands)


def test_a_token_is_made_for_one_repository_with_the_rights_for_the_work_and_kept(stage: Stage) -> None:
    stage.installation.repositories.append(stage.other.id)
    for _ in range(3):
        stage.github.find_pulls(stage.repo, "a", "main")
    rights = {
        "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "workflows": "write",
    }  # fmt: skip
    assert stage.passes == [(stage.installation.id, rights, [stage.repo.id])]
    assert [stage.asked(end) for end in ("/installation", "/access_tokens", "/pulls")] == [1, 1, 3]


def test_a_right_that_was_not_granted_is_not_asked_for(stage: Stage) -> None:
    stage.installation.rights = {"metadata": "read", "contents": "read", "issues": "write"}
    stage.github.find_pulls(stage.repo, "a", "main")
    assert stage.passes[0][1] == {"metadata": "read", "contents": "read", "issues": "write"}


def test_many_threads_make_one_token(stage: Stage) -> None:
    stage.sandbox.fail(Trouble("/access_tokens", delay=0.2))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: stage.github.clone_access(stage.repo), range(16)))
    assert [stage.asked(end) for end in ("/installation", "/access_tokens")] == [1, 1]


def test_a_token_is_replaced_before_it_ends(stage: Stage) -> None:
    stage.github.find_pulls(stage.repo, "a", "main")
    stage.hands.forward(HOUR - 310)
    stage.github.find_pulls(stage.repo, "a", "main")
    assert len(stage.passes) == 1
    stage.hands.forward(20)
    stage.github.find_pulls(stage.repo, "a", "main")
    assert len(stage.passes) == 2
    assert not any(entry.status == 401 for entry in stage.sandbox.requests)


def test_a_token_that_the_forge_took_back_is_replaced_and_the_write_happens_once(stage: Stage) -> None:
    issue = stage.pull()
    wish = EnsureComment(stage.repo, issue, "<!-- m -->", "<!-- m -->\nhello")
    stage.github.ensure_comment(wish)
    stage.sandbox.forge.world.passes.clear()
    stage.github.ensure_comment(EnsureComment(stage.repo, issue, "<!-- m -->", "<!-- m -->\nagain"))
    assert [one.body for one in stage.sandbox.issue(PATH, issue).comments] == ["<!-- m -->\nagain"]
    assert len(stage.passes) == 1


def test_a_lost_answer_to_the_making_of_a_token_is_asked_for_again(stage: Stage) -> None:
    stage.sandbox.fail(Trouble("/access_tokens", "POST", 502, after=True))
    stage.sandbox.fail(Trouble("/installation$", "GET", drop=True))
    assert stage.github.find_pulls(stage.repo, "a", "main") == ()


def test_the_app_is_the_bot_account_that_its_comments_come_from(stage: Stage) -> None:
    user = stage.sandbox.forge.user("relbot[bot]")
    assert stage.github.me() == Person(user.id, "relbot[bot]", is_bot=True)
    assert [stage.asked(end) for end in ("/user", "/app", "/app/installations", "[bot]")] == [0, 1, 1, 1]
    calls = stage.github.calls
    stage.github.me()
    assert stage.github.calls == calls == 4


def test_an_app_on_a_server_of_ones_own(stage: Stage) -> None:
    own = GitHub(f"{stage.sandbox.url}/api/v3/", stage.key)
    assert own.me() == stage.github.me()
    assert own.find_pulls(stage.repo, "a", "main") == ()
    assert own.clone_access(stage.repo).url == stage.sandbox.clone_url(PATH)


def test_where_it_is_not_installed_the_fault_says_so(stage: Stage) -> None:
    with pytest.raises(Fault, match=rf"{OTHER}.*App {stage.app.id} is not installed there. Install it.") as caught:
        stage.github.find_pulls(stage.other, "a", "main")
    assert not caught.value.passing


def test_where_it_was_suspended_nothing_is_tried_again(stage: Stage) -> None:
    stage.github.find_pulls(stage.repo, "a", "main")
    stage.installation.suspended_at = 1
    with pytest.raises(Fault, match="suspended") as caught:
        stage.github.find_pulls(stage.repo, "b", "main")
    assert not caught.value.passing
    with pytest.raises(Fault, match="suspended"):
        stage.connect().find_pulls(stage.repo, "a", "main")


def test_an_app_that_was_installed_anew_is_found_again(stage: Stage) -> None:
    stage.github.find_pulls(stage.repo, "a", "main")
    del stage.sandbox.forge.world.installations[stage.installation.id]
    stage.sandbox.forge.world.passes.clear()
    again = install(stage.sandbox, stage.app, PATH)
    stage.github.find_pulls(stage.repo, "a", "main")
    assert [one[0] for one in stage.passes] == [again.id]


def test_git_gets_in_with_a_token_of_the_installation(stage: Stage, tmp_path: Path) -> None:
    access = stage.github.clone_access(stage.repo)
    assert (access.username, access.password.reveal()[:4]) == ("x-access-token", "ghs_")
    address = access.url.replace("://", f"://{access.username}:{access.password.reveal()}@")
    for command in (
        ("git", "clone", "--quiet", address, "kit"),
        ("git", "-C", "kit", "push", "--quiet", "origin", "main:refs/heads/pushed"),
    ):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=30)
    assert stage.sandbox.git(PATH).branch("pushed") == stage.sandbox.git(PATH).branch("main")


DAMAGED = "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize("key", ["", "nonsense", DAMAGED])
def test_a_key_that_cannot_sign_is_refused_at_once_and_not_quoted(key: str) -> None:
    with pytest.raises(UserError, match=r"GitHub App 7.*not an RSA key") as caught:
        GitHub("http://127.0.0.1:1", AppKey("7", Secret(key)))
    assert "c2VjcmV0" not in "".join(traceback.format_exception(caught.value))


def test_a_key_of_another_app_is_a_fault_that_tells_no_secret(stage: Stage) -> None:
    stranger = GitHub(stage.sandbox.url, AppKey("4711", Secret(key_pair()[0])))
    with pytest.raises(Fault, match="JSON web token") as caught:
        stranger.find_pulls(stage.repo, "a", "main")
    assert "eyJ" not in "".join(traceback.format_exception(caught.value))
    assert not caught.value.passing


# ── teams ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def person(stage: Stage, login: str) -> Person:
    stage.sandbox.add_user(login)
    return Person(stage.sandbox.forge.user(login).id, login)


def test_members_of_a_team_are_members_whatever_they_are_there(stage: Stage) -> None:
    form_team(stage.sandbox.forge, "acme/release", grace="member", mona="maintainer", rita="pending")
    answers = {
        login: stage.github.is_member(stage.repo, person(stage, login), "acme/release")
        for login in ("grace", "mona", "rita", "ada")
    }
    assert answers == {"grace": True, "mona": True, "rita": False, "ada": False}
    assert stage.github.is_member(stage.repo, person(stage, "grace"), "@acme/release")
    assert stage.passes[-1][1] == {"metadata": "read", "members": "read"}


def test_an_account_that_took_over_a_login_does_not_take_over_the_membership(stage: Stage) -> None:
    form_team(stage.sandbox.forge, "acme/release", grace="member")
    former = Person(person(stage, "grace").id + 1, "grace")
    assert not stage.github.is_member(stage.repo, former, "acme/release")


@pytest.mark.parametrize("group", ["", "acme", "acme/", "/release", "acme/../x", "acme/re lease", "acme/a/b", "../x"])
def test_what_names_no_team_has_no_members_and_asks_nothing(stage: Stage, group: str) -> None:
    assert not stage.github.is_member(stage.repo, Person(1, "ada"), group)
    assert stage.github.calls == 0


def test_a_team_that_may_not_be_looked_into_has_no_members(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    form_team(stage.sandbox.forge, "acme/release", grace="member")
    del stage.installation.rights["members"]
    assert not stage.github.is_member(stage.repo, person(stage, "grace"), "acme/release")
    assert "counts as no" in caplog.text


def test_a_membership_that_cannot_be_read_is_a_fault_that_may_pass_and_never_a_yes(stage: Stage) -> None:
    form_team(stage.sandbox.forge, "acme/release", grace="member")
    stage.sandbox.fail(Trouble("/memberships/", status=502, times=9))
    with pytest.raises(Fault) as caught:
        stage.github.is_member(stage.repo, person(stage, "grace"), "acme/release")
    assert caught.value.passing


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_limited_installation_is_left_alone_until_it_may_be_asked_and_slows_nobody_else(stage: Stage) -> None:
    install(stage.sandbox, stage.app, OTHER)
    busy = Trouble(f"/repos/{PATH}/pulls", status=403, headers={"Retry-After": "1800"}, body={"message": "slow down"})
    stage.sandbox.fail(busy)
    assert stage.github.find_pulls(stage.other, "a", "main") == ()

    def ask(repo: Repo) -> tuple[float, float]:
        """Seconds that it took, and seconds that one is told to wait."""
        began = time.monotonic()
        try:
            stage.github.find_pulls(repo, "a", "main")
        except Fault as fault:
            return time.monotonic() - began, fault.retry_after or 0
        return time.monotonic() - began, 0

    assert ask(stage.repo)[1] == 1800
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, [stage.repo, stage.other] * 20))
    assert all(1700 < wait <= 1800 for _, wait in answers[::2])
    assert all(took < 1 and wait == 0 for took, wait in answers[1::2])
    stage.hands.forward(1750)
    assert ask(stage.repo)[1] > 30, "too early"
    assert stage.asked(f"{PATH}/pulls") == 1
    stage.hands.forward(50)
    assert ask(stage.repo)[1] == 0
    assert stage.asked(f"{PATH}/pulls") == 2


def test_the_writes_of_an_installation_keep_the_pace(stage: Stage) -> None:
    number = stage.pull()
    stage.github.set_labels(stage.repo, number, ("warm",), ())
    time.sleep(1)
    began = time.monotonic()
    for turn in range(11):
        stage.github.set_labels(stage.repo, number, (f"label {turn}",), ())
    assert time.monotonic() - began >= 0.99, "ten at once, and the eleventh a second later"


def test_what_has_not_changed_is_not_sent_again(stage: Stage) -> None:
    number = stage.pull()
    first = stage.github.pull(stage.repo, number)
    assert stage.github.pull(stage.repo, number) == first
    stage.sandbox.label(PATH, number, "new", by="ada")
    changed = stage.github.pull(stage.repo, number)
    statuses = [entry.status for entry in stage.sandbox.requests if entry.path.endswith(f"/pulls/{number}")]
    assert statuses == [200, 304, 200]
    assert isinstance(changed, Pull)
    assert changed.labels == ("new",)
