"""Releases on GitLab, which are published as soon as they are made and have one for each tag.

It must never publish what was to be a draft, nor let GitLab make the tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitlab.v4.objects import ProjectReleaseManager

from bot.core.actions import Missing, Refused
from bot.core.model import Asset, Release, ReleaseWish, Repo
from bot.forges.fields import Fields
from bot.forges.gitlab.assets import Assets, read_asset
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import reading
from bot.forges.pacing import Manners
from bot.forges.ref_names import is_ref_name
from bot.forges.traces import await_trace
from bot.forges.wire_fault import WireFault


class Releases:
    """Fulfils `bot.forges.Releases` for one connection."""

    def __init__(self, connection: Connection, manners: Manners) -> None:
        self._connection = connection
        self._manners = manners
        self._assets = Assets(connection)

    def all(self, repo: Repo) -> tuple[Release, ...]:
        """A request for a hundred releases; none where the project has them switched off."""
        try:
            with reading(f"the releases of {repo.path}"):
                return tuple(_read(release.attributes) for release in self._of(repo).list(iterator=True))
        except WireFault as fault:
            if not self._are_off(repo, fault):
                raise
            return ()

    def find(self, repo: Repo, tag: str) -> Release | Missing:
        """The release of a tag."""
        found = self._look(repo, tag)
        return Missing(f"release {tag} of {repo.path}") if found is None else found

    def ensure(self, repo: Repo, wish: ReleaseWish) -> Release | Missing | Refused:
        """Make the release where its tag is, or edit the one that is there; it can be neither draft, nor marked as
        prerelease or Latest.
        """
        found, missing = self._look(repo, wish.tag), Missing(f"tag {wish.tag} of {repo.path}")
        if not is_ref_name(wish.tag):
            return missing
        if found is None and wish.draft:
            reason = f"GitLab has no drafts of releases, so that of {wish.tag} was not made."
            return Refused(reason, "Publish it at once, or not before everything else is ready.")
        try:
            return self._make(repo, wish) if found is None else self._bring(repo, found, wish)
        except WireFault as fault:
            if "Ref is not specified" in fault.said:
                return missing
            if self._are_off(repo, fault):
                step = f"Switch them on in {repo.path} under Settings, General, Visibility."
                return Refused(f"releases are switched off in {repo.path}", step)
            return _refused(fault, repo, wish.tag)

    def publish(self, repo: Repo, tag: str, *, latest: bool) -> Release | Missing | Refused:  # noqa: ARG002 - no mark
        """What is there is published."""
        return self.find(repo, tag)

    def set_latest(self, repo: Repo, tag: str, *, latest: bool) -> Release | Missing | Refused:  # noqa: ARG002 - no mark
        """GitLab has no mark that could be given."""
        reason = f"GitLab has no mark Latest to give to {tag} or to take away: it shows the newest release first."
        return Refused(reason, "Say in the release's text which one to use.")

    def attach(self, repo: Repo, tag: str, name: str, content: bytes) -> Asset | Missing | Refused:
        """Upload the file as a generic package, and link it from the release, where no link is called so."""
        there = self._look(repo, tag)
        if there is None:
            return Missing(f"release {tag} of {repo.path}")
        linked = next((asset for asset in there.assets if asset.name == name), None)
        return linked or self._assets.hang(repo, tag, name, content)

    def _look(self, repo: Repo, tag: str) -> Release | None:
        if not is_ref_name(tag):
            return None
        try:
            with reading(f"the release {tag} of {repo.path}"):
                return _read(self._of(repo).get(tag).attributes)
        except WireFault as fault:
            if fault.status != 404 and not self._are_off(repo, fault):
                raise
            return None

    def _are_off(self, repo: Repo, fault: WireFault) -> bool:
        """Whether GitLab has forbidden something since the project has no releases at all; asked for only then."""
        if fault.status != 403:
            return False
        with reading(f"the settings of {repo.path}"):
            settings = Fields("", self._connection.client.projects.get(repo.id).attributes)
            return settings.says("releases_access_level", "disabled")

    def _make(self, repo: Repo, wish: ReleaseWish) -> Release:
        try:
            with reading(f"the release {wish.tag} just made in {repo.path}"):
                # Without a ref, so that GitLab refuses to make a tag that is not there.
                body = {"tag_name": wish.tag, "name": wish.title, "description": wish.body}
                return _read(self._of(repo).create(body).attributes)
        except WireFault as fault:
            if not (fault.in_doubt or fault.status == 409):
                raise
            found = await_trace(self._manners, lambda: self._look(repo, wish.tag))
            if found is None:
                raise
            return self._bring(repo, found, wish)

    def _bring(self, repo: Repo, there: Release, wish: ReleaseWish) -> Release:
        """Edit what differs; nothing is sent where nothing does."""
        pairs = (("name", there.title, wish.title), ("description", there.body, wish.body))
        edit = {name: wanted for name, is_so, wanted in pairs if is_so != wanted}
        if not edit:
            return there
        with reading(f"the release {wish.tag} of {repo.path}"):
            return _read(self._of(repo).update(wish.tag, edit))

    def _of(self, repo: Repo) -> ProjectReleaseManager:
        return self._connection.client.projects.get(repo.id, lazy=True).releases


def _read(attributes: Mapping[str, Any]) -> Release:
    found = Fields("", dict(attributes))
    return Release(
        tag=found.text("tag_name"),
        title=found.text("name") if found.has("name") else "",
        body=found.text("description") if found.has("description") else "",
        url=found.fields("_links").text("self"),
        assets=tuple(sorted(map(read_asset, _links(found)), key=lambda asset: asset.name)),
    )


def _links(found: Fields) -> list[Fields]:
    assets = found.fields("assets") if found.has("assets") else Fields("", {})
    return assets.each("links") if assets.has("links") else []


def _refused(fault: WireFault, repo: Repo, tag: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404, 422):
        raise fault
    step = f"Give the bot the role Developer in {repo.path} and the right to create that tag, or write it by hand."
    return Refused(f"GitLab did not take the release {tag}: {fault.said or fault}", step)
