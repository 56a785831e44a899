"""Which repository a command is about: its forge, the way to its settings, and what a first look at it told.

It must never guess between two forges, nor go to a repository that the settings leave to others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.app.connect import open_repository_settings
from bot.core.actions import Missing
from bot.core.errors import UserError
from bot.core.model import ForgeName, Repo

if TYPE_CHECKING:
    from bot.app.settings import Settings
    from bot.core.setup import Visit
    from bot.forges import RepositorySettings

_PATH = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)+", re.ASCII)
_NAMES: dict[str, ForgeName] = {"github": "github", "gitlab": "gitlab"}


@dataclass(frozen=True, slots=True)
class Place:
    """A repository that a command is about."""

    settings: RepositorySettings
    visit: Visit

    @property
    def repo(self) -> Repo:
        return self.visit.repo


def find_place(settings: Settings, named: str | None) -> Place:
    """The repository `named` as `owner/name`, with `github:` or `gitlab:` before it where there are both.

    `UserError` when it cannot be told which is meant, or there is none.
    """
    if not named:
        raise UserError("Which repository? Name it with --repository OWNER/NAME.")
    forge, path = _split(settings, named)
    if not _PATH.fullmatch(path):
        raise UserError(f"{named!r} is not the name of a repository. Write it as OWNER/NAME.")
    if not settings.server.admits(Repo(forge, 0, path, "")):
        raise UserError(f"{path} belongs to none of the owners that [server] names. Add its owner there.")
    on_forge = open_repository_settings(settings)[forge]
    visit = on_forge.visit(path)
    if isinstance(visit, Missing):
        raise UserError(f"There is no {path} that the bot's token can see. Check the name, and what the token is for.")
    return Place(on_forge, visit)


def find_origin(sites: Mapping[ForgeName, str], directory: Path) -> str:
    """The repository that a clone comes from, as `find_place` takes it. `UserError` where that is on no known forge."""
    from bot.tools.git import Git
    from bot.tools.remote import read_origin
    from bot.tools.scratch import Repository

    step = "Name the repository with --repository OWNER/NAME."
    try:
        origin = read_origin(Git(Repository.find(directory).git_dir))
    except UserError:
        raise UserError(f"Which repository? There is no clone here that would tell. {step}") from None
    if origin is None:
        raise UserError(f"Which repository? The clone here has no `origin` on a forge. {step}")
    host, path = origin
    fitting = [forge for forge, site in sites.items() if urlsplit(site).hostname == host]
    if len(fitting) != 1:
        known = " and ".join(sites.values())
        raise UserError(f"The clone here comes from {host}, and the settings lead to {known}. {step}")
    return f"{fitting[0]}:{path}"


def _split(settings: Settings, named: str) -> tuple[ForgeName, str]:
    configured = {name: forge for name, forge in _NAMES.items() if getattr(settings, forge) is not None}
    prefix, colon, rest = named.partition(":")
    if colon:
        if prefix not in configured:
            raise UserError(f"The settings name no forge {prefix!r}. They name {' and '.join(configured)}.")
        return configured[prefix], rest
    if len(configured) > 1:
        raise UserError(f"On which forge is {named}? Write github:{named} or gitlab:{named}.")
    return next(iter(configured.values())), named
