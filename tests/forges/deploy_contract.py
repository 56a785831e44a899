"""What every forge adapter must do with the repository that deploys a version: find it, and send it an event.

A forge's own test module subclasses `DeployContract` and gives it a `shelf` and what the forge has remembered.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import pytest

from bot.core.actions import Missing, Refused
from bot.core.deploying import Dispatched, DispatchEvent
from bot.core.errors import Fault
from bot.core.model import Repo
from bot.sandbox import Sandbox
from tests.forges.tags_contract import Shelf

INFRA = "acme/infra"
TOLD = (("id", "deploy:7:v2.7.1"), ("tag", "v2.7.1"), ("highest", "true"))


class DeployContract:
    """The contract of `Repositories`."""

    @pytest.fixture
    def infra(self, shelf: Shelf, sandbox_of: Sandbox) -> Repo:
        """A second repository that the bot may write to."""
        sandbox_of.create_repository(INFRA, "prod")
        self.open_for(sandbox_of, shelf, INFRA)
        sandbox_of.commit(INFRA, "prod", {"envs/prod.yaml": "tag: 2.7.0\n"}, "begin", "ada")
        found = shelf.forge.repositories.find(INFRA)
        assert isinstance(found, Repo)
        return found

    @abstractmethod
    def open_for(self, sandbox: Sandbox, shelf: Shelf, path: str) -> None:
        """Let the bot write to a repository."""

    @abstractmethod
    def sent(self, sandbox: Sandbox) -> list[tuple[str, dict[str, str]]]:
        """Each event that was sent to `INFRA`: its name, and what it told."""

    def test_a_repository_is_found_by_its_path_in_any_case_with_its_number(self, infra: Repo, shelf: Shelf) -> None:
        assert (infra.path, infra.default_branch, infra.forge) == (INFRA, "prod", shelf.repo.forge)
        assert infra.id not in {0, shelf.repo.id}
        assert shelf.forge.repositories.find("Acme/INFRA") == infra

    def test_what_the_bot_may_only_read_is_not_there_for_it(self, shelf: Shelf, sandbox_of: Sandbox) -> None:
        sandbox_of.create_repository("other/public", "main")
        sandbox_of.commit("other/public", "main", {"a": "a"}, "begin", "mallory")
        for path in ("other/public", "acme/absent"):
            assert isinstance(shelf.forge.repositories.find(path), Missing)

    def test_no_path_leads_anywhere_else(self, infra: Repo, shelf: Shelf) -> None:
        for path in ("1", "", "acme", "acme/..", "../acme", "acme/infra/hooks", "acme/infra?x=1", str(infra.id)):
            assert isinstance(shelf.forge.repositories.find(path), Missing), path

    def test_a_repository_is_known_by_the_name_that_it_has_now(self, shelf: Shelf) -> None:
        assert shelf.forge.repositories.current(shelf.repo) == shelf.repo
        shelf.move()
        now = shelf.forge.repositories.current(shelf.repo)
        assert isinstance(now, Repo)
        assert now.id == shelf.repo.id
        assert now.path != shelf.repo.path

    def test_whoever_takes_over_a_name_is_somebody_else(self, shelf: Shelf, sandbox_of: Sandbox) -> None:
        shelf.move()
        sandbox_of.create_repository(shelf.repo.path, "main")
        self.open_for(sandbox_of, shelf, shelf.repo.path)
        sandbox_of.commit(shelf.repo.path, "main", {"a": "a"}, "begin", "mallory")
        now = shelf.forge.repositories.current(shelf.repo)
        assert isinstance(now, Missing) or now.path != shelf.repo.path

    def test_an_event_is_sent_with_what_it_tells_each_time(
        self, infra: Repo, shelf: Shelf, sandbox_of: Sandbox
    ) -> None:
        wish = DispatchEvent(infra, "relbot-release", TOLD)
        for times in (1, 2):
            assert isinstance(shelf.forge.repositories.dispatch(wish), Dispatched)
            assert self.sent(sandbox_of) == [("relbot-release", dict(TOLD))] * times

    def test_an_event_for_what_is_hidden_or_gone_is_refused_with_the_next_step(
        self, infra: Repo, shelf: Shelf, sandbox_of: Sandbox
    ) -> None:
        sandbox_of.delete_repository(INFRA)
        refused = shelf.forge.repositories.dispatch(DispatchEvent(infra, "relbot-release", TOLD))
        assert isinstance(refused, Refused)
        assert INFRA in refused.next_step
        absent = replace(infra, path="acme/absent", id=99_999)
        assert isinstance(shelf.forge.repositories.dispatch(DispatchEvent(absent, "x", TOLD)), Refused)

    def test_trouble_that_can_pass_is_a_fault_that_passes(self, infra: Repo, shelf: Shelf, sandbox_of: Sandbox) -> None:
        self.spoil(sandbox_of)
        with pytest.raises(Fault) as caught:
            shelf.forge.repositories.dispatch(DispatchEvent(infra, "relbot-release", TOLD))
        assert caught.value.passing
        assert len(self.sent(sandbox_of)) <= 1, "it is not sent again by itself"

    @abstractmethod
    def spoil(self, sandbox: Sandbox) -> None:
        """The next event is taken, and the answer is lost."""
