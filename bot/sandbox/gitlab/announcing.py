"""Builds the bodies of GitLab's webhooks and hands them to the hooks of a project and of the groups round it.

It never changes the forge; an event that nobody listens to is not even built.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot.sandbox.bare import ZERO, Bare, CommitData
from bot.sandbox.exchanges import Json
from bot.sandbox.faces import Change
from bot.sandbox.forge import Forge
from bot.sandbox.gitlab.shapes import Site, discussion_id, show_actor_in_hook, show_user
from bot.sandbox.gitlab.shapes_requests import detailed_status_of, is_draft, merge_status_of, state_of
from bot.sandbox.issues import Scene
from bot.sandbox.state import Comment, Hook, Issue, Label, Repository

_SHOWN_COMMITS = 20
_STATE_IDS = {"opened": 1, "closed": 2, "merged": 3}
_NO_TIME = {
    "time_estimate": 0, "total_time_spent": 0, "time_change": 0, "human_total_time_spent": None,
    "human_time_change": None, "human_time_estimate": None,
}


def site_of(forge: Forge) -> Site:
    """How webhooks see the forge: nobody has asked, so the URLs are the forge's own."""
    return Site(forge, forge.url)


def when(seconds: int) -> str:
    """Seconds since the epoch as most webhooks write a time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def announce_request(scene: Scene, action: str, changes: Json, oldrev: str | None = None) -> None:
    """`Merge Request Hook`; `oldrev` is what the head was, and is there only when commits were pushed."""
    forge, repository = scene.forge, scene.repository
    if not forge.listens(repository):
        return
    site = site_of(forge)
    attributes = show_request_in_hook(site, repository, scene.issue) | {"action": action}
    if oldrev:
        attributes["oldrev"] = oldrev
    body = {
        "object_kind": "merge_request", "event_type": "merge_request",
        "user": show_actor_in_hook(site, scene.actor), "project": show_project_in_hook(site, repository),
        "object_attributes": attributes, "labels": attributes["labels"], "changes": changes,
        "repository": _show_source(site, repository),
    }
    if scene.issue.assignees:
        body["assignees"] = [show_actor_in_hook(site, login) for login in scene.issue.assignees]
    forge.emit(repository, "Merge Request Hook", body, "merge_requests_events")


def announce_ticket(scene: Scene, action: str, changes: Json) -> None:
    """`Issue Hook`."""
    forge, repository, issue = scene.forge, scene.repository, scene.issue
    if not forge.listens(repository):
        return
    site = site_of(forge)
    attributes = show_ticket_in_hook(site, repository, issue) | {"action": action}
    labels = show_labels_in_hook(repository, issue.labels)
    forge.emit(repository, "Issue Hook", {
        "object_kind": "issue", "event_type": "issue", "user": show_actor_in_hook(site, scene.actor),
        "project": show_project_in_hook(site, repository), "object_attributes": attributes, "labels": labels,
        "changes": changes, "repository": _show_source(site, repository),
    }, "issues_events")


def announce_note(scene: Scene, note: Comment, action: str) -> None:
    """`Note Hook`; a note that is not for everybody comes as `Confidential Note Hook`, which hooks ask for apart."""
    forge, repository, issue = scene.forge, scene.repository, scene.issue
    if not forge.listens(repository):
        return
    site = site_of(forge)
    kind, word = ("MergeRequest", "merge_requests") if issue.pull else ("Issue", "issues")
    page = f"{site.page_of(repository)}/-/{word}/{issue.number}"
    attributes: Json = dict.fromkeys(_EMPTY_IN_NOTES) | {
        "id": note.id, "note": note.body, "noteable_type": kind, "noteable_id": issue.id,
        "author_id": forge.user(note.user).id, "created_at": when(note.created_at),
        "updated_at": when(note.updated_at), "project_id": repository.id, "commit_id": "", "system": False,
        "type": "DiscussionNote" if note.thread else None, "discussion_id": discussion_id(note), "action": action,
        "url": f"{page}#note_{note.id}",
    }
    body: Json = {
        "object_kind": "note", "event_type": "confidential_note" if note.internal else "note",
        "user": show_actor_in_hook(site, scene.actor), "project_id": repository.id,
        "project": show_project_in_hook(site, repository), "object_attributes": attributes,
        "repository": _show_source(site, repository),
    }
    if issue.pull:
        body["merge_request"] = show_request_in_hook(site, repository, issue)
    else:
        body["issue"] = show_ticket_in_hook(site, repository, issue)
    event, wanted = ("Note Hook", "note_events")
    if note.internal:
        event, wanted = ("Confidential Note Hook", "confidential_note_events")
    forge.emit(repository, event, body, wanted)


_EMPTY_IN_NOTES = (
    "attachment", "line_code", "st_diff", "updated_by_id", "position", "original_position", "resolved_at",
    "resolved_by_id", "change_position", "resolved_by_push",
)


def announce_push(forge: Forge, repository: Repository, ref: str, change: Change, actor: str) -> None:
    """`Push Hook` or `Tag Push Hook`: the newest commits only, oldest first, and how many there are."""
    if forge.listens(repository):
        tag = ref.startswith("refs/tags/")
        event, wanted = ("Tag Push Hook", "tag_push_events") if tag else ("Push Hook", "push_events")
        forge.emit(repository, event, _show_push(forge, repository, ref, change, actor), wanted)


def _show_push(forge: Forge, repository: Repository, ref: str, change: Change, actor: str) -> Json:
    before, after = change
    site, bare, tag = site_of(forge), forge.bare(repository), ref.startswith("refs/tags/")
    kind, user = "tag_push" if tag else "push", show_user(site, actor)
    commits, tip = _new_commits(bare, ref, change), None if after == ZERO else bare.peel(after)
    return {
        "object_kind": kind, "event_name": kind, "before": before, "after": after, "ref": ref, "checkout_sha": tip,
        "message": _tag_message(bare, ref) if tag and tip else None, "user_id": user["id"],
        "user_name": user["name"], "user_username": user["username"], "user_email": "",
        "user_avatar": user["avatar_url"], "project_id": repository.id,
        "project": show_project_in_hook(site, repository),
        "commits": _show_pushed(site.page_of(repository), bare, commits[-_SHOWN_COMMITS:]),
        "total_commits_count": len(commits),
        "repository": _show_source(site, repository) | {
            "git_http_url": f"{site.page_of(repository)}.git",
            "git_ssh_url": f"git@sandbox.invalid:{repository.path}.git", "visibility_level": _visibility(repository),
        },
    }


def announce_test(forge: Forge, repository: Repository, hook: Hook, actor: str) -> tuple[int, str]:
    """An example `Push Hook` of the default branch, to one hook; what it answered, or why there is nothing to send."""
    ref = f"refs/heads/{repository.default_branch}"
    tip = forge.bare(repository).ref(ref)
    if tip is None:
        return 0, "Ensure the project has at least one commit."
    payload = _show_push(forge, repository, ref, (tip, tip), actor)
    return forge.try_out(hook, "Push Hook", payload, repository.id)


def show_project_in_hook(site: Site, repository: Repository) -> Json:
    page, ssh = site.page_of(repository), f"git@sandbox.invalid:{repository.path}.git"
    return {
        "id": repository.id, "name": repository.name, "description": "", "web_url": page, "avatar_url": None,
        "git_ssh_url": ssh, "git_http_url": f"{page}.git", "namespace": repository.owner.rpartition("/")[2],
        "visibility_level": _visibility(repository), "path_with_namespace": repository.path,
        "default_branch": repository.default_branch, "ci_config_path": "", "homepage": page, "url": ssh,
        "ssh_url": ssh, "http_url": f"{page}.git",
    }


def show_request_in_hook(site: Site, repository: Repository, issue: Issue) -> Json:
    """A merge request as webhooks carry it."""
    part, forge = issue.part, site.forge
    known = forge.world.repositories.get(part.head_repository)
    target = show_project_in_hook(site, repository)
    people = [forge.user(login).id for login in issue.assignees]
    milestone = repository.milestones.get(issue.milestone) if issue.milestone is not None else None
    commit = forge.bare(repository).commit(part.head_sha)
    return {
        "id": issue.id, "iid": issue.number, "author_id": forge.user(issue.user).id, "assignee_ids": people,
        "assignee_id": people[0] if people else None, "reviewer_ids": [], "created_at": when(issue.created_at),
        "updated_at": when(issue.updated_at), "description": issue.body or "", "title": issue.title,
        "head_pipeline_id": None, "last_edited_at": None, "last_edited_by_id": None, "updated_by_id": None,
        "merge_commit_sha": part.merged_as, "merge_error": None, "merge_user_id": None,
        "merge_params": {"force_remove_source_branch": "1" if part.drop_source else "0"},
        "merge_status": merge_status_of(issue), "detailed_merge_status": detailed_status_of(site, repository, issue),
        "merge_when_pipeline_succeeds": False, "milestone_id": milestone.id if milestone else None,
        "source_branch": part.head_ref, "source_project_id": part.head_repository if known else None,
        "target_branch": part.base_ref, "target_project_id": repository.id, "state": state_of(issue),
        "state_id": _STATE_IDS[state_of(issue)], "draft": is_draft(issue), "work_in_progress": is_draft(issue),
        "blocking_discussions_resolved": True, "first_contribution": False, **_NO_TIME,
        "labels": show_labels_in_hook(repository, issue.labels), "target": target,
        "source": show_project_in_hook(site, known) if known else None,
        "url": f"{site.page_of(repository)}/-/merge_requests/{issue.number}",
        "last_commit": show_commit_in_hook(site.page_of(repository), commit),
    }


def show_ticket_in_hook(site: Site, repository: Repository, issue: Issue) -> Json:
    """An issue as webhooks carry it."""
    forge = site.forge
    people = [forge.user(login).id for login in issue.assignees]
    nothing = ("branch_name", "due_date", "last_edited_at", "last_edited_by_id", "moved_to_id", "updated_by_id")
    times = {name: value for name, value in _NO_TIME.items() if "change" not in name}
    return dict.fromkeys(nothing) | times | {
        "id": issue.id, "iid": issue.number, "title": issue.title, "description": issue.body or "",
        "author_id": forge.user(issue.user).id, "assignee_ids": people, "assignee_id": people[0] if people else None,
        "closed_at": when(issue.closed_at) if issue.closed_at else None, "confidential": False,
        "created_at": when(issue.created_at), "updated_at": when(issue.updated_at), "milestone_id": None,
        "project_id": repository.id, "relative_position": issue.number, "state": state_of(issue),
        "labels": show_labels_in_hook(repository, issue.labels),
        "url": f"{site.page_of(repository)}/-/issues/{issue.number}",
    }


def show_labels_in_hook(repository: Repository, names: list[str]) -> list[Json]:
    """The labels of these names that the project still has."""
    return [_show_label(repository, label) for name in names if (label := repository.label(name))]


def _show_label(repository: Repository, label: Label) -> Json:
    made = when(repository.created_at)
    return {
        "id": label.id, "title": label.name, "color": f"#{label.color}", "project_id": repository.id,
        "created_at": made, "updated_at": made, "template": False, "description": label.description,
        "type": "ProjectLabel", "group_id": None,
    }


def _show_source(site: Site, repository: Repository) -> Json:
    return {
        "name": repository.name, "url": f"git@sandbox.invalid:{repository.path}.git", "description": "",
        "homepage": site.page_of(repository),
    }


def _visibility(repository: Repository) -> int:
    return 0 if repository.private else 20


def _new_commits(bare: Bare, ref: str, change: Change) -> list[CommitData]:
    before, after = change
    if after == ZERO:
        return []
    if before != ZERO:
        return bare.commits(after, f"^{before}")
    # A new tag shows the commit that it names; a new branch what no other branch has.
    if ref.startswith("refs/tags/"):
        return [bare.commit(after)]
    return bare.commits(after, *(f"^{sha}" for name, sha in bare.refs("refs/heads/").items() if name != ref))


def _tag_message(bare: Bare, ref: str) -> str | None:
    text = bare.run("for-each-ref", "--format=%(objecttype)%00%(contents)", ref)
    kind, _, message = text.partition("\0")
    return message.rstrip("\n") if kind == "tag" else None


def show_commit_in_hook(page: str, commit: CommitData) -> Json:
    """A commit as webhooks carry it."""
    return {
        "id": commit.sha, "message": commit.raw_message, "title": commit.message.partition("\n")[0],
        "timestamp": commit.committer.at, "url": f"{page}/-/commit/{commit.sha}",
        "author": {"name": commit.author.name, "email": "[REDACTED]"},
    }


def _show_pushed(page: str, bare: Bare, commits: list[CommitData]) -> list[Json]:
    touched = bare.touched([commit.sha for commit in commits])
    words = (("added", "A"), ("modified", "M"), ("removed", "D"))
    return [
        show_commit_in_hook(page, commit) | {
            word: [path for status, path in touched.get(commit.sha, []) if status == letter] for word, letter in words
        }
        for commit in commits
    ]
