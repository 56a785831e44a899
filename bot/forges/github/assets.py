"""Files that hang on releases of GitHub.

It must never replace a file that is there, nor delete one but the empty remains of an upload that was cut off.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from bot.core.actions import Missing, Refused
from bot.core.model import Asset, Repo
from bot.forges.fields import Fields
from bot.forges.github.connection import Connection
from bot.forges.github.pages import each
from bot.forges.github.reading import reading
from bot.forges.wire_fault import WireFault

_DIGEST = "sha256:"


class Assets:
    """What `Releases.attach` needs of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ensure(self, repo: Repo, release: Fields, name: str, content: bytes) -> Asset | Missing | Refused:
        """Upload the file where none of this name hangs on the release."""
        tag = release.text("tag_name")
        if not _can_be_called(name):
            return Refused(f"GitHub would give a file called {name!r} another name.", "Use letters, digits, . _ and -.")
        try:
            return self._look(repo, release, name, content) or self._upload(repo, release, name, content)
        except WireFault as fault:
            return _refused(fault, repo, tag, name)

    def _look(self, repo: Repo, release: Fields, name: str, content: bytes) -> Asset | Refused | None:
        """What is there under this name. Remains of an upload are cleared away: they would be in the way for ever."""
        wire, releases = self._connection.wire(repo), f"/repos/{repo.path}/releases"
        with reading(f"the files of release {release.text('tag_name')} of {repo.path}"):
            listed = each(wire, f"{releases}/{release.number('id')}/assets")
            there = next((one for one in listed if one.says("name", name)), None)
            if there is None:
                return None
            if there.says("state", "uploaded"):
                return _compare(read_asset(there), content)
            wire.requestJsonAndCheck("DELETE", f"{releases}/assets/{there.number('id')}")
            return None

    def _upload(self, repo: Repo, release: Fields, name: str, content: bytes) -> Asset | Refused:
        where = release.text("upload_url").partition("{")[0]
        try:
            with reading(f"the file {name} just uploaded to {repo.path}"):
                sent = self._connection.wire(repo).upload(f"{where}?name={quote(name, safe='')}", content)
                return read_asset(Fields("", sent))
        except WireFault as fault:
            if not (fault.in_doubt or "already_exists" in fault.said):
                raise
            there = self._look(repo, release, name, content)
            if there is None:
                raise
            return there


def read_asset(found: Fields) -> Asset:
    """A file as GitHub tells of it; digests are newer than many a file."""
    digest = found.text("digest") if found.has("digest") else ""
    return Asset(
        name=found.text("name"),
        url=found.text("browser_download_url"),
        size=found.number("size") if not found.says("size", 0) else 0,
        sha256=digest.removeprefix(_DIGEST) if digest.startswith(_DIGEST) else None,
    )


def _compare(there: Asset, content: bytes) -> Asset | Refused:
    same = there.size == len(content) and there.sha256 in {None, hashlib.sha256(content).hexdigest()}
    if same:
        return there
    return Refused(f"Another file called {there.name} hangs on the release.", "Choose another name: I replace no file.")


def _can_be_called(name: str) -> bool:
    """GitHub puts dots where it does not like a letter, and the file would not be found by its name again."""
    plain = name.isascii() and all(letter.isalnum() or letter in "._-" for letter in name)
    return plain and 0 < len(name) <= 255 and name.strip(".") == name


def _refused(fault: WireFault, repo: Repo, tag: str, name: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (403, 404, 422):
        raise fault
    step = (
        f"Give the bot's token the permission contents: write in {repo.path}. To a release that is published and "
        "immutable nothing can be added: attach files while it is a draft."
    )
    return Refused(f"GitHub did not take the file {name} for the release {tag}: {fault.said or fault}", step)
