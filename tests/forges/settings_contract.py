"""What every forge's `RepositorySettings` must do, asked of a real connection and judged by what the forge then holds.

A forge's own test module subclasses `SettingsContract` and gives it a `desk`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import pytest

from bot.core.actions import Missing, Refused
from bot.core.model import Repo, Secret
from bot.core.setup import Hook, HookReady, HookWish, LabelWish, Visit
from bot.forges import RepositorySettings

SECRET = Secret("s3cret-of-the-webhook")
WISH = LabelWish("backport/2.7", "1d76db", "Carry this change to 2.7")


@dataclass(frozen=True)
class HeldHook:
    """A webhook as the forge remembers it."""

    url: str
    secret: str
    events: frozenset[str]
    active: bool
    sound: bool
    """Whether it sends JSON and checks certificates."""


class Desk(ABC):
    """A forge with one repository that `relbot` administers, and whom the settings speak for."""

    settings: RepositorySettings
    repo: Repo
    url: str
    """Where a webhook may send to; nobody needs to be there."""
    events: frozenset[str]
    """The forge's names of the events that the bot reads."""
    ways: tuple[str, ...]
    """How a webhook of this forge can be spoilt, besides its events and its secret."""

    @abstractmethod
    def labels(self) -> dict[str, tuple[str, str | None]]:
        """Colour and description by name."""

    @abstractmethod
    def add_label(self, name: str, color: str, description: str) -> None: ...
    @abstractmethod
    def hooks(self) -> list[HeldHook]: ...
    @abstractmethod
    def add_hook(self, url: str, *, secret: str = "", events: frozenset[str] | None = None) -> None: ...
    @abstractmethod
    def spoil_hook(self, way: str) -> None:
        """Spoil the first webhook in one of these ways."""

    @abstractmethod
    def answer(self, status: int) -> None:
        """The last delivery of the first webhook met this status."""

    @abstractmethod
    def lose_answer(self, path: str) -> None:
        """The next write whose path has this in it is done, and its answer lost."""

    @abstractmethod
    def demote(self) -> None:
        """Take `relbot` the right to administer the repository."""

    @abstractmethod
    def writes(self) -> int:
        """How many API requests were no reads."""

    def wish(self, *, renew: bool = False) -> HookWish:
        return HookWish(self.url, SECRET, renew)


