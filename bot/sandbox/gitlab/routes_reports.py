"""The API's commit statuses, the pipelines that they make up, and releases.

It never runs a pipeline: all it has are the states that were reported from outside.
"""

from __future__ import annotations

from datetime import datetime

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.gitlab.announcing_pipelines import announce_pipeline
from bot.sandbox.gitlab.calls import Call, Denial, Malformed, Route, missing
from bot.sandbox.gitlab.routes_repository import make_tag
from bot.sandbox.gitlab.shapes import show_user, stamp, stamp_or_none
from bot.sandbox.gitlab.shapes_requests import show_commit
from bot.sandbox.state import Asset, Release, Status

_STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
_UNDER_WAY = {"pending": "enqueue", "running": "run"}
_WORST_FIRST = ("failed", "canceled", "running", "pending", "success", "skipped")
_ARCHIVES = ("zip", "tar.gz", "tar.bz2", "tar")


def report_status(call: Call) -> Reply:
    """Report a state; one that is under way is changed, one that has ended is followed by a new one."""
    sha, state = _find_commit(call), call.needed("state")
    if state not in _STATES:
        raise Malformed("state does not have a valid value")
    name, ref = call.text("name") or call.text("context") or "default", _ref_of(call, sha)
    known = next((one for one in _latest(call, sha) if (one.name, one.ref) == (name, ref)), None)
    if known and known.state == state and state in _UNDER_WAY:
        verb = _UNDER_WAY[state]
        reason = f"Status cannot transition via \"{verb}\""
        raise Denial(400, f"Cannot transition status via :{verb} from :{state} (Reason(s): {reason})")
    if known is None or known.state not in _UNDER_WAY:
        number, now = call.forge.world.take_id(), call.forge.now()
        known = Status(number, sha, ref, name, state, call.actor, now, pipeline=_pipeline_of(call, sha, ref))
        call.repository.statuses.append(known)
    known.state = state
    known.description = call.text("description") or known.description
    known.target_url = call.text("target_url") or known.target_url
    ran = [one for one in call.repository.statuses if one.pipeline == known.pipeline]
    announce_pipeline(call.forge, call.repository, ran, _show_pipeline(call, ran)["status"])
    return Reply(201, _show_status(call, known))


def list_statuses(call: Call) -> Reply:
    """The latest of each name, unless all are asked for."""
    sha = _find_commit(call)
    found = [one for one in call.repository.statuses if one.sha == sha] if call.flag("all") else _latest(call, sha)
    wanted = {name: call.text(name) for name in ("ref", "name") if call.text(name)}
    fitting = [one for one in found if all(getattr(one, name) == value for name, value in wanted.items())]
    return call.pages(fitting, lambda status: _show_status(call, status))


def list_pipelines(call: Call) -> Reply:
    """The newest first."""
    wanted = {name: call.text(name) for name in ("sha", "ref") if call.text(name)}
    found: dict[int, list[Status]] = {}
    for status in call.repository.statuses:
        if all(getattr(status, name) == value for name, value in wanted.items()):
            found.setdefault(status.pipeline, []).append(status)
    shown = [_show_pipeline(call, statuses) for _, statuses in sorted(found.items(), reverse=True)]
    state = call.text("status")
    return call.pages([one for one in shown if state in {None, one["status"]}], lambda one: one)


def read_pipeline(call: Call) -> Reply:
    number = call.id("pipeline_id")
    statuses = [status for status in call.repository.statuses if status.pipeline == number]
    if not statuses:
        raise missing()
    return Reply(200, _show_pipeline(call, statuses))


def begin_pipeline(call: Call) -> Reply:
    """A pipeline of a branch with variables. Nothing runs it, so it is remembered, and stays as it was made."""
    ref, given = call.needed("ref"), call.parameters.get("variables") or []
    sha = call.forge.bare(call.repository).branch(ref)
    if sha is None:
        raise Denial(400, {"base": ["Reference not found"]})
    if not isinstance(given, list) or not all(isinstance(one, dict) and "key" in one for one in given):
        raise Malformed("variables is invalid")
    variables = {str(one["key"]): str(one.get("value", "")) for one in given}
    call.repository.dispatches.append((call.actor, ref, variables))
    number, now = call.forge.world.take_id(), call.forge.now()
    made = Status(number, sha, ref, "", "pending", call.actor, now, pipeline=number)
    return Reply(201, _show_pipeline(call, [made]) | {"status": "created", "source": "api"})


def list_releases(call: Call) -> Reply:
    """The latest first."""
    known = sorted(call.repository.releases.values(), key=lambda one: (one.released_at, one.created_at), reverse=True)
    return call.pages(known, lambda release: _show_release(call, release))


def read_release(call: Call) -> Reply:
    return Reply(200, _show_release(call, find_release(call)))


def create_release(call: Call) -> Reply:
    """A release of a tag; the tag is made on the way when there is none and a ref is given."""
    tag = call.needed("tag_name")
    if tag in call.repository.releases:
        raise Denial(409, "Release already exists")
    if call.forge.bare(call.repository).ref(f"refs/tags/{tag}") is None:
        if call.text("ref") is None:
            raise Denial(422, "Ref is not specified")
        make_tag(call, tag, call.needed("ref"), call.text("tag_message"))
    now, texts = call.forge.now(), (call.text("name") or tag, call.text("description") or "")
    release = Release(tag, *texts, call.actor, now, _time(call, "released_at", now))
    call.repository.releases[tag] = release
    return Reply(201, _show_release(call, release))


