"""Holds every request, answer and webhook of the sandbox against GitHub's published description, by operation.

It never lets a deviation through that is not in one of the lists below, each with its reason.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from openapi_schema_validator import OAS30Validator, OAS31Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4, DRAFT202012

from bot.sandbox import Exchange

Json = dict[str, Any]
_DATA = Path(__file__).parent / "data" / "openapi"
_REST, _EVENTS = "urn:github:rest", "urn:github:events"
_PLAIN_ERROR = "/components/schemas/basic-error"

ANY_OPERATION = {
    301: "a renamed repository redirects every read; the description says so once, in prose",
    307: "and every write",
    400: "a body that is not JSON is refused before any operation is looked at",
    401: "a wrong token, or none, is described for the whole API and not per operation",
    403: "so is a role that is not enough",
    404: "and what is not there, or is hidden from the one who asks",
}
BARE_ARRAYS = {
    ("POST", "/repos/{owner}/{repo}/issues/{issue_number}/labels"),
    ("PUT", "/repos/{owner}/{repo}/issues/{issue_number}/labels"),
}
"""PyGithub sends a bare array of names: it works on the real forge, though the description no longer lists it."""
SHARED = {
    ("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", 422):
        "described for GET commits/{ref}, which looks up the same",
    ("POST", "/repos/{owner}/{repo}/statuses/{sha}", 422): "recorded, though described nowhere",
    ("PATCH", "/repos/{owner}/{repo}/releases/{release_id}", 422):
        "described for POST releases, which refuses a second one of a tag as publishing a draft does",
}
UNDESCRIBED = {("POST", "/graphql")}
"""GraphQL has a description of its own, which is not at hand: the sandbox knows one question, word for word."""
FILES = "application/octet-stream"
GONE_FORK = ("repo", "user", "label")
"""These are null in the head of a pull whose fork was deleted; the description says they cannot be. Nor could the
description of a label in a list of pulls, and was recorded to be."""
EVENTS_NOT_IN_THE_CUT = {
    "issues-assigned", "issues-demilestoned", "issues-edited", "issues-reopened", "issues-unassigned",
}
"""Described by GitHub, left out of the cut file; they have the same body as the issue events that are in it."""


class Gate:
    """Collects what the sandbox says and hears; `check` raises with everything that was wrong."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.events: list[tuple[str, Json]] = []

    def observe(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def observe_event(self, event: str, payload: Json) -> None:
        self.events.append((event, payload))

    def violations(self) -> list[str]:
        """One line for everything that does not fit the description; equal ones once."""
        found = [line for exchange in self.exchanges for line in judge_exchange(exchange)]
        found += [line for event, payload in self.events for line in judge_event(event, payload)]
        return list(dict.fromkeys(found))

    def check(self) -> None:
        """Raise `AssertionError` when something was wrong."""
        found = self.violations()
        assert not found, "against GitHub's published description:\n" + "\n".join(found)


def judge_exchange(exchange: Exchange) -> list[str]:
    """What is wrong with one request and its answer."""
    name = f"{exchange.method} {exchange.template}"
    if (exchange.method, exchange.template) in UNDESCRIBED:
        return []
    operation = _description().get("paths", {}).get(exchange.template, {}).get(exchange.method.lower())
    if operation is None:
        return [f"{name}: the description has no such operation"]
    found = [] if exchange.status >= 400 else _judge_request(exchange, operation)
    found += _judge_answer(exchange, operation)
    return [f"{name}: {line}" for line in found]


def judge_event(event: str, payload: Json) -> list[str]:
    """What is wrong with one webhook's body."""
    action = payload.get("action")
    name = "-".join([event, action] if action else [event]).replace("_", "-")
    if name in EVENTS_NOT_IN_THE_CUT:
        return []
    if name not in _events()["webhooks"]:
        return [f"webhook {name}: the description has no such event"]
    pointer = f"/webhooks/{name}/post/requestBody/content/application~1json/schema"
    found = _errors(_event_validator(pointer), payload)
    found += undescribed(_events(), _follow(_events(), pointer), payload)
    return [f"webhook {name}: {line}" for line in found]


def _judge_request(exchange: Exchange, operation: Json) -> list[str]:
    body = operation.get("requestBody")
    if body is None:
        return [] if exchange.request is None else ["a body where the description has none"]
    if list(body["content"]) == [FILES]:
        return [] if isinstance(exchange.request, bytes) else ["no file where one is wanted"]
    if exchange.request is None:
        return ["no body where one is required"] if body.get("required") else []
    if isinstance(exchange.request, list) and (exchange.method, exchange.template) in BARE_ARRAYS:
        return []
    pointer = f"{_pointer(exchange)}/requestBody/content/application~1json/schema"
    return [f"request {line}" for line in _errors(_rest_validator(pointer), exchange.request)]


def _judge_answer(exchange: Exchange, operation: Json) -> list[str]:
    described = operation["responses"].get(str(exchange.status))
    if described is None:
        if exchange.status not in ANY_OPERATION and (exchange.method, exchange.template, exchange.status) not in SHARED:
            return [f"status {exchange.status} is not described"]
        return [f"answer {line}" for line in _errors(_rest_validator(_PLAIN_ERROR), exchange.answer)]
    pointer = f"{_pointer(exchange)}/responses/{exchange.status}"
    if "$ref" in described:
        pointer = described["$ref"].removeprefix("#")
        described = _follow(_description(), pointer)
    if "application/json" not in described.get("content", {}):
        empty = exchange.answer is None or exchange.status >= 400
        return [] if empty else [f"a body with status {exchange.status}, which has none"]
    schema = f"{pointer}/content/application~1json/schema"
    found = _errors(_rest_validator(schema), exchange.answer)
    found += undescribed(_description(), _follow(_description(), schema), exchange.answer)
    return [f"answer {exchange.status} {line}" for line in found]


def _pointer(exchange: Exchange) -> str:
    template = exchange.template.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    return f"/paths/{template}/{exchange.method.lower()}"


def undescribed(description: Json, schema: Json, instance: object, at: str = "") -> list[str]:
    """Fields that the schema does not name: a client that leans on one of them would find nothing on the real forge."""
    if isinstance(instance, list):
        items = [part["items"] for part in _parts(description, schema) if "items" in part]
        return [line for item in instance for line in undescribed(description, {"anyOf": items}, item, f"{at}/*")]
    if not isinstance(instance, dict):
        return []
    parts = [part for part in _parts(description, schema) if part.get("type") != "array"]
    if not parts or any(part.get("additionalProperties") or "properties" not in part for part in parts):
        return []
    found = []
    for name, value in instance.items():
        known = [part["properties"][name] for part in parts if name in part["properties"]]
        here = f"{at}/{name}"
        found += undescribed(description, {"anyOf": known}, value, here) if known else [f"at {here}: not described"]
    return found


def _parts(description: Json, schema: Json) -> list[Json]:
    """The plain schemas that a schema is put together from, alternatives included."""
    if "$ref" in schema:
        return _parts(description, _follow(description, schema["$ref"].removeprefix("#")))
    nested = [child for word in ("allOf", "anyOf", "oneOf") for child in schema.get(word, [])]
    plain = [part for child in nested for part in _parts(description, child)]
    if not nested or "properties" in schema:
        plain.append(schema)
    return [part for part in plain if _holds_others(part)]


def _holds_others(schema: Json) -> bool:
    types = schema.get("type", "object")
    return bool({"object", "array"} & set([types] if isinstance(types, str) else types))


def _follow(description: Json, pointer: str) -> Json:
    node: Any = description
    for word in pointer.strip("/").split("/"):
        node = node[word.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")]
    return dict(node)


def _errors(validator: Validator, instance: object) -> list[str]:
    # Of alternatives, the one that came nearest says more than "none of them".
    errors = (best_match([error]) for error in validator.iter_errors(instance) if not _is_really_null(error))
    return [f"at {'/'.join(map(str, error.absolute_path)) or 'the top'}: {_words(error)}" for error in errors if error]


def _words(error: ValidationError) -> str:
    return f"{error.message[:200]} … {error.message[-200:]}" if len(error.message) > 400 else error.message


def _is_really_null(error: ValidationError) -> bool:
    path = list(error.absolute_path)
    gone = path[-2:-1] == ["head"] and path[-1] in GONE_FORK
    return error.instance is None and (gone or (path[-3:-2] == ["labels"] and path[-1] == "description"))


@cache
def _description() -> Json:
    text = (_DATA / "github-rest-bot-endpoints.json").read_text()
    loaded: Json = json.loads(text, object_hook=_mend)
    return loaded


@cache
def _events() -> Json:
    loaded: Json = json.loads((_DATA / "github-webhooks-bot-events.json").read_text())
    return loaded


def _mend(node: Json) -> Json:
    # A discriminator only says which alternative to read; that of contents names a field that its arrays cannot have.
    if isinstance(node.get("discriminator"), dict):
        del node["discriminator"]
    # GitHub writes `nullable` beside an `enum` without null, or beside `oneOf`; taken literally, null would never fit,
    # and its own recorded answers have null there.
    if node.get("nullable") and isinstance(node.get("enum"), list) and None not in node["enum"]:
        node["enum"] = [*node["enum"], None]
    # In one list the owner of an installation is said to be an account and an enterprise at once, elsewhere either.
    if [part.get("title") for part in node.get("allOf", [])] == ["Simple User", "Enterprise"]:
        node["anyOf"] = node.pop("allOf")
    for word in ("oneOf", "anyOf"):
        if node.get("nullable") and "type" not in node and isinstance(node.get(word), list):
            node[word] = [*node[word], {"type": "string", "nullable": True, "enum": [None]}]
    return node


@cache
def _registry() -> Registry[Any]:
    rest = Resource.from_contents(_description(), default_specification=DRAFT4)
    events = Resource.from_contents(_events(), default_specification=DRAFT202012)
    return Registry[Any]().with_resources([(_REST, rest), (_EVENTS, events)])


@cache
def _rest_validator(pointer: str) -> Validator:
    schema = {"$ref": f"{_REST}#{pointer}"}
    return OAS30Validator(schema, registry=_registry(), format_checker=oas30_format_checker)


@cache
def _event_validator(pointer: str) -> Validator:
    schema = {"$ref": f"{_EVENTS}#{pointer}"}
    return OAS31Validator(schema, registry=_registry(), format_checker=oas30_format_checker)
