"""What every forge adapter must tell of what has happened, judged by what the forge then holds; and of webhooks that
nobody took.

A forge's own test module subclasses `HistoryContract` and gives it a `past`, and `DeliveriesContract` and gives it a
`post`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import replace

import pytest

from bot.core.actions import Missing, Refused
from bot.core.events import Delivery
from bot.core.history import FailedDelivery, Posted, Touched
from bot.core.model import Person, Repo, Role
from bot.forges import Forge, RepositorySettings
from bot.forges.pacing import Manners
from bot.sandbox import Sandbox
from bot.sandbox.deliveries import Delivery as Sent
from bot.sandbox.issues import Scene, edit_comment
from bot.sandbox.state import Hook, Repository
from tests.forges.clocks import Hands

MANY = 130
MISSED = 45


class Past(ABC):
    """A forge with branches `main`, `release/2.7` and, one commit ahead of it, `backport/2.7/1`, and no pull yet.

    `relbot` may write there and is who the adapter speaks for; forge and adapter go by the same clock.
    """

    forge: Forge
    repo: Repo
    idle_cost = 1
    """Requests for a look at a repository where nothing happened."""

    @abstractmethod
    def now(self) -> int: ...
    @abstractmethod
    def forward(self, seconds: float) -> None: ...
    @abstractmethod
    def branch(self, name: str) -> None: ...
    @abstractmethod
    def pull(self, head: str, base: str) -> int: ...
    @abstractmethod
    def merge(self, number: int, *, by: str) -> str: ...
    @abstractmethod
    def close(self, number: int, *, by: str) -> None: ...
    @abstractmethod
    def label(self, number: int, name: str, *, by: str) -> None: ...
    @abstractmethod
    def comment(self, number: int, body: str, *, by: str) -> int: ...
    @abstractmethod
    def edit_comment(self, number: int, comment: int, body: str) -> None: ...
    @abstractmethod
    def person(self, login: str) -> Person: ...
    @abstractmethod
    def move(self) -> None:
        """Rename the repository; `repo` keeps the old name."""

    @abstractmethod
    def remove(self) -> None:
        """Delete the repository."""

    @abstractmethod
    def multiply(self, number: int, times: int, *, apart: int) -> None:
        """Have the same pull so many times more, each touched so many seconds after the one before."""

    @abstractmethod
    def multiply_comment(self, number: int, times: int) -> None:
        """Have the only comment of a pull so many times more."""

    @abstractmethod
    def neighbour(self, path: str, role: Role, *, archived: bool = False, private: bool = False) -> Repo:
        """Another repository, where the bot has this role."""


class HistoryContract:
    """The contract of `bot.forges.History`."""

    def test_a_repository_where_nothing_happened_costs_next_to_nothing(self, past: Past) -> None:
        past.pull("backport/2.7/1", "release/2.7")
        past.forward(60)
        assert past.forge.history.touched(past.repo, past.now()) == ()
        before = past.forge.calls
        assert past.forge.history.touched(past.repo, past.now()) == ()
        assert past.forge.history.posted(past.repo, past.now(), ()) == ()
        assert past.forge.calls - before == past.idle_cost

    def test_whatever_happens_to_a_pull_touches_it_and_the_oldest_comes_first(self, past: Past) -> None:
        numbers, since = [], past.now()
        for name in ("a", "b", "c", "d"):
            past.branch(name)
            numbers.append(past.pull(name, "release/2.7"))
        opened, closed, merged, spoken = numbers
        told = []
        for act in (
            lambda: past.merge(merged, by="ada"), lambda: past.comment(spoken, "hi", by="ada"),
            lambda: past.label(opened, "a b", by="ada"), lambda: past.close(closed, by="ada"),
        ):  # fmt: skip
            past.forward(10)
            told.append(past.now())
            act()
        assert past.forge.history.touched(past.repo, since) == (
            Touched(merged, is_open=False, is_merged=True, labels=(), touched_at=told[0]),
            Touched(spoken, is_open=True, is_merged=False, labels=(), touched_at=told[1]),
            Touched(opened, is_open=True, is_merged=False, labels=("a b",), touched_at=told[2]),
            Touched(closed, is_open=False, is_merged=False, labels=(), touched_at=told[3]),
        )

    def test_comments_of_others_are_told_with_who_wrote_them_when(self, past: Past) -> None:
        number = past.pull("backport/2.7/1", "release/2.7")
        past.comment(number, "before", by="ada")
        past.forward(60)
        since = past.now()
        first = past.comment(number, "/release ping", by="ada")
        past.comment(number, "I am here.", by=past.forge.me().login)
        past.forward(10)
        later = past.comment(number, "ä\n\n> b", by="mallory")
        touched = past.forge.history.touched(past.repo, since)
        assert not isinstance(touched, Missing)
        ada, mallory = past.person("ada"), past.person("mallory")
        assert past.forge.history.posted(past.repo, since, touched) == (
            Posted(number, first, ada, "/release ping", since, is_edited=False),
            Posted(number, later, mallory, "ä\n\n> b", since + 10, is_edited=False),
        )

    def test_a_repository_that_was_renamed_tells_as_before(self, past: Past) -> None:
        since, number = past.now(), past.pull("backport/2.7/1", "release/2.7")
        past.comment(number, "hello", by="ada")
        past.close(number, by="ada")
        touched = tell(past, since)
        past.move()
        assert past.forge.history.touched(past.repo, since) == touched
        posted = past.forge.history.posted(past.repo, since, touched)
        assert not isinstance(posted, Missing)
        assert [one.body for one in posted] == ["hello"]
        assert past.forge.history.open_onto(past.repo, "release/2.7") == ()

    def test_a_repository_that_is_gone_is_missing(self, past: Past) -> None:
        past.remove()
        ghost = Touched(1, is_open=True, is_merged=False, labels=(), touched_at=past.now())
        assert isinstance(past.forge.history.touched(past.repo, 0), Missing)
        assert isinstance(past.forge.history.posted(past.repo, 0, (ghost,)), Missing)
        assert isinstance(past.forge.history.open_onto(past.repo, "main"), Missing)

    def test_the_repositories_are_those_that_can_be_written_to(self, past: Past) -> None:
        team = past.neighbour("ada/zeta", Role.WRITE, private=True)
        first = past.neighbour("Ada/alpha", Role.ADMIN)
        past.neighbour("ada/reading", Role.READ)
        past.neighbour("ada/shelved", Role.WRITE, archived=True)
        past.neighbour("ada/strange", Role.NONE)
        assert past.forge.history.repositories() == (*sorted((first, past.repo, team), key=lambda x: x.path.lower()),)


class HistoryAtLength(HistoryContract):
    """The whole of it, with what does not depend on who asks."""

    def test_what_happened_at_that_very_second_is_told_and_what_was_before_is_not(self, past: Past) -> None:
        since = past.now()
        number = past.pull("backport/2.7/1", "release/2.7")
        assert numbers_of(past.forge.history.touched(past.repo, since)) == [number]
        assert numbers_of(past.forge.history.touched(past.repo, since + 1)) == []

    @pytest.mark.parametrize(("apart", "cost"), [(1, 2), (0, 2)])
    def test_every_pull_is_told_once_however_many_there_are(self, past: Past, apart: int, cost: int) -> None:
        since = past.now()
        number = past.pull("backport/2.7/1", "release/2.7")
        past.multiply(number, MANY, apart=apart)
        past.forge.history.touched(past.repo, since + 10_000)
        before = past.forge.calls
        found = numbers_of(past.forge.history.touched(past.repo, since))
        assert found == list(range(number, number + MANY + 1))
        assert past.forge.calls - before == cost + past.idle_cost - 1

    def test_an_edited_comment_is_told_as_one_with_its_new_text(self, past: Past) -> None:
        number, since = past.pull("backport/2.7/1", "release/2.7"), past.now()
        comment = past.comment(number, "hello", by="ada")
        past.forward(5)
        past.edit_comment(number, comment, "/release ping")
        touched = past.forge.history.touched(past.repo, since)
        assert not isinstance(touched, Missing)
        ada = past.person("ada")
        assert past.forge.history.posted(past.repo, since, touched) == (
            Posted(number, comment, ada, "/release ping", since, is_edited=True),
        )
        assert past.forge.history.posted(past.repo, since + 1, touched) == (), "it was written before"

    def test_comments_on_pulls_that_nobody_asks_about_are_left_out(self, past: Past) -> None:
        since = past.now()
        past.branch("other")
        asked, other = past.pull("backport/2.7/1", "release/2.7"), past.pull("other", "release/2.7")
        past.comment(other, "there", by="ada")
        here = past.comment(asked, "here", by="ada")
        touched = tuple(one for one in tell(past, since) if one.number == asked)
        posted = past.forge.history.posted(past.repo, since, touched)
        assert not isinstance(posted, Missing)
        assert [one.comment for one in posted] == [here]

    def test_every_comment_is_told_however_many_there_are(self, past: Past) -> None:
        number, since = past.pull("backport/2.7/1", "release/2.7"), past.now()
        past.comment(number, "again", by="ada")
        past.multiply_comment(number, MANY)
        posted = past.forge.history.posted(past.repo, since, tell(past, since))
        assert not isinstance(posted, Missing)
        assert len({one.comment for one in posted}) == len(posted) == MANY + 1

    def test_the_open_pulls_onto_a_branch_the_newest_first(self, past: Past) -> None:
        numbers = {}
        for name, base in (("a", "release/2.7"), ("b", "release/2.7"), ("c", "main"), ("d", "release/2.7")):
            past.branch(name)
            numbers[name] = past.pull(name, base)
            past.forward(2)
        past.close(numbers["a"], by="ada")
        found = past.forge.history.open_onto(past.repo, "release/2.7")
        assert not isinstance(found, Missing)
        assert [pull.number for pull in found] == [numbers["d"], numbers["b"]]
        assert all(pull.is_open and pull.base == "release/2.7" for pull in found)


def tell(past: Past, since: int) -> tuple[Touched, ...]:
    found = past.forge.history.touched(past.repo, since)
    assert not isinstance(found, Missing)
    return found


def numbers_of(found: tuple[Touched, ...] | Missing) -> list[int]:
    assert not isinstance(found, Missing)
    return [one.number for one in found]


class SandboxPast:
    """What goes the same way on both faces of the sandbox forge. Its time stands still until it is put forward."""

    repo: Repo
    sandbox: Sandbox
    path: str
    hands: Hands

    def stop_the_clock(self) -> None:
        self.at = int(time.time())
        self.sandbox.forge.clock = lambda: self.at

    def now(self) -> int:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += int(seconds)
        self.hands.forward(seconds)

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        forge, issue = self.sandbox.forge, self.sandbox.issue(self.path, number)
        with forge.changing():
            scene = Scene(forge, self.sandbox.find(self.path), issue, "ada")
            edit_comment(scene, next(one for one in issue.comments if one.id == comment), body)

    def remove(self) -> None:
        self.sandbox.delete_repository(self.path)

    def multiply(self, number: int, times: int, *, apart: int) -> None:
        issues, world = self.sandbox.find(self.path).issues, self.sandbox.forge.world
        for n in range(1, times + 1):
            at = issues[number].updated_at + n * apart
            issues[number + n] = replace(issues[number], id=world.take_id(), number=number + n, updated_at=at)

    def multiply_comment(self, number: int, times: int) -> None:
        comments, world = self.sandbox.issue(self.path, number).comments, self.sandbox.forge.world
        comments += [replace(comments[0], id=world.take_id()) for _ in range(times)]

    def neighbour(self, path: str, role: Role, *, archived: bool = False, private: bool = False) -> Repo:
        made = self.sandbox.create_repository(path, private=private)
        self.sandbox.commit(path, "main", {"a.py": "0\n"}, "start", "ada")
        self.settle_in(made, role)
        if archived:
            self.sandbox.archive(path)
        return Repo(self.repo.forge, made.id, path, "main")

    def settle_in(self, made: Repository, role: Role) -> None:
        """Give the bot its role in another repository."""
        if role > Role.NONE:
            self.sandbox.grant(made.path, "relbot", role.name.lower())


# ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Post(ABC):
    """A forge with one repository, whose webhook sends to `url`, where somebody listens; `relbot` may look after it."""

    settings: RepositorySettings
    repo: Repo
    url: str

    @abstractmethod
    def now(self) -> int: ...
    @abstractmethod
    def forward(self, seconds: float) -> None: ...
    @abstractmethod
    def calls(self) -> int: ...
    @abstractmethod
    def happen(self, times: int = 1) -> list[Sent]:
        """So many things happen that the webhook hears of, or would; what was sent or should have been."""

    @abstractmethod
    def fail(self, status: int = 0) -> None:
        """From now on webhooks fail with this status, 0 for nobody there."""

    @abstractmethod
    def drop(self) -> None:
        """From now on webhooks are lost without a trace."""

    @abstractmethod
    def recover(self) -> None: ...
    @abstractmethod
    def settle(self) -> None:
        """Wait until everything is sent that is to be sent."""

    @abstractmethod
    def parse(self, sent: Sent) -> Delivery:
        """What the bot's server makes of it when it arrives."""

    @abstractmethod
    def demote(self) -> None:
        """Take `relbot` the right to look after the webhook."""

    def failed(self, since: int = 0) -> tuple[FailedDelivery, ...]:
        found = self.settings.deliveries.failed(self.repo, self.url, since)
        assert not isinstance(found, Missing | Refused), found
        return found


