"""Webhooks arrive signed and in order, can be held back, doubled and sent again, and say what GitHub's say."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from bot.sandbox import Sandbox
from tests.sandbox.conftest import REPO, Receiver, open_topic


@pytest.fixture
def heard(kit: Sandbox, receiver: Receiver) -> Receiver:
    kit.add_hook(REPO, receiver.url, "s3cret")
    return receiver


def told(receiver: Receiver) -> list[str]:
    """Event and action of everything that has arrived."""
    found = []
    for headers, body in receiver.received:
        action = json.loads(body).get("action")
        found.append(headers["X-GitHub-Event"] + (f" {action}" if action else ""))
    return found


def test_a_delivery_is_signed_over_its_raw_bytes_and_says_where_it_comes_from(kit: Sandbox, heard: Receiver) -> None:
    kit.comment(REPO, open_topic(kit), "Grüße 👀", by="ada")
    assert kit.deliveries.drain()
    headers, body = heard.received[-1]
    digest = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert (headers["X-GitHub-Event"], headers["Content-Type"]) == ("issue_comment", "application/json")
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert len({one["X-GitHub-Delivery"] for one, _ in heard.received}) == len(heard.received)
    assert json.loads(body)["comment"]["body"] == "Grüße 👀"


def test_a_comment_on_a_pull_comes_without_base_and_head(kit: Sandbox, heard: Receiver, gate) -> None:
    kit.comment(REPO, open_topic(kit), "hello", by="rita")
    event, payload = gate.events[-1]
    assert (event, payload["action"], payload["sender"]["login"]) == ("issue_comment", "created", "rita")
    assert payload["issue"]["pull_request"]["url"].endswith("/pulls/1")
    assert not {"base", "head"} & payload["issue"].keys()


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merge_is_told_before_the_push_that_it_is(kit: Sandbox, heard: Receiver, gate, method: str) -> None:
    number = open_topic(kit, commits=2)
    trial = kit.forge.deliveries
    assert trial.drain()
    heard.received.clear()
    made = kit.merge_pull(REPO, number, method, by="ada")
    assert kit.deliveries.drain()
    assert told(heard) == ["pull_request closed", "push"]
    closed, push = (json.loads(body) for _, body in heard.received)
    pull = closed["pull_request"]
    assert (pull["merged"], pull["merge_commit_sha"], pull["mergeable"]) == (True, made, None)
    assert (push["ref"], push["after"], len(push["commits"])) == (
        "refs/heads/main", made, {"merge": 3, "squash": 1, "rebase": 2}[method])


def test_labels_are_told_one_by_one_with_the_new_label_before(kit: Sandbox, heard: Receiver) -> None:
    number = open_topic(kit)
    kit.deliveries.drain()
    heard.received.clear()
    kit.label(REPO, number, "backport/v2.7", "bug", by="ada")
    kit.unlabel(REPO, number, "bug", by="ada")
    assert kit.deliveries.drain()
    assert told(heard) == [
        "label created", "pull_request labeled", "label created", "pull_request labeled", "pull_request unlabeled"]
    assert json.loads(heard.received[1][1])["label"]["name"] == "backport/v2.7"


def test_what_the_bot_does_itself_comes_back_to_it(kit: Sandbox, heard: Receiver, ask) -> None:
    number = open_topic(kit)
    ask("POST", f"/issues/{number}/comments", {"body": "mine"})
    assert kit.deliveries.drain()
    assert json.loads(heard.received[-1][1])["sender"]["login"] == "relbot"


def test_a_hook_gets_only_the_events_it_asked_for(kit: Sandbox, receiver: Receiver) -> None:
    kit.add_hook(REPO, receiver.url, "s", "pull_request")
    kit.comment(REPO, open_topic(kit), "hello", by="ada")
    assert kit.deliveries.drain()
    assert told(receiver) == ["pull_request opened"]


def test_a_delivery_is_sent_again_with_its_id_and_its_bytes(kit: Sandbox, heard: Receiver) -> None:
    open_topic(kit)
    kit.deliveries.drain()
    opened = kit.delivered("pull_request")[0]
    assert kit.deliveries.redeliver(opened.id)
    assert not kit.deliveries.redeliver("nothing")
    assert kit.deliveries.drain()
    again = [(headers, body) for headers, body in heard.received if headers["X-GitHub-Delivery"] == opened.id]
    assert len(again) == 2
    assert again[0] == again[1]
    assert opened.statuses == [202, 202]


def test_deliveries_are_held_back_shuffled_and_doubled_on_demand(kit: Sandbox, heard: Receiver) -> None:
    kit.deliveries.hold()
    number = open_topic(kit)
    kit.merge_pull(REPO, number, by="ada")
    assert not kit.deliveries.drain(0.05)
    assert heard.received == []
    kit.deliveries.release(lambda queue: [one for one in reversed(queue) for _ in range(2)])
    assert kit.deliveries.drain()
    events = told(heard)
    assert events[:4] == ["push", "push", "pull_request closed", "pull_request closed"]
    assert events[-2:] == ["create", "create"]


def test_a_receiver_that_fails_or_is_not_there_is_not_asked_twice(kit: Sandbox, heard: Receiver) -> None:
    heard.answer = 503
    kit.add_hook(REPO, "http://127.0.0.1:9/nobody", "s")
    kit.branch(REPO, "x", "main", by="ada")
    assert kit.deliveries.drain()
    assert sorted(delivery.statuses for delivery in kit.delivered("push")) == [[0], [503]]
