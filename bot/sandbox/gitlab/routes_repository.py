"""The API's branches, commits, tags, files and protections.

It never changes the state by itself beyond what `pushes` and the forge offer.
"""

from __future__ import annotations

import base64
import hashlib

from bot.sandbox.bare import ZERO, Bare, CommitData, Moved
from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.gitlab.calls import Call, Denial, Route, forbidden, missing
from bot.sandbox.gitlab.rules import may_push, rule_for
from bot.sandbox.gitlab.shapes import LEVELS
from bot.sandbox.gitlab.shapes_requests import show_commit, show_full_commit
from bot.sandbox.merging import sign
from bot.sandbox.pushes import follow_refs
from bot.sandbox.state import NOBODY, Protection

_ROLES = {level: role for role, level in LEVELS.items()} | {0: NOBODY, 60: "admin"}
_GIVEN = LEVELS | {NOBODY: 0}
_WORDS = {0: "No one", 30: "Developers + Maintainers", 40: "Maintainers", 50: "Owners"}


def list_branches(call: Call) -> Reply:
    search = call.text("search") or ""
    refs = call.forge.bare(call.repository).refs("refs/heads/")
    names = [name for ref in refs if search.strip("^$") in (name := ref.removeprefix("refs/heads/"))]
    return call.pages(names, lambda name: _show_branch(call, name, parents=False))


def read_branch(call: Call) -> Reply:
    if call.forge.bare(call.repository).branch(call.arguments["branch"]) is None:
        raise missing("Branch")
    return Reply(200, _show_branch(call, call.arguments["branch"]))


def create_branch(call: Call) -> Reply:
    name, bare = call.needed("branch"), call.forge.bare(call.repository)
    sha = bare.resolve(call.needed("ref"))
    if sha is None:
        raise Denial(400, f"Invalid reference name: {call.text('ref')}")
    if bare.branch(name):
        raise Denial(400, "Branch already exists")
    if name.startswith("-") or not bare.valid_ref(f"refs/heads/{name}"):
        raise Denial(400, "Branch name is invalid")
    if not may_push(call.forge, call.repository, call.asker, f"refs/heads/{name}"):
        raise Denial(400, "You are not allowed to create protected branches on this project.")
    _move(call, f"refs/heads/{name}", sha, ZERO)
    return Reply(201, _show_branch(call, name))


def delete_branch(call: Call) -> Reply:
    name, bare = call.arguments["branch"], call.forge.bare(call.repository)
    tip = bare.branch(name)
    if tip is None:
        raise missing("Branch")
    if name == call.repository.default_branch:
        raise Denial(405, "Cannot remove HEAD branch")
    if not may_push(call.forge, call.repository, call.asker, f"refs/heads/{name}"):
        raise forbidden()
    _move(call, f"refs/heads/{name}", ZERO, tip)
    return Reply(204)


def list_commits(call: Call) -> Reply:
    """The newest first."""
    bare = call.forge.bare(call.repository)
    start, path = call.text("ref_name") or call.repository.default_branch, call.text("path")
    since, _, until = start.rpartition("..")
    tip, floor = bare.resolve(until), bare.resolve(since) if since else None
    if tip is None or (since and floor is None):
        raise missing("Commit")
    limits = [f"--since={value}" for value in (call.text("since"),) if value]
    commits = bare.commits(*limits, tip, *((f"^{floor}",) if floor else ()), "--", *((path,) if path else ()))
    extra: Json = {"trailers": {}, "extended_trailers": {}}
    return call.pages(commits[::-1], lambda commit: show_commit(call.site, call.repository, commit) | extra)


def read_commit(call: Call) -> Reply:
    bare = call.forge.bare(call.repository)
    sha = bare.resolve(call.arguments["sha"])
    if sha is None:
        raise missing("Commit")
    return Reply(200, show_full_commit(call.site, call.repository, bare, bare.commit(sha)))


def list_tags(call: Call) -> Reply:
    """The latest first."""
    search, bare = call.text("search") or "", call.forge.bare(call.repository)
    text = bare.run("for-each-ref", "--sort=-creatordate", "--sort=-refname", "--format=%(refname)", "refs/tags/")
    names = [name for ref in text.splitlines() if search.strip("^$") in (name := ref.removeprefix("refs/tags/"))]
    return call.pages(names, lambda name: _show_tag(call, name))