class SandboxPost(Post):
    """What goes the same way on both faces of the sandbox forge. Its time stands still until it is put forward."""

    def __init__(self, sandbox: Sandbox, url: str, path: str) -> None:
        self.sandbox, self.url, self.path = sandbox, url, path
        self.at, self.hands = int(time.time()), Hands()
        sandbox.forge.clock = lambda: self.at
        self.manners = Manners(2, (0.01,), pace=None, clock=self.hands.clock)
        made = sandbox.create_repository(path)
        sandbox.commit(path, "main", {"a.py": "0\n"}, "start", "ada")
        self.repo = Repo(sandbox.forge.face.kind, made.id, path, "main")
        sandbox.add_user("relbot", bot=True)
        self.hook = self.add_hook()
        sandbox.commit(path, "main", {"a.py": "1\n"}, "more", "ada")
        self.settle()
        sent = sandbox.deliveries.all[-1]
        self.example = (sent.event, {name: value for name, value in sent.payload.items() if name != "installation"})

    @abstractmethod
    def add_hook(self) -> Hook:
        """Make the webhook, and the connection that may look after it."""

    def now(self) -> int:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += int(seconds)
        self.hands.forward(seconds)

    def happen(self, times: int = 1) -> list[Sent]:
        forge, before = self.sandbox.forge, len(self.sandbox.deliveries.all)
        for _ in range(times):
            with forge.changing():
                forge.emit(self.sandbox.find(self.path), *self.example, wanted="push_events")
            # However often it fails, it is not given up: that is not what these tests are about.
            self.hook.failures, self.hook.disabled_until = 0, None
        return self.sandbox.deliveries.all[before:]

    def fail(self, status: int = 0) -> None:
        self.sandbox.deliveries.fail(status)

    def drop(self) -> None:
        self.sandbox.deliveries.drop()

    def recover(self) -> None:
        self.sandbox.deliveries.recover()

    def settle(self) -> None:
        assert self.sandbox.deliveries.drain(10)

    def demote(self) -> None:
        self.sandbox.grant(self.path, "relbot", "read")


