"""The sandbox's own HTTP surface under `/_sandbox/`: how another process sets the stage and asks what happened.

It never looks like a part of a real forge, and is open to everybody on this machine: there is nothing of worth here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict

from werkzeug.wrappers import Request, Response

from bot.sandbox.deliveries import Deliveries
from bot.sandbox.exchanges import Json
from bot.sandbox.faults import Fault, Faults, Journal
from bot.sandbox.forge import Forge
from bot.sandbox.refusals import Refusal, not_found
from bot.sandbox.stage import Stage


def answer_control(forge: Forge, faults: Faults, journal: Journal, request: Request) -> Response:
    """Answer one request to the control surface."""
    try:
        answer = _answer(forge, faults, journal, request)
    except Refusal as refusal:
        return _json(refusal.body, refusal.status)
    except (KeyError, TypeError, ValueError, re.error) as wrong:
        return _json({"message": f"{type(wrong).__name__}: {wrong}"}, 422)
    return _json(answer, 200)


def _answer(forge: Forge, faults: Faults, journal: Journal, request: Request) -> object:
    data = request.get_data()
    wish: Json = json.loads(data) if data else {}
    what = (request.method, request.path.removeprefix("/_sandbox/"))
    match what:
        case ("POST", "faults"):
            faults.add(Fault(**wish))
            return {}
        case ("DELETE", "faults"):
            faults.clear()
            return {}
        case ("DELETE", "requests"):
            journal.clear()
            return {}
        case ("GET", name) if name in _READ:
            return _READ[name](forge, journal)
        case ("POST", path) if match := re.fullmatch(r"deliveries/([0-9a-f-]+)/redeliver", path):
            if not forge.deliveries.redeliver(match[1]):
                raise not_found("There is no delivery of this id.")
            return {}
        case ("POST", "outages"):
            _set_outage(forge.deliveries, wish)
            return {}
        case ("POST", name) if name in _STAGE:
            return _STAGE[name](Stage(forge), wish)
    raise not_found(f"The sandbox has no control {what[0]} {what[1]}.")


def _set_outage(deliveries: Deliveries, wish: Json) -> None:
    """`fail` (with a `status`, 0 for nobody there) or `drop` every webhook from now on, or `recover`."""
    match wish["kind"]:
        case "fail":
            deliveries.fail(wish.get("status", 0))
        case "drop":
            deliveries.drop()
        case "recover":
            deliveries.recover()
        case other:
            raise ValueError(f"{other!r} is not one of fail, drop, recover")


def _list_deliveries(forge: Forge, _: Journal) -> object:
    return [
        {"id": sent.id, "event": sent.event, "action": _action_of(sent.payload), "hook": sent.hook.id,
         "url": sent.hook.url, "statuses": sent.statuses}
        for sent in forge.deliveries.all
    ]


def _action_of(payload: Json) -> object:
    # GitHub says it at the top, GitLab among the attributes of what it is about.
    return payload.get("action") or payload.get("object_attributes", {}).get("action")


def _add_user(stage: Stage, wish: Json) -> object:
    return {"login": wish["login"], "token": stage.add_user(wish["login"], bot=wish.get("bot", False))}


def _add_repository(stage: Stage, wish: Json) -> object:
    made = stage.create_repository(wish["path"], wish.get("default_branch", "main"), private=wish.get("private", False))
    return {"path": made.path, "id": made.id}


def _add_fork(stage: Stage, wish: Json) -> object:
    return {"path": stage.fork(wish["path"], wish["owner"])}


def _land_closed(stage: Stage, wish: Json) -> object:
    return {"sha": stage.land_closed(wish["path"], wish["number"], by=wish["by"])}


def _do(act: Callable[[Stage, Json], object]) -> Callable[[Stage, Json], object]:
    def answer(stage: Stage, wish: Json) -> object:
        act(stage, wish)
        return {}

    return answer


_READ: dict[str, Callable[[Forge, Journal], object]] = {
    "requests": lambda _, journal: [asdict(entry) for entry in journal.entries],
    "unknown-routes": lambda _, journal: journal.unknown,
    "unread-parameters": lambda _, journal: journal.unread,
    "deliveries": _list_deliveries,
}
_STAGE: dict[str, Callable[[Stage, Json], object]] = {
    "users": _add_user,
    "repositories": _add_repository,
    "forks": _add_fork,
    "landings": _land_closed,
    "roles": _do(lambda stage, wish: stage.grant(wish["path"], wish["login"], wish["role"])),
    "protections": _do(lambda stage, wish: stage.protect(wish["path"], wish["branch"], *wish.get("allowed", []))),
    "rules": _do(lambda stage, wish: stage.protect_names(
        wish["path"], wish["names"], push=wish.get("push", "maintain"), merge=wish.get("merge", "maintain"))),
    "tag-rules": _do(lambda stage, wish: stage.protect_tags(
        wish["path"], wish["names"], push=wish.get("push", "maintain"))),
    "merge-methods": _do(lambda stage, wish: stage.set_merge_method(wish["path"], wish["method"])),
    "removals": _do(lambda stage, wish: stage.delete_repository(wish["path"])),
    "renames": _do(lambda stage, wish: stage.rename_repository(wish["path"], wish["to"])),
}


def _json(answer: object, status: int) -> Response:
    return Response(json.dumps(answer), status, content_type="application/json")
