"""The JSON objects of GitLab's REST answers for merge requests and commits.

It never changes anything; what GitLab finds out only later is left out as long as it would be.
"""

from __future__ import annotations

import re
from datetime import datetime

from bot.sandbox.bare import Bare, CommitData
from bot.sandbox.exchanges import Json
from bot.sandbox.gitlab.shapes import Site, no_time, show_milestone, show_user, stamp, stamp_or_none
from bot.sandbox.pulls import measure
from bot.sandbox.state import Issue, Repository

DRAFT = re.compile(r"\s*(draft:|\[draft\]|\(draft\))", re.IGNORECASE)
_STATES = {"open": "opened", "closed": "closed"}


def is_draft(issue: Issue) -> bool:
    """Whether the title says so: GitLab keeps it nowhere else."""
    return DRAFT.match(issue.title) is not None


def state_of(issue: Issue) -> str:
    """GitLab's word for the state, where merged is not closed."""
    return "merged" if issue.pull and issue.pull.merged_at is not None else _STATES[issue.state]


def merge_status_of(issue: Issue) -> str:
    """The old answer to whether it can be merged, as the last trial found it."""
    tested = issue.part.tested
    if issue.state != "open":
        return "can_be_merged" if issue.part.merged_at is not None else "cannot_be_merged"
    if tested is None:
        return "checking" if issue.part.asked else "unchecked"
    return "can_be_merged" if tested[2] else "cannot_be_merged"


def detailed_status_of(site: Site, repository: Repository, issue: Issue) -> str:
    """The newer answer, which names the reason."""
    part, bare, tested = issue.part, site.forge.bare(repository), issue.part.tested
    base = bare.branch(part.base_ref)
    if issue.state != "open":
        return "not_open"
    if base is None or bare.is_ancestor(part.head_sha, base):
        return "commits_status"
    if tested is None:
        return "checking" if part.asked else "unchecked"
    if tested[2] is None:
        return "conflict"
    if is_draft(issue):
        return "draft_status"
    if repository.merge_method != "merge" and not bare.is_ancestor(base, part.head_sha):
        return "need_rebase"
    return "mergeable"


def show_request(site: Site, repository: Repository, issue: Issue) -> Json:
    """A merge request as lists give it."""
    part, people = issue.part, [show_user(site, login) for login in issue.assignees]
    milestone = repository.milestones.get(issue.milestone) if issue.milestone is not None else None
    merger = show_user(site, part.merged_by) if part.merged_by else None
    closed = issue.state == "closed" and part.merged_at is None
    reference, known = f"!{issue.number}", part.head_repository in site.forge.world.repositories
    comments = [note for note in issue.comments if not note.system]
    ups, downs = (sum(one.content == name for one in issue.reactions) for name in ("thumbsup", "thumbsdown"))
    return {
        "id": issue.id, "iid": issue.number, "project_id": repository.id, "title": issue.title,
        "description": issue.body or "", "state": state_of(issue), "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at), "merged_by": merger, "merge_user": merger,
        "merged_at": stamp_or_none(part.merged_at),
        "closed_by": show_user(site, issue.closed_by) if closed and issue.closed_by else None,
        "closed_at": stamp_or_none(issue.closed_at) if closed else None, "target_branch": part.base_ref,
        "source_branch": part.head_ref, "user_notes_count": len(comments), "upvotes": ups, "downvotes": downs,
        "author": show_user(site, issue.user), "assignees": people, "assignee": people[0] if people else None,
        "reviewers": [], "source_project_id": part.head_repository if known else None,
        "target_project_id": repository.id, "labels": sorted(issue.labels), "draft": is_draft(issue),
        "imported": False, "imported_from": "none", "work_in_progress": is_draft(issue),
        "milestone": show_milestone(site, repository, milestone) if milestone else None,
        "merge_when_pipeline_succeeds": False, "merge_status": merge_status_of(issue),
        "detailed_merge_status": detailed_status_of(site, repository, issue), "merge_after": None,
        "sha": part.head_sha, "merge_commit_sha": part.merged_as, "squash_commit_sha": part.squashed_as,
        "discussion_locked": None, "should_remove_source_branch": None,
        "force_remove_source_branch": part.drop_source, "prepared_at": stamp(issue.created_at),
        "reference": reference,
        "references": {"short": reference, "relative": reference, "full": f"{repository.path}{reference}"},
        "web_url": f"{site.page_of(repository)}/-/merge_requests/{issue.number}", "time_stats": no_time(),
        "squash": part.squash, "squash_on_merge": part.squash,
        "task_completion_status": {"count": 0, "completed_count": 0},
        "has_conflicts": bool(part.tested and part.tested[2] is None), "blocking_discussions_resolved": True,
        "approvals_before_merge": None, "allow_collaboration": False, "allow_maintainer_to_push": False,
    }


