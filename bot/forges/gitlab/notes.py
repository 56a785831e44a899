"""The bot's comments on merge requests and issues of GitLab, which have numbers of their own each.

It must never take one for the other, nor write a comment twice: it looks for what a lost answer may have left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.core.actions import EnsureComment, Reaction
from bot.core.model import Comment, Person, Place, Repo
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import is_by_people, known, read_comment, reading
from bot.forges.gitlab.words import spoken
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault

_AWARDS: dict[Reaction, str] = {"eyes": "eyes", "rocket": "rocket", "confused": "confused", "-1": "thumbsdown"}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where comments stand."""

    repo: Repo
    number: int
    on: Place

    def __str__(self) -> str:
        return f"{self.repo.path}{'!' if self.on == 'pull' else '#'}{self.number}"


class Notes:
    """What the adapter needs to speak; `me` asks who the bot is."""

    def __init__(self, connection: Connection, manners: Manners, me: Callable[[], Person]) -> None:
        self._connection = connection
        self._manners = manners
        self._me = me

    def find(self, spot: Spot, marker: str) -> Comment | None:
        """The bot's own first comment that holds `marker`."""
        me = self._me()
        with known(), reading(f"the comments of {spot}"):
            notes = self._of(spot).list(iterator=True, order_by="created_at", sort="asc")
            comments = (read_comment(note.attributes) for note in notes if is_by_people(note.attributes))
            found = next((one for one in comments if one.author.id == me.id and marker in one.body), None)
        return None if found is None else Comment(found.id, me, found.body)

    def ensure(self, wish: EnsureComment) -> Comment:
        """Edit the comment that is there, or write it; one that somebody has deleted meanwhile is written anew."""
        spot = Spot(wish.repo, wish.number, wish.on)
        if wish.existing is not None and (edited := self._edit(spot, wish.existing, wish.body)):
            return edited
        found = self.find(spot, wish.marker)
        if found and found.body.rstrip() == spoken(wish.body).rstrip():
            return found
        if found and (edited := self._edit(spot, found.id, wish.body)):
            return edited
        try:
            return self._write(spot, wish.body)
        except WireFault as fault:
            if not fault.in_doubt:
                raise
            return self._await(spot, wish.marker, fault)

    def react(self, spot: Spot, comment: int, reaction: Reaction) -> None:
        """Award an emoji to a comment."""
        awards = self._of(spot).get(comment, lazy=True).awardemojis
        try:
            with reading(f"comment {comment} of {spot}"):
                awards.create({"name": _AWARDS[reaction]})
        except WireFault as fault:
            if "already been taken" not in fault.said:
                raise

    def _write(self, spot: Spot, body: str) -> Comment:
        with known(), reading(f"the comment just written on {spot}"):
            return self._own(read_comment(self._of(spot).create({"body": spoken(body)}).attributes))

    def _await(self, spot: Spot, marker: str, fault: WireFault) -> Comment:
        # Not written again here: the forge may still be about to act, and nothing would refuse a second comment.
        for wait in self._manners.waits:
            self._manners.clock.sleep(wait)
            found = self.find(spot, marker)
            if found:
                return found
        raise fault

    def _edit(self, spot: Spot, comment: int, body: str) -> Comment | None:
        try:
            with known(), reading(f"comment {comment} of {spot}"):
                return self._own(read_comment(self._of(spot).update(comment, {"body": spoken(body)})))
        except WireFault as fault:
            if fault.status == 404:
                return None
            raise

    def _own(self, comment: Comment) -> Comment:
        me = self._me()
        return Comment(comment.id, me, comment.body) if comment.author.id == me.id else comment

    def _of(self, spot: Spot) -> Any:  # noqa: ANN401 - python-gitlab has a kind for each, of the same methods
        project = self._connection.client.projects.get(spot.repo.id, lazy=True)
        shelf = project.mergerequests if spot.on == "pull" else project.issues
        return shelf.get(spot.number, lazy=True).notes
