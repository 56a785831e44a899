"""The API's accounts and repositories: branches, refs, commits, contents, collaborators.

It never changes the state by itself beyond what `pushes` and the forge offer.
"""

from __future__ import annotations

import base64
from urllib.parse import quote

from bot.sandbox.bare import ZERO, Moved, TreeEntry
from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.rules import check_rules, is_protected
from bot.sandbox.github.shapes import (
    show_account,
    show_full_repository,
    show_listed_repository,
    show_ref,
    show_user,
)
from bot.sandbox.github.shapes_pulls import show_commit, show_full_commit
from bot.sandbox.pushes import follow_refs
from bot.sandbox.refusals import Refusal, not_found

_COARSE = {"maintain": "write", "triage": "read"}
_HOURLY = 5000
_LONGEST_EVENT, _MOST_PROPERTIES = 100, 10


def read_self(call: Call) -> Reply:
    return read_user_of(call, call.actor)


def read_user(call: Call) -> Reply:
    return read_user_of(call, call.word("username"))


def read_user_of(call: Call, login: str) -> Reply:
    user = call.forge.world.users.get(login.lower())
    if user is None:
        raise not_found()
    return Reply(200, show_account(call.view, user))


def read_rate(_: Call) -> Reply:
    rate = {"limit": _HOURLY, "remaining": _HOURLY - 1, "reset": 4_102_444_800, "used": 1}
    search = rate | {"limit": 30, "remaining": 30, "used": 0}
    return Reply(200, {"resources": {"core": rate, "search": search}, "rate": rate})


def read_repository(call: Call) -> Reply:
    return Reply(200, show_full_repository(call.view, call.repository, call.asker))


def list_own_repositories(call: Call) -> Reply:
    """Those that the asker was given a role in, by name."""
    asker = call.forge.user(call.actor)
    known = sorted(call.forge.world.repositories.values(), key=lambda found: found.path.lower())
    mine = [found for found in known if call.forge.given_role(found, asker) not in {None, "none"}]
    return call.pages(mine, lambda found: show_listed_repository(call.view, found, asker))


def read_permission(call: Call) -> Reply:
    if not call.forge.may(call.repository, call.asker, "write"):
        raise Refusal(403, "Must have push access to view collaborator permission.")
    user = call.forge.world.users.get(call.word("username").lower())
    if user is None:
        raise not_found(f"{call.word('username')} is not a user")
    role = call.forge.role_of(call.repository, user)
    coarse = _COARSE.get(role, role)
    shown = show_user(call.view, user.login) | {"role_name": role}
    return Reply(200, {"permission": coarse, "role_name": role, "user": shown})


def list_branches(call: Call) -> Reply:
    url = call.view.url_of(call.repository)
    branches = list(call.forge.bare(call.repository).refs("refs/heads/").items())

    def show(item: tuple[str, str]) -> Json:
        name, sha = item[0].removeprefix("refs/heads/"), item[1]
        commit = {"sha": sha, "url": f"{url}/commits/{sha}"}
        return {"name": name, "commit": commit, "protected": is_protected(call.repository, name)}

    wanted = {"true": True, "false": False}.get(call.query.get("protected", ""))
    kept = [
        item for item in branches
        if wanted is None or is_protected(call.repository, item[0].removeprefix("refs/heads/")) is wanted
    ]
    return call.pages(kept, show)


def read_branch(call: Call) -> Reply:
    name, bare, url = call.word("branch"), call.forge.bare(call.repository), call.view.url_of(call.repository)
    sha = bare.branch(name)
    if sha is None:
        raise not_found("Branch not found")
    link, protected = f"{url}/branches/{quote(name)}", is_protected(call.repository, name)
    own, wanted = name in call.repository.protected, call.repository.required.get(name, [])
    checks = {
        "enforcement_level": "non_admins" if wanted else "off", "contexts": wanted,
        "checks": [{"context": context, "app_id": None} for context in wanted],
    }
    return Reply(200, {
        "name": name, "commit": show_commit(call.view, call.repository, bare.commit(sha)), "protected": protected,
        "_links": {"self": link, "html": f"{call.view.page_of(call.repository)}/tree/{quote(name)}"},
        "protection": {"enabled": own or bool(wanted), "required_status_checks": checks},
        "protection_url": f"{link}/protection",
    })


def read_ref(call: Call) -> Reply:
    name = f"refs/{call.word('ref')}"
    sha = call.forge.bare(call.repository).ref(name)
    if sha is None:
        raise not_found()
    return Reply(200, _shown_ref(call, name, sha))


def list_matching_refs(call: Call) -> Reply:
    refs = list(call.forge.bare(call.repository).refs(f"refs/{call.word('ref')}").items())
    return call.pages(refs, lambda item: _shown_ref(call, *item))


def create_ref(call: Call) -> Reply:
    name, sha, bare = call.needed("ref", str), call.needed("sha", str), call.forge.bare(call.repository)
    if name.count("/") < 2 or not bare.valid_ref(name) or not name.startswith(("refs/heads/", "refs/tags/")):
        raise Refusal(422, f"{name} is not a valid ref name.")
    if not bare.refs("refs/heads/"):
        raise Refusal(409, "Git Repository is empty.")
    if bare.kind(sha) is None:
        raise Refusal(422, "Object does not exist")
    _move(call, name, sha, ZERO, "Reference already exists")
    return Reply(201, _shown_ref(call, name, sha))


