"""GitLab's labels, webhook and rights keep the contract, on the sandbox forge; and what is GitLab's alone."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from bot.core.actions import Refused
from bot.core.model import Repo, Secret
from bot.core.setup import Hook, HookReady, LabelWish, Visit
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.settings import EVENTS, RepositorySettings
from bot.forges.pacing import Manners
from bot.sandbox import Fault, Sandbox
from bot.sandbox.issues import create_label
from bot.sandbox.state import Hook as SandboxHook
from tests.forges.canned import Canned, serving
from tests.forges.listening import Answering
from tests.forges.settings_contract import SECRET, Desk, HeldHook, SettingsContract

PATH = "ada/lab/tensors"
MANNERS = Manners(2, (0.01, 0.02), pace=None)
GIVEN_UP = 40
"""Failures in a row after which GitLab sends nothing any more."""


class GitLabDesk(Desk):
    """The sandbox forge with GitLab's face and a project in a subgroup."""

    events = EVENTS
    ways = ("off", "insecure")

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self.repo = Repo("gitlab", sandbox.create_repository(PATH).id, PATH, "main")
        self.url = f"http://127.0.0.1:{port}/hooks/gitlab"
        sandbox.add_user("relbot", bot=True)
        sandbox.grant(PATH, "relbot", "maintain")
        sandbox.commit(PATH, "main", {"a.py": "0\n"}, "Start", "ada")
        self.settings = RepositorySettings(Connection(sandbox.url, Secret(sandbox.token_for("relbot")), MANNERS))

    @property
    def hook(self) -> SandboxHook:
        return next(iter(self.sandbox.find(PATH).hooks.values()))

    def labels(self) -> dict[str, tuple[str, str | None]]:
        known = self.sandbox.find(PATH).labels.values()
        return {label.name: (label.color, label.description) for label in known}

    def add_label(self, name: str, color: str, description: str) -> None:
        with self.sandbox.forge.changing():
            label = create_label(self.sandbox.forge, self.sandbox.find(PATH), name, "ada")
            label.color, label.description = color, description

    def hooks(self) -> list[HeldHook]:
        return [
            HeldHook(each.url, each.secret, frozenset(each.events),
                     active=each.active and each.disabled_until is None, sound=not each.insecure)
            for each in self.sandbox.find(PATH).hooks.values()
        ]  # fmt: skip

    def add_hook(self, url: str, *, secret: str = "", events: frozenset[str] | None = None) -> None:
        self.sandbox.add_hook(PATH, url, secret, *(events or ()))

    def spoil_hook(self, way: str) -> None:
        if way == "off":
            self.hook.failures, self.hook.active = GIVEN_UP, False
        else:
            self.hook.insecure = True

    def answer(self, status: int) -> None:
        Answering.status = status
        if status == 0:
            self.hook.url = self.url = self.url.replace("/hooks/", "/silent/")
        self.sandbox.commit(PATH, "main", {"a.py": f"{status}\n"}, "Anything", "ada")
        assert self.sandbox.deliveries.drain(10)

    def lose_answer(self, path: str) -> None:
        self.sandbox.fail(Fault(f"{path}$", "POST", drop=True, after=True))

    def demote(self) -> None:
        self.sandbox.grant(PATH, "relbot", "write")

    def writes(self) -> int:
        return sum(entry.method != "GET" for entry in self.sandbox.requests)


@pytest.fixture
def desk(gitlab_sandbox: Sandbox, listener: int) -> GitLabDesk:
    return GitLabDesk(gitlab_sandbox, listener)


class TestGitLabSettings(SettingsContract):
    pass


# ── GitLab's own ─────────────────────────────────────────────────────────────────────────────────────────────────────


def held(settings: RepositorySettings) -> dict[str, bool | None]:
    found = settings.visit(PATH)
    assert isinstance(found, Visit)
    return {right.name: right.held for right in found.rights}


@pytest.mark.parametrize(("role", "may"), [("triage", False), ("write", True), ("admin", True)])
def test_the_role_of_the_tokens_account_is_told(desk: GitLabDesk, role: str, may: bool) -> None:
    desk.sandbox.grant(PATH, "relbot", role)
    assert held(desk.settings) == {"write access to the repository": may, "the scope api": True}


def test_a_role_in_a_group_counts_and_a_stranger_has_none(desk: GitLabDesk) -> None:
    desk.sandbox.add_user("grace")
    connection = Connection(desk.sandbox.url, Secret(desk.sandbox.token_for("grace")), MANNERS)
    assert held(RepositorySettings(connection))["write access to the repository"] is False
    desk.sandbox.grant("ada/lab", "grace", "write")
    assert held(RepositorySettings(connection))["write access to the repository"] is True


