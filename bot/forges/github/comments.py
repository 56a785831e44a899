"""The bot's comments on pulls and issues of GitHub.

It must never write one twice: it looks for what a lost answer may have left behind.
"""

from __future__ import annotations

from github.Issue import Issue
from github.Repository import Repository

from bot.core.actions import EnsureComment
from bot.core.model import Comment, Repo
from bot.forges.github.connection import Connection
from bot.forges.github.known import known
from bot.forges.github.reading import read_comment, reading
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault


class Comments:
    """What the adapter needs to speak; a pull is an issue here."""

    def __init__(self, connection: Connection, manners: Manners) -> None:
        self._connection = connection
        self._manners = manners

    def find(self, repo: Repo, number: int, marker: str) -> Comment | None:
        """The bot's own first comment that holds `marker`. Anybody else may paste the marker, and is passed over."""
        me = self._connection.me
        with known(self._connection, repo), reading(f"the comments of {repo.path}#{number}"):
            comments = map(read_comment, self._issue(repo, number).get_comments())
            return next((found for found in comments if found.author.id == me.id and marker in found.body), None)

    def ensure(self, wish: EnsureComment) -> Comment:
        """Edit the comment that is there, or write it; one that somebody has deleted meanwhile is written anew."""
        if wish.existing is not None and (edited := self._edit(wish, wish.existing)):
            return edited
        found = self.find(wish.repo, wish.number, wish.marker)
        if found and found.body == wish.body:
            return found
        if found and (edited := self._edit(wish, found.id)):
            return edited
        try:
            return self._write(wish)
        except WireFault as fault:
            if not fault.in_doubt:
                raise
            return self._await(wish, fault)

    def _write(self, wish: EnsureComment) -> Comment:
        with known(self._connection, wish.repo), reading(f"the comment just written on {wish.repo.path}#{wish.number}"):
            return read_comment(self._issue(wish.repo, wish.number).create_comment(wish.body))

    def _await(self, wish: EnsureComment, fault: WireFault) -> Comment:
        # Not written again here: the forge may still be about to act, and nothing would refuse a second comment.
        for wait in self._manners.waits:
            self._manners.clock.sleep(wait)
            found = self.find(wish.repo, wish.number, wish.marker)
            if found:
                return found
        raise fault

    def _edit(self, wish: EnsureComment, comment: int) -> Comment | None:
        found = self._issue(wish.repo, wish.number).get_comment(comment)
        try:
            with reading(f"comment {comment} of {wish.repo.path}"):
                found.edit(wish.body)
                return read_comment(found)
        except WireFault as fault:
            if fault.status == 404:
                return None
            raise

    def _issue(self, repo: Repo, number: int) -> Issue:
        return Repository(self._connection.wire(repo), url=f"/repos/{repo.path}").get_issue(number)
