"""Who the bot is on GitHub: the holder of one token, or a GitHub App with tokens for the places it is installed in.

It must never ask for more rights than the work at hand needs, nor keep a token anywhere but in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any, Literal, Protocol
from urllib.parse import quote

import jwt
from github.NamedUser import NamedUser

from bot.core.errors import Fault, UserError
from bot.core.model import Person, Repo, Secret
from bot.forges.github.pages import each
from bot.forges.github.reading import read_person, reading
from bot.forges.github.wire import Access, Grant, Wire
from bot.forges.pacing import Clock, Pacer, Pacers
from bot.forges.wire_fault import WireFault

Purpose = Literal["work", "reports", "members"]
WireOf = Callable[[Access], Wire]

_RIGHTS: dict[Purpose, dict[str, str]] = {
    # A pick may change workflow files, and GitHub takes no push that does from whoever lacks that right.
    "work": {"contents": "write", "issues": "write", "pull_requests": "write", "workflows": "write"},
    "reports": {"checks": "write", "statuses": "write"},
    "members": {"members": "read"},
}
_MARGIN = 300.0
"""Seconds before its end at which a token is replaced: a push that begins with it must be able to end with it."""

_PROOF_LASTS = 540
"""Seconds. GitHub takes ten minutes at most, by its own clock."""

_CLOCKS_DIFFER = 60


@dataclass(frozen=True, slots=True)
class AppKey:
    """A GitHub App: its id (or client id) and its private key in PEM."""

    app_id: str
    private_key: Secret = field(repr=False)

    def prove(self, today: float) -> Secret:
        """A JSON web token that says for some minutes that this is the App. `UserError` when the key is none."""
        claims = {"iat": int(today) - _CLOCKS_DIFFER, "exp": int(today) + _PROOF_LASTS, "iss": self.app_id}
        try:
            return Secret(jwt.encode(claims, self.private_key.reveal(), "RS256"))
        except (jwt.PyJWTError, ValueError, TypeError):
            # Without its cause, which may quote the key.
            raise UserError(
                f"Nothing can be signed with the private key of the GitHub App {self.app_id}: it is not an RSA key in "
                "PEM. Make a new one in the App's settings on GitHub, and hand it over unchanged."
            ) from None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of repositories: where it is, under which key, and whether all of them can be written to."""

    path: str
    key: str = ""
    may_write: bool = False


class Identity(Protocol):
    """Whom the bot's requests are sent in the name of."""

    def access(self, repo: Repo, purpose: Purpose) -> Access: ...
    def itself(self) -> Access:
        """For what belongs to the credential and to no repository."""

    def everywhere(self) -> Iterator[tuple[Access, Listing]]:
        """Where the repositories are listed that the credential reaches, each with the access that it takes."""

    def me(self) -> Person: ...


def identify(credential: Secret | AppKey, pacers: Pacers, wire_of: WireOf) -> Identity:
    """The identity that goes with a credential; `wire_of` makes what its own requests are sent through."""
    if isinstance(credential, AppKey):
        return App(credential, pacers, wire_of)
    return TokenHolder(credential, pacers.of("the bot's token"), wire_of)


class TokenHolder:
    """The account that a personal access token belongs to, whatever kind of token it is."""

    def __init__(self, token: Secret, pacer: Pacer, wire_of: WireOf) -> None:
        self._grant = Grant(token, pacer)
        self._wire_of = wire_of

    def access(self, repo: Repo, purpose: Purpose) -> Access:  # noqa: ARG002 - one token opens all that it opens
        return self

    def itself(self) -> Access:
        return self

    def everywhere(self) -> Iterator[tuple[Access, Listing]]:
        yield self, Listing("/user/repos")

    def grant(self) -> Grant:
        return self._grant

    def renew(self, refused: Secret) -> bool:  # noqa: ARG002 - there is no other
        return False

    def me(self) -> Person:
        return _read_account(self._wire_of(self), "/user")


