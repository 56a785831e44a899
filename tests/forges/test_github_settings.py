"""GitHub's labels, webhook and rights keep the contract, on the sandbox forge; and what is GitHub's alone."""

from __future__ import annotations

import pytest

from bot.core.actions import Refused
from bot.core.model import Repo, Secret
from bot.core.setup import Right, Visit
from bot.forges.github.connection import Connection
from bot.forges.github.settings import EVENTS, RepositorySettings
from bot.forges.pacing import Manners
from bot.sandbox import Fault, Sandbox
from tests.forges.canned import Canned, serving
from tests.forges.clocks import Hands
from tests.forges.github.installed import install, register
from tests.forges.listening import Answering
from tests.forges.settings_contract import SECRET, Desk, HeldHook, SettingsContract

PATH = "ada/tensors"
MANNERS = Manners(2, (0.01, 0.02), pace=None)


class GitHubDesk(Desk):
    """The sandbox forge."""

    events = EVENTS
    ways = ("off", "forms", "insecure")

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self.repo = Repo("github", sandbox.create_repository(PATH).id, PATH, "main")
        self.url = f"http://127.0.0.1:{port}/hooks/github"
        self.sandbox.add_user("relbot")
        self.sandbox.grant(PATH, "relbot", "admin")
        token = Secret(sandbox.token_for("relbot"))
        self.settings = RepositorySettings(Connection(sandbox.url, token, MANNERS))

    def labels(self) -> dict[str, tuple[str, str | None]]:
        known = self.sandbox.find(PATH).labels.values()
        return {label.name: (label.color, label.description) for label in known}

    def add_label(self, name: str, color: str, description: str) -> None:
        settings = RepositorySettings(Connection(self.sandbox.url, Secret(self.sandbox.token_for("ada")), MANNERS))
        settings._repository(self.repo).create_label(name, color, description)

    def hooks(self) -> list[HeldHook]:
        return [
            HeldHook(each.url, each.secret, frozenset(each.events), each.active,
                     sound=each.content_type == "json" and not each.insecure)
            for each in self.sandbox.find(PATH).hooks.values()
        ]  # fmt: skip

    def add_hook(self, url: str, *, secret: str = "", events: frozenset[str] | None = None) -> None:
        self.sandbox.add_hook(PATH, url, secret, *(events or ()))

    def spoil_hook(self, way: str) -> None:
        hook = next(iter(self.sandbox.find(PATH).hooks.values()))
        if way == "off":
            hook.active = False
        elif way == "forms":
            hook.content_type = "form"
        else:
            hook.insecure = True

    def answer(self, status: int) -> None:
        Answering.status = status
        hook = next(iter(self.sandbox.find(PATH).hooks.values()))
        if status == 0:
            hook.url = self.url = self.url.replace("/hooks/", "/silent/")
        self.sandbox.commit(PATH, "main", {"a.py": f"{status}\n"}, "Anything", "ada")
        assert self.sandbox.deliveries.drain(10)

    def lose_answer(self, path: str) -> None:
        self.sandbox.fail(Fault(f"{path}$", "POST", drop=True, after=True))

    def demote(self) -> None:
        self.sandbox.grant(PATH, "relbot", "write")

    def writes(self) -> int:
        return sum(entry.method != "GET" for entry in self.sandbox.requests)


@pytest.fixture
def desk(sandbox: Sandbox, listener: int) -> GitHubDesk:
    return GitHubDesk(sandbox, listener)


class TestGitHubSettings(SettingsContract):
    pass


# ── GitHub's own ─────────────────────────────────────────────────────────────────────────────────────────────────────


def seen(body: dict[str, object], *headers: tuple[str, str]) -> tuple[Right, ...]:
    """The rights that GitHub's answer about a repository tells."""
    whole = {"id": 7, "full_name": PATH, "default_branch": "main", "private": True, **body}
    with serving(Canned(body=whole, headers=headers)) as script:
        found = RepositorySettings(Connection(script.url, Secret("token"), MANNERS)).visit(PATH)
    assert isinstance(found, Visit)
    return found.rights


def held(rights: tuple[Right, ...]) -> dict[str, bool | None]:
    return {right.name: right.held for right in rights}


@pytest.mark.parametrize(("scopes", "private", "code", "workflow"), [
    ("repo, workflow", True, True, True),
    ("repo", True, True, False),
    ("public_repo, workflow", True, False, True),
    ("public_repo, workflow", False, True, True),
    ("read:org", False, False, False),
])
def test_a_classic_token_tells_its_scopes(scopes: str, private: bool, code: bool, workflow: bool) -> None:
    rights = seen({"permissions": {"push": True}, "private": private}, ("X-OAuth-Scopes", scopes))
    assert held(rights) == {
        "write access to the repository": True, "the scope repo": code, "the scope workflow": workflow,
    }  # fmt: skip


def test_of_a_fine_grained_token_only_the_role_can_be_told() -> None:
    rights = held(seen({"permissions": {"push": False}}))
    assert rights.pop("write access to the repository") is False
    assert set(rights.values()) == {None}
    assert held(seen({}))["write access to the repository"] is False


def test_an_app_visits_with_the_name_of_the_repository_and_is_told_of_its_own_webhook(sandbox: Sandbox) -> None:
    sandbox.create_repository(PATH)
    app, key = register(sandbox)
    install(sandbox, app, PATH)
    connection = Connection(sandbox.url, key, Manners(2, (0.01,), pace=None, clock=Hands().clock))
    settings = RepositorySettings(connection, is_app=True)
    found = settings.visit(PATH)
    assert isinstance(found, Visit)
    assert found.repo.path == PATH
    refused = settings.find_hook(found.repo, "https://bot.example.org/hooks/github")
    assert isinstance(refused, Refused)
    assert "issue_comment, pull_request, push" in refused.next_step


def test_a_hook_for_everything_is_relieved_of_what_nobody_reads(desk: GitHubDesk) -> None:
    desk.add_hook(desk.url, secret=SECRET.reveal())
    ready = desk.settings.ensure_hook(desk.repo, desk.wish())
    assert ready.changes == ("relieved of the events *",)
    assert desk.hooks()[0].events == EVENTS
