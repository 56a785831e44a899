"""Releases on GitHub, drafts among them.

It must never make a second release of a tag, though GitHub takes any number of drafts: it looks first, and again after
an answer was lost. It must never make a release whose tag is not there, since GitHub would then make the tag itself.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bot.core.actions import Missing, Refused
from bot.core.model import Asset, Release, ReleaseWish, Repo
from bot.forges.fields import Fields
from bot.forges.github.assets import Assets, read_asset
from bot.forges.github.connection import Connection
from bot.forges.github.pages import ask, each
from bot.forges.github.reading import reading
from bot.forges.github.tags import Tags
from bot.forges.pacing import Manners
from bot.forges.ref_names import is_ref_name
from bot.forges.traces import await_trace
from bot.forges.wire_fault import WireFault

Json = dict[str, Any]


class Releases:
    """Fulfils `bot.forges.Releases` for one connection."""

    def __init__(self, connection: Connection, manners: Manners) -> None:
        self._connection = connection
        self._manners = manners
        self._tags = Tags(connection)
        self._assets = Assets(connection)

    def all(self, repo: Repo) -> tuple[Release, ...]:
        """A request for a hundred releases. Drafts are told to those who can push."""
        with reading(f"the releases of {repo.path}"):
            return tuple(map(_read, each(self._connection.wire(repo), f"/repos/{repo.path}/releases")))

    def find(self, repo: Repo, tag: str) -> Release | Missing:
        """The published one, in one request; else the draft, for which all releases have to be looked through."""
        found = self._find(repo, tag)
        return Missing(f"release {tag} of {repo.path}") if found is None else _read(found)

    def ensure(self, repo: Repo, wish: ReleaseWish) -> Release | Missing | Refused:
        """Make the release where its tag is, or bring the one that is there to what is wished for."""
        return self._settle(repo, self._find(repo, wish.tag), wish)

    def publish(self, repo: Repo, tag: str, *, latest: bool) -> Release | Missing | Refused:
        """Publish the draft, where it is one."""
        found = self._find(repo, tag)
        if found is None:
            return Missing(f"release {tag} of {repo.path}")
        there = _read(found)
        return self._settle(repo, found, ReleaseWish(tag, there.title, there.body, there.prerelease, latest))

    def set_latest(self, repo: Repo, tag: str, *, latest: bool) -> Release | Missing | Refused:
        """Give the mark to the release, or take it away; where it goes then GitHub decides, by time. Nothing is sent
        where it is so already.
        """
        found = self._find(repo, tag)
        if found is None:
            return Missing(f"release {tag} of {repo.path}")
        there = _read(found)
        if latest and (there.draft or there.prerelease):
            kind = "a draft" if there.draft else "a prerelease"
            return Refused(f"The release {tag} is {kind}, and GitHub marks none as Latest.", "Publish it first.")
        try:
            if self._is_latest(repo, tag) == latest:
                return there
            return self._send(repo, "PATCH", f"/{found.number('id')}", {"make_latest": "true" if latest else "false"})
        except WireFault as fault:
            return _refused(fault, repo, tag)

    def attach(self, repo: Repo, tag: str, name: str, content: bytes) -> Asset | Missing | Refused:
        """Upload the file, where none of its name is there."""
        found = self._find(repo, tag)
        if found is None:
            return Missing(f"release {tag} of {repo.path}")
        return self._assets.ensure(repo, found, name, content)

    def _settle(self, repo: Repo, found: Fields | None, wish: ReleaseWish) -> Release | Missing | Refused:
        # Both to make a release and to publish a draft would make a tag that is not there, wherever main is then.
        if found is None or (found.says("draft", value=True) and not wish.draft):
            tag = self._tags.find(repo, wish.tag)
            if isinstance(tag, Missing):
                return tag
        try:
            return self._make(repo, wish) if found is None else self._bring(repo, found, wish)
        except WireFault as fault:
            return _refused(fault, repo, wish.tag)

    def _find(self, repo: Repo, tag: str) -> Fields | None:
        wire, releases = self._connection.wire(repo), f"/repos/{repo.path}/releases"
        if not is_ref_name(tag):
            return None
        with reading(f"the release {tag} of {repo.path}"):
            try:
                return ask(wire, f"{releases}/tags/{quote(tag)}")
            except WireFault as fault:
                if fault.status != 404:
                    raise
            drafts = [one for one in each(wire, releases) if one.says("tag_name", tag)]
            # Of several the oldest, so that everybody who looks finds the same.
            return min(drafts, key=lambda one: one.number("id"), default=None)

    def _make(self, repo: Repo, wish: ReleaseWish) -> Release:
        body: Json = {
            "tag_name": wish.tag, "name": wish.title, "body": wish.body, "draft": wish.draft,
            "prerelease": wish.prerelease, "make_latest": _mark(wish),
        }  # fmt: skip
        try:
            return self._send(repo, "POST", "", body)
        except WireFault as fault:
            if not (fault.in_doubt or "already_exists" in fault.said):
                raise
            # Not made again here: the forge may still be about to act, and it takes a second draft.
            found = await_trace(self._manners, lambda: self._find(repo, wish.tag))
            if found is None:
                raise
            return self._bring(repo, found, wish)

    def _bring(self, repo: Repo, found: Fields, wish: ReleaseWish) -> Release:
        """Edit what differs; nothing is sent where nothing does."""
        there = _read(found)
        publishes = there.draft and not wish.draft
        edit: Json = {
            name: wanted
            for name, is_so, wanted in (
                ("name", there.title, wish.title), ("body", there.body, wish.body),
                ("prerelease", there.prerelease, wish.prerelease), ("draft", there.draft, there.draft and wish.draft),
            )
            if is_so != wanted
        }  # fmt: skip
        if publishes:
            edit["make_latest"] = _mark(wish)
        elif _mark(wish) == "true" and not self._is_latest(repo, wish.tag):
            edit["make_latest"] = "true"
        return self._send(repo, "PATCH", f"/{found.number('id')}", edit) if edit else there

    def _is_latest(self, repo: Repo, tag: str) -> bool:
        with reading(f"the latest release of {repo.path}"):
            try:
                return ask(self._connection.wire(repo), f"/repos/{repo.path}/releases/latest").says("tag_name", tag)
            except WireFault as fault:
                if fault.status != 404:
                    raise
                return False

    def _send(self, repo: Repo, verb: str, where: str, body: Json) -> Release:
        with reading(f"the release just written in {repo.path}"):
            wire = self._connection.wire(repo)
            answer = wire.requestJsonAndCheck(verb, f"/repos/{repo.path}/releases{where}", input=body)[1]
            return _read(Fields("", answer))


def _mark(wish: ReleaseWish) -> str:
    # GitHub gives the mark to whatever is published last, unless it is told not to; it refuses it to drafts.
    return "true" if wish.latest and not wish.prerelease and not wish.draft else "false"


def _read(found: Fields) -> Release:
    return Release(
        tag=found.text("tag_name"),
        title=found.text("name") if found.has("name") else "",
        body=found.text("body") if found.has("body") else "",
        url=found.text("html_url"),
        draft=found.says("draft", value=True),
        prerelease=found.says("prerelease", value=True),
        assets=tuple(sorted(map(read_asset, _uploaded(found)), key=lambda asset: asset.name)),
    )


def _uploaded(found: Fields) -> list[Fields]:
    """The files that are all there: what is being uploaded, or was lost on the way, is named too."""
    return [one for one in found.each("assets") if one.says("state", "uploaded")] if found.has("assets") else []


def _refused(fault: WireFault, repo: Repo, tag: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (403, 404, 422):
        raise fault
    step = f"Give the bot's token the permission contents: write in {repo.path}, or write the release by hand."
    return Refused(f"GitHub did not take the release {tag}: {fault.said or fault}", step)
