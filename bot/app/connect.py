"""Puts the parts together: from settings to something that performs actions and something that runs jobs.

It must never be reached from a part: whatever has behaviour gets what it needs handed to it from here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bot.app.lanes import sleep
from bot.app.perform import Performer
from bot.app.runner import Decisions
from bot.app.settings import App, GitHubSettings, GitLabSettings, Settings
from bot.app.signing import open_signing
from bot.core.conversation import is_stale
from bot.core.errors import UserError
from bot.core.events import Delivery, Ignored
from bot.core.model import ForgeName, Secret
from bot.core.plan import after_breakdown, flow_of, leads_nowhere, plan
from bot.tools.mirror import Mirrors
from bot.tools.pick import Committer

if TYPE_CHECKING:
    from bot.app.server import Parse
    from bot.core.events import BadSignature, Malformed
    from bot.forges import Forge, RepositorySettings
    from bot.forges.github import AppKey
    from bot.forges.pacing import Manners

DECISIONS = Decisions(plan, flow_of, after_breakdown)
"""The core, as the runner takes it."""


def connect(settings: Settings) -> Performer:
    """A performer for what the settings name; close it at the end. Nothing is sent until an action asks for it."""
    committer = Committer(settings.bot.name, settings.bot.email)
    mirrors = Mirrors(settings.directory / "mirrors", committer, open_signing(settings.signing))
    return Performer(open_forges(settings), mirrors)


def open_forges(settings: Settings) -> dict[ForgeName, Forge]:
    """A connection to each forge that the settings name. `UserError` when a credential cannot be used."""
    forges: dict[ForgeName, Forge] = {}
    if settings.github:
        forges["github"] = _open_github(settings.github)
    if settings.gitlab:
        forges["gitlab"] = _open_gitlab(settings.gitlab)
    return forges


def open_repository_settings(settings: Settings) -> dict[ForgeName, RepositorySettings]:
    """The way to the settings of repositories on each forge that the settings name."""
    found: dict[ForgeName, RepositorySettings] = {}
    if settings.github:
        found["github"] = _github_settings(settings.github)
    if settings.gitlab:
        found["gitlab"] = _gitlab_settings(settings.gitlab)
    return found


def open_doors(settings: Settings, trust: Secret | None = None) -> dict[ForgeName, Parse]:
    """What reads the deliveries of each forge that the settings name. `UserError` where none could be trusted.

    `trust` takes the place of all secrets: the caller vouches for what it proves with it.
    """
    doors: dict[ForgeName, Parse] = {}
    if github := settings.github:
        from bot.forges.github_hooks import parse

        _demand_secret("github", bool(trust or github.webhook_secrets), "RELBOT_WEBHOOK_SECRET")
        doors["github"] = partial(parse, secrets=(trust,) if trust else github.webhook_secrets)
    if gitlab := settings.gitlab:
        _demand_secret("gitlab", bool(trust or gitlab.webhook_secrets or gitlab.signing_tokens), "RELBOT_GITLAB_SECRET")
        secrets, signing = ((trust,), ()) if trust else (gitlab.webhook_secrets, gitlab.signing_tokens)
        doors["gitlab"] = partial(_parse_gitlab, secrets, signing)
    # What the caller vouches for is fresh, whenever it was written: a job of a CI may be run again.
    return doors if trust else {forge: partial(_read_fresh, parse) for forge, parse in doors.items()}


def _read_fresh(parse: Parse, headers: Mapping[str, str], body: bytes) -> Delivery | BadSignature | Malformed:
    """A delivery that was captured can be sent again for ever: of comments, only new ones start something. What nothing
    can follow from is not kept either.
    """
    parsed = parse(headers, body)
    if not isinstance(parsed, Delivery) or isinstance(parsed.event, Ignored):
        return parsed
    if is_stale(parsed.event, time.time()):
        return Delivery(parsed.id, Ignored("the comment is more than a day old; what it asks for has to be said anew"))
    if leads_nowhere(parsed.event):
        return Delivery(parsed.id, Ignored("checks have ended on no candidate's branch"))
    return parsed


def _parse_gitlab(
    secrets: Sequence[Secret], signing: Sequence[Secret], headers: Mapping[str, str], body: bytes
) -> Delivery | BadSignature | Malformed:
    from bot.forges.gitlab_hooks import parse

    return parse(headers, body, secrets, int(time.time()), signing)


def _demand_secret(forge: ForgeName, there: bool, variable: str) -> None:
    if not there:
        raise UserError(
            f"There is no webhook secret for {forge}, so no delivery could be trusted. Set {variable}, or name another "
            f"place with `webhook_secret_envs` or `webhook_secret_files` under [{forge}] in the settings."
        )


def _open_github(settings: GitHubSettings) -> Forge:
    from bot.forges.github import GitHub

    manners = _manners(paced=settings.paced)
    return GitHub(settings.api, _credential(settings), clone_base=settings.clone_base, manners=manners)


def _github_settings(settings: GitHubSettings) -> RepositorySettings:
    from bot.forges.github.connection import Connection
    from bot.forges.github.settings import RepositorySettings

    connection = Connection(settings.api, _credential(settings), _manners(paced=settings.paced))
    return RepositorySettings(connection, is_app=isinstance(settings.credential, App))


def _credential(settings: GitHubSettings) -> Secret | AppKey:
    from bot.forges.github import AppKey

    app = settings.credential
    return AppKey(app.id, app.key) if isinstance(app, App) else app


def _open_gitlab(settings: GitLabSettings) -> Forge:
    from bot.forges.gitlab import GitLab

    manners = _manners(paced=settings.paced)
    return GitLab(settings.url, settings.token, clone_base=settings.clone_base, manners=manners)


def _gitlab_settings(settings: GitLabSettings) -> RepositorySettings:
    from bot.forges.gitlab.connection import Connection
    from bot.forges.gitlab.settings import RepositorySettings

    return RepositorySettings(Connection(settings.url, settings.token, _manners(paced=settings.paced)))


def _manners(*, paced: bool) -> Manners:
    from bot.forges.pacing import Clock, Manners, Pace

    # Who waits for a forge leaves its place to somebody whose forge is not busy.
    return Manners(pace=Pace() if paced else None, clock=Clock(sleep=sleep))