def read_tag(call: Call) -> Reply:
    if call.forge.bare(call.repository).ref(f"refs/tags/{call.arguments['tag_name']}") is None:
        raise missing("Tag")
    return Reply(200, _show_tag(call, call.arguments["tag_name"]))


def create_tag(call: Call) -> Reply:
    make_tag(call, call.needed("tag_name"), call.needed("ref"), call.text("message"))
    return Reply(201, _show_tag(call, call.needed("tag_name")))


def make_tag(call: Call, name: str, ref: str, message: str | None) -> None:
    """Create a tag, with an object of its own when there is a message."""
    bare, full = call.forge.bare(call.repository), f"refs/tags/{name}"
    sha = bare.resolve(ref)
    if name.startswith("-") or not bare.valid_ref(full):
        raise Denial(400, "Tag name invalid")
    if bare.ref(full):
        raise Denial(400, f"Tag {name} already exists")
    if sha is None:
        raise Denial(400, f"Target {ref} is invalid")
    if not may_push(call.forge, call.repository, call.asker, full):
        raise Denial(400, "You don't have access to push tag to this project")
    if message:
        by = sign(call.forge.person(call.actor), call.forge.now())
        tagger = f"{by.name} <{by.email}> {by.at.removeprefix('@')}"
        text = f"object {sha}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message}\n"
        sha = bare.run("mktag", stdin=text).strip()
    _move(call, full, sha, ZERO)


def read_file(call: Call) -> Reply:
    entry, data, commit, ref = _find_file(call)
    return Reply(200, {
        "file_name": call.arguments["file_path"].rpartition("/")[2], "file_path": call.arguments["file_path"],
        "size": len(data), "encoding": "base64", "content": base64.b64encode(data).decode(), "ref": ref,
        "content_sha256": hashlib.sha256(data).hexdigest(), "blob_id": entry, "commit_id": commit,
        "last_commit_id": commit,
    })


def read_raw_file(call: Call) -> Reply:
    return Reply(200, _find_file(call)[1])


def list_branch_rules(call: Call) -> Reply:
    return call.pages(list(call.repository.branch_rules.values()), show_branch_rule)


def read_branch_rule(call: Call) -> Reply:
    return Reply(200, show_branch_rule(_find_rule(call, call.repository.branch_rules)))


def create_branch_rule(call: Call) -> Reply:
    name = call.needed("name")
    if name in call.repository.branch_rules:
        raise Denial(409, f"Protected branch '{name}' already exists")
    rule = Protection(
        call.forge.world.take_id(), name, _role(call, "push_access_level"), _role(call, "merge_access_level"),
        call.flag("allow_force_push") or False,
    )
    call.repository.branch_rules[name] = rule
    return Reply(201, show_branch_rule(rule))


def delete_branch_rule(call: Call) -> Reply:
    del call.repository.branch_rules[_find_rule(call, call.repository.branch_rules).name]
    return Reply(204)


def list_tag_rules(call: Call) -> Reply:
    return call.pages(list(call.repository.tag_rules.values()), show_tag_rule)


def read_tag_rule(call: Call) -> Reply:
    return Reply(200, show_tag_rule(_find_rule(call, call.repository.tag_rules)))


def show_branch_rule(rule: Protection) -> Json:
    return {
        "id": rule.id, "name": rule.name, "push_access_levels": [_show_level(rule, rule.push)],
        "merge_access_levels": [_show_level(rule, rule.merge)], "unprotect_access_levels": [],
        "allow_force_push": rule.force, "code_owner_approval_required": False, "inherited": False,
    }


def show_tag_rule(rule: Protection) -> Json:
    return {"name": rule.name, "create_access_levels": [_show_level(rule, rule.push)]}


def _show_level(rule: Protection, role: str) -> Json:
    level = _GIVEN[role]
    nobody = dict.fromkeys(("user_id", "group_id", "deploy_key_id"))
    words = {"access_level": level, "access_level_description": _WORDS.get(level, role.title())}
    return {"id": rule.id, **words, **nobody}


def _role(call: Call, name: str) -> str:
    level = call.number(name)
    if level is not None and level not in {0, 30, 40, 60}:
        raise Denial(400, f"{name} does not have a valid value")
    return _ROLES[40 if level is None else level]


def _find_rule(call: Call, rules: dict[str, Protection]) -> Protection:
    rule = rules.get(call.arguments["name"])
    if rule is None:
        raise missing()
    return rule


