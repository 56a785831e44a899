"""GitLab's own ways beneath its API: its merge requests, its webhooks, how they are signed and when they are given up.

It never keeps anything but what one request has touched, until that request is over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bot.sandbox.faces import Change, Kind, Letter, MergeWish, PullWish
from bot.sandbox.forge import Forge
from bot.sandbox.gitlab.announcing import announce_note, announce_push
from bot.sandbox.gitlab.requests import merge_by_wish, open_request, set_request_state
from bot.sandbox.gitlab.rules import satisfies
from bot.sandbox.gitlab.watching import look_at_all, tell_changes
from bot.sandbox.issues import Scene
from bot.sandbox.merging import Person
from bot.sandbox.state import Comment, Hook, Issue, Label, Repository, User

_MOST_REFS = 3
_PATIENCE, _END_OF_PATIENCE = 4, 40
_FIRST_PAUSE, _LONGEST_PAUSE = 60, 86_400
_NOTE_ACTIONS = {"created": "create", "edited": "update"}


class GitLabFace:
    """The `Face` of GitLab."""

    kind: Kind = "gitlab"
    pull_refs = "refs/merge-requests"
    robot = Person("GitLab", "noreply@gitlab.com")
    address = "{id}-{login}@users.noreply.gitlab.com"
    exact_labels = True

    def __init__(self) -> None:
        self._touched: dict[int, Scene] = {}
        self._chain = ""
        self._url = ""

    @contextmanager
    def watch(self, forge: Forge) -> Iterator[None]:
        """Tell of each issue and merge request once, when the request that changed it is over."""
        before = look_at_all(forge)
        self._touched, self._chain, self._url = {}, str(uuid.uuid4()), forge.url
        try:
            yield
        finally:
            for number, scene in self._touched.items():
                tell_changes(scene, before.get(number))

    def open_pull(self, forge: Forge, repository: Repository, wish: PullWish, actor: str) -> Issue:
        title = f"Draft: {wish.title}" if wish.draft else wish.title
        return open_request(forge, repository, PullWish(title, wish.head, wish.base, wish.body), actor)

    def merge_pull(self, scene: Scene, wish: MergeWish) -> str:
        return merge_by_wish(scene, wish)

    def set_pull_state(self, scene: Scene, state: str) -> None:
        set_request_state(scene, state)

    def displaced(self, labels: Sequence[str], new: str) -> list[str]:
        """Of labels with one scope, which is what stands before the last `::`, an issue has one."""
        scope = new.rpartition("::")[0]
        return [name for name in labels if scope and name != new and name.rpartition("::")[0] == scope]

    def tell_issue(self, scene: Scene, _action: str, _about: Mapping[str, object]) -> None:
        """Who did it is what counts here; what it was comes out when the request is over."""
        self._touched.setdefault(scene.issue.id, scene)

    def tell_comment(self, scene: Scene, action: str, comment: Comment, _before: str | None) -> None:
        """Notes are told of at once, and never when they are deleted."""
        if action in _NOTE_ACTIONS:
            announce_note(scene, comment, _NOTE_ACTIONS[action])

    def tell_label(self, forge: Forge, repository: Repository, label: Label, what: tuple[str, str]) -> None:
        """GitLab has no webhook for a project's labels."""

    def tell_ref(self, forge: Forge, repository: Repository, name: str, what: tuple[str, Change]) -> None:
        actor, change = what
        announce_push(forge, repository, name, change, actor)

    def audible(self, changes: Mapping[str, Change]) -> list[str]:
        """Nothing is said of branches, or of tags, when more than three are pushed at once."""
        kinds = [[name for name in changes if name.startswith(folder)] for folder in ("refs/heads/", "refs/tags/")]
        return [name for names in kinds if len(names) <= _MOST_REFS for name in names]

    def forbidden_refs(self, forge: Forge, repository: Repository, user: User | None) -> list[str]:
        """Protected branches and tags whose rule wants a greater role; `protected` names accounts instead."""
        login = user.login if user else ""
        named = [f"refs/heads/{name}" for name, able in repository.protected.items() if login not in able]
        for folder, rules in (("heads", repository.branch_rules), ("tags", repository.tag_rules)):
            unable = (rule for rule in rules.values() if not satisfies(forge, repository, user, rule.push))
            named += [f"refs/{folder}/{rule.name}" for rule in unable]
        return named

    def bystanders(self, _forge: Forge, _repository: Repository) -> list[tuple[Hook, dict[str, object], int]]:
        return []

    def seal(self, hook: Hook, event: str, body: bytes, origin: int) -> Letter:
        """The plain token goes with every webhook; the signature covers id, time and body, where there is a key."""
        guid = str(uuid.uuid4())
        headers = {
            "Content-Type": "application/json", "User-Agent": "GitLab/19.3.2", "X-Gitlab-Event": event,
            "X-Gitlab-Instance": self._url, "X-Gitlab-Event-UUID": self._chain, "Idempotency-Key": guid,
            "X-Gitlab-Webhook-UUID": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{origin}/{hook.id}")),
        }
        if hook.secret:
            headers["X-Gitlab-Token"] = hook.secret
        return Letter(guid, event, body, headers | _sign(hook.signing_token, guid, body))

    def reseal(self, hook: Hook, letter: Letter) -> Letter:
        """The ids stay, the time of the signature does not."""
        headers = {**letter.headers, **_sign(hook.signing_token, letter.id, letter.body)}
        return Letter(letter.id, letter.event, letter.body, headers)

    def note_attempt(self, hook: Hook, status: int, now: int) -> None:
        """A hook that fails four times in a row rests for a minute, and twice as long each time it fails again."""
        if 200 <= status < 300:
            hook.failures, hook.disabled_until, hook.active = 0, None, True
            return
        if not hook.active or (hook.disabled_until is not None and hook.disabled_until > now):
            return
        hook.failures += 1
        if hook.failures >= _END_OF_PATIENCE:
            hook.active = False
        elif hook.failures >= _PATIENCE:
            pause = min(_FIRST_PAUSE * 2 ** (hook.failures - _PATIENCE), _LONGEST_PAUSE)
            hook.disabled_until = now + pause


def _sign(token: str, guid: str, body: bytes) -> dict[str, str]:
    if not token:
        return {}
    now = str(int(time.time()))
    digest = hmac.new(_key_of(token), b".".join((guid.encode(), now.encode(), body)), hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": guid, "webhook-timestamp": now, "webhook-signature": signature}


def _key_of(token: str) -> bytes:
    # A token that says so carries its key in base64; any other is the key itself.
    if not token.startswith("whsec_"):
        return token.encode()
    try:
        return base64.b64decode(token.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return token.encode()
