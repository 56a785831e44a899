"""The API's check runs and commit statuses.

It never lets anybody but an App write a check run, and never changes one that another App wrote.
"""

from __future__ import annotations

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.github.announcing_checks import announce_status, announce_suite
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.guests import Guest
from bot.sandbox.github.routes_apps import show_app
from bot.sandbox.github.shapes import node_id, show_short_repository, show_user, stamp, stamp_or_none
from bot.sandbox.refusals import Refusal, invalid, not_found, unacceptable
from bot.sandbox.state import AppRecord, CheckRun, Status

_STATES = ("error", "failure", "pending", "success")
_LONGEST_DESCRIPTION = 140


def list_check_runs(call: Call) -> Reply:
    """The latest run of each name and App, the newest first."""
    sha, name = _commit(call, "ref"), call.query.get("check_name")
    runs = [run for run in call.repository.check_runs if run.sha == sha and name in (None, run.name)]
    if call.query.get("filter", "latest") == "latest":
        runs = list({(run.app, run.name): run for run in runs}.values())
    page = call.pages(runs[::-1], lambda run: _show_run(call, run))
    return Reply(200, {"total_count": len(runs), "check_runs": page.body}, page.headers)


def create_check_run(call: Call) -> Reply:
    app = _writing_app(call)
    sha = call.needed("head_sha", str)
    if call.forge.bare(call.repository).kind(sha) != "commit":
        raise Refusal(422, f"No commit found for SHA: {sha}", [])
    run = CheckRun(call.forge.world.take_id(), app.id, sha, call.needed("name", str), call.forge.now())
    _fill(call, run)
    call.repository.check_runs.append(run)
    announce_suite(call.forge, call.repository, run, show_app(call.view, app))
    return Reply(201, _show_run(call, run))


def change_check_run(call: Call) -> Reply:
    app, number = _writing_app(call), call.number("check_run_id")
    run = next((run for run in call.repository.check_runs if run.id == number), None)
    if run is None:
        raise not_found()
    if run.app != app.id:
        raise Refusal(403, "Resource not accessible by integration")
    _fill(call, run)
    announce_suite(call.forge, call.repository, run, show_app(call.view, app))
    return Reply(200, _show_run(call, run))


def read_combined_status(call: Call) -> Reply:
    """The latest status of each name."""
    sha = _commit(call, "ref")
    latest = list({status.name: status for status in _statuses(call, sha)}.values())
    url = f"{call.view.url_of(call.repository)}/commits/{sha}"
    page = call.pages(latest, lambda status: _show_plain_status(call, status))
    return Reply(200, {
        "state": _combine({status.state for status in latest}), "statuses": page.body, "sha": sha,
        "total_count": len(latest), "url": f"{url}/status", "commit_url": url,
        "repository": show_short_repository(call.view, call.repository),
    }, page.headers)


def create_status(call: Call) -> Reply:
    sha, state, description = call.word("sha"), call.needed("state", str), call.field("description", str)
    if call.forge.bare(call.repository).kind(sha) != "commit":
        raise Refusal(422, f"No commit found for SHA: {sha}", [])
    if state not in _STATES:
        raise invalid("Status", "state")
    if len(description or "") > _LONGEST_DESCRIPTION:
        words = f"description is too long (maximum is {_LONGEST_DESCRIPTION} characters)"
        raise unacceptable("Status", words, "description")
    status = Status(
        call.forge.world.take_id(), sha, "", call.field("context", str) or "default", state, call.actor,
        call.forge.now(), description, call.field("target_url", str),
    )
    call.repository.statuses.append(status)
    announce_status(call.forge, call.repository, status)
    return Reply(201, _show_status(call, status))


def _combine(states: set[str]) -> str:
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"


def _writing_app(call: Call) -> AppRecord:
    if not isinstance(call.asker, Guest):
        raise Refusal(403, "You must authenticate via a GitHub App.")
    slug = call.asker.login.removesuffix("[bot]")
    return next(app for app in call.forge.world.apps.values() if app.slug == slug)


def _fill(call: Call, run: CheckRun) -> None:
    run.name = call.field("name", str) or run.name
    run.external_id = call.field("external_id", str) or run.external_id
    run.details_url = call.field("details_url", str) or run.details_url
    conclusion = call.field("conclusion", str)
    run.status = "completed" if conclusion else call.field("status", str) or run.status
    run.conclusion = conclusion if run.status == "completed" else None
    run.completed_at = call.forge.now() if run.status == "completed" else None
    output = call.field("output", dict)
    if output is not None:
        run.title, run.summary = output.get("title"), output["summary"]


def _statuses(call: Call, sha: str) -> list[Status]:
    return [status for status in call.repository.statuses if status.sha == sha]


def _commit(call: Call, name: str) -> str:
    sha = call.forge.bare(call.repository).resolve(call.word(name))
    if sha is None:
        raise not_found()
    return sha


def _show_run(call: Call, run: CheckRun) -> Json:
    url, page = call.view.url_of(call.repository), call.view.page_of(call.repository)
    return {
        "id": run.id, "head_sha": run.sha, "node_id": node_id("CheckRun", run.id), "external_id": run.external_id or "",
        "url": f"{url}/check-runs/{run.id}", "html_url": f"{page}/runs/{run.id}",
        "details_url": run.details_url or f"{page}/runs/{run.id}", "status": run.status, "conclusion": run.conclusion,
        "started_at": stamp(run.started_at), "completed_at": stamp_or_none(run.completed_at), "name": run.name,
        "output": {
            "title": run.title, "summary": run.summary, "text": None, "annotations_count": 0,
            "annotations_url": f"{url}/check-runs/{run.id}/annotations",
        },
        "check_suite": {"id": run.id}, "app": show_app(call.view, call.forge.world.apps[run.app]), "pull_requests": [],
    }


def _show_plain_status(call: Call, status: Status) -> Json:
    return {name: value for name, value in _show_status(call, status).items() if name != "creator"}


def _show_status(call: Call, status: Status) -> Json:
    creator = show_user(call.view, status.user)
    return {
        "url": f"{call.view.url_of(call.repository)}/statuses/{status.sha}", "avatar_url": creator["avatar_url"],
        "id": status.id, "node_id": node_id("StatusContext", status.id), "state": status.state,
        "description": status.description, "target_url": status.target_url, "context": status.name,
        "created_at": stamp(status.created_at), "updated_at": stamp(status.created_at), "creator": creator,
    }


_REPO = "/repos/{owner}/{repo}"
ROUTES = (
    Route("GET", f"{_REPO}/commits/{{ref}}/check-runs", list_check_runs),
    Route("POST", f"{_REPO}/check-runs", create_check_run, "write"),
    Route("PATCH", f"{_REPO}/check-runs/{{check_run_id}}", change_check_run, "write"),
    Route("GET", f"{_REPO}/commits/{{ref}}/status", read_combined_status),
    Route("POST", f"{_REPO}/statuses/{{sha}}", create_status, "write"),
)
