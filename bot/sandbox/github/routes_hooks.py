"""The API's webhooks of a repository: made, changed, deleted, and what became of the last that were sent.

It never shows a secret: a stand-in tells that there is one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from bot.sandbox.deliveries import Attempt
from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.github.announcing import announce_ping
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.shapes import show_hook, stamp
from bot.sandbox.refusals import Refusal, invalid, not_found
from bot.sandbox.state import Hook


def list_hooks(call: Call) -> Reply:
    hooks = list(call.repository.hooks.values())
    return call.pages(hooks, lambda hook: show_hook(call.view, call.repository, hook))


def create_hook(call: Call) -> Reply:
    config = _config(call)
    if any(known.url == config["url"] for known in call.repository.hooks.values()):
        raise Refusal(422, "Validation Failed", [{
            "resource": "Hook", "code": "custom", "message": "Hook already exists on this repository",
        }])
    events = call.strings("events") or ["push"]
    hook = call.forge.add_hook(call.repository, config["url"], config.get("secret", ""), events)
    _set(hook, config)
    announce_ping(call.forge, call.repository, hook, call.actor)
    return Reply(201, show_hook(call.view, call.repository, hook))


def change_hook(call: Call) -> Reply:
    """The configuration is replaced as a whole, so a secret that is not sent along is gone."""
    hook = _find(call)
    if "config" in call.fields:
        config = _config(call)
        hook.url, hook.secret = config["url"], config.get("secret", "")
        _set(hook, config)
    hook.events = call.strings("events") or hook.events
    active = call.field("active", bool)
    hook.active = hook.active if active is None else active
    return Reply(200, show_hook(call.view, call.repository, hook))


def delete_hook(call: Call) -> Reply:
    del call.repository.hooks[_find(call).id]
    return Reply(204)


def list_deliveries(call: Call) -> Reply:
    return list_attempts(call, _find(call))


def deliver_again(call: Call) -> Reply:
    return attempt_again(call, _find(call))


def list_attempts(call: Call, hook: Hook) -> Reply:
    """Every attempt of the last days, the newest first; a page says with a cursor where the next one begins."""
    wanted = {"success": range(200, 400), "failure": range(400, 600)}.get(call.query.get("status", ""), range(1000))
    known = [one for one in _recent(call, hook) if (one.status or _UNREACHED) in wanted]
    cursor = call.query.get("cursor", "")
    start = next((n for n, one in enumerate(known) if _cursor(one) == cursor), None) if cursor else 0
    if start is None:
        raise Refusal(422, "Validation Failed", [{"resource": "Hook", "field": "cursor", "code": "invalid"}])
    size = min(max(int(call.query.get("per_page", _PAGE)), 1), _LARGEST_PAGE)
    following = known[start + size : start + size + 1]
    root = f"/repositories/{call.found.id}" if call.found else ""
    links = [
        f'<{call.view.api}{root}{call.rest}?{urlencode({**call.query, "cursor": _cursor(one)})}>; rel="next"'
        for one in following
    ]
    shown = [_show_attempt(one) for one in known[start : start + size]]
    return Reply(200, shown, {"Link": links[0]} if links else {})


def attempt_again(call: Call, hook: Hook) -> Reply:
    """Send what an attempt was about once more, a moment later."""
    for attempt in _recent(call, hook):
        if attempt.number == call.number("delivery_id"):
            call.forge.deliveries.redeliver(attempt.delivery.id)
            return Reply(202, {})
    raise not_found()


def _recent(call: Call, hook: Hook) -> list[Attempt]:
    return [one for one in call.forge.deliveries.attempts_to(hook) if one.at >= call.forge.now() - _KEPT]


def _cursor(attempt: Attempt) -> str:
    return f"v1_{attempt.number}"


def _show_attempt(attempt: Attempt) -> Json:
    payload, status = attempt.delivery.payload, attempt.status or _UNREACHED
    good = 200 <= status < 300
    said = "OK" if good else f"Invalid HTTP Response: {status}" if attempt.status else "failed to connect to host"
    return {
        "id": attempt.number, "guid": attempt.delivery.id, "delivered_at": stamp(attempt.at),
        "redelivery": attempt.again, "duration": 0.01, "status": said, "status_code": status,
        "event": attempt.delivery.event, "action": payload.get("action"),
        "installation_id": payload.get("installation", {}).get("id"),
        "repository_id": payload.get("repository", {}).get("id"), "throttled_at": None,
    }


def _find(call: Call) -> Hook:
    found = call.repository.hooks.get(call.number("hook_id"))
    if found is None:
        raise not_found()
    return found


def _config(call: Call) -> dict[str, Any]:
    config: dict[str, Any] = call.needed("config", dict)
    url, secret = config.get("url"), config.get("secret", "")
    if not isinstance(url, str) or urlsplit(url).scheme != "http" or not isinstance(secret, str):
        raise invalid("Hook", "url")
    return config


def _set(hook: Hook, config: dict[str, Any]) -> None:
    hook.content_type = str(config.get("content_type", "form"))
    hook.insecure = str(config.get("insecure_ssl", "0")) != "0"


_PAGE, _LARGEST_PAGE, _KEPT, _UNREACHED = 30, 100, 3 * 86_400, 502
_HOOKS = "/repos/{owner}/{repo}/hooks"
_DELIVERIES = f"{_HOOKS}/{{hook_id}}/deliveries"
ROUTES = (
    Route("GET", _HOOKS, list_hooks, "admin"),
    Route("POST", _HOOKS, create_hook, "admin"),
    Route("PATCH", f"{_HOOKS}/{{hook_id}}", change_hook, "admin"),
    Route("DELETE", f"{_HOOKS}/{{hook_id}}", delete_hook, "admin"),
    Route("GET", _DELIVERIES, list_deliveries, "admin"),
    Route("POST", f"{_DELIVERIES}/{{delivery_id}}/attempts", deliver_again, "admin"),
)
