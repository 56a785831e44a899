"""The API's issues, which on GitLab have numbers of their own: list, open, read, edit.

It never changes the state by itself: `issues` does.
"""

from __future__ import annotations

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.gitlab.calls import Call, Denial, Malformed, Route, forbidden
from bot.sandbox.gitlab.routes_requests import dress, in_milestone, read_time, scene_of
from bot.sandbox.gitlab.shapes import Site, no_time, show_milestone, show_user, stamp, stamp_or_none
from bot.sandbox.issues import Scene, edit_text, open_issue, set_state
from bot.sandbox.state import Issue, Repository

_STATES = {"close": "closed", "reopen": "open"}
_WORDS = {"open": "opened", "closed": "closed"}


def list_issues(call: Call) -> Reply:
    """All states unless one is asked for, the newest first."""
    call.choice("scope", "all")
    state, labels = call.choice("state", "all", "opened", "closed"), set(call.words("labels") or [])
    order = call.choice("order_by", "created_at", "updated_at", "title")
    newest_first = call.choice("sort", "desc", "asc") == "desc"
    author, fits = call.number("author_id"), in_milestone(call)
    since = read_time(call, "updated_after")
    found = [
        one for one in call.repository.tickets.values()
        if state in {"all", _WORDS[one.state]} and labels <= set(one.labels) and fits(one)
        and author in {None, call.forge.user(one.user).id} and (since is None or one.updated_at >= since)
    ]
    found.sort(key=lambda issue: (getattr(issue, order), issue.number), reverse=newest_first)
    return call.pages(found, lambda issue: _show(call.site, call.repository, issue))


def create_issue(call: Call) -> Reply:
    title = call.needed("title")
    if not title.strip():
        raise Denial(400, {"title": ["can't be blank"]})
    issue = open_issue(call.forge, call.repository.tickets, title, call.text("description"), call.actor)
    scene = Scene(call.forge, call.repository, issue, call.actor)
    scene.tell("opened")
    dress(call, scene)
    return Reply(201, _show(call.site, call.repository, issue))


def read_issue(call: Call) -> Reply:
    return Reply(200, _show(call.site, call.repository, call.issue))


def edit_issue(call: Call) -> Reply:
    scene, event = scene_of(call), call.text("state_event")
    if call.issue.user != call.actor and not call.forge.may(call.repository, call.asker, "triage"):
        raise forbidden()
    if event is not None and event not in _STATES:
        raise Malformed("state_event does not have a valid value")
    edit_text(scene, call.text("title"), call.text("description"))
    dress(call, scene)
    if event:
        set_state(scene, _STATES[event])
    return Reply(200, _show(call.site, call.repository, call.issue))


def _show(site: Site, repository: Repository, issue: Issue) -> Json:
    url, people = f"{site.url_of(repository)}/issues/{issue.number}", [show_user(site, one) for one in issue.assignees]
    milestone = repository.milestones.get(issue.milestone) if issue.milestone is not None else None
    reference = f"#{issue.number}"
    return {
        "id": issue.id, "iid": issue.number, "project_id": repository.id, "title": issue.title,
        "description": issue.body or "", "state": _WORDS[issue.state], "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at), "closed_at": stamp_or_none(issue.closed_at),
        "closed_by": show_user(site, issue.closed_by) if issue.closed_by else None, "labels": sorted(issue.labels),
        "milestone": show_milestone(site, repository, milestone) if milestone else None, "assignees": people,
        "assignee": people[0] if people else None, "author": show_user(site, issue.user), "type": "ISSUE",
        "user_notes_count": sum(not note.system for note in issue.comments), "merge_requests_count": 0, "upvotes": 0,
        "downvotes": 0, "due_date": None, "confidential": False, "discussion_locked": None, "issue_type": "issue",
        "web_url": f"{site.page_of(repository)}/-/issues/{issue.number}", "time_stats": no_time(), "has_tasks": False,
        "task_completion_status": {"count": 0, "completed_count": 0}, "blocking_issues_count": 0,
        "references": {"short": reference, "relative": reference, "full": f"{repository.path}{reference}"},
        "_links": {
            "self": url, "notes": f"{url}/notes", "award_emoji": f"{url}/award_emoji",
            "project": site.url_of(repository), "closed_as_duplicate_of": None,
        },
        "subscribed": False, "moved_to_id": None, "imported": False, "imported_from": "none", "severity": "UNKNOWN",
        "service_desk_reply_to": None, "task_status": "", "weight": None, "health_status": None,
    }


_ISSUES = "/projects/{id}/issues"
ROUTES = (
    Route("GET", _ISSUES, list_issues),
    Route("POST", _ISSUES, create_issue),
    Route("GET", f"{_ISSUES}/{{issue_iid}}", read_issue),
    Route("PUT", f"{_ISSUES}/{{issue_iid}}", edit_issue),
)
