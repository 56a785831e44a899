"""GitLab's projects by name, and pipelines that tell of an event, keep the contract, on the sandbox forge."""

from __future__ import annotations

import pytest

from bot.core.actions import Missing, Refused
from bot.core.deploying import Dispatched, DispatchEvent
from bot.core.errors import Fault
from bot.core.model import Repo, Secret
from bot.forges.gitlab import GitLab
from bot.forges.pacing import Manners
from bot.sandbox import Sandbox
from tests.forges.canned import Canned, serving
from tests.forges.deploy_contract import INFRA, TOLD, DeployContract
from tests.forges.tags_contract import Shelf
from tests.forges.test_gitlab import fault_of
from tests.forges.test_gitlab_tags import GitLabShelf

REPO = Repo("gitlab", 9, INFRA, "prod")
WISH = DispatchEvent(REPO, "relbot-release", TOLD)


@pytest.fixture
def shelf(gitlab_sandbox: Sandbox) -> GitLabShelf:
    return GitLabShelf(gitlab_sandbox)


class TestGitLabDeploy(DeployContract):
    """The contract, on GitLab."""

    @pytest.fixture
    def sandbox_of(self, gitlab_sandbox: Sandbox) -> Sandbox:
        return gitlab_sandbox

    def open_for(self, sandbox: Sandbox, shelf: Shelf, path: str) -> None:
        sandbox.grant(path, "relbot", "write")

    def sent(self, sandbox: Sandbox) -> list[tuple[str, dict[str, str]]]:
        told = []
        for _, ref, variables in sandbox.find(INFRA).dispatches:
            assert ref == "prod"
            assert all(name.startswith("RELBOT_") and name.isupper() for name in variables)
            named = {name.removeprefix("RELBOT_").lower(): value for name, value in variables.items()}
            told.append((named.pop("event"), named))
        return told

    def spoil(self, sandbox: Sandbox) -> None:
        sandbox.fail(fault_of("acted, then hung up", "POST", r"/pipeline$", 1))


# ── GitLab's own ─────────────────────────────────────────────────────────────────────────────────────────────────────


def gitlab(url: str) -> GitLab:
    return GitLab(url, Secret("token"), manners=Manners(2, pace=None))


def test_the_address_of_the_pipeline_is_told(shelf: GitLabShelf) -> None:
    sandbox = shelf.sandbox
    sandbox.create_repository(INFRA, "prod")
    sandbox.grant(INFRA, "relbot", "write")
    sandbox.commit(INFRA, "prod", {"a": "a"}, "begin", "ada")
    found = shelf.forge.repositories.find(INFRA)
    assert isinstance(found, Repo)
    sent = shelf.forge.repositories.dispatch(DispatchEvent(found, "go", TOLD))
    assert isinstance(sent, Dispatched)
    assert "/acme/infra/-/pipelines/" in sent.url


@pytest.mark.parametrize(("status", "said"), [
    (400, {"base": ["Missing CI config file"]}),
    (400, {"base": ["Insufficient permissions to set pipeline variables"]}),
    (403, "403 Forbidden"),
])  # fmt: skip
def test_where_no_pipeline_can_be_begun_the_next_step_is_told(status: int, said: object) -> None:
    with serving(Canned(status, {"message": said})) as script:
        refused = gitlab(script.url).repositories.dispatch(WISH)
    assert isinstance(refused, Refused)
    assert refused.reason.startswith(f"GitLab began no pipeline in {INFRA} for relbot-release: ")
    assert "variables on prod" in refused.next_step


def test_a_project_without_a_commit_or_behind_another_name_is_not_there() -> None:
    empty = {"id": 9, "path_with_namespace": INFRA, "default_branch": None}
    with serving(Canned(body=empty), Canned(301, {"message": "Moved"}), Canned(500, {}), Canned(500, {})) as script:
        found = gitlab(script.url).repositories
        assert isinstance(found.find(INFRA), Missing)
        assert isinstance(found.find(INFRA), Missing)


def test_an_answer_that_is_no_project_is_a_fault() -> None:
    with serving(Canned(body=[{"id": 9}])) as script, pytest.raises(Fault):
        gitlab(script.url).repositories.find(INFRA)