def show_full_request(site: Site, repository: Repository, issue: Issue) -> Json:
    """A merge request asked for by itself."""
    part, forge = issue.part, site.forge
    base, files = forge.bare(repository).merge_base(part.base_sha, part.head_sha), measure(forge, repository, part)[3]
    refs = {"base_sha": base, "head_sha": part.head_sha, "start_sha": part.base_sha}
    return show_request(site, repository, issue) | {
        "subscribed": False, "changes_count": str(files) if files else None,
        "latest_build_started_at": None, "latest_build_finished_at": None,
        "first_deployed_to_production_at": None, "pipeline": None, "head_pipeline": None, "diff_refs": refs,
        "merge_error": None, "first_contribution": False,
        "user": {"can_merge": forge.may(repository, forge.user(issue.user), "write")},
    }


def show_fresh_request(site: Site, repository: Repository, issue: Issue) -> Json:
    """A merge request as the answer to its creation has it: what GitLab only finds out afterwards is still missing."""
    refs = {"base_sha": None, "head_sha": None, "start_sha": issue.part.base_sha}
    return show_full_request(site, repository, issue) | {
        "merge_status": "checking", "detailed_merge_status": "preparing", "sha": None, "diff_refs": refs,
        "changes_count": None, "prepared_at": None, "subscribed": True,
    }


def show_commit(site: Site, repository: Repository, commit: CommitData, *, parents: bool = True) -> Json:
    """A commit as lists give it; some of them keep its parents to themselves."""
    return {
        "id": commit.sha, "short_id": commit.sha[:8], "created_at": _stamp_commit(commit.committer.at),
        "parent_ids": list(commit.parents) if parents else [], "title": commit.message.partition("\n")[0],
        "message": commit.raw_message, "author_name": commit.author.name, "author_email": commit.author.email,
        "authored_date": _stamp_commit(commit.author.at), "committer_name": commit.committer.name,
        "committer_email": commit.committer.email, "committed_date": _stamp_commit(commit.committer.at),
        "web_url": f"{site.page_of(repository)}/-/commit/{commit.sha}",
    }


def show_full_commit(site: Site, repository: Repository, bare: Bare, commit: CommitData) -> Json:
    """A commit asked for by itself."""
    changes = bare.changes(commit.parents[0] if commit.parents else None, commit.sha)
    added, deleted = sum(change.added for change in changes), sum(change.deleted for change in changes)
    states = [status for status in repository.statuses if status.sha == commit.sha]
    return show_commit(site, repository, commit) | {
        "stats": {"additions": added, "deletions": deleted, "total": added + deleted}, "project_id": repository.id,
        "status": states[-1].state if states else None, "last_pipeline": None, "trailers": {}, "extended_trailers": {},
    }


def _stamp_commit(at: str) -> str:
    # A commit's times keep the offset that they were made with.
    return datetime.fromisoformat(at).isoformat(timespec="milliseconds")

