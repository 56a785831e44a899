"""What happened in projects on GitLab, for whoever was not told; and which projects there are.

It must never leave a merge request out because something happened to another one while the list was read: lists are
read on from the time of what was seen last, never by the number of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from bot.core.actions import Missing
from bot.core.history import Posted, Touched
from bot.core.issues import TRACKER_LABEL
from bot.core.model import Person, Place, Pull, Repo
from bot.forges.fields import Fields, UnreadableError
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import is_by_people, read_person, read_pull, reading
from bot.forges.gitlab.wire import PAGE
from bot.forges.wire_fault import WireFault

_DEVELOPER = 30


class History:
    """Fulfils `bot.forges.History` for one connection; `me` asks who the bot is."""

    def __init__(self, connection: Connection, me: Callable[[], Person]) -> None:
        self._connection = connection
        self._me = me

    def allowance_of(self, repo: Repo) -> str:  # noqa: ARG002 - GitLab limits the account, wherever it goes
        """One for all."""
        return ""

    def repositories(self) -> tuple[Repo, ...]:
        """A request for every hundred projects. Those that have no branch yet, or no merge requests, are left out."""
        with reading("the projects that the bot can write to"):
            listed = self._connection.client.projects.list(
                iterator=True, membership=True, min_access_level=_DEVELOPER, archived=False, simple=True,
                with_merge_requests_enabled=True, pagination="keyset", order_by="id", sort="asc",
            )  # fmt: skip
            projects = (Fields("", one.attributes) for one in listed)
            found = [_read_project(one) for one in projects if one.has("default_branch")]
        return tuple(sorted(found, key=lambda repo: repo.path.lower()))

    def touched(self, repo: Repo, since: int) -> tuple[Touched, ...] | Missing:
        """One request for a hundred merge requests that something happened to, and one where nothing did; the same
        again for trackers, since GitLab has a list of issues apart.
        """
        try:
            with reading(f"what happened in {repo.path}"):
                pulls = [_read_touched(one, "pull") for one in self._each_since(repo, since, "merge_requests")]
                asked = self._each_since(repo, since, "issues", labels=TRACKER_LABEL)
                trackers = [_read_touched(one, "issue") for one in asked]
                found = {(one.on, one.number): one for one in (*pulls, *trackers)}
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"repository {repo.path}")
            raise
        return tuple(sorted(found.values(), key=lambda one: (one.touched_at, one.number)))

    def posted(self, repo: Repo, since: int, touched: tuple[Touched, ...]) -> tuple[Posted, ...] | Missing:
        """A request for each merge request or tracker that was touched: GitLab has no list of a project's notes."""
        found: list[Posted] = []
        try:
            for one in touched:
                found += self._posted_on(repo, since, one)
        except WireFault as fault:
            if fault.status == 404 and "Project" in fault.said:
                return Missing(f"repository {repo.path}")
            raise
        theirs = [one for one in found if one.actor.id != self._me().id]
        return tuple(sorted(theirs, key=lambda one: (one.posted_at, one.comment)))

    def open_onto(self, repo: Repo, base: str) -> tuple[Pull, ...] | Missing:
        """The open merge requests onto a branch, the newest first, with an empty `base_sha` as in all lists."""
        project = self._connection.client.projects.get(repo.id, lazy=True)
        try:
            with reading(f"the open pulls onto {base} of {repo.path}"):
                found = project.mergerequests.list(
                    iterator=True, target_branch=base, state="opened", order_by="created_at", sort="desc"
                )
                return tuple(read_pull(one.attributes) for one in found)
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"repository {repo.path}")
            raise

    def _posted_on(self, repo: Repo, since: int, touched: Touched) -> list[Posted]:
        """The newest first, so that what is too old need not be read. Of what is gone there is none."""
        project = self._connection.client.projects.get(repo.id, lazy=True)
        shelf = project.mergerequests if touched.on == "pull" else project.issues
        notes = shelf.get(touched.number, lazy=True).notes
        found = []
        try:
            with reading(f"what was said on {touched.on} {touched.number} of {repo.path}"):
                for each in notes.list(
                    iterator=True, order_by="created_at", sort="desc", activity_filter="only_comments"
                ):
                    note = Fields("", each.attributes)
                    if _seconds(note, "created_at") < since:
                        break
                    if is_by_people(each.attributes) and not _is_confidential(note):
                        found.append(_read_note(note, touched))
        except WireFault as fault:
            if fault.status != 404 or "Project" in fault.said:
                raise
        return found

    def _each_since(self, repo: Repo, since: int, kind: str, **asked_too: str) -> Iterator[Fields]:
        """What of a kind was updated at that time or later, the oldest first; some of it perhaps twice."""
        cursor, page = since, 1
        while True:
            asked = {
                "state": "all", "scope": "all", "order_by": "updated_at", "sort": "asc", "per_page": PAGE, "page": page,
                "updated_after": datetime.fromtimestamp(max(cursor, 0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                **asked_too,
            }  # fmt: skip
            path = f"/projects/{repo.id}/{kind}"
            answer = self._connection.client.http_request("get", path, query_data=asked)
            items = answer.json()
            if not isinstance(items, list):
                raise UnreadableError("the body is not a list")
            found = [Fields(str(index), one) for index, one in enumerate(items)]
            yield from found
            if "next" not in answer.links or not found:
                return
            reached = _seconds(found[-1], "updated_at")
            cursor, page = (reached, 1) if reached > cursor else (cursor, page + 1)


def _read_project(found: Fields) -> Repo:
    return Repo("gitlab", found.number("id"), found.text("path_with_namespace"), found.text("default_branch"))


def _read_touched(found: Fields, on: Place) -> Touched:
    state = found.text("state")
    return Touched(
        number=found.number("iid"),
        is_open=state in {"opened", "locked"},  # locked: it is being merged at this moment
        is_merged=state == "merged",
        labels=found.texts("labels"),
        touched_at=_seconds(found, "updated_at"),
        on=on,
    )


def _read_note(found: Fields, place: Touched) -> Posted:
    """A note. GitLab changes the time of the last edit for reactions too, and says of neither which it was: a note that
    somebody has reacted to counts as edited, because an edited one must not pass for what it was not.
    """
    return Posted(
        number=place.number,
        comment=found.number("id"),
        actor=read_person(found, "author"),
        body=found.text("body"),
        posted_at=_seconds(found, "created_at"),
        is_edited=(_moment(found, "updated_at") - _moment(found, "created_at")).total_seconds() >= 1,
        on=place.on,
    )


def _is_confidential(note: Fields) -> bool:
    """A public answer would give it away."""
    return any(note.has(name) and not note.says(name, value=False) for name in ("internal", "confidential"))


def _moment(found: Fields, name: str) -> datetime:
    return datetime.fromisoformat(found.text(name))


def _seconds(found: Fields, name: str) -> int:
    return int(_moment(found, name).timestamp())
