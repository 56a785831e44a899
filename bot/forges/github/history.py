"""What happened in repositories on GitHub, for whoever was not told; and which repositories there are.

It must never leave a pull out because something happened to another one while the list was read: lists are read on from
the time of what was seen last, never by the number of the page.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from github.Repository import Repository

from bot.core.actions import Missing
from bot.core.errors import Fault
from bot.core.history import Posted, Touched
from bot.core.issues import TRACKER_LABEL
from bot.core.model import Person, Pull, Repo
from bot.forges.fields import Fields
from bot.forges.github.connection import Connection
from bot.forges.github.identity import Listing
from bot.forges.github.pages import each, read_page
from bot.forges.github.reading import GHOST, read_pull, reading
from bot.forges.github.wire import Wire
from bot.forges.wire_fault import WireFault

_ISSUE = re.compile(r"/issues/([1-9][0-9]{0,17})\Z", re.ASCII)
_NO_ISSUES = 410

_log = logging.getLogger(__name__)


class History:
    """Fulfils `bot.forges.History` for one connection."""

    def __init__(self, connection: Connection, *, is_app: bool) -> None:
        self._connection = connection
        self._is_app = is_app

    def allowance_of(self, repo: Repo) -> str:
        """GitHub limits an account with all its tokens, and an App by itself in each place that it is installed in."""
        return repo.path.partition("/")[0].lower() if self._is_app else ""

    def repositories(self) -> tuple[Repo, ...]:
        """A request for every hundred repositories, and for an App two more for each place that it is installed in."""
        found: dict[int, Repo] = {}
        trouble = None
        for wire, listing in self._connection.everywhere():
            try:
                with reading("the repositories that the bot can write to"):
                    found |= {repo.id: repo for repo in _each_repository(wire, listing)}
            except Fault as fault:  # one owner may lock us out, or have used up what is theirs: the others have not
                _log.warning("some repositories are left out: %s", fault)
                trouble = fault
        if trouble and not found:
            raise trouble
        return tuple(sorted(found.values(), key=lambda repo: repo.path.lower()))

    def touched(self, repo: Repo, since: int) -> tuple[Touched, ...] | Missing:
        """One request for a hundred issues and pulls that something happened to, and one where nothing did: trackers
        cost nothing, since GitHub lists issues here anyhow.
        """
        wire = self._connection.wire(repo)
        try:
            with reading(f"what happened in {repo.path}"):
                found = {one.number: one for one in _each_touched(wire, repo, since)}
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"repository {repo.path}")
            raise
        return tuple(sorted(found.values(), key=lambda one: (one.touched_at, one.number)))

    def posted(self, repo: Repo, since: int, touched: tuple[Touched, ...]) -> tuple[Posted, ...] | Missing:
        """One request for a hundred comments; none where nothing was touched."""
        if not touched:
            return ()
        places, wire = {one.number: one.on for one in touched}, self._connection.wire(repo)
        try:
            with reading(f"what was said in {repo.path}"):
                said = map(_read_comment, _each_said(wire, repo, since, set(places)))
                found = {one.comment: replace(one, on=places[one.number]) for one in said if one.number in places}
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"repository {repo.path}")
            raise
        new = [one for one in found.values() if one.posted_at >= since]
        theirs = [one for one in new if one.actor.id != self._connection.me.id]
        return tuple(sorted(theirs, key=lambda one: (one.posted_at, one.comment)))

    def open_onto(self, repo: Repo, base: str) -> tuple[Pull, ...] | Missing:
        """The open pulls onto a branch, the newest first."""
        try:
            with reading(f"the open pulls onto {base} of {repo.path}"):
                there = Repository(self._connection.wire(repo), url=_place(repo))
                found = map(read_pull, there.get_pulls(state="open", base=base, sort="created", direction="desc"))
                return tuple(pull for pull in found if pull.is_open and pull.base == base)
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"repository {repo.path}")
            raise


def _each_repository(wire: Wire, listing: Listing) -> Iterator[Repo]:
    for found in each(wire, listing.path, listing.key):
        # What an App may do is said where it is installed, not of each repository.
        writable = listing.may_write or (found.has("permissions")
                                         and found.fields("permissions").says("push", value=True))  # fmt: skip
        if writable and not found.says("archived", value=True) and not found.says("disabled", value=True):
            yield Repo("github", found.number("id"), found.text("full_name"), found.text("default_branch"))


def _place(repo: Repo) -> str:
    """Where a repository is whatever its name is now: a redirect from a former name forgets what was asked for."""
    return f"/repositories/{repo.id}"


def _each_touched(wire: Wire, repo: Repo, since: int) -> Iterator[Touched]:
    try:
        for found in _each_since(wire, f"{_place(repo)}/issues", since, state="all"):
            if found.has("pull_request"):
                yield _read_touched(found, found.fields("pull_request"))
            elif TRACKER_LABEL in (touched := _read_touched(found, found)).labels:
                yield replace(touched, on="issue")
    except WireFault as fault:
        if fault.status != _NO_ISSUES:
            raise
        yield from _each_touched_pull(wire, repo, since)


def _each_touched_pull(wire: Wire, repo: Repo, since: int) -> Iterator[Touched]:
    """Where a repository has no issues; this list knows no times, and while it is read nothing moves out of sight."""
    for found in each(wire, f"{_place(repo)}/pulls", state="all", sort="updated", direction="desc"):
        touched = _read_touched(found, found)
        if touched.touched_at < since:
            return
        yield touched


def _each_said(wire: Wire, repo: Repo, since: int, numbers: set[int]) -> Iterator[Fields]:
    try:
        yield from _each_since(wire, f"{_place(repo)}/issues/comments", since)
    except WireFault as fault:
        if fault.status != _NO_ISSUES:
            raise
        for number in sorted(numbers):  # what is said on a pull is there, whether there are issues or not
            yield from each(wire, f"{_place(repo)}/issues/{number}/comments", since=_stamp(since - 1))


def _each_since(wire: Wire, path: str, since: int, **parameters: str) -> Iterator[Fields]:
    """What was updated at that time or later, the oldest first; some of it perhaps twice.

    GitHub says that it tells what is later than a time, which may or may not hold that very second.
    """
    cursor, page = since - 1, 1
    asked = {"sort": "updated", "direction": "asc", **parameters}
    while True:
        found, more = read_page(wire, path, **asked, since=_stamp(cursor), page=str(page))
        for one in found:
            if _seconds(one, "updated_at") >= since:
                yield one
        if not more or not found:
            return
        reached = _seconds(found[-1], "updated_at") - 1
        cursor, page = (reached, 1) if reached > cursor else (cursor, page + 1)


def _read_touched(found: Fields, pull: Fields) -> Touched:
    labels = [label.text("name") for label in found.each("labels") if label.has("name")]
    return Touched(
        number=found.number("number"),
        is_open=found.says("state", "open"),
        is_merged=pull.has("merged_at"),
        labels=tuple(labels),
        touched_at=_seconds(found, "updated_at"),
    )


def _read_comment(found: Fields) -> Posted:
    match = _ISSUE.search(found.text("issue_url"))
    return Posted(
        number=int(match[1]) if match else 0,
        comment=found.number("id"),
        actor=_read_person(found),
        body=found.text("body") if found.has("body") else "",
        posted_at=_seconds(found, "created_at"),
        is_edited=not found.says("updated_at", found.text("created_at")),
    )


def _read_person(found: Fields) -> Person:
    if not found.has("user"):
        return GHOST
    user = found.fields("user")
    return Person(user.number("id"), user.text("login"), is_bot=user.says("type", "Bot"))


def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(max(seconds, 0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(found: Fields, name: str) -> int:
    return int(datetime.fromisoformat(found.text(name)).timestamp())
