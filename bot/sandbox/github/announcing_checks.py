"""Builds the bodies of the webhooks about what was reported on commits, and hands them to the hooks of a repository.

It never decides when a report has ended: whoever reports says so.
"""

from __future__ import annotations

from bot.sandbox.exchanges import Json
from bot.sandbox.forge import Forge
from bot.sandbox.github.announcing import announce, view_of
from bot.sandbox.github.shapes import View, node_id, show_user, stamp
from bot.sandbox.github.shapes_pulls import show_commit
from bot.sandbox.state import CheckRun, Repository, Status

_MOST_BRANCHES = 10


def announce_status(forge: Forge, repository: Repository, status: Status) -> None:
    """`status`, with those of the branches that the commit is the tip of."""
    if not forge.listens(repository):
        return
    view, bare = view_of(forge), forge.bare(repository)
    tips = [name.removeprefix("refs/heads/") for name, sha in bare.refs("refs/heads/").items() if sha == status.sha]
    commit = show_commit(view, repository, bare.commit(status.sha))
    avatar = show_user(view, status.user)["avatar_url"]
    announce(forge, repository, "status", status.user, {
        "id": status.id, "sha": status.sha, "name": repository.path, "avatar_url": avatar,
        "target_url": status.target_url, "context": status.name, "description": status.description,
        "state": status.state, "commit": commit, "created_at": stamp(status.created_at),
        "updated_at": stamp(status.created_at),
        "branches": [_show_branch(view, repository, name, status.sha) for name in tips[:_MOST_BRANCHES]],
    })


def announce_suite(forge: Forge, repository: Repository, run: CheckRun, app: Json) -> None:
    """`check_suite` completed: all that one App says about a commit has ended."""
    runs = [one for one in repository.check_runs if (one.sha, one.app) == (run.sha, run.app)]
    latest = {one.name: one for one in runs}.values()
    if not forge.listens(repository) or any(one.status != "completed" for one in latest):
        return
    view, bare = view_of(forge), forge.bare(repository)
    commit, url = bare.commit(run.sha), f"{view.url_of(repository)}/check-suites/{runs[0].id}"
    tips = [name.removeprefix("refs/heads/") for name, sha in bare.refs("refs/heads/").items() if sha == run.sha]
    words = {one.conclusion for one in latest}
    announce(forge, repository, "check_suite", f"{app['slug']}[bot]", {"action": "completed", "check_suite": {
        "id": runs[0].id, "node_id": node_id("CheckSuite", runs[0].id), "head_branch": tips[0] if tips else None,
        "head_sha": run.sha, "status": "completed",
        "conclusion": "success" if words <= {"success", "neutral", "skipped"} else "failure", "url": url,
        "before": commit.parents[0] if commit.parents else None, "after": run.sha, "pull_requests": [],
        "app": app, "created_at": stamp(runs[0].started_at), "updated_at": stamp(forge.now()),
        "rerequestable": True, "runs_rerequestable": True, "latest_check_runs_count": len(latest),
        "check_runs_url": f"{url}/check-runs", "head_commit": {
            "id": commit.sha, "tree_id": commit.tree, "message": commit.message, "timestamp": commit.committer.at,
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
        },
    }})


def _show_branch(view: View, repository: Repository, name: str, sha: str) -> Json:
    url = f"{view.url_of(repository)}/commits/{sha}"
    return {"name": name, "commit": {"sha": sha, "url": url}, "protected": name in repository.protected}
