"""What the boards of both forges have in common: they are set up and looked at in the sandbox, whatever its face."""

from __future__ import annotations

from typing import Literal

import requests

from bot.core.events import BadSignature, Delivery, Event, Ignored, Malformed
from bot.core.issues import Milestone
from bot.core.model import Person
from bot.sandbox import Sandbox
from bot.sandbox.deliveries import Delivery as Sent
from bot.sandbox.issues import Scene, add_labels, remove_label, set_milestone, set_state
from bot.sandbox.state import Issue, Release
from tests.forges.contract import Trouble
from tests.forges.work_contract import HeldIssue, WorkVerb

SECRET = "a secret for webhooks"


class SandboxBoard:
    """Mixed into a bench of either forge."""

    sandbox: Sandbox
    path: str
    login: str

    def listen(self, port: int) -> None:
        """Have webhooks sent, and remember from where on."""
        self.sandbox.add_hook(self.path, f"http://127.0.0.1:{port}/", SECRET)
        self.heard = 0

    def parse(self, sent: Sent) -> Delivery | BadSignature | Malformed:
        raise NotImplementedError

    def events(self) -> list[Event]:
        sent = list(self.sandbox.deliveries.all)
        answers = [self.parse(one) for one in sent[self.heard :]]
        self.heard = len(sent)
        assert all(isinstance(answer, Delivery) for answer in answers), answers
        return [one.event for one in answers if isinstance(one, Delivery) and not isinstance(one.event, Ignored)]

    def issue(self, title: str, body: str = "", *, by: str, labels: tuple[str, ...] = ()) -> int:
        return self.sandbox.open_issue(self.path, title, body, by=by, labels=labels)

    def say_on_issue(self, number: int, body: str, *, by: str) -> int:
        return self.sandbox.comment_on_issue(self.path, number, body, by=by).id

    def close_issue(self, number: int) -> None:
        set_state(self._scene(number), "closed")

    def label_issue(self, number: int, name: str) -> None:
        add_labels(self._scene(number), [name])

    def unlabel_issue(self, number: int, name: str) -> None:
        remove_label(self._scene(number), name)

    def write_issue(self, number: int, body: str) -> None:
        self.sandbox.write_issue(self.path, number, body, by="ada")

    def plain(self) -> list[Issue]:
        """The issues that are no pulls."""
        repository = self.sandbox.find(self.path)
        return [one for one in (*repository.issues.values(), *repository.tickets.values()) if one.pull is None]

    def issues(self) -> list[HeldIssue]:
        known = self.sandbox.find(self.path).milestones
        return [
            HeldIssue(
                one.number, one.title, one.body or "", one.user, one.state == "open", tuple(one.labels),
                known[one.milestone].title if one.milestone is not None else None,
            )
            for one in self.plain()
        ]  # fmt: skip

    def said_on_issue(self, number: int) -> list[tuple[str, str]]:
        comments = self.sandbox.plain_issue(self.path, number).comments
        return [(one.user, one.body) for one in comments if not one.system]

    def reactions_on_issue(self, number: int) -> list[tuple[str, str]]:
        comments = self.sandbox.plain_issue(self.path, number).comments
        return [(reaction.user, reaction.content) for one in comments for reaction in one.reactions]

    def milestones(self) -> list[tuple[str, str, bool]]:
        known = self.sandbox.find(self.path).milestones.values()
        return [(one.title, one.description or "", one.state == "open") for one in known]

    def put_into(self, number: int, milestone: Milestone, *, on: Literal["pull", "issue"]) -> None:
        known = self.sandbox.find(self.path).milestones
        which = next(one.number for one in known.values() if one.title == milestone.title)
        find = self.sandbox.issue if on == "pull" else self.sandbox.plain_issue
        set_milestone(self._scene_of(find(self.path, number)), which)

    def close_pull(self, number: int) -> None:
        self.sandbox.close_pull(self.path, number, by="ada")

    def label_pull(self, number: int, name: str) -> None:
        self.sandbox.label(self.path, number, name, by="ada")

    def demand(self, branch: str, *names: str, ruleset: bool) -> None:
        self.sandbox.demand_checks(self.path, branch, *names, ruleset=ruleset)

    def many_releases(self, names: list[str]) -> None:
        repository, world = self.sandbox.find(self.path), self.sandbox.forge.world
        for name in names:
            repository.releases[name] = Release(name, name, "", "ada", 0, 0, world.take_id())

    def now(self) -> int:
        return self.sandbox.forge.now()

    def account(self, login: str) -> Person:
        user = self.sandbox.forge.user(login)
        return Person(user.id, user.login)

    def post(self, path: str, body: dict[str, str], by: str) -> None:
        """Ask the API as somebody else."""
        token = self.sandbox.token_for(by)
        answer = requests.post(
            f"{self.sandbox.url}{path}", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10
        )
        assert answer.ok, answer.text

    def spoil(self, verb: WorkVerb, trouble: Trouble, times: int = 1) -> None:
        raise NotImplementedError

    def _scene(self, number: int) -> Scene:
        return self._scene_of(self.sandbox.plain_issue(self.path, number))

    def _scene_of(self, issue: Issue) -> Scene:
        return Scene(self.sandbox.forge, self.sandbox.find(self.path), issue, "ada")
