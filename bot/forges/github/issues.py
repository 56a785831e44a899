"""Issues on GitHub, where pulls are issues too: they share numbers, labels, comments and lists.

It must never search: what a search finds lags behind. It must never open a second issue with a marker: it looks first,
and again after an answer was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from bot.core.actions import Missing, Refused
from bot.core.issues import Issue, IssueReady, IssueWish, Item, Items
from bot.core.model import Person, Place, Repo
from bot.forges.fields import Fields
from bot.forges.github.connection import Connection
from bot.forges.github.pages import ask, each
from bot.forges.github.reading import GHOST, reading
from bot.forges.pacing import Manners
from bot.forges.traces import await_trace
from bot.forges.wire_fault import WireFault

Json = dict[str, Any]

_GONE = (404, 410)
"""410 for an issue that was deleted, and where a repository has no issues."""
NO_ISSUES = 410
_MOST_LOOKED_AT = 1000
"""Issues and pulls of the bot's that are looked through, the newest first, for one that has lost its label."""


class Issues:
    """Fulfils `bot.forges.Issues` for one connection."""

    def __init__(self, connection: Connection, manners: Manners) -> None:
        self._connection = connection
        self._manners = manners

    def get(self, repo: Repo, number: int) -> Issue | Missing:
        """One issue, in one request. Of one that was moved to another repository GitHub shows that one: it is gone."""
        missing = Missing(f"issue {number} of {repo.path}")
        try:
            with reading(f"issue {number} of {repo.path}"):
                found = ask(self._connection.wire(repo), f"{place_of(repo)}/issues/{number}")
                is_here = found.says("number", number) and not found.has("pull_request")
                return self._read(found) if is_here else missing
        except WireFault as fault:
            if fault.status in _GONE:
                return missing
            raise

    def find(self, repo: Repo, marker: str, label: str, *, anywhere: bool = True) -> Issue | Missing:
        """One request where the issue has its label; else up to ten, for the newest that the bot has opened."""
        try:
            found = self._find(repo, marker, label, anywhere=anywhere)
        except WireFault as fault:
            if fault.status != NO_ISSUES:
                raise
            found = None
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
        """A request for a hundred."""
        return list_items(self._connection, repo, most, labels=label, state="all" if closed else "open")

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _find(self, repo: Repo, marker: str, label: str, *, anywhere: bool = True) -> Issue | None:
        with reading(f"the bot's issues in {repo.path}"):
            mine = self._mine(repo, marker, labels=label) or (self._mine(repo, marker) if anywhere else [])
            # Of several the oldest, so that everybody who looks finds the same.
            return min(mine, key=lambda one: one.number, default=None)

    def _mine(self, repo: Repo, marker: str, **asked: str) -> list[Issue]:
        me = self._connection.me
        listed = each(
            self._connection.wire(repo), f"{place_of(repo)}/issues",
            state="all", creator=me.login, sort="created", direction="desc", **asked,
        )  # fmt: skip
        issues = (self._read(one) for one in islice(listed, _MOST_LOOKED_AT) if not one.has("pull_request"))
        return [one for one in issues if one.is_mine and marker in one.body]

    def _read(self, found: Fields) -> Issue:
        author = read_account(found)
        return Issue(
            number=found.number("number"),
            title=found.text("title"),
            body=found.text("body") if found.has("body") else "",
            url=found.text("html_url"),
            author=author,
            is_open=found.says("state", "open"),
            labels=read_labels(found),
            milestone=found.fields("milestone").number("number") if found.has("milestone") else None,
            is_mine=author.id == self._connection.me.id,
        )

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self, repo: Repo, wish: IssueWish) -> Issue:
        body: Json = {"title": wish.title, "body": wish.body, "labels": [wish.label, *wish.labels]}
        if wish.milestone is not None:
            body["milestone"] = wish.milestone
        try:
            return self._send(repo, "POST", "", body)
        except WireFault as fault:
            if not fault.in_doubt:
                raise
            # Not opened again here: the forge may still be about to act, and it takes any number of them.
            found = await_trace(self._manners, lambda: self._find(repo, wish.marker, wish.label))
            if found is None:
                raise
            return found

    def _bring(self, repo: Repo, there: Issue, wish: IssueWish) -> Issue:
        """Edit what differs; nothing is sent where nothing does."""
        pairs: tuple[tuple[str, object, object, object], ...] = (
            ("title", there.title, wish.title, wish.title),
            ("body", settled(there.body), settled(wish.body), wish.body),
            ("state", there.is_open, wish.is_open, "open" if wish.is_open else "closed"),
            ("milestone", there.milestone, wish.milestone or there.milestone, wish.milestone),
        )
        edit = {name: sent for name, is_so, wanted, sent in pairs if is_so != wanted}
        there = self._send(repo, "PATCH", f"/{there.number}", edit) if edit else there
        known = {name.casefold() for name in there.labels}
        lacking = [name for name in (wish.label, *wish.labels) if name.casefold() not in known]
        if not lacking:
            return there
        with reading(f"the labels of {repo.path}#{there.number}"):
            # Added one by one they take off nothing that people put on meanwhile, as an edit of all would.
            where = f"{place_of(repo)}/issues/{there.number}/labels"
            self._connection.wire(repo).requestJsonAndCheck("POST", where, input={"labels": lacking})
        again = self.get(repo, there.number)
        return there if isinstance(again, Missing) else again

    def _send(self, repo: Repo, verb: str, where: str, body: Json) -> Issue:
        with reading(f"the issue just written in {repo.path}"):
            answer = self._connection.wire(repo).requestJsonAndCheck(
                verb, f"{place_of(repo)}/issues{where}", input=body
            )[1]
            return self._read(Fields("", answer))


