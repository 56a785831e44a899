"""The API's accounts and projects: members, labels, milestones.

It never changes the state by itself beyond what `issues` offers.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from bot.sandbox.exchanges import Reply
from bot.sandbox.gitlab.calls import Call, Denial, Malformed, Route, missing
from bot.sandbox.gitlab.shapes import (
    LEVELS,
    show_full_project,
    show_label,
    show_member,
    show_milestone,
    show_project,
    show_self,
    show_user,
    stamp,
)
from bot.sandbox.issues import create_label, create_milestone, delete_label, rename_label
from bot.sandbox.state import Label, Milestone, User

_COLOR = re.compile(r"#?([0-9a-fA-F]{6})")
_VERSION = {"version": "19.3.2-ee", "revision": "5a9dbd1b2c3"}
_ALL = "/projects/{id}"
_PAGE, _LARGEST_PAGE = 20, 100


def read_self(call: Call) -> Reply:
    return Reply(200, show_self(call.site, call.forge.user(call.actor)))


def read_token(call: Call) -> Reply:
    """The token that asks: each account here has one, and it may do all that the account may."""
    asker = call.forge.user(call.actor)
    return Reply(200, {
        "id": asker.id, "name": "sandbox", "revoked": False, "created_at": stamp(0), "description": "",
        "scopes": ["api"], "user_id": asker.id, "last_used_at": stamp(0), "active": True, "expires_at": None,
    })


def read_version(call: Call) -> Reply:
    return Reply(200, {"enterprise": True, "kas": {"enabled": False}, **_VERSION} if call.actor else {})


def list_users(call: Call) -> Reply:
    wanted = call.text("username")
    people = [user for user in call.forge.world.users.values() if user.kind != "Organization"]
    found = [user for user in people if wanted is None or user.login.lower() == wanted.lower()]
    return call.pages(found, lambda user: show_user(call.site, user.login))


def read_user(call: Call) -> Reply:
    user = _find_user(call)
    if user is None:
        raise missing("User")
    return Reply(200, show_user(call.site, user.login) | {"bot": user.kind == "Bot"})


def list_projects(call: Call) -> Reply:
    """The projects that the asker knows. Read on by the id of the last one when that is asked for, else by page."""
    asker, least = call.forge.user(call.actor), call.number("min_access_level") or 0
    mine, archived = call.flag("membership"), call.flag("archived")
    call.flag("with_merge_requests_enabled")  # all of them are
    found = [
        each for each in sorted(call.forge.world.repositories.values(), key=lambda each: each.id)
        if call.forge.role_of(each, asker) != "none"
        and (not (mine or least) or LEVELS[call.forge.given_role(each, asker) or "none"] >= max(least, 1))
        and archived in {None, each.archived}
    ]
    shown = show_project if call.flag("simple") else lambda site, each: show_full_project(site, each, asker)
    call.choice("order_by", "created_at", "id")
    if call.choice("sort", "desc", "asc") == "desc":
        found.reverse()
    if call.text("pagination") != "keyset":
        return call.pages(found, lambda each: shown(call.site, each))
    size, after = min(call.number("per_page") or _PAGE, _LARGEST_PAGE), call.number("id_after") or 0
    rest = [each for each in found if each.id > after]
    links = {}
    if len(rest) > size:
        query = urlencode({**call.query, "id_after": rest[size - 1].id})
        links = {"Link": f'<{call.site.web}{call.path}?{query}>; rel="next"'}
    return Reply(200, [shown(call.site, each) for each in rest[:size]], links)


def read_project(call: Call) -> Reply:
    return Reply(200, show_full_project(call.site, call.repository, call.asker))


def list_members(call: Call) -> Reply:
    found = [user for user in call.forge.world.users.values() if call.forge.given_role(call.repository, user)]
    people = [user for user in found if user.kind != "Organization"]
    return call.pages(people, lambda user: show_member(call.site, user.login, _role(call, user) or "none"))


def read_member(call: Call) -> Reply:
    """Who was given a role in the project or in a group round it; 404 for everybody else."""
    user = _find_user(call)
    role = _role(call, user) if user else None
    if user is None or role in {None, "none"}:
        raise missing()
    return Reply(200, show_member(call.site, user.login, role or "none"))


def read_group_member(call: Call) -> Reply:
    """Who was given a role in the group or in a group round it; 404 for everybody else."""
    user, path = _find_user(call), call.arguments["group_id"]
    role = call.forge.group_role(path, user) if user else None
    if user is None or role in {None, "none"}:
        raise missing()
    return Reply(200, show_member(call.site, user.login, role or "none"))


def list_labels(call: Call) -> Reply:
    known = sorted(call.repository.labels.values(), key=lambda label: label.name)
    search = call.text("search")
    found = [label for label in known if search is None or search.lower() in label.name.lower()]
    return call.pages(found, lambda label: show_label(call.repository, label))


def make_label(call: Call) -> Reply:
    name, color = call.needed("name"), _color(call.needed("color"))
    if call.repository.label(name):
        raise Denial(409, "Label already exists")
    _check_title(name)
    label = create_label(call.forge, call.repository, name, call.actor)
    label.color, label.description = color, call.text("description")
    return Reply(201, show_label(call.repository, label))


def read_label(call: Call) -> Reply:
    return Reply(200, show_label(call.repository, _find_label(call)))


def edit_label(call: Call) -> Reply:
    label, name, color = _find_label(call), call.text("new_name"), call.text("color")
    if name is not None and name != label.name:
        if call.repository.label(name):
            raise Denial(400, {"title": ["has already been taken"]})
        _check_title(name)
        rename_label(call.repository, label, name)
    if color is not None:
        label.color = _color(color)
    label.description = call.text("description") or label.description
    return Reply(200, show_label(call.repository, label))


def drop_label(call: Call) -> Reply:
    delete_label(call.forge, call.repository, _find_label(call), call.actor)
    return Reply(204)


def list_milestones(call: Call) -> Reply:
    state, title = call.text("state"), call.text("title")
    wanted = {None: {"open", "closed"}, "active": {"open"}, "closed": {"closed"}}.get(state, set())
    known = [one for one in call.repository.milestones.values() if one.state in wanted and title in {None, one.title}]
    return call.pages(known[::-1], lambda milestone: show_milestone(call.site, call.repository, milestone))


def make_milestone(call: Call) -> Reply:
    title = call.needed("title")
    if any(known.title == title for known in call.repository.milestones.values()):
        raise Denial(400, {"title": ["has already been taken"]})
    milestone = create_milestone(call.forge, call.repository, title, call.actor)
    milestone.description = call.text("description")
    return Reply(201, show_milestone(call.site, call.repository, milestone))


def read_milestone(call: Call) -> Reply:
    return Reply(200, show_milestone(call.site, call.repository, _find_milestone(call)))


def edit_milestone(call: Call) -> Reply:
    milestone, event = _find_milestone(call), call.text("state_event")
    if event not in {None, "activate", "close"}:
        raise Malformed("state_event does not have a valid value")
    text = call.text("description")
    milestone.title = call.text("title") or milestone.title
    milestone.description = milestone.description if text is None else text
    if event is not None:
        milestone.state = "open" if event == "activate" else "closed"
    milestone.updated_at = call.forge.now()
    return Reply(200, show_milestone(call.site, call.repository, milestone))


def _find_milestone(call: Call) -> Milestone:
    """By the number that it has on the whole of the forge."""
    number = call.id("milestone_id")
    found = next((one for one in call.repository.milestones.values() if one.id == number), None)
    if found is None:
        raise missing("Milestone")
    return found


def _role(call: Call, user: User) -> str | None:
    return call.forge.given_role(call.repository, user)


def _find_user(call: Call) -> User | None:
    number = call.id("user_id")
    return next((user for user in call.forge.world.users.values() if user.id == number), None)


def _find_label(call: Call) -> Label:
    word = call.arguments["label_id"]
    for label in call.repository.labels.values():
        if word in {label.name, str(label.id)}:
            return label
    raise missing("Label")


def _check_title(name: str) -> None:
    if not name.strip() or "," in name:
        raise Denial(400, {"title": ["is invalid"]})


def _color(text: str) -> str:
    match = _COLOR.fullmatch(text)
    if match is None:
        raise Denial(400, {"color": ["must be a valid color code"]})
    return match[1].lower()


ROUTES = (
    Route("GET", "/user", read_self),
    Route("GET", "/personal_access_tokens/self", read_token),
    Route("GET", "/version", read_version),
    Route("GET", "/users", list_users),
    Route("GET", "/users/{user_id}", read_user),
    Route("GET", "/projects", list_projects),
    Route("GET", _ALL, read_project),
    Route("GET", f"{_ALL}/members/all", list_members),
    Route("GET", f"{_ALL}/members/all/{{user_id}}", read_member),
    Route("GET", "/groups/{group_id}/members/all/{user_id}", read_group_member),
    Route("GET", f"{_ALL}/labels", list_labels),
    Route("POST", f"{_ALL}/labels", make_label, "triage"),
    Route("GET", f"{_ALL}/labels/{{label_id}}", read_label),
    Route("PUT", f"{_ALL}/labels/{{label_id}}", edit_label, "triage"),
    Route("DELETE", f"{_ALL}/labels/{{label_id}}", drop_label, "triage"),
    Route("GET", f"{_ALL}/milestones", list_milestones),
    Route("POST", f"{_ALL}/milestones", make_milestone, "triage"),
    Route("GET", f"{_ALL}/milestones/{{milestone_id}}", read_milestone),
    Route("PUT", f"{_ALL}/milestones/{{milestone_id}}", edit_milestone, "triage"),
)
