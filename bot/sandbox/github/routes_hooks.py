"""The API's webhooks of a repository: made, changed, deleted, and what became of the last that were sent.

It never shows a secret: a stand-in tells that there is one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.exchanges import Reply
from bot.sandbox.github.announcing import announce_ping
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.shapes import show_hook
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


_HOOKS = "/repos/{owner}/{repo}/hooks"
ROUTES = (
    Route("GET", _HOOKS, list_hooks, "admin"),
    Route("POST", _HOOKS, create_hook, "admin"),
    Route("PATCH", f"{_HOOKS}/{{hook_id}}", change_hook, "admin"),
    Route("DELETE", f"{_HOOKS}/{{hook_id}}", delete_hook, "admin"),
)
