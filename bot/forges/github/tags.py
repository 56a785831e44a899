"""Tags on GitHub: an object with the message first, then the ref that names it.

It must never move a tag, nor delete one: `ensure` only ever creates, and GitHub refuses a second of the same name.
"""

from __future__ import annotations

from urllib.parse import quote

from bot.core.actions import Missing, Refused
from bot.core.model import Repo, Tag
from bot.core.refs import TagMoved, TagReady
from bot.forges.fields import OBJECT_ID, Fields
from bot.forges.github.connection import Connection
from bot.forges.github.pages import ask, each
from bot.forges.github.reading import reading
from bot.forges.github.wire import Wire
from bot.forges.ref_names import can_be_made, is_ref_name
from bot.forges.wire_fault import WireFault

_DEEPEST = 10
"""Tags may name tags; nobody has more of them in a row."""


class Tags:
    """Fulfils `bot.forges.Tags` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, repo: Repo) -> tuple[Tag, ...]:
        """Every tag."""
        with reading(f"the tags of {repo.path}"):
            found = each(self._connection.wire(repo), f"/repos/{repo.path}/tags")
            return tuple(Tag(one.text("name"), one.fields("commit").matching("sha", OBJECT_ID)) for one in found)

    def find(self, repo: Repo, name: str) -> Tag | Missing:
        """One tag as it is now: two requests, or one when it has no object of its own."""
        try:
            with reading(f"the tag {name} of {repo.path}"):
                if is_ref_name(name):
                    return Tag(name, _commit_of(self._connection.wire(repo), repo, name))
        except WireFault as fault:
            if fault.status != 404:
                raise
        return Missing(f"tag {name} of {repo.path}")

    def ensure(self, repo: Repo, tag: Tag, message: str) -> TagReady | TagMoved | Refused:
        """Create the tag where none is."""
        if not can_be_made(tag.name):
            return Refused(f"git makes no tag called {tag.name!r}.", "Choose another name.")
        if there := self._look(repo, tag, made=False):
            return there
        try:
            self._make(repo, tag, message)
        except WireFault as fault:
            settled = fault.in_doubt or "already exists" in fault.said
            there = self._look(repo, tag, made=fault.in_doubt) if settled else None
            return there or _refused(fault, repo, tag)
        return TagReady(tag, made=True)

    def _look(self, repo: Repo, tag: Tag, *, made: bool) -> TagReady | TagMoved | None:
        there = self.find(repo, tag.name)
        if isinstance(there, Missing):
            return None
        return TagReady(there, made) if there.sha == tag.sha else TagMoved(there)

    def _make(self, repo: Repo, tag: Tag, message: str) -> None:
        wire, git = self._connection.wire(repo), f"/repos/{repo.path}/git"
        with reading(f"the tag {tag.name} just made in {repo.path}"):
            wish = {"tag": tag.name, "message": message, "object": tag.sha, "type": "commit"}
            # Nobody sees an object that no ref names.
            made = Fields("", wire.post_again(f"{git}/tags", wish, creates=True)).matching("sha", OBJECT_ID)
            wire.requestJsonAndCheck("POST", f"{git}/refs", input={"ref": f"refs/tags/{tag.name}", "sha": made})


def _commit_of(wire: Wire, repo: Repo, name: str) -> str:
    git = f"/repos/{repo.path}/git"
    target = ask(wire, f"{git}/ref/tags/{quote(name)}").fields("object")
    for _ in range(_DEEPEST):
        sha = target.matching("sha", OBJECT_ID)
        if not target.says("type", "tag"):
            return sha
        target = ask(wire, f"{git}/tags/{sha}").fields("object")
    raise TypeError("tags that name tags, without end")


def _refused(fault: WireFault, repo: Repo, tag: Tag) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (403, 404, 422):
        raise fault
    step = f"Let the bot create tags of this name in {repo.path}: contents: write, and no ruleset for tags against it."
    return Refused(f"GitHub did not make the tag {tag.name} at {tag.sha[:12]}: {fault.said or fault}", step)
