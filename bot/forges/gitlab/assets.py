"""Files that hang on releases of GitLab: generic packages of the project, and links to them.

It must never take a link away, nor let one lead anywhere but to what was just uploaded.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from bot.core.actions import Refused
from bot.core.model import Asset, Repo
from bot.forges.fields import Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import reading
from bot.forges.wire_fault import WireFault

_PACKAGE = "release"
"""What all the packages are called that the bot makes; their version is the tag."""
_VERSION = re.compile(r"\.?[\w+-]+(?:\.[\w+-]+)*\.?", re.ASCII)
_FILE = re.compile(r"(?![.~@])[A-Za-z0-9._~@+-]{1,255}(?<![~@.])", re.ASCII)


class Assets:
    """What `Releases.attach` needs of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hang(self, repo: Repo, tag: str, name: str, content: bytes) -> Asset | Refused:
        """Upload the file, then link it: two requests. Sent again after a lost answer, GitLab keeps the newer of two
        equal files, and one link.
        """
        if not _VERSION.fullmatch(tag) or not _FILE.fullmatch(name):
            reason = f"GitLab keeps no package file called {name!r} of a version called {tag!r}."
            return Refused(reason, "Use letters, digits, . _ + and - in both.")
        try:
            with reading(f"the file {name} just uploaded to {repo.path}"):
                path = self._address(repo, tag, name).removeprefix(self._connection.client.api_url)
                self._connection.client.http_put(path, post_data=content, raw=True)
                return self._link(repo, tag, name)
        except WireFault as fault:
            return _refused(fault, repo, tag, name)

    def _link(self, repo: Repo, tag: str, name: str) -> Asset:
        links = self._connection.client.projects.get(repo.id, lazy=True).releases.get(tag, lazy=True).links
        wish = {"name": name, "url": self._address(repo, tag, name), "link_type": "other"}
        try:
            return read_asset(Fields("", links.create(wish).attributes))
        except WireFault as fault:
            if not (fault.in_doubt or "already been taken" in fault.said):
                raise
            there = (Fields("", one.attributes) for one in links.list(iterator=True))
            found = next((read_asset(one) for one in there if one.says("name", name)), None)
            if found is None:
                raise
            return found

    def _address(self, repo: Repo, tag: str, name: str) -> str:
        words = "/".join(quote(word, safe="") for word in (_PACKAGE, tag, name))
        return f"{self._connection.client.api_url}/projects/{repo.id}/packages/generic/{words}"


def read_asset(found: Fields) -> Asset:
    """A link of a release. How large the file is, or what is in it, GitLab does not say here."""
    return Asset(found.text("name"), found.text("url"))


def _refused(fault: WireFault, repo: Repo, tag: str, name: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404, 413, 422):
        raise fault
    step = f"Give the bot the role Developer in {repo.path}, and see that the project has a package registry."
    return Refused(f"GitLab did not take the file {name} for the release {tag}: {fault.said or fault}", step)
