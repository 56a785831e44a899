"""Tags on GitLab.

It must never move a tag, nor delete one: `ensure` only ever creates, and GitLab refuses a second of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitlab.v4.objects import ProjectTagManager

from bot.core.actions import Missing, Refused
from bot.core.model import Repo, Tag
from bot.core.refs import TagMoved, TagReady
from bot.forges.fields import OBJECT_ID, Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import reading
from bot.forges.ref_names import can_be_made, is_ref_name
from bot.forges.wire_fault import WireFault


class Tags:
    """Fulfils `bot.forges.Tags` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, repo: Repo) -> tuple[Tag, ...]:
        """Every tag."""
        with reading(f"the tags of {repo.path}"):
            return tuple(_read(tag.attributes) for tag in self._of(repo).list(iterator=True))

    def find(self, repo: Repo, name: str) -> Tag | Missing:
        """One tag as it is now."""
        try:
            with reading(f"the tag {name} of {repo.path}"):
                if is_ref_name(name):
                    return _read(self._of(repo).get(name).attributes)
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
            with reading(f"the tag {tag.name} just made in {repo.path}"):
                wish = {"tag_name": tag.name, "ref": tag.sha, "message": message}
                made = _read(self._of(repo).create(wish).attributes)
        except WireFault as fault:
            settled = fault.in_doubt or "already exists" in fault.said
            there = self._look(repo, tag, made=fault.in_doubt) if settled else None
            return there or _refused(fault, repo, tag)
        # What GitLab has made is what counts, however it understood the wish.
        return TagReady(made, made=True) if made.sha == tag.sha else TagMoved(made)

    def _look(self, repo: Repo, tag: Tag, *, made: bool) -> TagReady | TagMoved | None:
        there = self.find(repo, tag.name)
        if isinstance(there, Missing):
            return None
        return TagReady(there, made) if there.sha == tag.sha else TagMoved(there)

    def _of(self, repo: Repo) -> ProjectTagManager:
        return self._connection.client.projects.get(repo.id, lazy=True).tags


def _read(attributes: Mapping[str, Any]) -> Tag:
    """A tag; one of something that is no commit is at whatever it names."""
    found = Fields("", dict(attributes))
    commit = found.fields("commit").matching("id", OBJECT_ID) if found.has("commit") else ""
    return Tag(found.text("name"), commit or found.matching("target", OBJECT_ID))


def _refused(fault: WireFault, repo: Repo, tag: Tag) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404, 422):
        raise fault
    step = f"Let the bot create tags of this name in {repo.path}: the role Developer, and the protected tags allow it."
    return Refused(f"GitLab did not make the tag {tag.name} at {tag.sha[:12]}: {fault.said or fault}", step)
