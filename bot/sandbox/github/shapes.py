"""The JSON objects of GitHub's REST answers for accounts, repositories, labels, milestones, comments and hooks.

It never changes anything; times are UTC without fractions, and every URL names the host that was asked.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from bot.sandbox.exchanges import Json
from bot.sandbox.forge import Forge
from bot.sandbox.state import Comment, Hook, Issue, Label, Milestone, Reaction, Repository, User

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
_REPOSITORY_LINKS = {
    "archive": "/{archive_format}{/ref}", "assignees": "/assignees{/user}", "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}", "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}", "compare": "/compare/{base}...{head}", "contents": "/contents/{+path}",
    "contributors": "/contributors", "deployments": "/deployments", "downloads": "/downloads", "events": "/events",
    "forks": "/forks", "git_commits": "/git/commits{/sha}", "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "hooks": "/hooks", "issue_comment": "/issues/comments{/number}", "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}", "keys": "/keys{/key_id}", "labels": "/labels{/name}", "languages": "/languages",
    "merges": "/merges", "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}", "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "stargazers": "/stargazers", "statuses": "/statuses/{sha}", "subscribers": "/subscribers",
    "subscription": "/subscription", "tags": "/tags", "teams": "/teams", "trees": "/git/trees{/sha}",
}


@dataclass(frozen=True)
class View:
    """From where one request looks at the forge: `api` and `web` start the URLs of its answer."""

    forge: Forge
    api: str
    web: str

    def url_of(self, repository: Repository) -> str:
        return f"{self.api}/repos/{repository.path}"

    def page_of(self, repository: Repository) -> str:
        return f"{self.web}/{repository.path}"


def stamp(seconds: int) -> str:
    """Seconds since the epoch as GitHub writes a time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_or_none(seconds: int | None) -> str | None:
    return None if seconds is None else stamp(seconds)


def node_id(kind: str, number: int | str) -> str:
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def show_user(view: View, login: str) -> Json:
    """An account as it appears inside other objects."""
    user = view.forge.user(login)
    url = f"{view.api}/users/{quote(user.login)}"
    return {
        "login": user.login, "id": user.id, "node_id": node_id(user.kind, user.id), "gravatar_id": "",
        "avatar_url": f"{view.web}/u/{user.id}", "url": url, "html_url": f"{view.web}/{quote(user.login)}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}", "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}", "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs", "repos_url": f"{url}/repos", "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events", "type": user.kind, "site_admin": False,
    }


def show_account(view: View, user: User) -> Json:
    """An account asked for by itself."""
    nothing = ("company", "location", "email", "hireable", "bio", "twitter_username")
    return show_user(view, user.login) | dict.fromkeys(nothing) | {
        "user_view_type": "public",
        "name": user.login, "blog": "", "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": stamp(0), "updated_at": stamp(0),
    }


def show_short_repository(view: View, repository: Repository) -> Json:
    """A repository as it appears beside the statuses of a commit."""
    url = view.url_of(repository)
    return {
        "id": repository.id, "node_id": node_id("Repository", repository.id), "name": repository.name,
        "full_name": repository.path, "owner": show_user(view, repository.owner), "private": repository.private,
        "html_url": view.page_of(repository), "description": None, "fork": repository.parent is not None, "url": url,
        **{f"{name}_url": url + path for name, path in _REPOSITORY_LINKS.items()},
    }


def show_repository(view: View, repository: Repository) -> Json:
    """A repository as it appears inside pulls and webhooks."""
    page = view.page_of(repository)
    open_issues = sum(issue.state == "open" for issue in repository.issues.values())
    counts = dict.fromkeys(("forks_count", "forks", "stargazers_count", "watchers_count", "watchers", "size"), 0)
    nothing = dict.fromkeys(("mirror_url", "homepage", "language", "license"))
    switches = {"has_issues": True, "has_downloads": True, "has_projects": False, "has_wiki": False, "has_pages": False}
    return show_short_repository(view, repository) | {
        "git_url": f"git:{page.partition(':')[2]}.git", "ssh_url": f"git@sandbox.invalid:{repository.path}.git",
        "clone_url": f"{page}.git", "svn_url": page, **counts, **nothing, **switches,
        "default_branch": repository.default_branch, "open_issues_count": open_issues, "open_issues": open_issues,
        "has_discussions": False, "archived": repository.archived, "disabled": False, "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False, "topics": [], "visibility": "private" if repository.private else "public",
        "created_at": stamp(repository.created_at), "updated_at": stamp(repository.created_at),
        "pushed_at": stamp(repository.pushed_at),
    }


def show_listed_repository(view: View, repository: Repository, asker: User | None) -> Json:
    """A repository in the list of those that the asker knows, with what the asker may do in it."""
    may = view.forge.may
    roles = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}
    return show_repository(view, repository) | {
        "permissions": {name: may(repository, asker, role) for name, role in roles.items()},
    }


def show_full_repository(view: View, repository: Repository, asker: User | None) -> Json:
    """A repository asked for by itself."""
    return show_listed_repository(view, repository, asker) | {
        "allow_merge_commit": True, "allow_squash_merge": True, "allow_rebase_merge": True,
        "delete_branch_on_merge": False, "subscribers_count": 0, "network_count": 0,
    }


