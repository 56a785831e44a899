"""Issues on GitLab, which have numbers apart from those of merge requests.

It must never search: what a search finds lags behind. It must never open a second issue with a marker: it looks first,
and again after an answer was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from gitlab.v4.objects import Project

from bot.core.actions import Missing, Refused
from bot.core.issues import Issue, IssueReady, IssueWish, Item, Items
from bot.core.model import Person, Place, Repo
from bot.forges.fields import Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import known, read_person, reading
from bot.forges.gitlab.words import listed, spoken
from bot.forges.pacing import Manners
from bot.forges.traces import await_trace
from bot.forges.wire_fault import WireFault

Json = dict[str, Any]

_MOST_LOOKED_AT = 1000
"""Issues of the bot's that are looked through, the newest first, for one that has lost its label."""


class Issues:
    """Fulfils `bot.forges.Issues` for one connection; `me` asks who the bot is."""

    def __init__(self, connection: Connection, manners: Manners, me: Callable[[], Person]) -> None:
        self._connection = connection
        self._manners = manners
        self._me = me

    def get(self, repo: Repo, number: int) -> Issue | Missing:
        """One issue, in one request."""
        try:
            with reading(f"issue {number} of {repo.path}"):
                return self._read(_project(self._connection, repo).issues.get(number).attributes)
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"issue {number} of {repo.path}")
            raise

    def find(self, repo: Repo, marker: str, label: str, *, anywhere: bool = True) -> Issue | Missing:
        """One request where the issue has its label; else up to ten, for the newest that the bot has opened."""
        found = self._find(repo, marker, label, anywhere=anywhere)
        return Missing(f"issue with {marker} of {repo.path}") if found is None else found

    def ensure(self, repo: Repo, wish: IssueWish) -> IssueReady | Refused:
        """Open the issue, or bring the one that is there to what is wished for."""
        try:
            there = self._find(repo, wish.marker, wish.label)
            made = there is None
            if there is None:
                there = self._open(repo, wish)
            brought = self._bring(repo, there, wish.over(there.body))
        except WireFault as fault:
            return _refused(fault, repo, wish.title)
        return IssueReady(brought, made, edited=brought != there and not made)

    def labelled(self, repo: Repo, label: str, most: int, *, closed: bool = False) -> Items | Missing:
        """A request for a hundred issues, and one for a hundred merge requests."""
        if "," in label:  # no label has one
            return Items()
        return list_items(self._connection, repo, most, labels=label, state="all" if closed else "opened")

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _find(self, repo: Repo, marker: str, label: str, *, anywhere: bool = True) -> Issue | None:
        with reading(f"the bot's issues in {repo.path}"):
            mine = self._mine(repo, marker, labels=label) or (self._mine(repo, marker) if anywhere else [])
            # Of several the oldest, so that everybody who looks finds the same.
            return min(mine, key=lambda one: one.number, default=None)

    def _mine(self, repo: Repo, marker: str, **asked: str) -> list[Issue]:
        found = _project(self._connection, repo).issues.list(
            iterator=True, scope="all", state="all", author_id=self._me().id,
            order_by="created_at", sort="desc", **asked,
        )  # fmt: skip
        issues = (self._read(one.attributes) for one in islice(found, _MOST_LOOKED_AT))
        return [one for one in issues if one.is_mine and marker in one.body]

    def _read(self, attributes: Mapping[str, Any]) -> Issue:
        found = Fields("", dict(attributes))
        author = read_person(found, "author")
        me = self._me()
        return Issue(
            number=found.number("iid"),
            title=found.text("title"),
            body=found.text("description") if found.has("description") else "",
            url=found.text("web_url"),
            author=me if author.id == me.id else author,
            is_open=found.says("state", "opened"),
            labels=found.texts("labels"),
            milestone=found.fields("milestone").number("id") if found.has("milestone") else None,
            is_mine=author.id == me.id,
        )

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self, repo: Repo, wish: IssueWish) -> Issue:
        labels = listed((wish.label, *wish.labels))
        body: Json = {"title": wish.title, "description": spoken(wish.body), "labels": labels}
        if wish.milestone is not None:
            body["milestone_id"] = wish.milestone
        try:
            with reading(f"the issue just opened in {repo.path}"):
                return self._read(_project(self._connection, repo).issues.create(body).attributes)
        except WireFault as fault:
            if not fault.in_doubt:
                raise
            # Not opened again here: the forge may still be about to act, and it takes any number of them.
            found = await_trace(self._manners, lambda: self._find(repo, wish.marker, wish.label))
            if found is None:
                raise
            return found

    def _bring(self, repo: Repo, there: Issue, wish: IssueWish) -> Issue:
        """Edit what differs, with one request; nothing is sent where nothing does."""
        edit: Json = {}
        if there.title != wish.title:
            edit["title"] = wish.title
        if there.body.rstrip() != spoken(wish.body).rstrip():
            edit["description"] = spoken(wish.body)
        if there.is_open != wish.is_open:
            edit["state_event"] = "reopen" if wish.is_open else "close"
        if wish.milestone not in {None, there.milestone}:
            edit["milestone_id"] = wish.milestone
        if lacking := [name for name in (wish.label, *wish.labels) if name not in there.labels]:
            edit["add_labels"] = listed(tuple(lacking))
        if not edit:
            return there
        with known(), reading(f"issue {there.number} of {repo.path}"):
            return self._read(_project(self._connection, repo).issues.update(there.number, edit))


def list_items(connection: Connection, repo: Repo, most: int, **asked: str) -> Items | Missing:
    """The issues and merge requests that are asked for, the open ones unless it is said otherwise, the newest first of
    each.
    """
    project = _project(connection, repo)
    options: Json = {"scope": "all", "state": "opened", "order_by": "created_at", "sort": "desc", **asked}
    try:
        with reading(f"the open issues of {repo.path}"):
            issues = islice(project.issues.list(iterator=True, **options), most + 1)
            found = [*_read_items(issues, "issue")]
            pulls = islice(project.mergerequests.list(iterator=True, **options), max(0, most + 1 - len(found)))
            found += _read_items(pulls, "pull")
            return Items(tuple(found[:most]), more=len(found) > most)
    except WireFault as fault:
        if fault.status == 404:
            return Missing(f"repository {repo.path}")
        raise


def _project(connection: Connection, repo: Repo) -> Project:
    return connection.client.projects.get(repo.id, lazy=True)


def _read_items(found: Iterator[Any], on: Place) -> Iterator[Item]:
    for each in found:
        one = Fields("", dict(each.attributes))
        yield Item(one.number("iid"), on, one.text("title"), one.text("web_url"), one.texts("labels"))


def _refused(fault: WireFault, repo: Repo, title: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404, 422):
        raise fault
    step = f"Give the bot the role Developer in {repo.path}, and see that the project has issues."
    return Refused(f"GitLab did not take the issue “{title}”: {fault.said or fault}", step)
