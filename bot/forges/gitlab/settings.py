"""What a project on GitLab is given before the bot works in it: labels, the webhook; and which rights the bot has.

It must never take away or repaint what is there, nor touch a webhook that sends elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitlab.utils import EncodedId
from gitlab.v4.objects import CurrentUserManager, Project, ProjectHook

from bot.core.actions import Missing, Refused
from bot.core.model import Repo, Role
from bot.core.setup import Hook, HookReady, HookWish, LabelWish, Right, Visit
from bot.forges.fields import Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.deliveries import Deliveries
from bot.forges.gitlab.labels import Labels
from bot.forges.gitlab.reading import read_account, read_role, reading
from bot.forges.gitlab.refusing import refused
from bot.forges.settings import MISPOINTED, is_same_address, read_clock
from bot.forges.wire_fault import WireFault

EVENTS = frozenset({
    "merge_requests_events", "note_events", "pipeline_events", "push_events", "tag_push_events",
})  # fmt: skip
"""Exactly what `gitlab_hooks` reads."""


class RepositorySettings:
    """Fulfils `bot.forges.RepositorySettings` for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._labels = Labels(connection)
        self.deliveries = Deliveries(connection)

    # ── a look at it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def visit(self, path: str) -> Visit | Missing:
        """The project and GitLab's time with one request; three more for the bot's account, its role and its token."""
        try:
            answer = self._connection.client.http_request("get", f"/projects/{EncodedId(path)}")
        except WireFault as fault:
            if fault.status == 404:
                return Missing(f"repository {path}")
            raise
        with reading(f"the project {path}"):
            found = Fields("", answer.json())
            branch = found.text("default_branch")
            repo = Repo("gitlab", found.number("id"), found.text("path_with_namespace"), branch)
            return Visit(repo, self._rights(repo), read_clock(answer.headers), scoped_labels=True)

    def _rights(self, repo: Repo) -> tuple[Right, ...]:
        role = f"Give the bot's account the role Developer in {repo.path}."
        return (
            Right("write access to the repository", self._role(repo) >= Role.WRITE, role),
            Right("the scope api", self._has_scope(), "Make a token with the scope api."),
        )

    def _role(self, repo: Repo) -> Role:
        me = read_account(CurrentUserManager(self._connection.client).get().attributes)
        try:
            return read_role(self._project(repo).members_all.get(me.id).attributes, me)
        except WireFault as fault:
            if fault.status == 404:
                return Role.NONE
            raise

    def _has_scope(self) -> bool | None:
        """None for a token that does not tell: GitLab knows the scopes of access tokens only, and of some not even."""
        try:
            said = self._connection.client.http_get("/personal_access_tokens/self")
        except WireFault as fault:
            if fault.passing:
                raise
            return None
        scopes = Fields("", said).texts("scopes")
        return "api" in scopes or (None if _FINE_GRAINED in scopes else False)

    # ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def labels(self, repo: Repo) -> tuple[str, ...]:
        """The names of all labels, those of the groups round the project too."""
        return self._labels.all(repo)

    def ensure_label(self, repo: Repo, wish: LabelWish) -> bool | Refused:
        """Make the label; one that is there, or that a lost request has made, stays as it is."""
        return self._labels.ensure(repo, wish)

    # ── the webhook ──────────────────────────────────────────────────────────────────────────────────────────────────

    def find_hook(self, repo: Repo, url: str) -> Hook | Missing | Refused:
        """The webhook of the project that sends to `url`; those of its groups are not looked at."""
        found = self._find(repo, url)
        if not isinstance(found, ProjectHook):
            return found
        with reading(f"the webhook of {repo.path}"):
            hook = Fields("", found.attributes)
            status = self._last_status(found)
            failing = f"no answer ({status})" if status and not status.isdigit() else status
            good = failing is None or failing.startswith("2")
            asleep = _sleep_of(hook) is not None
            return Hook(hook.text("url"), tuple(_flaws(hook, url)), None if good else failing, asleep, asleep)

    def ensure_hook(self, repo: Repo, wish: HookWish) -> HookReady | Refused:
        """Create the webhook, or mend it; the secret is set where there is none, or where it is turned away."""
        found = self._find(repo, wish.url)
        if isinstance(found, Refused):
            return found
        try:
            with reading(f"the webhook of {repo.path}"):
                return self._create(repo, wish) if isinstance(found, Missing) else self._mend(repo, found, wish)
        except WireFault as fault:
            return refused(fault, f"GitLab did not set the webhook of {repo.path}", "Maintainer")

    def _find(self, repo: Repo, url: str) -> ProjectHook | Missing | Refused:
        try:
            with reading(f"the webhooks of {repo.path}"):
                hooks = self._project(repo).hooks.list(iterator=True)
                found = (hook for hook in hooks if is_same_address(Fields("", hook.attributes).text("url"), url))
                return next(found, Missing(f"webhook to {url}"))
        except WireFault as fault:
            return refused(fault, f"GitLab does not show the webhooks of {repo.path}", "Maintainer")

    def _create(self, repo: Repo, wish: HookWish) -> HookReady:
        try:
            self._project(repo).hooks.create(_as_wished(wish))
        except WireFault as fault:
            # After a lost answer it may be there, made by this very request; GitLab would make a second one.
            if not fault.in_doubt or not isinstance(self._find(repo, wish.url), ProjectHook):
                raise
        return HookReady((f"created for {', '.join(sorted(EVENTS))}",))

    def _mend(self, repo: Repo, found: ProjectHook, wish: HookWish) -> HookReady | Refused:
        hook = Fields("", found.attributes)
        flaws, asleep = list(_flaws(hook, wish.url)), _sleep_of(hook)
        if _SECRET not in flaws and (wish.renew or self._last_status(found) == _UNAUTHORIZED):
            flaws.append("given the secret anew")
        if wish.signing and hook.says("signing_token_present", value=False):
            flaws.append("given the signing token")
        if set(flaws) - {asleep}:
            edit = {**_as_wished(wish), **dict.fromkeys(_surplus(hook), False)}
            self._project(repo).hooks.update(hook.number("id"), edit)
        return (self._wake(found) if asleep else None) or HookReady(tuple(flaws))

    def _wake(self, found: ProjectHook) -> Refused | None:
        """Have GitLab try the webhook: it switches one on again when a delivery is taken, and in no other way."""
        try:
            found.test("push_events")
        except WireFault as fault:
            if fault.status not in (404, 422):
                raise
            return Refused(
                f"GitLab has given the webhook up, and the delivery that it was to try failed: {fault.said or fault}",
                "See whether the server runs and GitLab reaches it, then run this again, or press Test in the "
                "webhook's settings.",
            )
        return None

    def _last_status(self, found: ProjectHook) -> str | None:
        """What the last delivery met; None where there was none lately, or GitLab does not tell (before 17.3)."""
        path = f"{found.manager.path}/{found.get_id()}/events"
        try:
            # GitLab gives no more than 20 of these at a time, and refuses whoever asks for more.
            sent = next(iter(self._connection.client.http_list(path, iterator=True, per_page=1)), None)
        except WireFault as fault:
            if fault.status in (403, 404):
                return None
            raise
        return None if sent is None else Fields("", sent).text("response_status")

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────

    def _project(self, repo: Repo) -> Project:
        return self._connection.client.projects.get(repo.id, lazy=True)


