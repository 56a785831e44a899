"""GitHub's own ways beneath its API: its pulls, its webhooks and how they are signed.

It never keeps anything: all it does happens to the forge that it is asked about.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from bot.sandbox.bare import ZERO
from bot.sandbox.faces import Change, Kind, Letter, MergeWish, PullWish
from bot.sandbox.forge import Forge
from bot.sandbox.github.announcing import (
    announce_comment,
    announce_issue,
    announce_label,
    announce_push,
    announce_ref,
)
from bot.sandbox.github.pulls import merge_pull, open_pull, set_pull_state
from bot.sandbox.github.rules import satisfies
from bot.sandbox.github.shapes import node_id
from bot.sandbox.issues import Scene
from bot.sandbox.merging import FORGE
from bot.sandbox.state import Comment, Hook, Issue, Label, Repository, User

_MOST_TAGS = 3
_MOST_BRANCHES = 5000


class GitHubFace:
    """The `Face` of GitHub."""

    kind: Kind = "github"
    pull_refs = "refs/pull"
    robot = FORGE
    address = "{id}+{login}@users.noreply.github.com"
    exact_labels = False

    def watch(self, _: Forge) -> AbstractContextManager[None]:
        return nullcontext()

    def open_pull(self, forge: Forge, repository: Repository, wish: PullWish, actor: str) -> Issue:
        return open_pull(forge, repository, wish, actor)

    def merge_pull(self, scene: Scene, wish: MergeWish) -> str:
        return merge_pull(scene, wish)

    def set_pull_state(self, scene: Scene, state: str) -> None:
        set_pull_state(scene, state)

    def displaced(self, _labels: Sequence[str], _new: str) -> list[str]:
        return []

    def tell_issue(self, scene: Scene, action: str, about: Mapping[str, object]) -> None:
        announce_issue(scene, action, about)

    def tell_comment(self, scene: Scene, action: str, comment: Comment, before: str | None) -> None:
        announce_comment(scene, action, comment, before)

    def tell_label(self, forge: Forge, repository: Repository, label: Label, what: tuple[str, str]) -> None:
        actor, action = what
        announce_label(forge, repository, label, actor, action)

    def tell_ref(self, forge: Forge, repository: Repository, name: str, what: tuple[str, Change]) -> None:
        actor, change = what
        if change[0] == ZERO:
            announce_ref(forge, repository, name, actor, created=True)
        announce_push(forge, repository, name, change, actor)
        if change[1] == ZERO:
            announce_ref(forge, repository, name, actor, created=False)

    def audible(self, changes: Mapping[str, Change]) -> list[str]:
        """Nothing is said of tags when more than three are pushed at once, and nothing of more than 5000 branches."""
        tags = [name for name in changes if name.startswith("refs/tags/")]
        branches = [name for name in changes if name.startswith("refs/heads/")]
        return (branches if len(branches) <= _MOST_BRANCHES else []) + (tags if len(tags) <= _MOST_TAGS else [])

    def forbidden_refs(self, forge: Forge, repository: Repository, user: User | None) -> list[str]:
        login = user.login if user else ""
        named = [f"refs/heads/{name}" for name, able in repository.protected.items() if login not in able]
        for folder, rules in (("heads", repository.branch_rules), ("tags", repository.tag_rules)):
            unable = (rule for rule in rules.values() if not satisfies(forge, repository, user, rule.push))
            named += [f"refs/{folder}/{rule.name}" for rule in unable]
        return named

    def bystanders(self, forge: Forge, repository: Repository) -> list[tuple[Hook, dict[str, object], int]]:
        """The webhooks of the Apps that are installed here."""
        found: list[tuple[Hook, dict[str, object], int]] = []
        for installation in forge.world.installations.values():
            app = forge.world.apps[installation.app]
            if app.hook and installation.suspended_at is None and repository.id in installation.repositories:
                shown = {"id": installation.id, "node_id": node_id("Integration", installation.id)}
                found.append((app.hook, {"installation": shown}, app.id))
        return found

    def seal(self, hook: Hook, event: str, body: bytes, origin: int) -> Letter:
        """The signatures cover the body alone, not the id and not the name of the event."""
        guid, key = str(uuid.uuid4()), hook.secret.encode()
        return Letter(guid, event, body, {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/sandbox",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(hook.id),
            "X-GitHub-Hook-Installation-Target-ID": str(origin),
            "X-GitHub-Hook-Installation-Target-Type": "integration" if hook.of_app else "repository",
            "X-Hub-Signature": f"sha1={hmac.new(key, body, 'sha1').hexdigest()}",
            "X-Hub-Signature-256": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}",
        })

    def reseal(self, _: Hook, letter: Letter) -> Letter:
        return letter

    def note_attempt(self, hook: Hook, status: int, now: int) -> None:
        """GitHub goes on sending, whatever the answers are."""
