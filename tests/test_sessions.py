"""The recorded sessions can be read, and hold what is said of them."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from tests.sessions import load, names


def test_there_are_23_sessions_and_an_index_of_them() -> None:
    index = json.loads((Path(__file__).parent / "data" / "sessions" / "index.json").read_text())
    assert [entry["file"].removesuffix(".jsonl.gz") for entry in sorted(index, key=lambda one: one["file"])] == names()
    assert len(names()) == 23
    for entry in index:
        session = load(entry["file"].removesuffix(".jsonl.gz"))
        assert (len(session.exchanges), len(session.webhooks)) == (entry["rest"], entry["webhooks"])


@pytest.mark.parametrize(("name", "merged"), [("backport_squash_and_merge", True), ("backport_no_branch", True)])
def test_webhooks_come_in_order_and_can_be_signed(name: str, merged: bool) -> None:
    session = load(name)
    closed = [one for one in session.webhooks if one.payload.get("action") == "closed"]
    assert closed[0].payload["pull_request"]["merged"] is merged
    digest = hmac.new(b"k", closed[0].body, hashlib.sha256).hexdigest()
    assert closed[0].headers("k")["X-Hub-Signature-256"] == f"sha256={digest}"
    assert closed[0].headers("k")["X-GitHub-Event"] == "pull_request"
    first = session.exchanges[0]
    assert (first.method, first.status) == ("POST", 201)
