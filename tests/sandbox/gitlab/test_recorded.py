"""The sandbox's GitLab says word for word what the real one was recorded to say where it could be made to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bot.sandbox import PullWish, Sandbox
from tests.sandbox.gitlab.conftest import Ask, open_topic, push_topic

_DATA = Path(__file__).parents[2] / "data" / "gitlab"
ERRORS = [json.loads(line) for line in (_DATA / "errors.jsonl").read_text().splitlines()]
EXCHANGES = [json.loads(line) for line in (_DATA / "rest-exchanges.jsonl").read_text().splitlines()]
NOT_OFFERED = {
    "POST /api/v4/projects", "POST /api/v4/projects/14233409/members",
    "GET /api/v4/projects/14233409/merge_requests/25/merge_ref", "POST /api/v4/projects/21772848/issues",
}
"""Routes that no release bot needs, and the issues of a project that has none."""

CASES = [error for error in ERRORS if f"{error['method']} {error['path']}" not in NOT_OFFERED]


@pytest.mark.parametrize("error", CASES, ids=lambda error: f"{error['status']} {error['path'][-40:]}")
def test_a_recorded_refusal_is_the_sandboxes_too(lab: Sandbox, ask: Ask, error: dict) -> None:
    """The same request, with this project and these numbers in the place of the recorded ones."""
    path = re.sub(r"/projects/\d+", "", error["path"].removeprefix("/api/v4"))
    body, by, root = None, "relbot", None
    if "award_emoji" in path:
        ask("POST", "/issues", {"title": "T"})
        note = ask("POST", "/issues/1/notes", {"body": "x"}).json()["id"]
        path = re.sub(r"/(issues|merge_requests)/\d+/notes/\d+", f"/issues/1/notes/{note}", path)
        body = {"name": "tractor"}
        ask("POST", path, body)
    elif path == "/merge_requests":
        open_topic(lab)
        body = {"title": "T", "source_branch": "topic", "target_branch": "main"}
    elif path == "/user" or path.startswith("/projects/"):
        by, root = None if path == "/user" else "relbot", ""
    answer = ask(error["method"], path, body, by=by, **({} if root is None else {"root": root}))
    said = json.loads(re.sub(r"!\d+", "!1", json.dumps(error["body"])))
    assert (answer.status_code, answer.json()) == (error["status"], said)


def test_a_merge_says_what_the_recorded_one_said(lab: Sandbox, ask: Ask) -> None:
    """`Merge branch 'test-mr-merge' into 'master'`, recorded with its title and its number."""
    commit = next(commit for one in EXCHANGES if one["path"].endswith("/repository/commits?ref_name=master")
                  for commit in one["body"] if commit["id"].startswith("dd9b6c54"))
    recorded = next(one["body"] for one in EXCHANGES if one["path"].endswith("/merge_requests/71/merge"))
    push_topic(lab, "test-mr-merge")
    lab.branch("acme/vision/torchkit", "master", "main", by="ada")
    lab.open_pull("acme/vision/torchkit", PullWish(recorded["title"], "test-mr-merge", "master"), by="ada")
    merged = ask("PUT", "/merge_requests/1/merge").json()
    made = ask("GET", f"/repository/commits/{merged['merge_commit_sha']}").json()
    assert made["message"] == commit["message"].replace("packit-service/ogr-tests!71", "acme/vision/torchkit!1")
    assert made["title"] == commit["title"]
    for name in ("state", "squash", "merge_status", "squash_commit_sha", "closed_at", "closed_by", "merge_error"):
        assert merged[name] == recorded[name], name


def test_times_and_pages_are_written_as_recorded(lab: Sandbox, ask: Ask) -> None:
    push_topic(lab)
    wish = {"title": "T", "source_branch": "topic", "target_branch": "main"}
    made = ask("POST", "/merge_requests", wish).json()
    recorded = next(one for one in EXCHANGES if one["method"] == "POST" and one["template"].endswith("/merge_requests"))
    digits = re.compile(r"\d")
    assert digits.sub("0", made["created_at"]) == digits.sub("0", recorded["body"]["created_at"])
    paged = next(one for one in EXCHANGES if "/issues?" in one["path"] and "page=2" in one["path"])
    answer = ask("GET", "/merge_requests?page=1&per_page=20&state=opened")
    names = {name.lower() for name in paged["headers"]} & {name.lower() for name in answer.headers}
    assert {"link", "x-page", "x-next-page", "x-prev-page", "x-per-page", "x-total", "x-total-pages"} <= names
    links = re.findall(r'[?&]state=opened.*?rel="(\w+)"', answer.headers["Link"])
    assert links == ["first", "last"]
