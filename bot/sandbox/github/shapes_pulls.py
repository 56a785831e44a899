"""The JSON objects of GitHub's REST answers for issues, pulls, their commits and their history.

It never changes anything; how large a pull is comes from what its two shas fix for ever.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bot.sandbox.bare import Bare, CommitData, FileChange, Signature
from bot.sandbox.exchanges import Json
from bot.sandbox.github.shapes import (
    View,
    association_of,
    node_id,
    show_labels,
    show_milestone,
    show_repository,
    show_rollup,
    show_user,
    stamp,
    stamp_or_none,
)
from bot.sandbox.pulls import measure
from bot.sandbox.state import Entry, Issue, PullPart, Repository


def show_issue(view: View, repository: Repository, issue: Issue) -> Json:
    """An issue, or a pull seen as one: it then has `pull_request`, and no base or head."""
    url, page = f"{view.url_of(repository)}/issues/{issue.number}", view.page_of(repository)
    answer: Json = {
        "url": url, "repository_url": view.url_of(repository), "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments", "events_url": f"{url}/events", "timeline_url": f"{url}/timeline",
        "html_url": f"{page}/{'pull' if issue.pull else 'issues'}/{issue.number}", "id": issue.id,
        "node_id": node_id("Issue", issue.id), "reactions": show_rollup(url, []), "performed_via_github_app": None,
        "comments": len(issue.comments), "state_reason": None, **_show_common(view, repository, issue),
        "closed_by": show_user(view, issue.closed_by) if issue.closed_by else None,
    }
    if issue.pull:
        pull = f"{view.url_of(repository)}/pulls/{issue.number}"
        answer["draft"] = issue.pull.draft
        answer["pull_request"] = {
            "url": pull, "html_url": answer["html_url"], "diff_url": f"{answer['html_url']}.diff",
            "patch_url": f"{answer['html_url']}.patch", "merged_at": stamp_or_none(issue.pull.merged_at),
        }
    return answer


def show_listed_issue(view: View, repository: Repository, issue: Issue) -> Json:
    """An issue as lists and webhooks have it: without the field that only one that is asked for by itself has."""
    answer = show_issue(view, repository, issue)
    del answer["closed_by"]
    return answer


def show_pull(view: View, repository: Repository, issue: Issue) -> Json:
    """A pull as lists give it."""
    part = issue.part
    url, page = view.url_of(repository), view.page_of(repository)
    pull, as_issue, html = f"{url}/pulls/{issue.number}", f"{url}/issues/{issue.number}", f"{page}/pull/{issue.number}"
    links = {
        "self": pull, "html": html, "issue": as_issue, "comments": f"{as_issue}/comments", "commits": f"{pull}/commits",
        "review_comments": f"{pull}/comments", "review_comment": f"{url}/pulls/comments{{/number}}",
        "statuses": f"{url}/statuses/{part.head_sha}",
    }
    return {
        "url": pull, "id": issue.id, "node_id": node_id("PullRequest", issue.id), "html_url": html,
        "diff_url": f"{html}.diff", "patch_url": f"{html}.patch", "issue_url": as_issue,
        "commits_url": links["commits"], "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"], "comments_url": links["comments"],
        "statuses_url": links["statuses"], **_show_common(view, repository, issue),
        "merged_at": stamp_or_none(part.merged_at), "merge_commit_sha": _merge_commit(part),
        "requested_reviewers": [], "requested_teams": [], "draft": part.draft, "auto_merge": None,
        "head": _show_head(view, part), "base": _show_base(view, repository, part),
        "_links": {name: {"href": link} for name, link in links.items()},
    }


def show_full_pull(view: View, repository: Repository, issue: Issue) -> Json:
    """A pull asked for by itself. Mergeability is null until it was tried, and again once the pull is closed."""
    part = issue.part
    mergeable = part.tested[2] is not None if part.tested and issue.state == "open" else None
    commits, added, deleted, files = measure(view.forge, repository, part)
    return show_pull(view, repository, issue) | {
        "merged": part.merged_at is not None, "mergeable": mergeable, "rebaseable": mergeable,
        "mergeable_state": {None: "unknown", True: "clean", False: "dirty"}[mergeable],
        "merged_by": show_user(view, part.merged_by) if part.merged_by else None, "comments": len(issue.comments),
        "review_comments": 0, "maintainer_can_modify": False, "commits": commits, "additions": added,
        "deletions": deleted, "changed_files": files,
    }


def show_commit(view: View, repository: Repository, commit: CommitData) -> Json:
    """A commit as lists give it. Nobody's address is looked up: like for strangers, the accounts are null."""
    url, page = view.url_of(repository), view.page_of(repository)
    parents = [
        {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/commit/{sha}"} for sha in commit.parents
    ]
    unsigned = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
    return {
        "sha": commit.sha, "node_id": node_id("Commit", commit.sha), "url": f"{url}/commits/{commit.sha}",
        "html_url": f"{page}/commit/{commit.sha}", "comments_url": f"{url}/commits/{commit.sha}/comments",
        "commit": {
            "author": _show_signature(commit.author), "committer": _show_signature(commit.committer),
            "message": commit.message, "url": f"{url}/git/commits/{commit.sha}", "comment_count": 0,
            "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"}, "verification": unsigned,
        },
        "author": None, "committer": None, "parents": parents,
    }


