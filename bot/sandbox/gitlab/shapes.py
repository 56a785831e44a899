"""The JSON objects of GitLab's REST answers for accounts, projects, members, labels, milestones, notes and awards.

It never changes anything; times have milliseconds, and every URL names the host that was asked.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from bot.sandbox.exchanges import Json
from bot.sandbox.forge import Forge
from bot.sandbox.state import Comment, Entry, Issue, Label, Milestone, Reaction, Repository, User

LEVELS = {"none": 0, "read": 10, "triage": 20, "write": 30, "maintain": 40, "admin": 50}
"""GitLab's access levels: no access, guest, reporter, developer, maintainer, owner."""
_ON = ("issues", "merge_requests", "wiki", "builds", "snippets", "container_registry")
_HIDDEN_ADDRESS = "[REDACTED]"


@dataclass(frozen=True)
class Site:
    """From where one request looks at the forge: `web` starts the URLs of its answer."""

    forge: Forge
    web: str

    @property
    def api(self) -> str:
        return f"{self.web}/api/v4"

    def url_of(self, repository: Repository) -> str:
        return f"{self.api}/projects/{repository.id}"

    def page_of(self, repository: Repository) -> str:
        return f"{self.web}/{repository.path}"


def stamp(seconds: int) -> str:
    """Seconds since the epoch as GitLab's API writes a time, with milliseconds that nobody should lean on."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{seconds * 7 % 1000:03}Z"


def stamp_or_none(seconds: int | None) -> str | None:
    return None if seconds is None else stamp(seconds)


def show_user(site: Site, login: str) -> Json:
    """An account as it appears inside other objects."""
    user = site.forge.user(login)
    return {
        "id": user.id, "username": user.login, "name": user.login.title(), "state": "active", "locked": False,
        "avatar_url": f"{site.web}/uploads/-/system/user/avatar/{user.id}/avatar.png",
        "web_url": f"{site.web}/{quote(user.login)}",
    }


def show_self(site: Site, user: User) -> Json:
    """The account that asks, as it sees itself."""
    texts = ("bio", "job_title", "linkedin", "location", "organization", "skype", "twitter", "website_url", "discord")
    nothing = (
        "extra_shared_runners_minutes_limit", "shared_runners_minutes_limit", "local_time", "public_email",
        "work_information", "pronouns",
    )
    address = site.forge.address_of(user)
    return show_user(site, user.login) | dict.fromkeys(texts, "") | dict.fromkeys(nothing) | {
        "email": address, "commit_email": address, "bot": user.kind == "Bot", "identities": [], "scim_identities": [],
        "created_at": stamp(0), "confirmed_at": stamp(0), "current_sign_in_at": stamp(0), "last_sign_in_at": stamp(0),
        "last_activity_on": "2026-01-01", "can_create_group": True, "can_create_project": True, "color_scheme_id": 1,
        "theme_id": 3, "external": False, "private_profile": False, "two_factor_enabled": False,
        "projects_limit": 100_000,
    }


def show_member(site: Site, login: str, role: str) -> Json:
    return show_user(site, login) | {
        "access_level": LEVELS[role], "created_at": stamp(0), "expires_at": None, "membership_state": "active",
    }


def show_namespace(site: Site, repository: Repository) -> Json:
    owner = site.forge.user(repository.owner)
    kind = "group" if owner.kind == "Organization" else "user"
    parent = site.forge.world.users.get(repository.owner.rpartition("/")[0].lower())
    page = f"{site.web}/groups/{repository.owner}" if kind == "group" else f"{site.web}/{repository.owner}"
    return {
        "id": owner.id, "name": repository.owner.rpartition("/")[2], "path": repository.owner.rpartition("/")[2],
        "kind": kind, "full_path": repository.owner, "parent_id": parent.id if parent else None, "avatar_url": None,
        "web_url": page,
    }


def show_project(site: Site, repository: Repository) -> Json:
    """A project as it appears inside another one that was forked from it."""
    page, name = site.page_of(repository), " / ".join(repository.path.split("/"))
    return {
        "id": repository.id, "description": "", "name": repository.name, "name_with_namespace": name,
        "path": repository.name, "path_with_namespace": repository.path, "created_at": stamp(repository.created_at),
        "default_branch": repository.default_branch, "tag_list": [], "topics": [],
        "ssh_url_to_repo": f"git@sandbox.invalid:{repository.path}.git", "http_url_to_repo": f"{page}.git",
        "web_url": page, "readme_url": f"{page}/-/blob/{quote(repository.default_branch)}/README.md",
        "forks_count": 0, "avatar_url": None, "star_count": 0, "last_activity_at": stamp(repository.pushed_at),
        "namespace": show_namespace(site, repository),
    }


def show_full_project(site: Site, repository: Repository, asker: User | None) -> Json:
    """A project asked for by itself, with what the asker may do in it."""
    forge, url = site.forge, site.url_of(repository)
    parent = forge.world.repositories.get(repository.parent or -1)
    links = ("events", "issues", "labels", "members", "merge_requests", "cluster_agents")
    around = {"self": url, "repo_branches": f"{url}/repository/branches", **{name: f"{url}/{name}" for name in links}}
    shown = show_project(site, repository) | {
        "_links": around, "archived": repository.archived, "creator_id": 1,
        "visibility": "private" if repository.private else "public",
        **{f"{name}_access_level": "enabled" for name in _ON}, "issues_enabled": True, "merge_requests_enabled": True,
        "empty_repo": not forge.bare(repository).refs("refs/heads/"), "merge_method": repository.merge_method,
        "squash_option": "default_off", "only_allow_merge_if_pipeline_succeeds": repository.pipelines_must_succeed,
        "only_allow_merge_if_all_discussions_are_resolved": False, "remove_source_branch_after_merge": True,
        "open_issues_count": sum(ticket.state == "open" for ticket in repository.tickets.values()),
        "updated_at": stamp(repository.pushed_at), "import_status": "none",
    }
    if parent:
        shown["forked_from_project"] = show_project(site, parent)
    if asker:
        given = forge.given_role(repository, asker)
        access = {"access_level": LEVELS[given], "notification_level": 3} if given else None
        shown["permissions"] = {"project_access": access, "group_access": None}
    return shown


def show_label(repository: Repository, label: Label) -> Json:
    """A label of the project, with how many open things have it."""
    pulls = [issue for issue in repository.issues.values() if label.name in issue.labels]
    tickets = [issue for issue in repository.tickets.values() if label.name in issue.labels]
    return show_plain_label(label) | {
        "open_issues_count": sum(ticket.state == "open" for ticket in tickets),
        "closed_issues_count": sum(ticket.state == "closed" for ticket in tickets),
        "open_merge_requests_count": sum(pull.state == "open" for pull in pulls),
        "subscribed": False, "priority": None, "is_project_label": True,
    }


def show_plain_label(label: Label) -> Json:
    return {
        "id": label.id, "name": label.name, "description": label.description, "text_color": "#FFFFFF",
        "description_html": label.description or "", "color": f"#{label.color}",
    }


def show_milestone(site: Site, repository: Repository, milestone: Milestone) -> Json:
    return {
        "id": milestone.id, "iid": milestone.number, "project_id": repository.id, "title": milestone.title,
        "description": milestone.description or "", "state": "active" if milestone.state == "open" else "closed",
        "created_at": stamp(milestone.created_at), "updated_at": stamp(milestone.updated_at), "due_date": None,
        "start_date": None, "expired": False,
        "web_url": f"{site.page_of(repository)}/-/milestones/{milestone.number}",
    }


def show_note(site: Site, repository: Repository, issue: Issue, note: Comment) -> Json:
    return {
        "id": note.id, "type": "DiscussionNote" if note.thread else None, "body": note.body, "attachment": None,
        "author": show_user(site, note.user), "created_at": stamp(note.created_at),
        "updated_at": stamp(note.updated_at), "system": note.system, "noteable_id": issue.id,
        "noteable_type": "MergeRequest" if issue.pull else "Issue", "project_id": repository.id,
        "resolvable": bool(note.thread and issue.pull), "confidential": note.internal, "internal": note.internal,
        "imported": False, "imported_from": "none", "noteable_iid": issue.number, "commands_changes": {},
        **(_show_resolved(site, note) if note.thread and issue.pull else {}),
    }


def _show_resolved(site: Site, note: Comment) -> Json:
    by = show_user(site, note.resolved_by) if note.resolved_by else None
    return {"resolved": by is not None, "resolved_by": by}


def discussion_id(note: Comment) -> str:
    """The thread that a note belongs to: a hash, as GitLab's are."""
    return hashlib.sha1(f"thread {note.thread or note.id}".encode(), usedforsecurity=False).hexdigest()