@pytest.mark.parametrize(("token", "may"), [
    (Canned(200, {"scopes": ["read_user", "api"]}), True),
    (Canned(200, {"scopes": ["read_api", "write_repository"]}), False),
    (Canned(200, {"scopes": ["granular"]}), None),
    (Canned(404, {"message": "404 Not Found"}), None),
])
def test_an_access_token_tells_its_scopes_and_others_do_not(token: Canned, may: bool | None) -> None:
    project = {"id": 7, "path_with_namespace": PATH, "default_branch": "main"}
    account = {"id": 3, "username": "relbot", "bot": True, "state": "active", "access_level": 30}
    with serving(Canned(200, project), Canned(200, account), Canned(200, account), token) as script:
        settings = RepositorySettings(Connection(script.url, Secret("token"), MANNERS))
        assert held(settings)["the scope api"] is may


def test_a_hook_for_everything_is_relieved_of_what_nobody_reads(desk: GitLabDesk) -> None:
    desk.add_hook(desk.url, secret=SECRET.reveal())
    ready = desk.settings.ensure_hook(desk.repo, desk.wish())
    assert isinstance(ready, HookReady)
    assert [change.partition(" events ")[0] for change in ready.changes] == ["relieved of the"]
    assert "issues_events" in ready.changes[0]
    assert desk.hooks()[0].events == EVENTS


def test_where_deliveries_are_to_be_signed_the_webhook_is_given_what_with(desk: GitLabDesk) -> None:
    signer = f"whsec_{base64.b64encode(bytes(32)).decode()}"
    desk.add_hook(desk.url, secret=SECRET.reveal(), events=desk.events)
    wish = replace(desk.wish(), signing=Secret(signer))
    assert signer not in repr(wish)
    assert desk.settings.ensure_hook(desk.repo, wish) == HookReady(("given the signing token",))
    assert desk.hook.signing_token == signer
    assert desk.settings.ensure_hook(desk.repo, wish) == HookReady()


def test_a_webhook_that_rests_after_failures_is_told_until_when_and_woken(desk: GitLabDesk) -> None:
    desk.add_hook(desk.url, secret=SECRET.reveal(), events=desk.events)
    desk.hook.failures, desk.hook.disabled_until = 4, desk.sandbox.forge.now() + 600
    found = desk.settings.find_hook(desk.repo, desk.url)
    assert isinstance(found, Hook)
    [flaw] = found.flaws
    assert found.is_disabled
    assert "would send nothing before 20" in flaw
    assert desk.settings.ensure_hook(desk.repo, desk.wish()) == HookReady((flaw,))
    assert (desk.hook.failures, desk.hook.disabled_until) == (0, None)


def test_a_secret_that_was_turned_away_is_set_before_the_webhook_is_tried(desk: GitLabDesk) -> None:
    desk.add_hook(desk.url, secret="old", events=desk.events)
    desk.answer(401)
    desk.spoil_hook("off")
    Answering.status = 202
    ready = desk.settings.ensure_hook(desk.repo, desk.wish())
    assert isinstance(ready, HookReady)
    assert len(ready.changes) == 2
    assert desk.hooks() == [HeldHook(desk.url, SECRET.reveal(), EVENTS, active=True, sound=True)]


@pytest.mark.parametrize("status", [500, 0])
def test_one_that_cannot_be_woken_is_not_said_to_be(desk: GitLabDesk, status: int) -> None:
    desk.add_hook(desk.url, events=desk.events)
    desk.answer(status)
    desk.spoil_hook("off")
    refused = desk.settings.ensure_hook(desk.repo, desk.wish())
    assert isinstance(refused, Refused)
    assert "GitLab has given the webhook up" in refused.reason
    assert "See whether the server runs" in refused.next_step
    assert desk.hooks() == [HeldHook(desk.url, SECRET.reveal(), EVENTS, active=False, sound=True)]


@pytest.mark.parametrize("status", [403, 404])
def test_where_gitlab_does_not_tell_of_deliveries_none_is_said_to_have_failed(desk: GitLabDesk, status: int) -> None:
    desk.add_hook(desk.url, secret=SECRET.reveal(), events=desk.events)
    desk.answer(500)
    desk.sandbox.fail(Fault("/events$", status=status, times=2))
    assert desk.settings.find_hook(desk.repo, desk.url) == Hook(desk.url)
    assert desk.settings.ensure_hook(desk.repo, desk.wish()) == HookReady()


def test_a_label_that_gitlab_cannot_have_is_refused_in_its_words(desk: GitLabDesk) -> None:
    refused = desk.settings.ensure_label(desk.repo, LabelWish("a,b", "ededed", ""))
    assert isinstance(refused, Refused)
    assert "title is invalid" in refused.reason
