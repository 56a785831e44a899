"""What a repository on GitHub is given before the bot works in it: labels, the webhook; and which rights the bot has.

It must never take away or repaint what is there, nor touch a webhook that sends elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from github.Hook import Hook as Found
from github.Repository import Repository

from bot.core.actions import Missing, Refused
from bot.core.model import Repo
from bot.core.setup import Hook, HookReady, HookWish, LabelWish, Right, Visit
from bot.forges.github.connection import Connection
from bot.forges.github.deliveries import Deliveries
from bot.forges.github.labels import Labels
from bot.forges.github.reading import reading
from bot.forges.github.refusing import refused
from bot.forges.github.wire import Wire
from bot.forges.settings import MISPOINTED, is_same_address, read_clock
from bot.forges.wire_fault import WireFault

Json = dict[str, Any]

EVENTS = frozenset({"check_suite", "issue_comment", "pull_request", "push", "status"})
"""Exactly what `github_hooks` reads."""


class RepositorySettings:
    """Fulfils `bot.forges.RepositorySettings` for one connection; `is_app` when it is a GitHub App's."""

    def __init__(self, connection: Connection, *, is_app: bool = False) -> None:
        self._connection = connection
        self._is_app = is_app
        self._labels = Labels(connection)
        self.deliveries = Deliveries(connection, is_app=is_app)

    # ── a look at it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def visit(self, path: str) -> Visit | Missing:
        """One request: the repository, what the bot may do there, and GitHub's time."""
        try:
            headers, found = self._wire(Repo("github", 0, path, "")).requestJsonAndCheck("GET", f"/repos/{path}")
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"repository {path}")
            raise
        with reading(f"the repository {path}"):
            repo = Repo("github", int(found["id"]), str(found["full_name"]), str(found["default_branch"]))
            return Visit(repo, self._rights(headers, found), read_clock(headers))

    def _rights(self, headers: Json, found: Json) -> tuple[Right, ...]:
        scopes = _scopes_of(headers)
        may = found.get("permissions") or {}
        role = Right(
            "write access to the repository",
            None if self._is_app else bool(may.get("push")),
            f"Give the bot's account the role write in {found['full_name']}.",
        )
        if scopes is None:
            return (role, *(Right(name, None, mend) for name, mend in _PERMISSIONS))
        code = "repo" in scopes or (not found.get("private") and "public_repo" in scopes)
        return (
            role,
            Right("the scope repo", code, "Make a token with the scope repo, or a fine-grained one."),
            Right("the scope workflow", "workflow" in scopes, _WORKFLOWS),
        )

    # ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def labels(self, repo: Repo) -> tuple[str, ...]:
        """The names of all labels."""
        return self._labels.all(repo)

    def ensure_label(self, repo: Repo, wish: LabelWish) -> bool | Refused:
        """Make the label; one that is there, or that a lost request has made, stays as it is."""
        return self._labels.ensure(repo, wish)

    # ── the webhook ──────────────────────────────────────────────────────────────────────────────────────────────────

    def find_hook(self, repo: Repo, url: str) -> Hook | Missing | Refused:
        """The webhook of the repository that sends to `url`."""
        found = self._find(repo, url)
        return _read_hook(found, url) if isinstance(found, Found) else found

    def ensure_hook(self, repo: Repo, wish: HookWish) -> HookReady | Refused:
        """Create the webhook, or mend it; the secret is set where there is none, or where it is turned away."""
        found = self._find(repo, wish.url)
        if isinstance(found, Refused):
            return found
        try:
            with reading(f"the webhook of {repo.path}"):
                return self._create(repo, wish) if isinstance(found, Missing) else _mend(found, wish)
        except WireFault as fault:
            return refused(fault, f"GitHub did not set the webhook of {repo.path}", "repository webhooks: write")

    def _find(self, repo: Repo, url: str) -> Found | Missing | Refused:
        if self._is_app:
            return Refused(
                "A GitHub App has one webhook of its own, for all repositories that it is installed in",
                f"Set {url} and the secret in the App's settings, with the events "
                f"{', '.join(sorted(EVENTS))}; a webhook of the repository as well would send everything twice.",
            )
        try:
            with reading(f"the webhooks of {repo.path}"):
                hooks = self._repository(repo).get_hooks()
                found = (hook for hook in hooks if is_same_address(str(hook.config.get("url")), url))
                return next(found, Missing(f"webhook to {url}"))
        except WireFault as fault:
            return refused(fault, f"GitHub does not show the webhooks of {repo.path}", "repository webhooks: write")

    def _create(self, repo: Repo, wish: HookWish) -> HookReady:
        try:
            self._repository(repo).create_hook("web", _config(wish), sorted(EVENTS), active=True)
        except WireFault as fault:
            # After a lost answer it may be there, made by this very request.
            if not (fault.in_doubt or _is_there(fault)) or not isinstance(self._find(repo, wish.url), Found):
                raise
        return HookReady((f"created for {', '.join(sorted(EVENTS))}",))

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────

    def _wire(self, repo: Repo) -> Wire:
        return self._connection.wire(repo)

    def _repository(self, repo: Repo) -> Repository:
        return Repository(self._wire(repo), url=f"/repos/{repo.path}")


