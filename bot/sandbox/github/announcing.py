"""Builds the bodies of webhooks and hands them to the hooks of a repository.

It never changes the forge; an event that nobody listens to is not even built.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.sandbox.bare import ZERO, Bare, CommitData, Signature
from bot.sandbox.exchanges import Json
from bot.sandbox.forge import Forge
from bot.sandbox.github.shapes import (
    View,
    show_comment,
    show_hook,
    show_label,
    show_milestone,
    show_repository,
    show_user,
)
from bot.sandbox.github.shapes_pulls import show_full_pull, show_listed_issue, show_pull
from bot.sandbox.issues import Scene
from bot.sandbox.state import Comment, Hook, Label, Milestone, Repository, User

_SHOWN_COMMITS = 2048
_WITH_FULL_PULL = {"opened", "closed", "reopened", "edited", "synchronize", "ready_for_review", "converted_to_draft"}


def view_of(forge: Forge) -> View:
    """How webhooks see the forge: nobody has asked, so the URLs are the forge's own."""
    return View(forge, forge.url, forge.url)


def announce(forge: Forge, repository: Repository, event: str, actor: str, body: Json) -> None:
    """Send an event with the repository and the sender that every event has."""
    if forge.listens(repository):
        view = view_of(forge)
        common = {"repository": show_repository(view, repository), "sender": show_user(view, actor)}
        forge.emit(repository, event, common | body)


def announce_issue(scene: Scene, action: str, about: Mapping[str, object]) -> None:
    """`pull_request`, or `issues` when it is a plain issue; `about` has what goes with the action."""
    forge, repository, issue = scene.forge, scene.repository, scene.issue
    if not forge.listens(repository):
        return
    view = view_of(forge)
    body: Json = {"action": action, **{name: _show(view, repository, value) for name, value in about.items()}}
    if issue.pull is None:
        shown = show_listed_issue(view, repository, issue)
        announce(forge, repository, "issues", scene.actor, body | {"issue": shown})
        return
    show = show_full_pull if action in _WITH_FULL_PULL else show_pull
    body |= {"number": issue.number, "pull_request": show(view, repository, issue)}
    announce(forge, repository, "pull_request", scene.actor, body)


def announce_comment(scene: Scene, action: str, comment: Comment, before: str | None) -> None:
    """`issue_comment`, on pulls too: the issue then has `pull_request`, and no base or head."""
    view, repository = view_of(scene.forge), scene.repository
    body: Json = {
        "action": action, "issue": show_listed_issue(view, repository, scene.issue),
        "comment": show_comment(view, repository, scene.issue, comment),
    }
    if before is not None:
        body["changes"] = {"body": {"from": before}}
    announce(scene.forge, repository, "issue_comment", scene.actor, body)


def announce_label(forge: Forge, repository: Repository, label: Label, actor: str, action: str) -> None:
    """`label`: it was created or deleted in the repository."""
    shown = show_label(view_of(forge), repository, label)
    announce(forge, repository, "label", actor, {"action": action, "label": shown})


def announce_ping(forge: Forge, repository: Repository, hook: Hook, actor: str) -> None:
    """`ping`, to the one hook that was just made."""
    view = view_of(forge)
    payload = {
        "zen": "Practicality beats purity.", "hook_id": hook.id, "hook": show_hook(view, repository, hook),
        "repository": show_repository(view, repository), "sender": show_user(view, actor),
    }
    forge.send(hook, "ping", payload, repository.id)


def announce_ref(forge: Forge, repository: Repository, ref: str, actor: str, *, created: bool) -> None:
    """`create` or `delete` of a branch or a tag."""
    folder, name = ref.removeprefix("refs/").split("/", 1)
    body: Json = {"ref": name, "ref_type": "branch" if folder == "heads" else "tag", "pusher_type": "user"}
    if created:
        body |= {"master_branch": repository.default_branch, "description": None}
    announce(forge, repository, "create" if created else "delete", actor, body)


def announce_push(forge: Forge, repository: Repository, ref: str, change: tuple[str, str], actor: str) -> None:
    """`push` of one ref; `change` is what it named before and after, 40 zeros for nothing."""
    if not forge.listens(repository):
        return
    before, after = change
    view, bare = view_of(forge), forge.bare(repository)
    commits = _new_commits(bare, ref, before, after)
    page, user = view.page_of(repository), forge.user(actor)
    in_push = show_repository(view, repository)
    in_push |= {"created_at": repository.created_at, "pushed_at": repository.pushed_at, "stargazers": 0}
    in_push["owner"] |= {"name": repository.owner, "email": None}
    tip = [] if after == ZERO else [bare.commit(after)]
    announce(forge, repository, "push", actor, {
        "ref": ref, "before": before, "after": after, "created": before == ZERO, "deleted": after == ZERO,
        "forced": ZERO not in change and not bare.is_ancestor(before, after),
        "base_ref": _base_ref(bare, ref, after) if before == ZERO and not commits else None,
        "compare": f"{page}/compare/{before[:12]}...{after[:12]}",
        "commits": _show_pushed(page, bare, commits[-_SHOWN_COMMITS:]),
        "head_commit": _show_pushed(page, bare, tip)[0] if tip else None,
        "pusher": {"name": user.login, "email": forge.address_of(user)}, "repository": in_push,
    })


def _show(view: View, repository: Repository, value: object) -> object:
    if isinstance(value, User):
        return show_user(view, value.login)
    if isinstance(value, Label):
        return show_label(view, repository, value)
    return show_milestone(view, repository, value) if isinstance(value, Milestone) else value


def _new_commits(bare: Bare, ref: str, before: str, after: str) -> list[CommitData]:
    if after == ZERO:
        return []
    if before != ZERO:
        return bare.commits(after, f"^{before}")
    # A new branch shows what no other branch has; a branch made where another one stands shows nothing.
    others = [sha for name, sha in bare.refs("refs/heads/").items() if name != ref]
    return bare.commits(after, *(f"^{sha}" for sha in others))


def _base_ref(bare: Bare, ref: str, after: str) -> str | None:
    return next((name for name, sha in bare.refs("refs/heads/").items() if sha == after and name != ref), None)


def _show_pushed(page: str, bare: Bare, commits: list[CommitData]) -> list[Json]:
    touched = bare.touched([commit.sha for commit in commits])
    return [
        {
            "id": commit.sha, "tree_id": commit.tree, "distinct": True, "message": commit.message,
            "timestamp": commit.committer.at, "url": f"{page}/commit/{commit.sha}",
            "author": _show_author(commit.author), "committer": _show_author(commit.committer),
            **{word: [path for status, path in touched.get(commit.sha, []) if status == letter]
               for word, letter in (("added", "A"), ("removed", "D"), ("modified", "M"))},
        }
        for commit in commits
    ]


def _show_author(signature: Signature) -> Json:
    return {"name": signature.name, "email": signature.email, "date": signature.at}