def place_of(repo: Repo) -> str:
    """Where a repository is whatever its name is now: a redirect from a former name forgets what was asked for."""
    return f"/repositories/{repo.id}"


def settled(text: str) -> str:
    """A text as forges may keep it: they change the ends of lines."""
    return text.replace("\r\n", "\n").rstrip()


def list_items(connection: Connection, repo: Repo, most: int, **asked: str) -> Items | Missing:
    """The issues and pulls that are asked for, the open ones unless it is said otherwise, the newest first."""
    asked = {"state": "open", "sort": "created", "direction": "desc", **asked}
    try:
        with reading(f"the open issues of {repo.path}"):
            listed = each(connection.wire(repo), f"{place_of(repo)}/issues", **asked)
            found = tuple(_read_items(islice(listed, most + 1)))
    except WireFault as fault:
        if fault.status == NO_ISSUES:
            found = tuple(islice(_pulls_alone(connection, repo, asked), most + 1))
        elif fault.status in _GONE:
            return Missing(f"repository {repo.path}")
        else:
            raise
    return Items(found[:most], more=len(found) > most)


def _pulls_alone(connection: Connection, repo: Repo, asked: dict[str, str]) -> Iterator[Item]:
    """Where a repository has no issues, the newest pulls are looked through: their list knows labels of none."""
    label, milestone = asked.pop("labels", None), asked.pop("milestone", None)
    with reading(f"the pulls of {repo.path}"):
        listed = islice(each(connection.wire(repo), f"{place_of(repo)}/pulls", **asked), _MOST_LOOKED_AT)
        for one in listed:
            is_in = one.has("milestone") and one.fields("milestone").says("number", int(milestone or 0))
            if (label is None or label in read_labels(one)) and (milestone is None or is_in):
                yield Item(one.number("number"), "pull", one.text("title"), one.text("html_url"), read_labels(one))


def _read_items(listed: Iterator[Fields]) -> Iterator[Item]:
    for one in listed:
        on: Place = "pull" if one.has("pull_request") else "issue"
        yield Item(one.number("number"), on, one.text("title"), one.text("html_url"), read_labels(one))


def read_account(found: Fields) -> Person:
    """Who opened something; an account that is gone is `GHOST`."""
    if not found.has("user"):
        return GHOST
    user = found.fields("user")
    return Person(user.number("id"), user.text("login"), is_bot=user.says("type", "Bot"))


def read_labels(found: Fields) -> tuple[str, ...]:
    """The names of the labels, in the order that they come in."""
    return tuple(label.text("name") for label in found.each("labels") if label.has("name"))


def _refused(fault: WireFault, repo: Repo, title: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (403, 404, 410, 422):
        raise fault
    step = f"Give the bot's token the permission issues: write in {repo.path}, and see that the repository has issues."
    return Refused(f"GitHub did not take the issue “{title}”: {fault.said or fault}", step)
