"""The API's merge requests: list, open, read, edit, merge; their commits and who put on which label.

It never changes git or the state by itself: `requests`, `issues` and `pushes` do.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.sandbox.bare import GitError
from bot.sandbox.exchanges import Reply
from bot.sandbox.faces import PullWish
from bot.sandbox.gitlab.calls import Call, Denial, Malformed, Route, forbidden, missing
from bot.sandbox.gitlab.requests import Acceptance, accept, change_target, open_request, set_request_state
from bot.sandbox.gitlab.shapes import show_award, show_label_event
from bot.sandbox.gitlab.shapes_requests import (
    is_draft,
    show_commit,
    show_fresh_request,
    show_full_request,
    show_request,
    state_of,
)
from bot.sandbox.issues import (
    Scene,
    add_labels,
    add_reaction,
    assign,
    edit_text,
    remove_label,
    set_labels,
    set_milestone,
)
from bot.sandbox.pulls import try_merge
from bot.sandbox.pushes import follow_refs
from bot.sandbox.state import Issue, Repository

_STATES = {"close": "closed", "reopen": "open"}


def scene_of(call: Call) -> Scene:
    return Scene(call.forge, call.repository, call.issue, call.actor)


def list_requests(call: Call) -> Reply:
    """All states unless one is asked for, the newest first."""
    call.choice("scope", "all")
    state = call.choice("state", "all", "opened", "closed", "merged", "locked")
    order = call.choice("order_by", "created_at", "updated_at", "title")
    newest_first = call.choice("sort", "desc", "asc") == "desc"
    fits = _filter_of(call)
    found = [issue for issue in call.repository.issues.values() if state in {"all", state_of(issue)} and fits(issue)]
    found.sort(key=lambda issue: (getattr(issue, order), issue.number), reverse=newest_first)
    return call.pages(found, lambda issue: show_request(call.site, call.repository, issue))


def create_request(call: Call) -> Reply:
    """Asked of the project that has the source branch; the target may be the project it was forked from."""
    source, branch, base = call.repository, call.needed("source_branch"), call.needed("target_branch")
    target = _find_target(call)
    if not call.forge.may(source, call.asker, "write"):
        raise forbidden()
    head = branch if target is source else f"{source.owner}:{branch}"
    wish = PullWish(call.needed("title"), head, base, call.text("description"))
    issue = open_request(call.forge, target, wish, call.actor)
    issue.part.squash = call.flag("squash") or False
    issue.part.drop_source = call.flag("remove_source_branch") or False
    dress(call, Scene(call.forge, target, issue, call.actor))
    return Reply(201, show_fresh_request(call.site, target, issue))


def read_request(call: Call) -> Reply:
    try_merge(call.forge, call.repository, call.issue)
    return Reply(200, show_full_request(call.site, call.repository, call.issue))


def edit_request(call: Call) -> Reply:
    scene, event = scene_of(call), call.text("state_event")
    if call.issue.user != call.actor and not call.forge.may(call.repository, call.asker, "write"):
        raise forbidden()
    if not call.parameters.given:
        raise Malformed("at least one parameter must be provided")
    if event is not None and event not in _STATES:
        raise Malformed("state_event does not have a valid value")
    if call.text("title") == "":
        raise Denial(400, {"title": ["can't be blank"]})
    edit_text(scene, call.text("title"), call.text("description"))
    part, target = call.issue.part, call.text("target_branch")
    if target and target != part.base_ref:
        change_target(scene, target)
    part.squash = part.squash if call.flag("squash") is None else call.flag("squash") or False
    dress(call, scene)
    if event:
        set_request_state(scene, _STATES[event])
    return Reply(200, show_full_request(call.site, call.repository, call.issue))


def merge(call: Call) -> Reply:
    if call.flag("merge_when_pipeline_succeeds") or call.flag("auto_merge"):
        raise Denial(501, "The sandbox forge does not merge later: it has no pipelines that end by themselves.")
    scene, part = scene_of(call), call.issue.part
    source = call.forge.world.repositories.get(part.head_repository)
    watched = {known.id: known for known in (call.repository, source) if known}
    before = {number: call.forge.bare(known).refs() for number, known in watched.items()}
    accept(scene, Acceptance(
        call.text("sha") or "", call.flag("squash"), call.flag("should_remove_source_branch"),
        call.text("merge_commit_message"), call.text("squash_commit_message"),
    ))
    for number, known in watched.items():
        follow_refs(call.forge, known, before[number], call.actor)
    return Reply(200, show_full_request(call.site, call.repository, call.issue))


def list_request_commits(call: Call) -> Reply:
    """The newest first."""
    part, bare = call.issue.part, call.forge.bare(call.repository)
    commits = bare.commits(part.head_sha, f"^{part.base_sha}")[::-1]
    return call.pages(commits, lambda commit: show_commit(call.site, call.repository, commit, parents=False))


def list_label_events(call: Call) -> Reply:
    entries = [entry for entry in call.issue.history if entry.event in {"labeled", "unlabeled"}]
    return call.pages(entries, lambda entry: show_label_event(call.site, call.repository, call.issue, entry))


def list_awards(call: Call) -> Reply:
    return call.pages(call.issue.reactions, lambda award: show_award(call.site, call.issue, award))


def give_award(call: Call) -> Reply:
    award, new = add_reaction(call.forge, call.issue, call.needed("name"), call.actor)
    if not new:
        raise missing("Award Emoji Name has already been taken")
    return Reply(201, show_award(call.site, call.issue, award))


def list_requests_of_commit(call: Call) -> Reply:
    """The merge requests that have a commit among theirs, or that landed as it."""
    bare = call.forge.bare(call.repository)
    sha = bare.resolve(call.arguments["sha"])
    if sha is None:
        raise missing("Commit")
    found = [issue for issue in call.repository.issues.values() if _brings(call, issue, sha)]
    return call.pages(found, lambda issue: show_request(call.site, call.repository, issue))


def _brings(call: Call, issue: Issue, sha: str) -> bool:
    part, bare = issue.part, call.forge.bare(call.repository)
    if sha in {part.merged_as, part.squashed_as}:
        return True
    try:
        return bare.is_ancestor(sha, part.head_sha) and not bare.is_ancestor(sha, part.base_sha)
    except GitError:
        return False


def _filter_of(call: Call) -> Callable[[Issue], bool]:
    """Whether a merge request is asked for. What the call says is read even when there is none to look at."""
    names = ("source_branch", "target_branch", "author_username")
    same = {name: value for name in names if (value := call.text(name)) is not None}
    labels, numbers = set(call.words("labels") or []), call.words("iids")
    since, draft, there = read_time(call, "updated_after"), call.text("wip"), in_milestone(call)

    def fits(issue: Issue) -> bool:
        told = dict(zip(names, (issue.part.head_ref, issue.part.base_ref, issue.user), strict=True))
        if any(told[name] != value for name, value in same.items()) or not there(issue):
            return False
        if not labels <= set(issue.labels) or (numbers is not None and str(issue.number) not in numbers):
            return False
        if since is not None and issue.updated_at < since:
            return False
        return draft is None or (draft == "yes") == is_draft(issue)

    return fits


def in_milestone(call: Call) -> Callable[[Issue], bool]:
    """Whether an issue or a merge request is in the milestone that is asked for, by its title."""
    title, known = call.text("milestone"), call.repository.milestones

    def fits(issue: Issue) -> bool:
        return title is None or (issue.milestone in known and known[issue.milestone or 0].title == title)

    return fits


def read_time(call: Call, name: str) -> float | None:
    """A parameter that is a time."""
    if (text := call.text(name)) is None:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as wrong:
        raise Malformed(f"{name} is invalid") from wrong


def _find_target(call: Call) -> Repository:
    number = call.number("target_project_id")
    target = call.repository if number is None else call.forge.world.repositories.get(number)
    if target is None or call.forge.role_of(target, call.asker) == "none":
        raise missing("Project")
    if target not in call.forge.related(call.repository):
        raise Denial(422, ["Source project is not a fork of the target project"])
    return target


def dress(call: Call, scene: Scene) -> None:
    """Set labels, people and milestone; what the asker may not set is left out without a word, as GitLab does."""
    if not call.forge.may(scene.repository, call.asker, "triage"):
        return
    _dress_labels(call, scene)
    people = call.words("assignee_ids")
    if people is not None or call.text("assignee_id") is not None:
        ids = set(people if people is not None else [call.text("assignee_id")])
        assign(scene, [user.login for user in call.forge.world.users.values() if str(user.id) in ids])
    if call.parameters.has("milestone_id"):
        number = call.number("milestone_id") or 0
        known = [one.number for one in scene.repository.milestones.values() if one.id == number]
        set_milestone(scene, known[0] if known else None)


def _dress_labels(call: Call, scene: Scene) -> None:
    labels, added, removed = (call.words(name) for name in ("labels", "add_labels", "remove_labels"))
    if labels is not None:
        set_labels(scene, labels)
    add_labels(scene, added or [])
    for name in removed or []:
        remove_label(scene, name)


_REQUESTS = "/projects/{id}/merge_requests"
_REQUEST = f"{_REQUESTS}/{{merge_request_iid}}"
ROUTES = (
    Route("GET", _REQUESTS, list_requests),
    Route("POST", _REQUESTS, create_request),
    Route("GET", _REQUEST, read_request),
    Route("PUT", _REQUEST, edit_request),
    Route("PUT", f"{_REQUEST}/merge", merge, "write"),
    Route("GET", f"{_REQUEST}/commits", list_request_commits),
    Route("GET", f"{_REQUEST}/resource_label_events", list_label_events),
    Route("GET", f"{_REQUEST}/award_emoji", list_awards),
    Route("POST", f"{_REQUEST}/award_emoji", give_award),
    Route("GET", "/projects/{id}/repository/commits/{sha}/merge_requests", list_requests_of_commit),
)