def show_label(view: View, repository: Repository, label: Label) -> Json:
    return {
        "id": label.id, "node_id": node_id("Label", label.id), "name": label.name, "color": label.color,
        "url": f"{view.url_of(repository)}/labels/{quote(label.name, safe='')}", "default": False,
        "description": label.description,
    }


def show_labels(view: View, repository: Repository, names: list[str]) -> list[Json]:
    """The labels of an issue; one that was deleted since is gone from it too."""
    known = (repository.labels.get(name.lower()) for name in names)
    return [show_label(view, repository, label) for label in known if label]


def show_milestone(view: View, repository: Repository, milestone: Milestone) -> Json:
    url, page = view.url_of(repository), view.page_of(repository)
    members = [issue.state for issue in repository.issues.values() if issue.milestone == milestone.number]
    return {
        "url": f"{url}/milestones/{milestone.number}", "html_url": f"{page}/milestone/{milestone.number}",
        "labels_url": f"{url}/milestones/{milestone.number}/labels", "id": milestone.id,
        "node_id": node_id("Milestone", milestone.id), "number": milestone.number, "state": milestone.state,
        "title": milestone.title, "description": milestone.description, "creator": show_user(view, milestone.creator),
        "open_issues": members.count("open"), "closed_issues": members.count("closed"), "due_on": None,
        "created_at": stamp(milestone.created_at), "updated_at": stamp(milestone.updated_at),
        "closed_at": stamp_or_none(milestone.closed_at),
    }


def show_reaction(view: View, reaction: Reaction) -> Json:
    return {
        "id": reaction.id, "node_id": node_id("Reaction", reaction.id), "user": show_user(view, reaction.user),
        "content": reaction.content, "created_at": stamp(reaction.created_at),
    }


def show_rollup(url: str, reactions: list[Reaction]) -> Json:
    """The counts of reactions that go with a comment or an issue."""
    given = [reaction.content for reaction in reactions]
    counts = {content: given.count(content) for content in REACTIONS}
    return {"url": f"{url}/reactions", "total_count": len(given), **counts}


def show_comment(view: View, repository: Repository, issue: Issue, comment: Comment) -> Json:
    url, kind = f"{view.url_of(repository)}/issues/comments/{comment.id}", "pull" if issue.pull else "issues"
    return {
        "url": url, "html_url": f"{view.page_of(repository)}/{kind}/{issue.number}#issuecomment-{comment.id}",
        "issue_url": f"{view.url_of(repository)}/issues/{issue.number}", "id": comment.id,
        "node_id": node_id("IssueComment", comment.id), "user": show_user(view, comment.user), "body": comment.body,
        "created_at": stamp(comment.created_at), "updated_at": stamp(comment.updated_at),
        "author_association": association_of(repository, comment.user),
        "performed_via_github_app": None, "reactions": show_rollup(url, comment.reactions),
    }


def association_of(repository: Repository, login: str) -> str:
    """How an account stands to a repository, in GitHub's words. It says nothing about permission."""
    if login.lower() == repository.owner.lower():
        return "OWNER"
    if login.lower() in repository.collaborators:
        return "COLLABORATOR"
    merged = (issue for issue in repository.issues.values() if issue.pull and issue.pull.merged_at)
    return "CONTRIBUTOR" if any(issue.user == login for issue in merged) else "NONE"


def show_hook(view: View, repository: Repository, hook: Hook) -> Json:
    url = f"{view.url_of(repository)}/hooks/{hook.id}"
    config = {"url": hook.url, "content_type": hook.content_type, "insecure_ssl": str(int(hook.insecure))}
    if hook.secret:
        config |= {"secret": "********"}
    return {
        "type": "Repository", "id": hook.id, "name": "web", "active": hook.active, "events": hook.events,
        "config": config,
        "updated_at": stamp(hook.created_at), "created_at": stamp(hook.created_at), "url": url,
        "test_url": f"{url}/test", "ping_url": f"{url}/pings", "deliveries_url": f"{url}/deliveries",
        "last_response": _last_response(view, hook),
    }


def _last_response(view: View, hook: Hook) -> Json:
    status = view.forge.deliveries.last_status(hook)
    if status is None:
        return {"code": None, "status": "unused", "message": None}
    if status == 0:
        return {"code": None, "status": "failed to connect to host", "message": "failed to connect to host"}
    good = 200 <= status < 300
    return {"code": status, "status": "active" if good else "misconfigured", "message": "OK" if good else "Invalid"}


def show_ref(view: View, repository: Repository, name: str, sha: str, kind: str) -> Json:
    """A ref by its full name; `kind` is `commit` or `tag`."""
    url = view.url_of(repository)
    return {
        "ref": name, "node_id": node_id("Ref", f"{repository.id}:{name}"), "url": f"{url}/git/{quote(name)}",
        "object": {"sha": sha, "type": kind, "url": f"{url}/git/{kind}s/{sha}"},
    }
