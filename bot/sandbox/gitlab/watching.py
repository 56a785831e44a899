"""Compares issues and merge requests before and after one request: GitLab tells its hooks once of all that changed.

It never keeps anything between two requests.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.exchanges import Json
from bot.sandbox.forge import Forge
from bot.sandbox.gitlab.announcing import announce_request, announce_ticket, show_labels_in_hook, site_of, when
from bot.sandbox.gitlab.shapes import show_user
from bot.sandbox.gitlab.shapes_requests import is_draft, state_of
from bot.sandbox.issues import Scene
from bot.sandbox.state import Comment, Issue, Repository

_ACTIONS = {"opened": "reopen", "closed": "close", "merged": "merge"}
_STATE_IDS = {"opened": 1, "closed": 2, "merged": 3}
_WHILE_MERGING = 4


@dataclass(frozen=True)
class Sight:
    """What hooks are told about when it changes. Labels are ids: a label that is renamed stays on its issues."""

    state: str
    title: str
    draft: bool
    body: str
    labels: tuple[int, ...]
    assignees: tuple[str, ...]
    milestone: int | None
    target: str
    head: str
    updated_at: int


def look(repository: Repository, issue: Issue) -> Sight:
    """The issue or merge request as it is now."""
    labels = tuple(label.id for name in issue.labels if (label := repository.label(name)))
    target, head = (issue.pull.base_ref, issue.pull.head_sha) if issue.pull else ("", "")
    return Sight(
        state_of(issue), issue.title, issue.pull is not None and is_draft(issue), issue.body or "", labels,
        tuple(issue.assignees), issue.milestone, target, head, issue.updated_at,
    )


def look_at_all(forge: Forge) -> dict[int, Sight]:
    """Every issue and merge request, by its id."""
    return {
        issue.id: look(repository, issue)
        for repository in forge.world.repositories.values()
        for issue in (*repository.issues.values(), *repository.tickets.values())
    }


def tell_changes(scene: Scene, before: Sight | None) -> None:
    """Send the hooks that one issue or merge request is worth, and write what GitLab itself notes down in it."""
    announce = announce_request if scene.issue.pull else announce_ticket
    now = look(scene.repository, scene.issue)
    if before is None:
        announce(scene, "open", {})
        return
    _write_system_notes(scene, before, now)
    changes = _compare(scene, before, now)
    moved = before.head if scene.issue.pull and before.head != now.head else None
    times = {"updated_at": {"previous": when(before.updated_at), "current": when(now.updated_at)}}
    if moved:
        announce_request(scene, "update", changes | times, moved)
    elif changes:
        announce(scene, "update", changes | times)
    if before.state != now.state:
        previous = _WHILE_MERGING if now.state == "merged" else _STATE_IDS[before.state]
        states = {"state_id": {"previous": previous, "current": _STATE_IDS[now.state]}}
        announce(scene, _ACTIONS[now.state], states | times)


def _compare(scene: Scene, before: Sight, now: Sight) -> Json:
    site, repository = site_of(scene.forge), scene.repository
    names = {label.id: label.name for label in repository.labels.values()}
    milestones = {number: one.id for number, one in repository.milestones.items()}

    def labels(sight: Sight) -> list[Json]:
        return show_labels_in_hook(repository, [names[number] for number in sight.labels if number in names])

    def people(sight: Sight) -> list[Json]:
        fields = ("id", "name", "username", "avatar_url")
        return [{name: show_user(site, login)[name] for name in fields} for login in sight.assignees]

    both = {
        "title": (before.title, now.title), "draft": (before.draft, now.draft), "description": (before.body, now.body),
        "labels": (labels(before), labels(now)), "assignees": (people(before), people(now)),
        "milestone_id": tuple(milestones.get(one.milestone or -1) for one in (before, now)),
        "target_branch": (before.target, now.target),
    }
    return {name: {"previous": old, "current": new} for name, (old, new) in both.items() if old != new}


def _write_system_notes(scene: Scene, before: Sight, now: Sight) -> None:
    texts = []
    if before.title != now.title:
        texts.append(f"changed title from **{before.title}** to **{now.title}**")
    if before.body != now.body:
        texts.append("changed the description")
    if before.head != now.head:
        texts.append(f"added commits\n\nCompare with {before.head[:8]}")
    for text in texts:
        at, number = scene.forge.now(), scene.forge.world.take_id()
        scene.issue.comments.append(Comment(number, scene.actor, text, at, at, system=True))