class SettingsContract:
    """The contract of `bot.forges.RepositorySettings`."""

    # ── a look at it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def test_a_visit_tells_the_repository_the_rights_and_the_time(self, desk: Desk) -> None:
        found = desk.settings.visit(desk.repo.path)
        assert isinstance(found, Visit)
        assert found.repo == desk.repo
        assert all(right.held is not False for right in found.rights)
        assert all(right.mend.endswith(".") for right in found.rights)
        assert found.clock is not None
        assert found.clock > 1_700_000_000

    def test_a_repository_that_cannot_be_seen_is_missing(self, desk: Desk) -> None:
        assert isinstance(desk.settings.visit("acme/nothing-there"), Missing)

    # ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_a_label_is_made_once_as_it_was_wished_for(self, desk: Desk) -> None:
        assert desk.settings.ensure_label(desk.repo, WISH) is True
        assert desk.settings.ensure_label(desk.repo, WISH) is False
        assert desk.labels()[WISH.name] == (WISH.color, WISH.description)
        assert WISH.name in desk.settings.labels(desk.repo)

    def test_a_persons_label_is_neither_painted_over_nor_renamed(self, desk: Desk) -> None:
        desk.add_label("backport/2.7", "123456", "Ours")
        assert desk.settings.ensure_label(desk.repo, WISH) is False
        assert desk.labels()["backport/2.7"] == ("123456", "Ours")

    def test_all_labels_are_listed_however_many_there_are(self, desk: Desk) -> None:
        names = {f"label {n:03}" for n in range(130)}
        for name in names:
            desk.add_label(name, "ededed", "")
        assert names <= set(desk.settings.labels(desk.repo))

    def test_a_label_whose_answer_is_lost_is_there_once(self, desk: Desk) -> None:
        desk.lose_answer("/labels")
        assert desk.settings.ensure_label(desk.repo, WISH) is True
        assert list(desk.labels()).count(WISH.name) == 1

    # ── the webhook ──────────────────────────────────────────────────────────────────────────────────────────────────

    def test_a_webhook_is_created_with_exactly_what_it_needs(self, desk: Desk) -> None:
        assert isinstance(desk.settings.find_hook(desk.repo, desk.url), Missing)
        made = desk.settings.ensure_hook(desk.repo, desk.wish())
        assert isinstance(made, HookReady)
        assert made.changes
        assert desk.hooks() == [HeldHook(desk.url, SECRET.reveal(), desk.events, active=True, sound=True)]

    def test_one_that_is_right_is_left_alone(self, desk: Desk) -> None:
        desk.settings.ensure_hook(desk.repo, desk.wish())
        before = desk.writes()
        assert desk.settings.ensure_hook(desk.repo, desk.wish()) == HookReady()
        found = desk.settings.find_hook(desk.repo, desk.url)
        assert isinstance(found, Hook)
        assert found.flaws == ()
        assert not found.is_disabled
        assert desk.writes() == before

    def test_one_that_is_spoilt_is_put_right_and_it_is_said_how(self, desk: Desk) -> None:
        desk.add_hook(desk.url, events=frozenset(list(desk.events)[:1]))
        for way in desk.ways:
            desk.spoil_hook(way)
        found = desk.settings.find_hook(desk.repo, desk.url)
        assert isinstance(found, Hook)
        made = desk.settings.ensure_hook(desk.repo, desk.wish())
        assert isinstance(made, HookReady)
        assert made.changes == found.flaws
        assert len(made.changes) == len(desk.ways) + 2
        assert desk.hooks() == [HeldHook(desk.url, SECRET.reveal(), desk.events, active=True, sound=True)]

    def test_no_flaw_is_overlooked_where_it_is_the_only_one(self, desk: Desk) -> None:
        desk.add_hook(desk.url, secret=SECRET.reveal(), events=desk.events)
        right = [HeldHook(desk.url, SECRET.reveal(), desk.events, active=True, sound=True)]
        for way in desk.ways:
            desk.spoil_hook(way)
            assert desk.hooks() != right
            found = desk.settings.find_hook(desk.repo, desk.url)
            assert isinstance(found, Hook)
            assert found.is_disabled is (way == "off"), "nothing is sent to one that is off"
            made = desk.settings.ensure_hook(desk.repo, desk.wish())
            assert isinstance(made, HookReady)
            assert len(made.changes) == 1
            assert desk.hooks() == right

    def test_a_webhook_that_sends_elsewhere_is_not_touched(self, desk: Desk) -> None:
        desk.add_hook(f"{desk.url}/other", secret="theirs")
        before = desk.hooks()
        desk.settings.ensure_hook(desk.repo, desk.wish())
        assert desk.hooks()[:1] == before
        assert len(desk.hooks()) == 2

    def test_a_slash_at_the_end_makes_no_second_webhook(self, desk: Desk) -> None:
        desk.add_hook(f"{desk.url}/", secret=SECRET.reveal(), events=desk.events)
        found = desk.settings.find_hook(desk.repo, desk.url)
        assert isinstance(found, Hook)
        assert found.flaws, "the server has no door of that name"
        assert desk.settings.ensure_hook(desk.repo, desk.wish()) == HookReady(found.flaws)
        assert desk.hooks() == [HeldHook(desk.url, SECRET.reveal(), desk.events, active=True, sound=True)]

    def test_one_behind_many_others_is_found(self, desk: Desk) -> None:
        for number in range(130):
            desk.add_hook(f"{desk.url}/{number}")
        desk.add_hook(desk.url, secret=SECRET.reveal(), events=desk.events)
        assert desk.settings.ensure_hook(desk.repo, desk.wish()) == HookReady()
        assert len(desk.hooks()) == 131

    def test_the_secret_is_set_anew_where_it_is_wished_for_or_turned_away(self, desk: Desk) -> None:
        desk.add_hook(desk.url, secret="old", events=desk.events)
        assert desk.settings.ensure_hook(desk.repo, desk.wish()) == HookReady()
        assert desk.settings.ensure_hook(desk.repo, desk.wish(renew=True)) != HookReady()
        assert [hook.secret for hook in desk.hooks()] == [SECRET.reveal()]

    @pytest.mark.parametrize("status", [401, 500, 0])
    def test_a_delivery_that_failed_is_told(self, desk: Desk, status: int) -> None:
        desk.add_hook(desk.url, secret="old", events=desk.events)
        desk.answer(status)
        found = desk.settings.find_hook(desk.repo, desk.url)
        assert isinstance(found, Hook)
        assert found.failing
        changes = desk.settings.ensure_hook(desk.repo, desk.wish())
        assert (changes != HookReady()) is (status == 401), "a secret that was turned away is set anew"

    def test_a_webhook_whose_answer_is_lost_is_there_once(self, desk: Desk) -> None:
        desk.lose_answer("/hooks")
        assert desk.settings.ensure_hook(desk.repo, desk.wish()) != HookReady()
        assert len(desk.hooks()) == 1

    def test_who_may_not_administer_is_told_what_to_do(self, desk: Desk) -> None:
        desk.demote()
        for answer in (desk.settings.find_hook(desk.repo, desk.url), desk.settings.ensure_hook(desk.repo, desk.wish())):
            assert isinstance(answer, Refused)
            assert answer.next_step.startswith("Give the bot's token")
        assert desk.hooks() == []

    def test_the_secret_is_nowhere_in_what_is_printed(self, desk: Desk) -> None:
        assert SECRET.reveal() not in repr(desk.wish())
        assert SECRET.reveal() not in repr(desk.settings.ensure_hook(desk.repo, desk.wish()))
