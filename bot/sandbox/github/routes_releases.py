"""The API's tags, tag objects and releases.

It never keeps tags itself: a release names one, and publishing it makes the tag where there is none.
"""

from __future__ import annotations

from urllib.parse import quote

from bot.sandbox.bare import ZERO, GitError
from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.rules import check_rules
from bot.sandbox.github.shapes import View, node_id, show_user, stamp
from bot.sandbox.merging import sign
from bot.sandbox.pushes import follow_refs
from bot.sandbox.refusals import Refusal, invalid, not_found
from bot.sandbox.state import Asset, Release, Repository

_LATEST = ("true", "false", "legacy")
_UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def list_tags(call: Call) -> Reply:
    """Every tag with the commit that it means, whatever object stands between."""
    bare, url = call.forge.bare(call.repository), call.view.url_of(call.repository)
    tags = list(bare.refs("refs/tags/").items())[::-1]

    def show(item: tuple[str, str]) -> Json:
        name, commit = item[0].removeprefix("refs/tags/"), bare.peel(item[1]) or item[1]
        return {
            "name": name, "commit": {"sha": commit, "url": f"{url}/commits/{commit}"}, "node_id": node_id("Ref", name),
            "zipball_url": f"{url}/zipball/{quote(item[0])}", "tarball_url": f"{url}/tarball/{quote(item[0])}",
        }

    return call.pages(tags, show)


def create_tag_object(call: Call) -> Reply:
    """A tag object; no ref names it yet."""
    bare, sha, kind = call.forge.bare(call.repository), call.needed("object", str), call.needed("type", str)
    if bare.kind(sha) != kind:
        raise Refusal(422, f"No {kind} found for SHA: {sha}", [])
    by = sign(call.forge.person(call.actor), call.forge.now())
    tagger = f"{by.name} <{by.email}> {by.at.removeprefix('@')}"
    tag, message = call.needed("tag", str), call.needed("message", str)
    try:
        made = bare.run("mktag", stdin=f"object {sha}\ntype {kind}\ntag {tag}\ntagger {tagger}\n\n{message}\n").strip()
    except GitError:
        raise Refusal(422, "Tag is not valid", []) from None
    return Reply(201, _show_tag_object(call, made))


def read_tag_object(call: Call) -> Reply:
    sha = call.word("tag_sha")
    if call.forge.bare(call.repository).kind(sha) != "tag":
        raise not_found()
    return Reply(200, _show_tag_object(call, sha))


def list_releases(call: Call) -> Reply:
    """The newest first; drafts are there for those who can push."""
    seen = [*call.repository.releases.values()]
    if call.forge.may(call.repository, call.asker, "write"):
        seen += call.repository.drafts
    return call.pages(sorted(seen, key=lambda one: one.id, reverse=True), lambda one: _show(call, one))


def find_release(call: Call) -> Reply:
    """By tag, which finds no drafts."""
    release = call.repository.releases.get(call.word("tag"))
    if release is None:
        raise not_found()
    return Reply(200, _show(call, release))


def read_latest(call: Call) -> Reply:
    """The one that has the mark, or else the newest that is no prerelease."""
    known = call.repository.releases
    full = [one for one in known.values() if not one.prerelease]
    marked = known.get(call.repository.latest)
    latest = marked if marked in full else max(full, key=lambda one: (one.created_at, one.id), default=None)
    if latest is None:
        raise not_found()
    return Reply(200, _show(call, latest))


def read_release(call: Call) -> Reply:
    return Reply(200, _show(call, find_release_by_id(call)))


def create_release(call: Call) -> Reply:
    """A release, or a draft of one, of which a tag may have many."""
    tag, now, draft = call.needed("tag_name", str), call.forge.now(), call.field("draft", bool) or False
    if not call.forge.bare(call.repository).valid_ref(f"refs/tags/{tag}"):
        raise Refusal(422, "Validation Failed", [{
            "resource": "Release", "field": "tag_name", "code": "custom", "message": "tag_name is not a valid tag"}])
    texts = (call.field("name", str) or "", call.field("body", str) or "")
    release = Release(tag, *texts, call.actor, now, now, call.forge.world.take_id(), draft=True)
    release.prerelease = call.field("prerelease", bool) or False
    mark = _mark(call, "true")
    if draft:
        call.repository.drafts.append(release)
    else:
        _publish(call, release, mark)
    return Reply(201, _show(call, release))


def edit_release(call: Call) -> Reply:
    release, draft = find_release_by_id(call), call.field("draft", bool)
    name, body, prerelease = call.field("name", str), call.field("body", str), call.field("prerelease", bool)
    mark = _mark(call, "true" if release.draft else "")
    if release.draft and draft is False:
        _publish(call, release, mark)
        call.repository.drafts.remove(release)
    elif draft and not release.draft:
        del call.repository.releases[release.tag]
        release.draft = True
        call.repository.drafts.append(release)
    release.name = release.name if name is None else name
    release.description = release.description if body is None else body
    release.prerelease = release.prerelease if prerelease is None else prerelease
    _give_mark(call, release, mark)
    return Reply(200, _show(call, release))


