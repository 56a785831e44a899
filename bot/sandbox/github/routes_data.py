"""The API's git objects: blobs, trees and commits that are made one by one, and become visible through a ref.

It never moves a ref.
"""

from __future__ import annotations

import base64
import binascii

from bot.sandbox.bare import Bare, CommitData, Signature
from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.guests import Guest
from bot.sandbox.github.shapes import node_id
from bot.sandbox.merging import FORGE, sign, write_commit
from bot.sandbox.refusals import Refusal, not_found

_KINDS = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}
_SIGNED = "-----BEGIN PGP SIGNATURE-----\nof the sandbox\n-----END PGP SIGNATURE-----"


def create_blob(call: Call) -> Reply:
    text, encoding = call.needed("content", str), call.field("encoding", str) or "utf-8"
    try:
        content = base64.b64decode(text, validate=True) if encoding == "base64" else text.encode()
    except binascii.Error:
        raise Refusal(422, "content is not valid Base64", []) from None
    sha = _write_blob(_bare(call), content)
    return Reply(201, {"sha": sha, "url": f"{call.view.url_of(call.repository)}/git/blobs/{sha}"})


def create_tree(call: Call) -> Reply:
    bare, base = _bare(call), call.field("base_tree", str)
    if base is not None and bare.kind(base) not in ("tree", "commit"):
        raise Refusal(422, "base_tree is not a valid tree oid", [])
    lines = [_index_line(bare, entry) for entry in call.needed("tree", list)]
    index = bare.path / f"index.{id(lines):x}"
    env = {"GIT_INDEX_FILE": str(index)}
    try:
        if base:
            bare.run("read-tree", base, env=env)
        bare.run("update-index", "-z", "--index-info", stdin="".join(lines), env=env)
        sha = bare.run("write-tree", "--missing-ok", env=env).strip()
    finally:
        index.unlink(missing_ok=True)
    url = f"{call.view.url_of(call.repository)}/git"
    entries: list[Json] = [
        {
            "path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha,
            "url": f"{url}/{entry.kind}s/{entry.sha}",
        }
        for entry in bare.tree(sha, "")
    ]
    return Reply(201, {"sha": sha, "url": f"{url}/trees/{sha}", "tree": entries, "truncated": False})


def create_commit(call: Call) -> Reply:
    bare, tree, parents = _bare(call), call.needed("tree", str), call.strings("parents") or []
    if bare.kind(tree) != "tree":
        raise Refusal(422, "Tree SHA does not exist", [])
    if not all(bare.kind(parent) == "commit" for parent in parents):
        raise Refusal(422, "Parent SHA does not exist or is not a commit object", [])
    author = _signature(call, "author") or sign(call.forge.person(call.actor), call.forge.now())
    given = "author" in call.fields or "committer" in call.fields
    committer = _signature(call, "committer") or (author if given else sign(FORGE, call.forge.now()))
    sha = write_commit(bare, tree, tuple(parents), call.needed("message", str), (author, committer))
    if isinstance(call.asker, Guest) and not given:
        call.repository.signed.append(sha)
    return Reply(201, _show(call, bare.commit(sha)))


def read_git_commit(call: Call) -> Reply:
    bare, sha = _bare(call), call.word("commit_sha")
    if bare.kind(sha) != "commit":
        raise not_found()
    return Reply(200, _show(call, bare.commit(sha)))


def _index_line(bare: Bare, entry: Json) -> str:
    """One line for `git update-index --index-info`."""
    path, mode = str(entry.get("path", "")), str(entry.get("mode", ""))
    if not path or path.startswith("/") or ".." in path.split("/") or _KINDS.get(mode) != entry.get("type"):
        raise Refusal(422, "tree.path contains a malformed path component, or the mode does not fit the type", [])
    if "content" in entry:
        return f"{mode} {_write_blob(bare, str(entry['content']).encode())}\t{path}\0"
    sha = entry.get("sha")
    if sha is None:
        return f"0 {'0' * 40}\t{path}\0"
    if mode != "160000" and bare.kind(sha) != _KINDS[mode]:
        raise Refusal(422, f"tree.sha {sha} is not a valid {_KINDS[mode]}", [])
    return f"{mode} {sha}\t{path}\0"


def _write_blob(bare: Bare, content: bytes) -> str:
    return bare.run("hash-object", "-w", "--stdin", stdin=content).strip()


def _signature(call: Call, name: str) -> Signature | None:
    given = call.field(name, dict)
    if given is None:
        return None
    at = given.get("date") or f"@{call.forge.now()} +0000"
    return Signature(str(given["name"]), str(given["email"]), str(at))


def _bare(call: Call) -> Bare:
    return call.forge.bare(call.repository)


def _show(call: Call, commit: CommitData) -> Json:
    url, page = call.view.url_of(call.repository), call.view.page_of(call.repository)
    signed = commit.sha in call.repository.signed
    parents = [
        {"sha": sha, "url": f"{url}/git/commits/{sha}", "html_url": f"{page}/commit/{sha}"} for sha in commit.parents
    ]
    return {
        "sha": commit.sha, "node_id": node_id("Commit", commit.sha), "url": f"{url}/git/commits/{commit.sha}",
        "html_url": f"{page}/commit/{commit.sha}", "message": commit.message, "parents": parents,
        "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
        "verification": {
            "verified": signed, "reason": "valid" if signed else "unsigned", "signature": _SIGNED if signed else None,
            "payload": f"tree {commit.tree}\n" if signed else None, "verified_at": None,
        },
        **{
            role: {"name": who.name, "email": who.email, "date": who.utc}
            for role, who in (("author", commit.author), ("committer", commit.committer))
        },
    }


_GIT = "/repos/{owner}/{repo}/git"
ROUTES = (
    Route("POST", f"{_GIT}/blobs", create_blob, "write"),
    Route("POST", f"{_GIT}/trees", create_tree, "write"),
    Route("POST", f"{_GIT}/commits", create_commit, "write"),
    Route("GET", f"{_GIT}/commits/{{commit_sha}}", read_git_commit),
)