def show_full_commit(view: View, repository: Repository, bare: Bare, commit: CommitData) -> Json:
    """A commit asked for by itself, with its files against its first parent."""
    changes = bare.changes(commit.parents[0] if commit.parents else None, commit.sha)
    added, deleted = sum(change.added for change in changes), sum(change.deleted for change in changes)
    files = [_show_file(view, repository, commit.sha, change) for change in changes]
    stats = {"additions": added, "deletions": deleted, "total": added + deleted}
    return show_commit(view, repository, commit) | {"stats": stats, "files": files}


def show_entry(view: View, repository: Repository, entry: Entry) -> Json:
    """One entry of an issue's history."""
    url = view.url_of(repository)
    answer: Json = {
        "id": entry.id, "node_id": node_id("Event", entry.id), "url": f"{url}/issues/events/{entry.id}",
        "actor": show_user(view, entry.actor), "event": entry.event, "created_at": stamp(entry.created_at),
        "commit_id": entry.commit, "commit_url": f"{url}/commits/{entry.commit}" if entry.commit else None,
        "performed_via_github_app": None,
    }
    if entry.event in {"labeled", "unlabeled"}:
        label = repository.labels.get((entry.subject or "").lower())
        answer["label"] = {"name": entry.subject, "color": label.color if label else "ededed"}
    if entry.event in {"milestoned", "demilestoned"}:
        answer["milestone"] = {"title": entry.subject}
    if entry.event in {"assigned", "unassigned"}:
        answer |= {"assignee": show_user(view, entry.subject or ""), "assigner": show_user(view, entry.actor)}
    return answer


def _show_common(view: View, repository: Repository, issue: Issue) -> Json:
    assignees = [show_user(view, login) for login in issue.assignees]
    milestone = repository.milestones.get(issue.milestone) if issue.milestone is not None else None
    return {
        "number": issue.number, "state": issue.state, "locked": False, "active_lock_reason": None, "title": issue.title,
        "user": show_user(view, issue.user), "body": issue.body, "labels": show_labels(view, repository, issue.labels),
        "milestone": show_milestone(view, repository, milestone) if milestone else None,
        "assignee": assignees[0] if assignees else None, "assignees": assignees, "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at), "closed_at": stamp_or_none(issue.closed_at),
        "author_association": association_of(repository, issue.user),
    }


def _merge_commit(part: PullPart) -> str | None:
    return part.merged_as or (part.tested[2] if part.tested else None)


def _show_base(view: View, repository: Repository, part: PullPart) -> Json:
    return {
        "label": f"{repository.owner}:{part.base_ref}", "ref": part.base_ref, "sha": part.base_sha,
        "user": show_user(view, repository.owner), "repo": show_repository(view, repository),
    }


def _show_head(view: View, part: PullPart) -> Json:
    known = view.forge.world.repositories.get(part.head_repository)
    if known is None:
        return {"label": None, "ref": part.head_ref, "sha": part.head_sha, "user": None, "repo": None}
    return {
        "label": f"{part.head_owner}:{part.head_ref}", "ref": part.head_ref, "sha": part.head_sha,
        "user": show_user(view, part.head_owner), "repo": show_repository(view, known),
    }


def _show_signature(signature: Signature) -> dict[str, Any]:
    return {"name": signature.name, "email": signature.email, "date": signature.utc}


def _show_file(view: View, repository: Repository, commit: str, change: FileChange) -> Json:
    url, page, path = view.url_of(repository), view.page_of(repository), quote(change.path)
    return {
        "sha": change.sha, "filename": change.path, "status": change.status, "additions": change.added,
        "deletions": change.deleted, "changes": change.added + change.deleted,
        "blob_url": f"{page}/blob/{commit}/{path}", "raw_url": f"{page}/raw/{commit}/{path}",
        "contents_url": f"{url}/contents/{path}?ref={commit}",
    }