def edit_release(call: Call) -> Reply:
    release, name, text = find_release(call), call.text("name"), call.text("description")
    release.name = release.name if name is None else name
    release.description = release.description if text is None else text
    release.released_at = _time(call, "released_at", release.released_at)
    return Reply(200, _show_release(call, release))


def _find_commit(call: Call) -> str:
    sha = call.forge.bare(call.repository).resolve(call.arguments["sha"])
    if sha is None:
        raise missing("Commit")
    return sha


def _ref_of(call: Call, sha: str) -> str:
    # Without a ref GitLab takes a branch that has the commit, if there is one.
    bare, given = call.forge.bare(call.repository), call.text("ref")
    if given:
        return given
    branches = bare.refs("refs/heads/")
    found = next((name for name, tip in branches.items() if bare.is_ancestor(sha, tip)), "")
    return found.removeprefix("refs/heads/")


def _latest(call: Call, sha: str) -> list[Status]:
    named = {(one.name, one.ref): one for one in call.repository.statuses if one.sha == sha}
    return list(named.values())


def _pipeline_of(call: Call, sha: str, ref: str) -> int:
    known = (one.pipeline for one in call.repository.statuses if (one.sha, one.ref) == (sha, ref))
    return next(known, 0) or call.forge.world.take_id()


def _show_status(call: Call, status: Status) -> Json:
    ended = None if status.state in _UNDER_WAY else status.created_at
    return {
        "id": status.id, "sha": status.sha, "ref": status.ref, "status": status.state, "name": status.name,
        "target_url": status.target_url, "description": status.description, "created_at": stamp(status.created_at),
        "started_at": None, "finished_at": stamp_or_none(ended), "allow_failure": False, "coverage": None,
        "author": show_user(call.site, status.user),
    }


def _show_pipeline(call: Call, statuses: list[Status]) -> Json:
    last = {status.name: status.state for status in statuses}
    first, state = statuses[0], next(word for word in _WORST_FIRST if word in last.values())
    return {
        "id": first.pipeline, "iid": first.pipeline, "project_id": call.repository.id, "sha": first.sha,
        "ref": first.ref, "status": state, "source": "external", "created_at": stamp(first.created_at),
        "updated_at": stamp(statuses[-1].created_at), "name": None,
        "web_url": f"{call.site.page_of(call.repository)}/-/pipelines/{first.pipeline}",
    }


def find_release(call: Call) -> Release:
    """The release of the tag that the path names."""
    release = call.repository.releases.get(call.arguments["tag_name"])
    if release is None:
        raise Denial(404, "404 Not Found")
    return release


def _time(call: Call, name: str, otherwise: int) -> int:
    text = call.text(name)
    if not text:
        return otherwise
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as wrong:
        raise Malformed(f"{name} is invalid") from wrong


def _show_release(call: Call, release: Release) -> Json:
    bare, tag = call.forge.bare(call.repository), release.tag
    page, path = call.site.page_of(call.repository), f"/{call.repository.path}"
    commit = bare.commit(bare.peel(bare.ref(f"refs/tags/{tag}") or tag) or tag)
    sources = [
        {"format": kind, "url": f"{page}/-/archive/{tag}/{call.repository.name}-{tag}.{kind}"} for kind in _ARCHIVES
    ]
    return {
        "tag_name": tag, "name": release.name, "description": release.description,
        "description_html": f"<p>{release.name}</p>", "created_at": stamp(release.created_at),
        "released_at": stamp(release.released_at), "upcoming_release": release.released_at > call.forge.now(),
        "author": show_user(call.site, release.user), "commit": show_commit(call.site, call.repository, commit),
        "commit_path": f"{path}/-/commit/{commit.sha}", "tag_path": f"{path}/-/tags/{tag}", "evidences": [],
        "assets": {
            "count": len(sources) + len(release.assets), "sources": sources,
            "links": [show_link(asset) for asset in release.assets],
        },
        "_links": {"self": f"{page}/-/releases/{tag}", "edit_url": f"{page}/-/releases/{tag}/edit"},
    }


def show_link(asset: Asset) -> Json:
    """A link to a file, as releases have it."""
    return {
        "id": asset.id, "name": asset.name, "url": asset.url, "direct_asset_url": asset.url, "link_type": "other",
    }


_PROJECT, _RELEASES = "/projects/{id}", "/projects/{id}/releases"
ROUTES = (
    Route("POST", f"{_PROJECT}/statuses/{{sha}}", report_status, "write"),
    Route("GET", f"{_PROJECT}/repository/commits/{{sha}}/statuses", list_statuses),
    Route("POST", f"{_PROJECT}/pipeline", begin_pipeline, "write"),
    Route("GET", f"{_PROJECT}/pipelines", list_pipelines),
    Route("GET", f"{_PROJECT}/pipelines/{{pipeline_id}}", read_pipeline),
    Route("GET", _RELEASES, list_releases),
    Route("POST", _RELEASES, create_release, "write"),
    Route("GET", f"{_RELEASES}/{{tag_name}}", read_release),
    Route("PUT", f"{_RELEASES}/{{tag_name}}", edit_release, "write"),
)
