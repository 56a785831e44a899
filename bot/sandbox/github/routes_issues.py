"""The API's issues, and pulls seen as issues: comments, reactions, labels, assignees, milestones, history.

It never changes the state by itself: `issues` does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.sandbox.exchanges import Reply
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.pulls import set_pull_state
from bot.sandbox.github.shapes import REACTIONS, show_comment, show_label, show_labels, show_milestone, show_reaction
from bot.sandbox.github.shapes_pulls import show_entry, show_issue, show_listed_issue
from bot.sandbox.issues import (
    Scene,
    add_comment,
    add_labels,
    add_reaction,
    assign,
    create_label,
    create_milestone,
    delete_comment,
    delete_label,
    edit_comment,
    edit_text,
    open_issue,
    remove_label,
    rename_label,
    set_labels,
    set_milestone,
    set_state,
)
from bot.sandbox.refusals import Refusal, invalid, not_found
from bot.sandbox.state import Comment, Entry, Issue, Label


def list_issues(call: Call) -> Reply:
    state = call.query.get("state", "open")
    wanted = {name.lower() for name in call.query.get("labels", "").split(",") if name}
    since, creator, milestone = _since(call), call.query.get("creator"), call.query.get("milestone")
    found = [
        issue for issue in call.repository.issues.values()
        if state in {"all", issue.state} and wanted <= {name.lower() for name in issue.labels}
        and (since is None or issue.updated_at > since) and creator in {None, issue.user}
        and milestone in {None, "*" if issue.milestone else "none", str(issue.milestone)}
    ]
    orders = {"updated": lambda issue: issue.updated_at, "comments": lambda issue: len(issue.comments)}
    order: Callable[[Issue], int] = orders.get(call.query.get("sort", ""), lambda issue: issue.created_at)
    newest_first = call.query.get("direction", "desc") == "desc"
    found.sort(key=lambda issue: (order(issue), issue.number), reverse=newest_first)
    return call.pages(found, lambda issue: show_listed_issue(call.view, call.repository, issue))


def create_issue(call: Call) -> Reply:
    texts = (call.needed("title", str), call.field("body", str))
    if not texts[0].strip():
        raise invalid("Issue", "title", "missing_field")
    issue = open_issue(call.forge, call.repository.issues, *texts, call.actor)
    scene = Scene(call.forge, call.repository, issue, call.actor)
    scene.tell("opened")
    # GitHub drops these without a word when the asker may not set them.
    if call.forge.may(call.repository, call.asker, "triage"):
        add_labels(scene, call.strings("labels") or [])
        assign(scene, call.strings("assignees") or [])
        set_milestone(scene, call.field("milestone", int))
    return Reply(201, show_issue(call.view, call.repository, issue))


def read_issue(call: Call) -> Reply:
    return Reply(200, show_issue(call.view, call.repository, call.issue))


def edit_issue(call: Call) -> Reply:
    scene, fields = _scene(call), call.fields
    if call.issue.user != call.actor and not call.forge.may(call.repository, call.asker, "triage"):
        raise Refusal(403, "Must have admin rights to Repository.")
    edit_text(scene, call.field("title", str), call.field("body", str))
    labels, assignees, state = call.strings("labels"), call.strings("assignees"), call.field("state", str)
    if labels is not None:
        set_labels(scene, labels)
    if assignees is not None:
        assign(scene, assignees)
    if "milestone" in fields:
        set_milestone(scene, call.field("milestone", int))
    if state:
        (set_pull_state if call.issue.pull else set_state)(scene, state)
    return Reply(200, show_issue(call.view, call.repository, call.issue))


def list_comments(call: Call) -> Reply:
    issue = call.issue
    return call.pages(issue.comments, lambda comment: show_comment(call.view, call.repository, issue, comment))


def list_all_comments(call: Call) -> Reply:
    """The comments of all issues, by their number unless it is asked otherwise."""
    since, order = _since(call), call.query.get("sort")
    found = [
        (issue, comment) for issue in call.repository.issues.values() for comment in issue.comments
        if since is None or comment.updated_at > since
    ]
    by_time = {"created": lambda one: one.created_at, "updated": lambda one: one.updated_at}
    when: Callable[[Comment], int] = by_time.get(order or "", lambda _: 0)
    found.sort(key=lambda one: (when(one[1]), one[1].id),
               reverse=order in by_time and call.query.get("direction") != "asc")  # fmt: skip
    return call.pages(found, lambda one: show_comment(call.view, call.repository, *one))


def create_comment(call: Call) -> Reply:
    body = call.needed("body", str)
    if not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    comment = add_comment(_scene(call), body)
    return Reply(201, show_comment(call.view, call.repository, call.issue, comment))


def read_comment(call: Call) -> Reply:
    issue, comment = _find_comment(call)
    return Reply(200, show_comment(call.view, call.repository, issue, comment))


def change_comment(call: Call) -> Reply:
    issue, comment = _find_own_comment(call)
    edit_comment(Scene(call.forge, call.repository, issue, call.actor), comment, call.needed("body", str))
    return Reply(200, show_comment(call.view, call.repository, issue, comment))


def drop_comment(call: Call) -> Reply:
    issue, comment = _find_own_comment(call)
    delete_comment(Scene(call.forge, call.repository, issue, call.actor), comment)
    return Reply(204)


def list_reactions(call: Call) -> Reply:
    return call.pages(_find_comment(call)[1].reactions, lambda reaction: show_reaction(call.view, reaction))


def react(call: Call) -> Reply:
    _, comment = _find_comment(call)
    content = call.needed("content", str)
    if content not in REACTIONS:
        raise invalid("Reaction", "content")
    reaction, new = add_reaction(call.forge, comment, content, call.actor)
    return Reply(201 if new else 200, show_reaction(call.view, reaction))


def list_issue_labels(call: Call) -> Reply:
    return call.pages(show_labels(call.view, call.repository, call.issue.labels), lambda shown: shown)


def put_on_labels(call: Call) -> Reply:
    add_labels(_scene(call), _names(call))
    return _labels_of(call)


def replace_labels(call: Call) -> Reply:
    set_labels(_scene(call), _names(call))
    return _labels_of(call)


def take_off_label(call: Call) -> Reply:
    if not remove_label(_scene(call), call.word("name")):
        raise not_found("Label does not exist")
    return _labels_of(call)


def add_assignees(call: Call) -> Reply:
    assign(_scene(call), list(dict.fromkeys((*call.issue.assignees, *(call.strings("assignees") or [])))))
    return Reply(201, show_issue(call.view, call.repository, call.issue))


def list_events(call: Call) -> Reply:
    return call.pages(call.issue.history, lambda entry: show_entry(call.view, call.repository, entry))


def list_timeline(call: Call) -> Reply:
    """The history with the comments in it, oldest first."""
    issue = call.issue
    items: list[Entry | Comment] = sorted([*issue.history, *issue.comments], key=lambda item: item.id)

    def show(item: Entry | Comment) -> dict[str, object]:
        if isinstance(item, Entry):
            return show_entry(call.view, call.repository, item)
        shown = show_comment(call.view, call.repository, issue, item)
        return shown | {"event": "commented", "actor": shown["user"]}

    return call.pages(items, show)


def list_labels(call: Call) -> Reply:
    known = sorted(call.repository.labels.values(), key=lambda label: label.name.lower())
    return call.pages(known, lambda label: show_label(call.view, call.repository, label))


def make_label(call: Call) -> Reply:
    label = create_label(call.forge, call.repository, call.needed("name", str), call.actor)
    _dress_label(call, label)
    return Reply(201, show_label(call.view, call.repository, label))


def read_label(call: Call) -> Reply:
    return Reply(200, show_label(call.view, call.repository, _find_label(call)))


def edit_label(call: Call) -> Reply:
    label, name = _find_label(call), call.field("new_name", str)
    if name:
        rename_label(call.repository, label, name)
    _dress_label(call, label)
    return Reply(200, show_label(call.view, call.repository, label))


def drop_label(call: Call) -> Reply:
    delete_label(call.forge, call.repository, _find_label(call), call.actor)
    return Reply(204)


def list_milestones(call: Call) -> Reply:
    state = call.query.get("state", "open")
    known = [milestone for milestone in call.repository.milestones.values() if state in {"all", milestone.state}]
    return call.pages(known, lambda milestone: show_milestone(call.view, call.repository, milestone))


def make_milestone(call: Call) -> Reply:
    milestone = create_milestone(call.forge, call.repository, call.needed("title", str), call.actor)
    milestone.description = call.field("description", str)
    return Reply(201, show_milestone(call.view, call.repository, milestone))


def read_milestone(call: Call) -> Reply:
    milestone = call.repository.milestones.get(call.number("milestone_number"))
    if milestone is None:
        raise not_found()
    return Reply(200, show_milestone(call.view, call.repository, milestone))


def edit_milestone(call: Call) -> Reply:
    milestone = call.repository.milestones.get(call.number("milestone_number"))
    if milestone is None:
        raise not_found()
    description, state = call.field("description", str), call.field("state", str) or milestone.state
    if state not in {"open", "closed"}:
        raise invalid("Milestone", "state")
    if state != milestone.state:
        milestone.closed_at = call.forge.now() if state == "closed" else None
    milestone.state = "closed" if state == "closed" else "open"
    milestone.title = call.field("title", str) or milestone.title
    milestone.description = milestone.description if description is None else description
    milestone.updated_at = call.forge.now()
    return Reply(200, show_milestone(call.view, call.repository, milestone))


def _since(call: Call) -> float | None:
    """The time after which something must have been updated: the description says after it, not at it."""
    text = call.query.get("since")
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise invalid("Issue", "since") from None


def _scene(call: Call) -> Scene:
    return Scene(call.forge, call.repository, call.issue, call.actor)


def _labels_of(call: Call) -> Reply:
    return Reply(200, show_labels(call.view, call.repository, call.issue.labels))


def _names(call: Call) -> list[str]:
    # A bare array and objects with a name still work on the real forge, though its description no longer says so.
    given = call.body if isinstance(call.body, list) else call.fields.get("labels", [])
    items = given if isinstance(given, list) else [given]
    names = [item.get("name") if isinstance(item, dict) else item for item in items]
    if not all(isinstance(name, str) and name for name in names):
        raise invalid("Label", "name")
    return [str(name) for name in names]


def _find_comment(call: Call) -> tuple[Issue, Comment]:
    wanted = call.number("comment_id")
    for issue in call.repository.issues.values():
        for comment in issue.comments:
            if comment.id == wanted:
                return issue, comment
    raise not_found()


def _find_own_comment(call: Call) -> tuple[Issue, Comment]:
    issue, comment = _find_comment(call)
    if comment.user != call.actor and not call.forge.may(call.repository, call.asker, "write"):
        raise Refusal(403, "Must have admin rights to Repository.")
    return issue, comment


def _find_label(call: Call) -> Label:
    label = call.repository.labels.get(call.word("name").lower())
    if label is None:
        raise not_found()
    return label


def _dress_label(call: Call, label: Label) -> None:
    color = call.field("color", str)
    if color is not None:
        if len(color) != 6 or set(color.lower()) - set("0123456789abcdef"):
            raise invalid("Label", "color")
        label.color = color
    label.description = call.field("description", str) or label.description


_REPO = "/repos/{owner}/{repo}"
_ISSUE = f"{_REPO}/issues/{{issue_number}}"
_COMMENT = f"{_REPO}/issues/comments/{{comment_id}}"
ROUTES = (
    Route("GET", f"{_REPO}/issues", list_issues),
    Route("POST", f"{_REPO}/issues", create_issue),
    Route("GET", _ISSUE, read_issue),
    Route("PATCH", _ISSUE, edit_issue),
    Route("GET", f"{_ISSUE}/comments", list_comments),
    Route("POST", f"{_ISSUE}/comments", create_comment),
    Route("GET", f"{_REPO}/issues/comments", list_all_comments),
    Route("GET", _COMMENT, read_comment),
    Route("PATCH", _COMMENT, change_comment),
    Route("DELETE", _COMMENT, drop_comment),
    Route("GET", f"{_COMMENT}/reactions", list_reactions),
    Route("POST", f"{_COMMENT}/reactions", react),
    Route("GET", f"{_ISSUE}/labels", list_issue_labels),
    Route("POST", f"{_ISSUE}/labels", put_on_labels, "triage"),
    Route("PUT", f"{_ISSUE}/labels", replace_labels, "triage"),
    Route("DELETE", f"{_ISSUE}/labels/{{name}}", take_off_label, "triage"),
    Route("POST", f"{_ISSUE}/assignees", add_assignees, "triage"),
    Route("GET", f"{_ISSUE}/events", list_events),
    Route("GET", f"{_ISSUE}/timeline", list_timeline),
    Route("GET", f"{_REPO}/labels", list_labels),
    Route("POST", f"{_REPO}/labels", make_label, "write"),
    Route("GET", f"{_REPO}/labels/{{name}}", read_label),
    Route("PATCH", f"{_REPO}/labels/{{name}}", edit_label, "write"),
    Route("DELETE", f"{_REPO}/labels/{{name}}", drop_label, "write"),
    Route("GET", f"{_REPO}/milestones", list_milestones),
    Route("POST", f"{_REPO}/milestones", make_milestone, "write"),
    Route("GET", f"{_REPO}/milestones/{{milestone_number}}", read_milestone),
    Route("PATCH", f"{_REPO}/milestones/{{milestone_number}}", edit_milestone, "write"),
)
