"""GitHub's repositories by name and `repository_dispatch` keep the contract, on the sandbox forge."""

from __future__ import annotations

import pytest

from bot.core.actions import Missing, Refused
from bot.core.deploying import Dispatched, DispatchEvent
from bot.core.model import Repo, Secret
from bot.forges.github import GitHub
from bot.forges.pacing import Manners
from bot.sandbox import Sandbox
from tests.forges.canned import Canned, serving
from tests.forges.deploy_contract import INFRA, TOLD, DeployContract
from tests.forges.github.installed import install, register
from tests.forges.tags_contract import Shelf
from tests.forges.test_github import fault_of
from tests.forges.test_github_tags import GitHubShelf


@pytest.fixture
def shelf(sandbox: Sandbox) -> GitHubShelf:
    return GitHubShelf(sandbox)


class TestGitHubDeploy(DeployContract):
    """The contract, on GitHub, with a token."""

    @pytest.fixture
    def sandbox_of(self, sandbox: Sandbox) -> Sandbox:
        return sandbox

    def open_for(self, sandbox: Sandbox, shelf: Shelf, path: str) -> None:
        sandbox.grant(path, "relbot", "write")

    def sent(self, sandbox: Sandbox) -> list[tuple[str, dict[str, str]]]:
        return [(name, told) for _, name, told in sandbox.find(INFRA).dispatches]

    def spoil(self, sandbox: Sandbox) -> None:
        sandbox.fail(fault_of("acted, then hung up", "POST", r"/dispatches$", 1))


# ── GitHub's own ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_app_finds_what_it_is_installed_in_and_sends_events_there(sandbox: Sandbox) -> None:
    sandbox.create_repository(INFRA, "main")
    app, key = register(sandbox)
    forge = GitHub(sandbox.url, key, manners=Manners(5, pace=None))
    assert isinstance(forge.repositories.find(INFRA), Missing), "public, and the App is not installed there"
    install(sandbox, app, INFRA)
    found = forge.repositories.find(INFRA)
    assert isinstance(found, Repo)
    assert forge.repositories.dispatch(DispatchEvent(found, "go", TOLD)) == Dispatched()
    assert sandbox.find(INFRA).dispatches == [("relbot[bot]", "go", dict(TOLD))]


def test_an_app_that_may_not_write_contents_is_refused_with_the_right_that_it_lacks(sandbox: Sandbox) -> None:
    sandbox.create_repository(INFRA, "main")
    app, key = register(sandbox)
    install(sandbox, app, INFRA, metadata="read", contents="read", pull_requests="write")
    repo = Repo("github", sandbox.find(INFRA).id, INFRA, "main")
    forge = GitHub(sandbox.url, key, manners=Manners(5, pace=None))
    refused = forge.repositories.dispatch(DispatchEvent(repo, "x", TOLD))
    assert isinstance(refused, Refused)
    assert refused.reason == f"GitHub did not send the event x to {INFRA}: Resource not accessible by integration"
    assert refused.next_step == f"Give the bot's token the permission contents: write in {INFRA}."
    assert sandbox.find(INFRA).dispatches == []


@pytest.mark.parametrize("said", [{}, {"permissions": None}, {"permissions": {"push": "yes"}}])
def test_an_answer_that_does_not_say_that_it_may_be_written_to_is_a_no(said: dict[str, object]) -> None:
    told = {"id": 3, "full_name": INFRA, "default_branch": "main", **said}
    with serving(Canned(body=told)) as script:
        found = GitHub(script.url, Secret("token"), manners=Manners(2, pace=None)).repositories.find(INFRA)
    assert isinstance(found, Missing)