def _publish(call: Call, release: Release, mark: str) -> None:
    if release.tag in call.repository.releases:
        raise invalid("Release", "tag_name", "already_exists")
    bare, name = call.forge.bare(call.repository), f"refs/tags/{release.tag}"
    if bare.ref(name) is None:
        target = bare.resolve(call.field("target_commitish", str) or call.repository.default_branch)
        if target is None:
            raise invalid("Release", "target_commitish")
        check_rules(call.forge, call.repository, call.asker, name)
        before = bare.refs()
        bare.update_ref(name, target, ZERO)
        follow_refs(call.forge, call.repository, before, call.actor)
    release.draft, release.released_at = False, call.forge.now()
    call.repository.releases[release.tag] = release
    _give_mark(call, release, mark)


def _mark(call: Call, otherwise: str) -> str:
    mark = call.field("make_latest", str) or otherwise
    if mark not in (*_LATEST, ""):
        raise Refusal(422, f"Invalid request.\n\n{mark} is not a member of {list(_LATEST)}.")
    return mark


def _give_mark(call: Call, release: Release, mark: str) -> None:
    if mark == "true" and not release.draft and not release.prerelease:
        call.repository.latest = release.tag
    if mark == "false" and call.repository.latest == release.tag:
        call.repository.latest = ""


def find_release_by_id(call: Call) -> Release:
    """The release that the path names; drafts are there for those who can push."""
    shown = [*call.repository.releases.values()]
    if call.forge.may(call.repository, call.asker, "write"):
        shown += call.repository.drafts
    found = next((one for one in shown if one.id == call.number("release_id")), None)
    if found is None:
        raise not_found()
    return found


def _show(call: Call, release: Release) -> Json:
    url, page = call.view.url_of(call.repository), call.view.page_of(call.repository)
    own, word = f"{url}/releases/{release.id}", f"untagged-{release.id}" if release.draft else quote(release.tag)
    return {
        "id": release.id, "node_id": node_id("Release", release.id), "url": own, "assets_url": f"{own}/assets",
        "upload_url": f"{own}/assets{{?name,label}}", "html_url": f"{page}/releases/tag/{word}",
        "tarball_url": None if release.draft else f"{url}/tarball/{quote(release.tag)}",
        "zipball_url": None if release.draft else f"{url}/zipball/{quote(release.tag)}", "tag_name": release.tag,
        "target_commitish": call.repository.default_branch, "name": release.name, "body": release.description,
        "draft": release.draft, "prerelease": release.prerelease, "immutable": False,
        "assets": [show_asset(call.view, call.repository, release, asset) for asset in release.assets],
        "created_at": stamp(release.created_at), "author": show_user(call.view, release.user),
        "published_at": None if release.draft else stamp(release.released_at),
    }


def show_asset(view: View, repository: Repository, release: Release, asset: Asset) -> Json:
    """A file that hangs on a release."""
    page = f"{view.page_of(repository)}/releases/download/{quote(release.tag)}"
    return {
        "url": f"{view.url_of(repository)}/releases/assets/{asset.id}", "id": asset.id,
        "node_id": node_id("ReleaseAsset", asset.id), "name": asset.name, "label": "", "state": asset.state,
        "content_type": "application/octet-stream", "size": asset.size,
        "digest": f"sha256:{asset.sha256}" if asset.sha256 else None, "download_count": 0,
        "created_at": stamp(asset.created_at), "updated_at": stamp(asset.created_at),
        "uploader": show_user(view, asset.user), "browser_download_url": f"{page}/{quote(asset.name)}",
    }


def _show_tag_object(call: Call, sha: str) -> Json:
    bare, url = call.forge.bare(call.repository), f"{call.view.url_of(call.repository)}/git"
    head, _, message = bare.run("cat-file", "tag", sha).partition("\n\n")
    fields = dict(line.split(" ", 1) for line in head.splitlines())
    name, _, rest = fields["tagger"].partition(" <")
    address, _, at = rest.partition("> ")
    target, kind = fields["object"], fields["type"]
    return {
        "sha": sha, "node_id": node_id("Tag", sha), "tag": fields["tag"], "url": f"{url}/tags/{sha}",
        "message": message.rstrip("\n"), "tagger": {"name": name, "email": address, "date": stamp(int(at.split()[0]))},
        "object": {"sha": target, "type": kind, "url": f"{url}/{kind}s/{target}"}, "verification": _UNSIGNED,
    }


_REPO, _RELEASES = "/repos/{owner}/{repo}", "/repos/{owner}/{repo}/releases"
ROUTES = (
    Route("GET", f"{_REPO}/tags", list_tags),
    Route("POST", f"{_REPO}/git/tags", create_tag_object, "write"),
    Route("GET", f"{_REPO}/git/tags/{{tag_sha}}", read_tag_object),
    Route("GET", _RELEASES, list_releases),
    Route("POST", _RELEASES, create_release, "write"),
    Route("GET", f"{_RELEASES}/latest", read_latest),
    Route("GET", f"{_RELEASES}/tags/{{tag}}", find_release),
    Route("GET", f"{_RELEASES}/{{release_id}}", read_release),
    Route("PATCH", f"{_RELEASES}/{{release_id}}", edit_release, "write"),
)
