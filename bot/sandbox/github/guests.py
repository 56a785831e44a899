"""GitHub Apps as they come to the API: as themselves with a signed proof, or as a guest where they are installed.

It never lets a guest do what the token it shows was not given for, whatever its account may do otherwise.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt

from bot.sandbox.forge import Forge
from bot.sandbox.refusals import Refusal, not_found
from bot.sandbox.state import AppRecord, Installation, Pass, Repository, User

_LONGEST_PROOF = 600
_PASS_LASTS = 3600
_LEVELS = ("read", "write", "admin")
_NEEDED = (
    ("/protection", ("administration",)), ("/graphql", ("pull_requests",)),
    ("/orgs/", ("members",)), ("/check-runs", ("checks",)), ("/statuses", ("statuses",)), ("/git/", ("contents",)),
    ("/dispatches", ("contents",)),
    ("/releases", ("contents",)),
    ("/pulls", ("pull_requests",)), ("/issues", ("issues", "pull_requests")), ("/labels", ("issues", "pull_requests")),
    ("/milestones", ("issues", "pull_requests")), ("/hooks", ("repository_hooks",)),
)
"""Which rights open a route: the first entry that the route's template has in it; any of its rights will do."""


@dataclass
class AppItself(User):
    """An App that has proved who it is, and has come to ask for tokens."""

    app: int = 0


@dataclass
class Guest(User):
    """An App where it is installed, by the token that it was given: `rights` holds a level for each name."""

    rights: dict[str, str] = field(default_factory=dict)
    repositories: list[int] = field(default_factory=list)


def recognise(forge: Forge, token: str) -> User | None:
    """The App behind a proof or an installation token that is good now; None for any other text."""
    if token.count(".") == 2:
        return _check_proof(forge, token)
    known = forge.world.passes.get(token)
    if known is None or known.ends <= forge.clock():
        return None
    installation = forge.world.installations[known.installation]
    if installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    user = forge.user(_bot_of(forge.world.apps[installation.app]))
    return Guest(user.id, user.login, token, "Bot", known.rights, known.repositories)


def admit_guest(asker: User | None, method: str, template: str, repository: Repository | None) -> None:
    """Refuse what an App may not ask for."""
    if isinstance(asker, AppItself) and not _is_for_apps(template):
        raise Refusal(403, "Resource not accessible by integration")
    if not isinstance(asker, AppItself) and _is_for_apps(template):
        raise Refusal(401, "A JSON web token could not be decoded")
    if isinstance(asker, Guest):
        _admit(asker, method, template, repository)


def _admit(guest: Guest, method: str, template: str, repository: Repository | None) -> None:
    if template in {"/user", "/user/repos"}:
        raise Refusal(403, "Resource not accessible by integration")
    if repository and repository.id not in guest.repositories and (repository.private or method != "GET"):
        raise not_found() if repository.private else Refusal(403, "Resource not accessible by integration")
    wanted = next((rights for part, rights in _NEEDED if part in template), ())
    level = "read" if method == "GET" else "write"
    # What is public may be read without any right, but an organization's teams are not.
    if not wanted or (method == "GET" and repository and not repository.private):
        return
    held = [guest.rights[name] for name in wanted if name in guest.rights]
    if not any(_LEVELS.index(has) >= _LEVELS.index(level) for has in held):
        raise Refusal(403, "Resource not accessible by integration")


def mint(forge: Forge, installation: Installation, wish: dict[str, Any]) -> tuple[str, Pass]:
    """A token of an installation for the repositories and rights wished for, or for all that it has."""
    if installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    rights = installation.rights if wish.get("permissions") is None else dict(wish["permissions"])
    for name, level in rights.items():
        granted = installation.rights.get(name)
        if granted is None or _LEVELS.index(level) > _LEVELS.index(granted):
            raise Refusal(422, "The permissions requested are not granted to this installation.", [])
    repositories = installation.repositories
    ids = wish.get("repository_ids")
    if (names := wish.get("repositories")) is not None:
        ids = [known.id for known in forge.world.repositories.values() if known.name in names]
    if ids is not None:
        if not set(ids) <= set(repositories):
            raise Refusal(422, "There is at least one repository that does not exist or is not accessible.", [])
        repositories = list(ids)
    made = Pass(installation.id, rights, repositories, forge.now() + _PASS_LASTS)
    token = f"ghs_{secrets.token_hex(18)}"
    forge.world.passes[token] = made
    return token, made


def _check_proof(forge: Forge, token: str) -> AppItself:
    try:
        said = jwt.decode(token, options={"verify_signature": False})
        app = next(app for app in forge.world.apps.values() if str(said["iss"]) in (str(app.id), app.client_id))
        # Times are compared below, with this forge's clock, which tests can turn on.
        claims = jwt.decode(
            token, app.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
        )
    except (jwt.PyJWTError, KeyError, StopIteration):
        raise Refusal(401, "A JSON web token could not be decoded") from None
    now = forge.clock()
    if not claims["iat"] <= now < claims["exp"] or claims["exp"] - now > _LONGEST_PROOF:
        raise Refusal(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time")
    user = forge.user(_bot_of(app))
    return AppItself(user.id, user.login, token, "Bot", app.id)


def _is_for_apps(template: str) -> bool:
    return template.startswith("/app") or template.endswith("/installation")


def _bot_of(app: AppRecord) -> str:
    return f"{app.slug}[bot]"