class DeliveriesContract:
    """The contract of `bot.forges.Deliveries`."""

    def test_where_everything_got_through_nothing_is_told_for_two_requests(self, post: Post) -> None:
        post.happen(3)
        post.settle()
        before = post.calls()
        assert post.failed(post.now() - 3600) == ()
        assert post.calls() - before == 2

    @pytest.mark.parametrize("status", [0, 401])
    def test_what_failed_is_told_by_the_name_it_arrives_under_and_sent_again(self, post: Post, status: int) -> None:
        post.fail(status)
        missed = post.happen(2)
        post.recover()
        post.happen()
        post.settle()
        found = post.failed()
        assert [one.id for one in found] == [post.parse(sent).id for sent in missed]
        assert all(abs(one.failed_at - post.now()) <= 2 for one in found)
        assert post.settings.deliveries.redeliver(post.repo, post.url, found[0]) is None
        post.settle()
        assert [sent.statuses for sent in missed] == [[status, 202], [status]]
        assert post.failed() == found[1:]

    def test_a_delivery_that_failed_again_is_told_once_and_can_be_sent_again(self, post: Post) -> None:
        post.fail(503)
        (missed,) = post.happen()
        (first,) = post.failed()
        post.forward(5)
        post.settings.deliveries.redeliver(post.repo, post.url, first)
        post.settle()
        (again,) = post.failed()
        assert (again.id, again.failed_at) == (first.id, first.failed_at + 5)
        assert post.failed(first.failed_at + 1) == (again,)
        post.recover()
        assert post.settings.deliveries.redeliver(post.repo, post.url, again) is None
        post.settle()
        assert missed.statuses == [503, 503, 202]
        assert post.failed() == ()

    def test_what_failed_before_is_left_out(self, post: Post) -> None:
        post.fail()
        post.happen()
        post.forward(60)
        since = post.now()
        (late,) = post.happen()
        assert [one.id for one in post.failed(since)] == [late.id]

    def test_all_that_failed_is_told_however_much_it_was(self, post: Post) -> None:
        post.fail()
        missed = post.happen(MISSED)
        assert [one.id for one in post.failed()] == [sent.id for sent in missed]

    def test_what_left_no_trace_is_not_told(self, post: Post) -> None:
        post.drop()
        assert post.happen() == []
        assert post.failed() == ()

    def test_a_webhook_that_sends_elsewhere_is_missing(self, post: Post) -> None:
        found = post.settings.deliveries.failed(post.repo, "http://127.0.0.1:9/elsewhere", 0)
        assert found == Missing("webhook to http://127.0.0.1:9/elsewhere")

    def test_without_the_right_it_is_refused_with_a_next_step(self, post: Post) -> None:
        post.fail()
        post.happen()
        (lost,) = post.failed()
        post.demote()
        for refused in (
            post.settings.deliveries.failed(post.repo, post.url, 0),
            post.settings.deliveries.redeliver(post.repo, post.url, lost),
        ):
            assert isinstance(refused, Refused | Missing)
        assert isinstance(post.settings.deliveries.failed(post.repo, post.url, 0), Refused)

    def test_a_delivery_that_is_not_there_is_missing_and_a_strange_handle_is_never_sent(self, post: Post) -> None:
        post.fail()
        post.happen()
        (lost,) = post.failed()
        gone = FailedDelivery(lost.id, lost.handle[:-1] + str((int(lost.handle[-1]) + 1) % 10), 0)
        assert post.settings.deliveries.redeliver(post.repo, post.url, gone) == Missing(f"delivery {lost.id}")
        before = post.calls()
        for handle in ("", "../1", "1/../2", "1/2/3", "0", "٣", "1?x", "1\n"):
            strange = FailedDelivery("x", handle, 0)
            assert post.settings.deliveries.redeliver(post.repo, post.url, strange) == Missing("delivery x")
        assert post.calls() == before