def show_award(site: Site, thing: Comment | Issue, award: Reaction) -> Json:
    kind = "Note" if isinstance(thing, Comment) else "MergeRequest" if thing.pull else "Issue"
    return {
        "id": award.id, "name": award.content, "user": show_user(site, award.user),
        "created_at": stamp(award.created_at), "updated_at": stamp(award.created_at), "awardable_id": thing.id,
        "awardable_type": kind, "url": None,
    }


def show_label_event(site: Site, repository: Repository, issue: Issue, entry: Entry) -> Json:
    """Who put a label on or took it off, and when; the label is null once it is gone."""
    label = repository.label(entry.subject or "")
    return {
        "id": entry.id, "user": show_user(site, entry.actor), "created_at": stamp(entry.created_at),
        "resource_type": "MergeRequest" if issue.pull else "Issue", "resource_id": issue.id,
        "label": show_plain_label(label) if label else None,
        "action": "add" if entry.event == "labeled" else "remove",
    }


def show_actor_in_hook(site: Site, login: str) -> Json:
    """The one who did what a webhook tells of; GitLab shows an address only when the account makes it public."""
    shown = show_user(site, login)
    return {name: shown[name] for name in ("id", "name", "username", "avatar_url")} | {"email": _HIDDEN_ADDRESS}


def no_time() -> Json:
    """The time tracking of something that nobody tracks."""
    return {
        "time_estimate": 0, "total_time_spent": 0, "human_time_estimate": None, "human_total_time_spent": None,
    }
