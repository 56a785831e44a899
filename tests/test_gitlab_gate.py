"""The gate lets nothing through that GitLab was not seen to say, except what its lists name, and those are told."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import Exchange
from bot.sandbox.gitlab.api import ROUTES
from tests import gitlab_gate
from tests.gitlab_gate import can_judge, judge_event, judge_exchange, misfits, operation_of
from tests.shapes import merge, observe

_ROOT = Path(__file__).parents[1]
NOTES = "/api/v4/projects/{id}/merge_requests/{merge_request_iid}/notes"
PAYLOADS = sorted((_ROOT / "tests" / "data" / "payloads" / "gitlab").rglob("*.json"))


def recorded() -> list[dict[str, Any]]:
    lines = (_ROOT / "tests" / "data" / "gitlab" / "rest-exchanges.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def exchange_of(one: dict[str, Any]) -> Exchange:
    body = None if one["status"] == 204 else one["body"]
    return Exchange(one["method"], one["template"], {}, one["status"], body)


NOTE = next(
    one for one in recorded() if one["method"] == "POST" and one["template"].endswith("merge_requests/{n}/notes"))
GOOD = Exchange("POST", NOTES, {"body": "x"}, 201, NOTE["body"])


def test_what_fits_passes() -> None:
    assert judge_exchange(GOOD) == []
    assert judge_exchange(replace(GOOD, method="GET", status=200, answer=[NOTE["body"]])) == []
    assert judge_exchange(replace(GOOD, method="DELETE", status=204, answer=None)) == []
    for refusal in ("no", ["no"], {"note": ["no"]}):
        assert judge_exchange(replace(GOOD, status=400, answer={"message": refusal})) == []
    assert judge_exchange(replace(GOOD, status=400, answer={"error": "body is missing"})) == []


@pytest.mark.parametrize(("change", "words"), [
    ({"answer": {name: value for name, value in NOTE["body"].items() if name != "id"}}, "at /id: always there"),
    ({"answer": NOTE["body"] | {"id": "7"}}, "at /id: string, seen was integer"),
    ({"answer": NOTE["body"] | {"shade": "dark"}}, "at /shade: never seen"),
    ({"answer": NOTE["body"] | {"author": NOTE["body"]["author"] | {"shade": "dark"}}}, "at /author/shade: never seen"),
    ({"answer": [NOTE["body"]]}, "at the top: array, seen was object"),
    ({"answer": None}, "at the top: null"),
    ({"template": "/api/v4/projects/{id}/nonsense"}, "nothing was recorded"),
    ({"status": 404, "answer": {"message": "no", "documentation_url": "x"}}, "one field"),
    ({"status": 404, "answer": {"error": "no"}}, "for a bad parameter"),
    ({"status": 409, "answer": {"message": 7}}, "a text, a list of texts"),
    ({"status": 409, "answer": {"message": {"title": "no"}}}, "a text, a list of texts"),
    ({"status": 204, "answer": {}}, "a body where there is none"),
])
def test_what_does_not_fit_is_named(change: dict[str, Any], words: str) -> None:
    found = judge_exchange(replace(GOOD, **change))
    assert any(words in line for line in found), found


def test_a_field_that_was_always_empty_may_not_be_filled_in_secret() -> None:
    request = next(one["body"] for one in recorded() if one["template"].endswith("/merge_requests/{n}")
                   and one["method"] == "GET" and one["status"] == 200)
    answer = Exchange("GET", "/api/v4/projects/{id}/merge_requests/{merge_request_iid}", {}, 200, request)
    assert judge_exchange(answer) == []
    assert judge_exchange(replace(answer, answer=request | {"assignees": [request["author"]]})) == []
    assert "merge_error: string" in judge_exchange(replace(answer, answer=request | {"merge_error": "x"}))[0]
    assert "assignees/*/shade" in judge_exchange(replace(answer, answer=request | {"assignees": [{"shade": 1}]}))[-1]


def test_everything_that_was_recorded_fits_itself() -> None:
    """The gate is not narrower than the real forge; what it knows of no route of the sandbox is left out."""
    offered = {operation_of(route.method, route.template) for route in ROUTES}
    granted = [one for one in recorded() if one["status"] < 300]
    judged = [one for one in granted if operation_of(one["method"], one["template"]) in offered]
    assert len(judged) > 50
    for one in judged:
        assert judge_exchange(exchange_of(one)) == [], one["path"]


@pytest.mark.parametrize("file", PAYLOADS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_webhook_at_hand_fits_itself(file: Path) -> None:
    payload = json.loads(file.read_text())
    assert judge_event("hook", payload) == []
    assert judge_event("hook", payload | {"novelty": 1}) == ["webhook hook: at /novelty: never seen"]
    holder = payload.get("object_attributes")
    if holder is not None:
        assert judge_event("hook", payload | {"object_attributes": holder | {"novelty": 1}})


def test_a_webhook_says_only_of_known_things_what_was_and_what_is() -> None:
    payload = json.loads(next(file for file in PAYLOADS if "update" in file.name).read_text())
    assert judge_event("h", payload | {"changes": {"mood": {"previous": 1, "current": 2}}}) == [
        "webhook h: at /changes/mood: never seen"]
    assert judge_event("h", payload | {"changes": {"title": {"from": 1}}}) == [
        "webhook h: at /changes/title: not what was and what is"]
    assert judge_event("h", {"object_kind": "party"}) == ["webhook h: no body of this kind is at hand"]


def test_shapes_are_observed_and_joined() -> None:
    one, other = observe([{"a": 1, "b": [{"c": None}]}, {"a": None, "b": []}]), observe([{"b": ["x"]}])
    assert misfits(one, {"a": 2, "b": []}) == []
    assert misfits(one, {"a": 2, "b": [{"c": 1}]}) == ["at /b/*/c: integer, seen was null"]
    assert misfits(one, {"b": []}) == ["at /a: always there when it was seen"]
    assert misfits(merge([one, other]), {"b": ["x", {"c": None}]}) == []
    assert misfits(observe([[]]), [1]) == ["at the top: filled, seen was only an empty list"]


def test_every_route_is_held_against_something_or_named() -> None:
    operations = {operation_of(route.method, route.template) for route in ROUTES}
    silent = {one for one in operations if not one.startswith("DELETE") and not can_judge(one)}
    assert silent == set(gitlab_gate.NEVER_SEEN)


def test_what_is_not_checked_is_told_in_the_documentation() -> None:
    text = (_ROOT / "docs" / "fidelity.md").read_text().partition("\n## GitLab\n")[2].partition("\n## ")[0]
    sections = {part.partition("\n")[0]: set(re.findall(r"`([^`]+)`", part)) for part in text.split("\n### ")}

    def fields(table: dict[str, Any]) -> set[str]:
        return {f"{kind}: {name}" for kind, names in table.items() for name in names}

    assert sections["Answers of which nothing was recorded"] == set(gitlab_gate.NEVER_SEEN)
    assert sections["Fields that were only seen empty"] == fields(gitlab_gate.NEVER_SEEN_FILLED)
    assert sections["Fields that were only seen filled"] == fields(gitlab_gate.NEVER_SEEN_EMPTY)
    assert sections["Fields newer than the recordings"] == fields(gitlab_gate.NEWER)
    assert sections["Webhooks"] == fields(gitlab_gate.WEBHOOKS_NEVER_SEEN) | {
        f"changes: {name}" for name in gitlab_gate.CHANGES_NEVER_SEEN}
