"""The gate lets nothing through that GitHub's description does not know, except what its lists name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox import Exchange
from tests.openapi_gate import judge_event, judge_exchange

LABELS = "/repos/{owner}/{repo}/issues/{issue_number}/labels"
LABEL = {
    "id": 1, "node_id": "x", "url": "http://h/l", "name": "bug", "color": "ededed", "default": False,
    "description": None,
}
GOOD = Exchange("POST", LABELS, {"labels": ["bug"]}, 200, [LABEL])


def without(field: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in LABEL.items() if name != field}]


def test_what_fits_passes() -> None:
    assert judge_exchange(GOOD) == []
    assert judge_exchange(replace(GOOD, request=["bug"])) == []
    assert judge_exchange(replace(GOOD, status=404, answer={"message": "Not Found"})) == []


@pytest.mark.parametrize(("change", "words"), [
    ({"answer": without("color")}, "'color' is a required property"),
    ({"answer": [LABEL | {"id": "1"}]}, "'1' is not of type 'integer'"),
    ({"answer": [LABEL | {"shade": "dark"}]}, "at /*/shade: not described"),
    ({"answer": None}, "None is not of type 'array'"),
    ({"request": {"labels": [7]}}, "7"),
    ({"status": 418}, "status 418 is not described"),
    ({"template": "/repos/{owner}/{repo}/nonsense"}, "no such operation"),
    ({"method": "PATCH"}, "no such operation"),
    ({"status": 422, "answer": {"message": "no"}}, "'documentation_url' is a required property"),
])
def test_what_does_not_fit_is_named(change: dict[str, Any], words: str) -> None:
    found = judge_exchange(replace(GOOD, **change))
    assert any(words in line for line in found), found


def test_a_webhook_is_held_against_its_own_event() -> None:
    assert judge_event("pull_request", {"action": "exploded"}) == [
        "webhook pull-request-exploded: the description has no such event"]
    bare = judge_event("issue_comment", {"action": "created"})
    assert any("'comment' is a required property" in line for line in bare)
    assert judge_event("issues", {"action": "assigned"}) == []


def test_only_the_head_of_a_pull_may_have_lost_its_repository(sandbox, gate) -> None:
    sandbox.create_repository("acme/kit")
    sandbox.add_hook("acme/kit", "http://127.0.0.1:9/", "s")
    sandbox.commit("acme/kit", "main", {"a": "1\n"}, "Start", by="ada")
    event, payload = gate.events[-1]
    assert judge_event(event, payload) == []
    assert judge_event(event, payload | {"repository": None}) != []
    assert judge_event(event, payload | {"novelty": 1}) == ["webhook push: at /novelty: not described"]
