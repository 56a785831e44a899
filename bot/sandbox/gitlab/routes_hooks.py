"""The API's webhooks: made, changed, tried, and what became of the last that were sent.

It never shows a token: only whether there is one.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from bot.sandbox.deliveries import Attempt
from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.gitlab.announcing import announce_test
from bot.sandbox.gitlab.calls import Call, Denial, Malformed, Route, missing
from bot.sandbox.gitlab.shapes import stamp, stamp_or_none
from bot.sandbox.state import Hook

_EVENTS = (
    "push_events", "tag_push_events", "merge_requests_events", "note_events", "confidential_note_events",
    "issues_events", "confidential_issues_events", "pipeline_events", "job_events", "releases_events",
    "wiki_page_events", "deployment_events", "feature_flag_events", "resource_access_token_events", "emoji_events",
)
_TRIGGERS = {
    "Push Hook": "push_hooks", "Tag Push Hook": "tag_push_hooks", "Merge Request Hook": "merge_request_hooks",
    "Note Hook": "note_hooks", "Confidential Note Hook": "confidential_note_hooks", "Issue Hook": "issue_hooks",
}
_CLASSES = {"successful": 2, "client_failure": 4, "server_failure": 5}
_END_OF_PATIENCE, _KEY_BYTES, _MOST_EVENTS = 40, 32, 20
_MOST_RESENT, _A_MINUTE, _KEPT = 5, 60, 7 * 86_400
_ALL_EVENTS = "*"


def list_hooks(call: Call) -> Reply:
    return call.pages(list(call.repository.hooks.values()), lambda hook: _show(call, hook))


def read_hook(call: Call) -> Reply:
    return Reply(200, _show(call, _find(call)))


def create_hook(call: Call) -> Reply:
    """Make a webhook; only pushes are told of unless more is asked for."""
    hook = call.forge.add_hook(call.repository, _url(call.needed("url")), call.text("token") or "", ["push_events"])
    _dress(call, hook)
    return Reply(201, _show(call, hook))


def edit_hook(call: Call) -> Reply:
    hook, url, token = _find(call), call.text("url"), call.text("token")
    if url is not None and url != hook.url:
        hook.url, hook.secret = _url(url), ""  # a token is meant for one address
    hook.secret = hook.secret if token is None else token
    _dress(call, hook)
    return Reply(200, _show(call, hook))


def delete_hook(call: Call) -> Reply:
    del call.repository.hooks[_find(call).id]
    return Reply(204)


def try_hook(call: Call) -> Reply:
    """Send an example at once; a hook that was switched off is on again if the answer is good."""
    hook, trigger = _find(call), call.arguments["trigger"]
    if trigger not in _EVENTS:
        raise Malformed("trigger does not have a valid value")
    status, said = announce_test(call.forge, call.repository, hook, call.actor)
    if status // 100 != _CLASSES["successful"]:
        raise Denial(422, said)
    return Reply(201, {"message": "201 Created"})


def list_events(call: Call) -> Reply:
    """What was sent, the latest first, at most twenty at a time."""
    hook, wanted = _find(call), call.words("status")
    if (call.number("per_page") or 1) > _MOST_EVENTS:
        raise Malformed("per_page does not have a valid value")
    found = [one for one in _recent(call, hook) if wanted is None or any(_is_of(one, each) for each in wanted)]
    return call.pages(found, _show_event)


def resend(call: Call) -> Reply:
    """Send it once more and wait for the answer, five times a minute at most; not to where it was not sent before."""
    hook, number, now = _find(call), call.id("hook_event_id"), call.forge.now()
    asked = call.forge.sent_again.setdefault((call.repository.id, call.actor), [])
    if len([at for at in asked if at > now - _A_MINUTE]) >= _MOST_RESENT:
        raise Denial(429, "This endpoint has been requested too many times. Try again later.")
    asked.append(now)
    attempt = next((one for one in _recent(call, hook) if one.number == number), None)
    if attempt is None:
        raise missing()
    if _status_of(call, hook) != "executable":
        raise Denial(422, "Hook disabled")
    status, said = call.forge.deliveries.send_again(attempt.delivery)
    if not status:
        raise Denial(422, said or "Failed to open TCP connection")
    return Reply(201, {"response_status": status})


def _recent(call: Call, hook: Hook) -> list[Attempt]:
    """Every attempt of the last seven days, the latest first: each is an event of its own."""
    return [one for one in call.forge.deliveries.attempts_to(hook) if one.at >= call.forge.now() - _KEPT]


def _find(call: Call) -> Hook:
    hook = call.repository.hooks.get(call.id("hook_id"))
    if hook is None:
        raise missing()
    return hook


def _url(text: str) -> str:
    if urlsplit(text).scheme not in {"http", "https"}:
        raise Denial(422, "Invalid url given")
    return text


def _dress(call: Call, hook: Hook) -> None:
    wanted = {name for name in _EVENTS if {name, _ALL_EVENTS} & set(hook.events)}
    for name in _EVENTS:
        if (flag := call.flag(name)) is not None:
            wanted = wanted | {name} if flag else wanted - {name}
    hook.events = sorted(wanted)
    if (checked := call.flag("enable_ssl_verification")) is not None:
        hook.insecure = not checked
    token = call.text("signing_token")
    if token is not None:
        hook.signing_token = _signing_token(token)


def _signing_token(token: str) -> str:
    try:
        key = base64.b64decode(token.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if token and (not token.startswith("whsec_") or len(key) != _KEY_BYTES):
        raise Denial(422, {"signing_token": ["must be whsec_ and a key of 32 bytes in base64"]})
    return token


def _status_of(call: Call, hook: Hook) -> str:
    if hook.failures >= _END_OF_PATIENCE:
        return "disabled"
    resting = hook.disabled_until is not None and hook.disabled_until > call.forge.now()
    return "temporarily_disabled" if resting else "executable"


def _show(call: Call, hook: Hook) -> Json:
    status = _status_of(call, hook)
    return {
        "id": hook.id, "url": hook.url, "name": None, "description": None, "project_id": call.repository.id,
        "created_at": stamp(hook.created_at), "enable_ssl_verification": not hook.insecure,
        "repository_update_events": False,
        **{name: bool({name, _ALL_EVENTS} & set(hook.events)) for name in _EVENTS}, "alert_status": status,
        "disabled_until": stamp_or_none(hook.disabled_until) if status == "temporarily_disabled" else None,
        "url_variables": [], "custom_webhook_template": None, "custom_headers": [], "push_events_branch_filter": None,
        "branch_filter_strategy": "wildcard", "token_present": bool(hook.secret),
        "signing_token_present": bool(hook.signing_token),
    }


def _is_of(attempt: Attempt, wanted: str) -> bool:
    """Where nobody answered counts among the failures of the server."""
    family = attempt.status // 100 if attempt.status else _CLASSES["server_failure"]
    return wanted == str(attempt.status) or family == _CLASSES.get(wanted)


def _show_event(attempt: Attempt) -> Json:
    delivery, status = attempt.delivery, attempt.status
    hidden = {"X-Gitlab-Token": "[REDACTED]"} if "X-Gitlab-Token" in delivery.headers else {}
    return {
        "id": attempt.number, "created_at": stamp(attempt.at), "url": delivery.hook.url,
        "trigger": _TRIGGERS.get(delivery.event, "push_hooks"),
        "request_headers": delivery.headers | hidden, "request_data": delivery.payload, "response_headers": {},
        "response_body": "", "execution_duration": 0.01, "response_status": str(status) if status else "internal error",
    }


_HOOKS = "/projects/{id}/hooks"
_HOOK = f"{_HOOKS}/{{hook_id}}"
ROUTES = (
    Route("GET", _HOOKS, list_hooks, "maintain"),
    Route("POST", _HOOKS, create_hook, "maintain"),
    Route("GET", _HOOK, read_hook, "maintain"),
    Route("PUT", _HOOK, edit_hook, "maintain"),
    Route("DELETE", _HOOK, delete_hook, "maintain"),
    Route("POST", f"{_HOOK}/test/{{trigger}}", try_hook, "maintain"),
    Route("GET", f"{_HOOK}/events", list_events, "maintain"),
    Route("POST", f"{_HOOK}/events/{{hook_event_id}}/resend", resend, "maintain"),
)