# ── what is found ────────────────────────────────────────────────────────────────────────────────────────────────────

_FINE_GRAINED = "granular"
"""The only scope of a token whose permissions are chosen one by one. Which they are GitLab does not tell."""

_SECRET = "given the secret"  # noqa: S105 - what is done, not what it is
_UNAUTHORIZED = "401"
"""What our own server answers to a delivery that came with another secret."""


def _flaws(found: Fields, url: str) -> Iterator[str]:
    """What is wrong with a webhook, in the words of what is done about it."""
    if not found.says("url", url):
        yield MISPOINTED
    if missing := [name for name in sorted(EVENTS) if not found.says(name, value=True)]:
        yield f"given the events {', '.join(missing)}"
    if surplus := _surplus(found):
        yield f"relieved of the events {', '.join(surplus)}"
    if not found.says("enable_ssl_verification", value=True):
        yield "set to check certificates"
    if found.says("token_present", value=False):
        yield _SECRET
    if asleep := _sleep_of(found):
        yield asleep


def _surplus(found: Fields) -> list[str]:
    return sorted(name for name in found.names() if name.endswith("_events") and name not in EVENTS
                  and found.says(name, value=True))


def _sleep_of(found: Fields) -> str | None:
    """What is done about a webhook that GitLab has given up after failures, for a while or for good."""
    if not found.has("alert_status") or found.says("alert_status", "executable"):
        return None
    until = f" before {found.text('disabled_until')}" if found.has("disabled_until") else ""
    return f"switched on again with a test delivery, since GitLab would send nothing{until}"


def _as_wished(wish: HookWish) -> dict[str, Any]:
    # GitLab forgets the secret when the address changes, so both always go together.
    wished = {"url": wish.url, "token": wish.secret.reveal(), **dict.fromkeys(EVENTS, True)}
    signing = {"signing_token": wish.signing.reveal()} if wish.signing else {}
    return {**wished, "enable_ssl_verification": True, **signing}