def move_ref(call: Call) -> Reply:
    name, sha, bare = f"refs/{call.word('ref')}", call.needed("sha", str), call.forge.bare(call.repository)
    old = bare.ref(name)
    if old is None:
        raise Refusal(422, "Reference does not exist")
    if bare.kind(sha) is None:
        raise Refusal(422, "Object does not exist")
    if not call.field("force", bool) and not bare.is_ancestor(old, sha):
        raise Refusal(422, "Update is not a fast forward")
    _move(call, name, sha, old, "Reference cannot be updated")
    return Reply(200, _shown_ref(call, name, sha))


def delete_ref(call: Call) -> Reply:
    name = f"refs/{call.word('ref')}"
    old = call.forge.bare(call.repository).ref(name)
    if old is None or not name.startswith(("refs/heads/", "refs/tags/")):
        raise Refusal(422, "Reference does not exist")
    if name == f"refs/heads/{call.repository.default_branch}":
        raise Refusal(422, "Cannot delete the default branch")
    _move(call, name, ZERO, old, "Reference cannot be deleted")
    return Reply(204)


def list_commits(call: Call) -> Reply:
    bare, start = call.forge.bare(call.repository), call.query.get("sha", call.repository.default_branch)
    sha, path = bare.resolve(start), call.query.get("path")
    if sha is None:
        raise not_found()
    commits = bare.commits(sha, *(("--", path) if path else ()))
    return call.pages(commits[::-1], lambda commit: show_commit(call.view, call.repository, commit))


def read_commit(call: Call) -> Reply:
    bare, name = call.forge.bare(call.repository), call.word("ref")
    sha = bare.resolve(name)
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {name}")
    return Reply(200, show_full_commit(call.view, call.repository, bare, bare.commit(sha)))


def read_contents(call: Call) -> Reply:
    bare, path = call.forge.bare(call.repository), call.arguments.get("path", "")
    ref = call.query.get("ref", call.repository.default_branch)
    commit = bare.resolve(ref)
    if commit is None:
        raise not_found(f"No commit found for the ref {ref}")
    path = str(path).strip("/")
    entry = bare.entry(commit, path) if path else TreeEntry("040000", "tree", "", "")
    if entry is None:
        raise not_found()
    if entry.kind == "tree":
        entries = bare.tree(commit, path)
        paths = (f"{path}/{child.path}".strip("/") for child in entries)
        return Reply(200, [_show_content(call, *pair, ref) for pair in zip(entries, paths, strict=True)])
    data = bare.blob(entry.sha)
    shown = _show_content(call, entry, path, ref) | {"size": len(data), "encoding": "base64"}
    return Reply(200, shown | {"content": base64.encodebytes(data).decode()})


def dispatch_event(call: Call) -> Reply:
    """An event for whoever listens: nobody does here, so it is only remembered."""
    name, payload = call.needed("event_type", str), call.field("client_payload", dict) or {}
    if not 0 < len(name) <= _LONGEST_EVENT or len(payload) > _MOST_PROPERTIES:
        raise Refusal(422, "Invalid request.\n\nThe event's name or payload is too large.")
    call.repository.dispatches.append((call.actor, name, {str(key): str(value) for key, value in payload.items()}))
    return Reply(204)


def _move(call: Call, name: str, new: str, old: str, refusal: str) -> None:
    bare = call.forge.bare(call.repository)
    check_rules(call.forge, call.repository, call.asker, name)
    before = bare.refs()
    try:
        bare.update_ref(name, new, old)
    except Moved as moved:
        raise Refusal(422, refusal) from moved
    follow_refs(call.forge, call.repository, before, call.actor)


def _shown_ref(call: Call, name: str, sha: str) -> Json:
    return show_ref(call.view, call.repository, name, sha, call.forge.bare(call.repository).kind(sha) or "commit")


def _show_content(call: Call, entry: TreeEntry, path: str, ref: str) -> Json:
    url, page = call.view.url_of(call.repository), call.view.page_of(call.repository)
    kind = {"tree": "dir", "blob": "file", "commit": "submodule"}[entry.kind]
    link, html = f"{url}/contents/{quote(path)}?ref={quote(ref)}", f"{page}/blob/{quote(ref)}/{quote(path)}"
    git = f"{url}/git/{entry.kind}s/{entry.sha}"
    return {
        "type": kind, "name": path.rpartition("/")[2], "path": path, "sha": entry.sha, "size": 0, "url": link,
        "git_url": git, "html_url": html, "download_url": f"{page}/raw/{quote(ref)}/{quote(path)}",
        "_links": {"self": link, "git": git, "html": html},
    }


_REPO = "/repos/{owner}/{repo}"
ROUTES = (
    Route("GET", "/user", read_self),
    Route("GET", "/user/repos", list_own_repositories),
    Route("GET", "/users/{username}", read_user),
    Route("GET", "/rate_limit", read_rate),
    Route("GET", _REPO, read_repository),
    Route("GET", f"{_REPO}/collaborators/{{username}}/permission", read_permission),
    Route("GET", f"{_REPO}/branches", list_branches),
    Route("GET", f"{_REPO}/branches/{{branch}}", read_branch),
    Route("GET", f"{_REPO}/git/ref/{{ref}}", read_ref),
    Route("GET", f"{_REPO}/git/matching-refs/{{ref}}", list_matching_refs),
    Route("POST", f"{_REPO}/git/refs", create_ref, "write"),
    Route("PATCH", f"{_REPO}/git/refs/{{ref}}", move_ref, "write"),
    Route("DELETE", f"{_REPO}/git/refs/{{ref}}", delete_ref, "write"),
    Route("GET", f"{_REPO}/commits", list_commits),
    Route("GET", f"{_REPO}/commits/{{ref}}", read_commit),
    Route("GET", f"{_REPO}/contents/{{path}}", read_contents),
    Route("POST", f"{_REPO}/dispatches", dispatch_event, "write"),
)