class App:
    """A GitHub App: for every repository and purpose it has a token of its own, each good for an hour."""

    def __init__(self, key: AppKey, pacers: Pacers, wire_of: WireOf) -> None:
        """`UserError` when the key cannot sign."""
        key.prove(pacers.clock.today())
        self._name = f"the GitHub App {key.app_id}"
        self._pacers = pacers
        self._wire_of = wire_of
        self._proof = _Proof(key, pacers.of(self._name), pacers.clock)
        self._lock = Lock()
        self._visits: dict[tuple[int, str, Purpose], _Visit] = {}
        self._listings: dict[int, _Visit] = {}

    def access(self, repo: Repo, purpose: Purpose) -> Access:
        """The tokens for one purpose in one repository."""
        with self._lock:
            fresh = _Visit(partial(self._visit, repo, purpose), self._pacers.clock)
            return self._visits.setdefault((repo.id, repo.path, purpose), fresh)

    def itself(self) -> Access:
        """The App where it speaks for itself, and not where it is installed."""
        return self._proof

    def everywhere(self) -> Iterator[tuple[Access, Listing]]:
        """One for each installation; those that were suspended open nothing."""
        with reading(f"the installations of {self._name}"):
            for installation in each(self._wire_of(self._proof), "/app/installations"):
                if installation.has("suspended_at"):
                    continue
                writes = installation.fields("permissions").says("contents", "write")
                access = self._listing(installation.number("id"))
                yield access, Listing("/installation/repositories", "repositories", writes)

    def me(self) -> Person:
        """The account that the App's work shows up under: an App may not ask `/user` who it is."""
        with reading(f"the account of {self._name}"):
            slug = str(self._ask("/app")["slug"])
        anywhere = _Visit(self._visit_anywhere, self._pacers.clock)
        return _read_account(self._wire_of(anywhere), f"/users/{quote(slug, safe='')}%5Bbot%5D")

    def _listing(self, number: int) -> Access:
        """The token of an installation that may look at everything there and touch nothing."""
        there = {"id": number, "permissions": {}}
        with self._lock:
            return self._listings.setdefault(number, _Visit(partial(self._mint, there, {}, {}), self._pacers.clock))

    def _visit(self, repo: Repo, purpose: Purpose) -> _Minted:
        try:
            installation = self._ask(f"/repos/{repo.path}/installation")
        except WireFault as fault:
            if fault.status != 404:
                raise
            words = f"{repo.path} cannot be reached: {self._name} is not installed there. Install it."
            raise WireFault(words, status=404, said=f"{self._name} is not installed there") from fault
        # Before a repository has been looked at, only its name is known.
        scope = {"repository_ids": [repo.id]} if repo.id else {"repositories": [repo.path.rpartition("/")[2]]}
        return self._mint(installation, _RIGHTS[purpose], scope)

    def _visit_anywhere(self) -> _Minted:
        for installation in self._ask("/app/installations"):
            if installation.get("suspended_at") is None:
                return self._mint(installation, {}, {})
        raise Fault(f"{self._name} is not installed anywhere. Install it where the bot is to work.")

    def _mint(self, installation: Any, wanted: dict[str, str], scope: dict[str, Any]) -> _Minted:  # noqa: ANN401 - JSON
        with reading(f"an installation of {self._name}"):
            number, granted = int(installation["id"]), dict(installation["permissions"])
            wish = {"permissions": _narrow(wanted, granted), **scope}
            path = f"/app/installations/{number}/access_tokens"
            answer = self._wire_of(self._proof).post_again(path, wish, creates=False)
            ends = datetime.fromisoformat(answer["expires_at"]).timestamp()
            pacer = self._pacers.of(f"installation {number} of {self._name}")
            return _Minted(Grant(Secret(str(answer["token"])), pacer), ends)

    def _ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return self._wire_of(self._proof).requestJsonAndCheck("GET", path)[1]


def _narrow(wanted: dict[str, str], granted: dict[str, str]) -> dict[str, str]:
    """The rights to ask for: with one that was never granted among them, GitHub gives no token at all."""
    shared = {name: level for name, level in wanted.items() if name in granted}
    return {"metadata": "read"} | {name: "read" if granted[name] == "read" else shared[name] for name in shared}


def _read_account(wire: Wire, path: str) -> Person:
    with reading("the bot's own account"):
        return read_person(NamedUser(wire, url=path).complete())


class _Proof:
    """The App itself, which may do little more than ask for tokens."""

    def __init__(self, key: AppKey, pacer: Pacer, clock: Clock) -> None:
        self._key = key
        self._pacer = pacer
        self._clock = clock

    def grant(self) -> Grant:
        return Grant(self._key.prove(self._clock.today()), self._pacer, "Bearer")

    def renew(self, refused: Secret) -> bool:  # noqa: ARG002 - the next one would be no better
        return False


@dataclass(frozen=True, slots=True)
class _Minted:
    grant: Grant
    ends: float
    """Seconds since the epoch."""


class _Visit:
    """An App where it is installed. However many threads ask, one of them fetches the token."""

    def __init__(self, mint: Callable[[], _Minted], clock: Clock) -> None:
        self._mint = mint
        self._clock = clock
        self._lock = Lock()
        self._minted: _Minted | None = None

    def grant(self) -> Grant:
        with self._lock:
            if self._minted is None or self._minted.ends - _MARGIN <= self._clock.today():
                self._minted = self._mint()
            return self._minted.grant

    def renew(self, refused: Secret) -> bool:
        """Tokens end early when the App is changed or suspended; a new one may do."""
        with self._lock:
            if self._minted and self._minted.grant.token.reveal() == refused.reveal():
                self._minted = None
        return True