def _find_file(call: Call) -> tuple[str, bytes, str, str]:
    bare, ref = call.forge.bare(call.repository), call.text("ref") or "HEAD"
    commit = bare.resolve(call.repository.default_branch if ref == "HEAD" else ref)
    if commit is None:
        raise missing("Commit")
    entry = bare.entry(commit, call.arguments["file_path"])
    if entry is None or entry.kind != "blob":
        raise missing("File")
    return entry.sha, bare.blob(entry.sha), commit, ref


def _show_branch(call: Call, name: str, *, parents: bool = True) -> Json:
    repository, bare = call.repository, call.forge.bare(call.repository)
    tip, main = bare.branch(name) or ZERO, bare.branch(repository.default_branch)
    rule, default = rule_for(repository.branch_rules, name), name == repository.default_branch
    extra: Json = {"trailers": {}} if parents else {"parent_ids": None}
    commit = show_commit(call.site, repository, bare.commit(tip)) | extra
    protected = rule is not None or name in repository.protected
    return {
        "name": name, "commit": commit, "merged": not default and bool(main and bare.is_ancestor(tip, main)),
        "protected": protected, "developers_can_push": not protected or bool(rule and rule.push == "write"),
        "developers_can_merge": not protected or bool(rule and rule.merge == "write"), "default": default,
        "can_push": may_push(call.forge, repository, call.asker, f"refs/heads/{name}"),
        "web_url": f"{call.site.page_of(repository)}/-/tree/{name}",
    }


def _show_tag(call: Call, name: str) -> Json:
    bare, full = call.forge.bare(call.repository), f"refs/tags/{name}"
    target, release = bare.ref(full) or ZERO, call.repository.releases.get(name)
    kind, _, message = bare.run("for-each-ref", "--format=%(objecttype)%00%(contents)", full).partition("\0")
    return {
        "name": name, "message": message.rstrip("\n") if kind == "tag" else "", "target": target,
        "commit": show_commit(call.site, call.repository, _commit_of(bare, target)),
        "release": {"tag_name": name, "description": release.description} if release else None,
        "protected": rule_for(call.repository.tag_rules, name) is not None,
    }


def _commit_of(bare: Bare, target: str) -> CommitData:
    return bare.commit(bare.peel(target) or target)


def _move(call: Call, name: str, new: str, old: str) -> None:
    bare = call.forge.bare(call.repository)
    before = bare.refs()
    try:
        bare.update_ref(name, new, old)
    except Moved as moved:
        raise Denial(409, "Reference could not be updated") from moved
    follow_refs(call.forge, call.repository, before, call.actor)


_REPOSITORY = "/projects/{id}/repository"
_BRANCH_RULES, _TAG_RULES = "/projects/{id}/protected_branches", "/projects/{id}/protected_tags"
ROUTES = (
    Route("GET", f"{_REPOSITORY}/branches", list_branches),
    Route("POST", f"{_REPOSITORY}/branches", create_branch, "write"),
    Route("GET", f"{_REPOSITORY}/branches/{{branch}}", read_branch),
    Route("DELETE", f"{_REPOSITORY}/branches/{{branch}}", delete_branch, "write"),
    Route("GET", f"{_REPOSITORY}/commits", list_commits),
    Route("GET", f"{_REPOSITORY}/commits/{{sha}}", read_commit),
    Route("GET", f"{_REPOSITORY}/tags", list_tags),
    Route("POST", f"{_REPOSITORY}/tags", create_tag, "write"),
    Route("GET", f"{_REPOSITORY}/tags/{{tag_name}}", read_tag),
    Route("GET", f"{_REPOSITORY}/files/{{file_path}}", read_file),
    Route("GET", f"{_REPOSITORY}/files/{{file_path}}/raw", read_raw_file),
    Route("GET", _BRANCH_RULES, list_branch_rules, "write"),
    Route("POST", _BRANCH_RULES, create_branch_rule, "maintain"),
    Route("GET", f"{_BRANCH_RULES}/{{name}}", read_branch_rule, "write"),
    Route("DELETE", f"{_BRANCH_RULES}/{{name}}", delete_branch_rule, "maintain"),
    Route("GET", _TAG_RULES, list_tag_rules, "write"),
    Route("GET", f"{_TAG_RULES}/{{name}}", read_tag_rule, "write"),
)