# ── what is found ────────────────────────────────────────────────────────────────────────────────────────────────────

_WORKFLOWS = "Add the scope workflow: GitHub takes no push that changes workflow files without it."
_PERMISSIONS = (
    ("contents: write", "Give the token the permission contents, to write."),
    ("pull requests: write", "Give the token the permission pull requests, to write."),
    ("issues: write", "Give the token the permission issues, to write."),
    ("workflows: write", "Give the token the permission workflows: lines may have other workflow files than main."),
)
"""What a fine-grained token or an App needs. GitHub tells of neither beforehand."""


def _scopes_of(headers: Json) -> frozenset[str] | None:
    """The scopes of a classic token; None for every other kind, which has none."""
    said = str(headers.get("x-oauth-scopes", "")).strip()
    return frozenset(word.strip() for word in said.split(",")) if said else None


def _read_hook(found: Found, url: str) -> Hook:
    answer = found.last_response
    status = str(answer.status or "")
    failing = None
    if status not in ("", "unused", "active", "ok"):
        failing = f"{answer.code or 'no answer'} ({answer.message or status})"
    elif answer.code and not 200 <= answer.code < 300:
        failing = str(answer.code)
    return Hook(found.config["url"], tuple(_flaws(found, url)), failing, is_disabled=not found.active)


def _flaws(found: Found, url: str) -> Iterable[str]:
    """What is wrong with a webhook, in the words of what is done about it."""
    if found.config["url"] != url:
        yield MISPOINTED
    if not found.active:
        yield "switched on"
    events = set(found.events)
    if missing := EVENTS - events - ({*EVENTS} if "*" in events else set()):
        yield f"given the events {', '.join(sorted(missing))}"
    if surplus := events - EVENTS:
        yield f"relieved of the events {', '.join(sorted(surplus))}"
    if found.config.get("content_type") != "json":
        yield "set to the content type json"
    if str(found.config.get("insecure_ssl", "0")) != "0":
        yield "set to check certificates"
    if not found.config.get("secret"):
        yield "given the secret"


def _mend(found: Found, wish: HookWish) -> HookReady:
    flaws = list(_flaws(found, wish.url))
    if "given the secret" not in flaws and (wish.renew or found.last_response.code == _UNAUTHORIZED):
        flaws.append("given the secret anew")
    if flaws:
        found.edit("web", _config(wish), sorted(EVENTS), active=True)
    return HookReady(tuple(flaws))


_UNAUTHORIZED = 401
"""What our own server answers to a delivery that was signed with another secret."""


def _config(wish: HookWish) -> dict[str, str]:
    return {"url": wish.url, "content_type": "json", "insecure_ssl": "0", "secret": wish.secret.reveal()}


def _is_there(fault: WireFault) -> bool:
    return fault.status == 422 and "already" in fault.said
