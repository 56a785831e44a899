"""Holds every answer and webhook of the sandbox's GitLab against what the real one was seen to answer and to send.

It never lets a deviation through that is not in one of the lists below; `docs/fidelity.md` repeats them.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from bot.sandbox import Exchange
from tests.shapes import cut, link, merge, observe, type_of

Json = dict[str, Any]
_DATA = Path(__file__).parent / "data"
_PLACES = {
    "merge_request_iid": "n", "issue_iid": "n", "note_id": "n", "award_id": "n", "tag_name": "tag",
    "file_path": "path",
}

KIN = {
    "merge request": (
        "GET /projects/{id}/merge_requests/{n}", "PUT /projects/{id}/merge_requests/{n}",
        "POST /projects/{id}/merge_requests", "PUT /projects/{id}/merge_requests/{n}/merge",
        "GET /projects/{id}/merge_requests", "GET /projects/{id}/repository/commits/{sha}/merge_requests",
    ),
    "note": tuple(
        f"{verb} /projects/{{id}}/{kind}/{{n}}/notes{one}"
        for kind in ("merge_requests", "issues")
        for verb, one in (("GET", ""), ("POST", ""), ("GET", "/{n}"), ("PUT", "/{n}"))
    ),
    "award": tuple(
        f"{verb} /projects/{{id}}/{thing}/award_emoji"
        for thing in ("merge_requests/{n}/notes/{n}", "issues/{n}/notes/{n}", "merge_requests/{n}")
        for verb in ("GET", "POST")
    ),
    "discussion": (
        "GET /projects/{id}/repository/commits/{sha}/discussions", "GET /projects/{id}/merge_requests/{n}/discussions",
        "POST /projects/{id}/merge_requests/{n}/discussions", "GET /projects/{id}/issues/{n}/discussions",
        "POST /projects/{id}/issues/{n}/discussions",
    ),
    "issue": (
        "GET /projects/{id}/issues", "POST /projects/{id}/issues", "GET /projects/{id}/issues/{n}",
        "PUT /projects/{id}/issues/{n}",
    ),
    "member": (
        "GET /projects/{id}/members/all", "GET /projects/{id}/members/all/{user_id}",
        "GET /groups/{group_id}/members/all/{user_id}",
    ),
    "account": ("GET /users", "GET /users/{user_id}"),
    "branch": (
        "GET /projects/{id}/repository/branches", "GET /projects/{id}/repository/branches/{branch}",
        "POST /projects/{id}/repository/branches",
    ),
    "tag": (
        "GET /projects/{id}/repository/tags", "GET /projects/{id}/repository/tags/{tag}",
        "POST /projects/{id}/repository/tags",
    ),
    "release": (
        "GET /projects/{id}/releases", "POST /projects/{id}/releases", "GET /projects/{id}/releases/{tag}",
        "PUT /projects/{id}/releases/{tag}",
    ),
    "status": ("GET /projects/{id}/repository/commits/{sha}/statuses", "POST /projects/{id}/statuses/{sha}"),
}
"""Operations that answer with the same thing: what was seen of one of them holds for the others too."""

NEVER_SEEN = (
    "GET /version", "GET /projects", "GET /personal_access_tokens/self", "GET /projects/{id}/labels",
    "POST /projects/{id}/labels", "GET /projects/{id}/labels/{label_id}", "PUT /projects/{id}/labels/{label_id}",
    "GET /projects/{id}/milestones", "GET /projects/{id}/milestones/{milestone_id}",
    "PUT /projects/{id}/milestones/{milestone_id}",
    "PUT /projects/{id}/packages/generic/{package_name}/{package_version}/{file_name}",
    "GET /projects/{id}/releases/{tag}/assets/links", "POST /projects/{id}/releases/{tag}/assets/links",
    "POST /projects/{id}/milestones", "GET /projects/{id}/merge_requests/{n}/resource_label_events",
    "POST /projects/{id}/pipeline", "GET /projects/{id}/pipelines", "GET /projects/{id}/pipelines/{pipeline_id}",
    "GET /projects/{id}/protected_branches", "POST /projects/{id}/protected_branches",
    "GET /projects/{id}/protected_branches/{name}", "GET /projects/{id}/protected_tags",
    "GET /projects/{id}/protected_tags/{name}", "GET /projects/{id}/hooks", "POST /projects/{id}/hooks",
    "GET /projects/{id}/hooks/{hook_id}", "PUT /projects/{id}/hooks/{hook_id}",
    "POST /projects/{id}/hooks/{hook_id}/test/{trigger}", "GET /projects/{id}/hooks/{hook_id}/events",
    "POST /projects/{id}/hooks/{hook_id}/events/{hook_event_id}/resend",
)
"""Operations of which no answer was recorded, nor of any of their kin: nothing is known about these answers."""

UNSHAPED = ("GET /projects/{id}/repository/files/{path}/raw",)
"""The bytes of a file, as they are."""

NO_BODY = {204}
"""What is deleted is answered without a body, recorded for awards."""

NEVER_SEEN_FILLED = {
    "merge request": {
        "milestone": "", "squash_commit_sha": "", "assignee": "account", "assignees": "account",
        "reviewers": "account", "merge_user": "account",
    },
    "issue": {"milestone": "", "closed_by": "account"},
    "note": {"resolved_by": "account"},
    "release": {"assets/links": ""},
}
"""Fields that were always null or empty when they were seen, with what the sandbox puts into them where it is known."""

NEVER_SEEN_EMPTY = {
    "merge request": ("prepared_at",),
    "commit": ("last_pipeline", "status"),
    "tag": ("release",),
    "status": ("description", "finished_at"),
    "member": ("expires_at",),
}
"""Fields that were never null when they were seen, and are in the sandbox where there is nothing to put in them."""

NEWER = {"member": ("locked",), "account": ("locked", "bot")}
"""Fields that are newer than what was recorded: accounts have them inside other answers, or as the one that asks."""

WEBHOOKS_NEVER_SEEN = {
    "merge_request": ("object_attributes/oldrev", "object_attributes/source"),
    "issue": (
        "event_type", "object_attributes/labels", "object_attributes/last_edited_at",
        "object_attributes/last_edited_by_id", "object_attributes/updated_by_id",
    ),
    "tag_push": ("message",),
    "pipeline": (
        "merge_request", "builds", "object_attributes/name", "object_attributes/duration",
        "object_attributes/finished_at",
    ),
}
"""Fields of webhooks that no body at hand has, or has so: here anything goes."""

GONE = {"issue": ("object_attributes/deleted_at",)}
"""Fields that only webhooks of before 2018 have."""

CHANGES_NEVER_SEEN = ("assignees", "description", "milestone_id", "target_branch")
"""What a webhook may say has changed, though no webhook at hand says it of this."""

_ACCOUNTS = dict.fromkeys(("author", "closed_by", "merged_by", "merge_user", "assignee", "user", "owner"), "account")
_PARTS_OF_WEBHOOKS = {
    "project": "project", "source": "project", "target": "project", "labels": "label", "merge_request": "merge_request",
    "issue": "issue", "user": "user", "assignees": "user", "reviewers": "user", "last_commit": "commit",
}
"""Where the same thing stands in many places, what was seen of it in one place holds for the others too."""


class GitLabGate:
    """Collects what the sandbox says; `check` raises with everything that was wrong."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.events: list[tuple[str, Json]] = []

    def observe(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def observe_event(self, event: str, payload: Json) -> None:
        self.events.append((event, payload))

    def violations(self) -> list[str]:
        """One line for everything that does not fit; equal ones once."""
        found = [line for exchange in self.exchanges for line in judge_exchange(exchange)]
        found += [line for event, payload in self.events for line in judge_event(event, payload)]
        return list(dict.fromkeys(found))

    def check(self) -> None:
        """Raise `AssertionError` when something was wrong."""
        found = self.violations()
        assert not found, "against what the real GitLab was seen to say:\n" + "\n".join(found)


def operation_of(method: str, template: str) -> str:
    """Method and template as the recordings write them, without the prefix of the API."""
    path = re.sub(r"\{(\w+)\}", lambda match: f"{{{_PLACES.get(match[1], match[1])}}}", template)
    return f"{method} {path.removeprefix('/api/v4')}"


def can_judge(operation: str) -> bool:
    """Whether an answer of this operation, or of its kin, was ever recorded."""
    return operation not in NEVER_SEEN and (operation in UNSHAPED or _shape_of(operation, 200) is not None)


def judge_exchange(exchange: Exchange) -> list[str]:
    """What is wrong with one answer. Of requests nothing is published that could be used here."""
    operation, status, answer = operation_of(exchange.method, exchange.template), exchange.status, exchange.answer
    if status >= 400:
        return [f"{operation} {status}: {line}" for line in _judge_refusal(status, answer)]
    if status in NO_BODY:
        return [] if answer is None else [f"{operation} {status}: a body where there is none"]
    if operation in NEVER_SEEN:
        return []
    if operation in UNSHAPED:
        return [] if isinstance(answer, bytes) else [f"{operation}: not the bytes of a file"]
    shape = _shape_of(operation, status)
    if shape is None:
        return [f"{operation} {status}: nothing was recorded that this could be held against"]
    return [f"{operation} {status}: {line}" for line in misfits(shape, answer)]


def judge_event(event: str, payload: Json) -> list[str]:
    """What is wrong with one webhook's body."""
    kind = str(payload.get("object_kind"))
    if kind not in _webhooks():
        return [f"webhook {event}: no body of this kind is at hand"]
    found = misfits(_webhooks()[kind], payload)
    changes = payload.get("changes", {})
    known = {*_known_changes(), *CHANGES_NEVER_SEEN}
    found += [f"at /changes/{name}: never seen" for name in changes if name not in known]
    found += [f"at /changes/{name}: not what was and what is" for name, change in changes.items()
              if set(change) != {"previous", "current"}]
    return [f"webhook {event}: {line}" for line in found]


def misfits(shape: Json, value: object, at: str = "") -> list[str]:
    """Where a value does not have the shape: a type that was never seen, an unknown field, one that is always there."""
    if "open" in shape:
        return []
    part = _parts()[shape["part"]] if "part" in shape else {"types": []}
    name, types = type_of(value), {*shape["types"], *part["types"]}
    if name not in types:
        return [f"at {at or 'the top'}: {name}, seen was {' or '.join(sorted(types))}"]
    if isinstance(value, list):
        if value and "items" not in shape:
            return [f"at {at or 'the top'}: filled, seen was only an empty list"]
        return [line for one in value for line in misfits(shape["items"], one, f"{at}/*")]
    if not isinstance(value, dict):
        return []
    fields = part.get("fields", shape.get("fields", {}))
    absent = [field for field in shape.get("always", part.get("always", [])) if field not in value]
    found = [f"at {at}/{field}: always there when it was seen" for field in absent]
    for field, inner in value.items():
        here = f"{at}/{field}"
        found += misfits(fields[field], inner, here) if field in fields else [f"at {here}: never seen"]
    return found


def _judge_refusal(status: int, answer: object) -> list[str]:
    """GitLab says no with one text, with a list of texts, or with a list for each field; bad parameters are `error`."""
    if not isinstance(answer, dict) or len(answer) != 1:
        return ["a refusal is an object with one field"]
    (name, said), = answer.items()
    if name == "error":
        return [] if status == 400 and isinstance(said, str) else ["`error` is one text, for a bad parameter"]
    texts = said.values() if isinstance(said, dict) else [said]
    lists = all(isinstance(text, list) and all(isinstance(one, str) for one in text) for text in texts)
    fine = name == "message" and (lists or isinstance(said, str))
    return [] if fine else ["`message` is a text, a list of texts, or a list of texts for each field"]


@cache
def _recorded() -> dict[str, Json]:
    """Shapes by operation and status: the observed ones, and those of recorded answers that are not among them."""
    return _linked()[0]


@cache
def _linked() -> tuple[dict[str, Json], dict[str, Json]]:
    shapes: dict[str, Json] = {
        name.replace("/api/v4", ""): shape
        for name, shape in json.loads((_DATA / "gitlab" / "observed-shapes.json").read_text()).items()
    }
    samples: dict[str, list[object]] = {}
    for line in (_DATA / "gitlab" / "rest-exchanges.jsonl").read_text().splitlines():
        exchange = json.loads(line)
        name = f"{exchange['method']} {exchange['template'].removeprefix('/api/v4')} {exchange['status']}"
        if exchange["status"] < 300:
            samples.setdefault(name, []).append(exchange["body"])
    shapes = {name: observe(bodies) for name, bodies in samples.items()} | shapes
    parts: dict[str, list[Json]] = {}
    for shape in shapes.values():
        link(shape, _ACCOUNTS, parts)
    return shapes, {name: merge(found) for name, found in parts.items()}


@cache
def _parts() -> dict[str, Json]:
    """What stands in many places: accounts in answers, and the things that webhooks are made of."""
    return _linked()[1] | _linked_webhooks()[1]


@cache
def _shape_of(operation: str, status: int) -> Json | None:
    kin = next((name for name, operations in KIN.items() if operation in operations), _entity_of(operation))
    operations = KIN.get(kin, (operation,))
    seen = [
        shape["items"] if shape["types"] == ["array"] else shape
        for name, shape in _recorded().items()
        if name.rpartition(" ")[0] in operations and ("items" in shape or shape["types"] != ["array"])
    ]
    if not seen:
        return None
    one = _relax(kin, merge(seen))
    own = _recorded().get(f"{operation} {status}")
    if own is not None:
        one["always"] = own.get("items", own).get("always", [])
    return {"types": ["array"], "items": one} if operation in _LISTS else one


_LISTS = {
    operation for operations in KIN.values() for operation in operations
    if operation.startswith("GET") and not operation.endswith("}")
} | {"GET /projects/{id}/merge_requests/{n}/commits", "GET /projects/{id}/repository/commits"}


def _entity_of(operation: str) -> str:
    return "commit" if "/commits" in operation else operation


def _relax(kin: str, shape: Json) -> Json:
    fields = shape["fields"]
    if kin == "discussion":
        # What was recorded hangs on a commit; its notes are like those of a merge request.
        note = _shape_of("GET /projects/{id}/merge_requests/{n}/notes/{n}", 200)
        fields["notes"] = {"types": ["array"], "items": note}
    for name in NEWER.get(kin, ()):
        fields[name] = {"types": ["boolean"]}
    for path, part in NEVER_SEEN_FILLED.get(kin, {}).items():
        one = {"types": ["null", "object"], "part": part} if part else {"types": [], "open": True}
        within, name = _holder(shape, path)["fields"], path.rpartition("/")[2]
        within[name] = {"types": ["array"], "items": one} if within[name]["types"] == ["array"] else one
    for name in NEVER_SEEN_EMPTY.get(kin, ()):
        if name in fields:
            fields[name] = fields[name] | {"types": sorted({*fields[name]["types"], "null"})}
    return shape


@cache
def _webhooks() -> dict[str, Json]:
    return _linked_webhooks()[0]


@cache
def _linked_webhooks() -> tuple[dict[str, Json], dict[str, Json]]:
    samples: dict[str, list[object]] = {}
    for payload in _payloads():
        samples.setdefault(str(payload["object_kind"]), []).append(payload)
    shapes = {kind: observe(bodies) for kind, bodies in samples.items()}
    parts: dict[str, list[Json]] = {}
    for kind, shape in shapes.items():
        if "changes" in shape["fields"]:
            shape["fields"]["changes"] = {"types": ["object"], "open": True}
        for path in GONE.get(kind, ()):
            _holder(shape, path)["always"].remove(path.rpartition("/")[2])
        for path in WEBHOOKS_NEVER_SEEN.get(kind, ()):
            _holder(shape, path)["fields"][path.rpartition("/")[2]] = {"types": [], "open": True}
        link(shape, _PARTS_OF_WEBHOOKS, parts)
        if kind in {"merge_request", "issue"}:
            cut(shape["fields"]["object_attributes"], kind, parts)
    return shapes, {name: merge(found) for name, found in parts.items()}


def _holder(shape: Json, path: str) -> Json:
    holder = path.rpartition("/")[0]
    inner: Json = shape["fields"][holder] if holder else shape
    return inner


@cache
def _known_changes() -> frozenset[str]:
    return frozenset(name for payload in _payloads() for name in payload.get("changes", {}))


@cache
def _payloads() -> tuple[Json, ...]:
    files = sorted((_DATA / "payloads" / "gitlab").rglob("*.json"))
    return tuple(json.loads(file.read_text()) for file in files)
