"""A delivery that tells of an old comment starts nothing, whoever sends it and under whatever name."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app.connect import open_doors
from bot.app.settings import load
from bot.core.conversation import OLDEST, is_stale
from bot.core.events import ChecksReported, CommentPosted, Delivery, Ignored, PullClosed
from bot.core.model import Person, Repo, Secret
from bot.forges.fields import Fields

PAYLOADS = Path(__file__).parents[1] / "data" / "payloads"
KEYS = {"github": "hub-secret-of-the-tests", "gitlab": "lab-secret-of-the-tests"}
RECORDED = {
    "github": "issue_comment/created.goscm_comment.json",
    "gitlab": "gitlab/note/create.gogitlab_note_merge_request.json",
}
FORMS = {"github": "%Y-%m-%dT%H:%M:%SZ", "gitlab": "%Y-%m-%d %H:%M:%S UTC"}


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "server.toml"
    path.write_text("[github]\n[gitlab]\n")
    secrets = {"RELBOT_WEBHOOK_SECRET": KEYS["github"], "RELBOT_GITLAB_SECRET": KEYS["gitlab"]}
    return load(str(path), {"GITHUB_TOKEN": "t1-of-the-tests", "GITLAB_TOKEN": "t2-of-the-tests", **secrets})


def comment(forge, written):
    """A real delivery of a new comment, written so many seconds ago; None leaves the time out."""
    told = json.loads((PAYLOADS / RECORDED[forge]).read_bytes())
    note = told["comment"] if forge == "github" else told["object_attributes"]
    if written is None:
        del note["created_at"]
    else:
        note["created_at"] = datetime.fromtimestamp(time.time() - written, UTC).strftime(FORMS[forge])
    body = json.dumps(told).encode()
    if forge == "github":
        signature = "sha256=" + hmac.new(KEYS["github"].encode(), body, hashlib.sha256).hexdigest()
        return {"X-GitHub-Event": "issue_comment", "X-GitHub-Delivery": "d", "X-Hub-Signature-256": signature}, body
    return {"X-Gitlab-Event": "Note Hook", "X-Gitlab-Token": KEYS["gitlab"], "Idempotency-Key": "d"}, body


@pytest.mark.parametrize("forge", ["github", "gitlab"])
@pytest.mark.parametrize(
    ("written", "starts"), [(5, True), (OLDEST - 600, True), (OLDEST + 600, False), (10**9, False), (None, True)]
)
def test_a_comment_is_news_for_a_day(settings, forge, written, starts):
    read = open_doors(settings)[forge](*comment(forge, written))
    assert isinstance(read, Delivery)
    assert isinstance(read.event, CommentPosted if starts else Ignored)


def test_what_the_caller_vouches_for_is_read_however_old_it_is(settings):
    headers, body = comment("gitlab", 10**9)
    read = open_doors(settings, trust=Secret("x"))["gitlab"]({**headers, "X-Gitlab-Token": "x"}, body)
    assert isinstance(read.event, CommentPosted)


@pytest.mark.parametrize(("branch", "kept"), [("relbot/rc/2.7", True), ("main", False), ("x/relbot/rc/2.7", False)])
def test_of_checks_only_what_concerns_a_candidate_is_kept(settings, branch, kept):
    who = {"id": 7, "username": "ada"}
    project = {"id": 5, "path_with_namespace": "acme/torchlet", "default_branch": "main"}
    pipeline = {"status": "success", "tag": False, "sha": "a" * 40, "ref": branch}
    told = {"object_kind": "pipeline", "object_attributes": pipeline, "user": who, "project": project}
    headers = {"X-Gitlab-Event": "Pipeline Hook", "X-Gitlab-Token": KEYS["gitlab"], "Idempotency-Key": "d"}
    read = open_doors(settings)["gitlab"](headers, json.dumps(told).encode())
    assert isinstance(read, Delivery)
    assert isinstance(read.event, ChecksReported if kept else Ignored)


def test_other_events_have_no_age():
    assert not is_stale(PullClosed(Repo("github", 1, "a/b", "main"), 1, Person(1, "ada")), 1e12)


@pytest.mark.parametrize(("text", "seconds"), [
    ("2020-11-03T10:36:21Z", 1_604_399_781), ("2015-05-17 18:21:36 UTC", 1_431_886_896),
    ("2019-06-05T14:32:20.211Z", 1_559_745_140), ("2020-11-03T11:36:21+01:00", 1_604_399_781),
    ("1604399781", 0), ("yesterday", 0), ("", 0), ("9999-99-99", 0), ("0001-01-01T00:00:00+23:59", 0), (5, 0),
    (None, 0),
])  # fmt: skip
def test_a_time_is_read_as_each_forge_writes_it_and_anything_else_is_none(text, seconds):
    assert Fields("", {"at": text}).moment("at") == seconds
