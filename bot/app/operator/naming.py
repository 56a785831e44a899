"""Which pull is meant: by its address, or by repository and number as either forge writes them.

It must never guess between two pulls: it is told which there are, and asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import sqlalchemy as sa

from bot.app.store import deliveries, journal
from bot.core.errors import UserError
from bot.core.model import ForgeName

_PATH = r"[A-Za-z0-9_][\w.-]*(?:/[A-Za-z0-9_][\w.-]*)+"
_SHORT = re.compile(rf"(?:(github|gitlab):)?({_PATH})([#!])([1-9]\d{{0,9}})", re.ASCII)
_ADDRESS = re.compile(rf"/({_PATH})/(pull|-/merge_requests|merge_requests)/([1-9]\d{{0,9}})(?:/.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PullName:
    """A pull as somebody has named it. `forge` is None where that leaves it open."""

    forge: ForgeName | None
    path: str
    number: int

    def __str__(self) -> str:
        return f"{self.path}{'!' if self.forge == 'gitlab' else '#'}{self.number}"

    def address(self, sites: Mapping[ForgeName, str]) -> str | None:
        """Where people see it."""
        if self.forge is None or self.forge not in sites:
            return None
        kind = "pull" if self.forge == "github" else "-/merge_requests"
        return f"{sites[self.forge]}/{self.path}/{kind}/{self.number}"


def read_pull(named: str, sites: Mapping[ForgeName, str]) -> PullName:
    """`owner/name#12`, `group/name!12`, with `github:` or `gitlab:` before it, or the address in a browser."""
    if short := _SHORT.fullmatch(named):
        forge = short[1] or ("gitlab" if short[3] == "!" else None) or (next(iter(sites)) if len(sites) == 1 else None)
        return PullName(cast("ForgeName | None", forge), short[2], int(short[4]))
    if "://" in named and (address := _read_address(named, sites)):
        return address
    raise UserError(
        f"{named!r} is not the name of a pull. Write OWNER/NAME#12, 'GROUP/NAME!12' or its address, with github: or "
        "gitlab: before the name where it is on both."
    )


def _read_address(named: str, sites: Mapping[ForgeName, str]) -> PullName | None:
    try:
        parts = urlsplit(named)
    except ValueError:
        return None
    for forge, site in sites.items():
        base = urlsplit(site)
        found = _ADDRESS.fullmatch(parts.path.removeprefix(base.path))
        if found and parts.hostname == base.hostname:
            return PullName(forge, found[1], int(found[3]))
    if found := _ADDRESS.fullmatch(parts.path):
        return PullName("github" if found[2] == "pull" else "gitlab", found[1], int(found[3]))
    return None


def find_places(connection: sa.Connection, name: PullName) -> list[str]:
    """The repositories, `forge:number`, that have or had this path, as far as anything is kept; the newest first."""
    heard: dict[str, float] = {}
    for place, at in (*deliveries.places_of(connection, name.path), *journal.places_of(connection, name.path)):
        if name.forge in (None, place.partition(":")[0]):
            heard[place] = max(at, heard.get(place, 0.0))
    return sorted(heard, key=lambda place: heard[place], reverse=True)
