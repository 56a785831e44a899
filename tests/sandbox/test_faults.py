"""The sandbox fails exactly when and how it was told to, and keeps a journal of what it was asked."""

from __future__ import annotations

import time

import pytest
import requests

from bot.sandbox import Fault, Sandbox
from tests.sandbox.conftest import REPO, Ask, git, open_topic, remote


def control(kit: Sandbox, method: str, path: str, wish: object = None) -> requests.Response:
    return requests.request(method, f"{kit.url}/_sandbox/{path}", json=wish, timeout=5)


def test_a_fault_answers_in_the_forges_place_as_often_as_it_was_asked_for(kit: Sandbox, ask: Ask) -> None:
    kit.fail(Fault("/labels$", "POST", status=502, body="<html>", times=2, headers={"Retry-After": "1"}))
    first = ask("POST", "/labels", {"name": "x"})
    assert (first.status_code, first.text, first.headers["Retry-After"]) == (502, "<html>", "1")
    assert ask("GET", "/labels").json() == []
    assert ask("POST", "/labels", {"name": "x"}).status_code == 502
    assert ask("POST", "/labels", {"name": "x"}).status_code == 201


def test_a_fault_may_come_after_the_deed(kit: Sandbox, ask: Ask) -> None:
    kit.fail(Fault("/labels$", "POST", status=502, after=True))
    assert ask("POST", "/labels", {"name": "x"}).status_code == 502
    assert [label["name"] for label in ask("GET", "/labels").json()] == ["x"]


@pytest.mark.parametrize(("after", "done"), [(False, []), (True, ["x"])])
def test_a_connection_is_dropped_before_or_after_the_deed(kit: Sandbox, ask: Ask, after: bool, done: list) -> None:
    kit.fail(Fault("/labels$", "POST", drop=True, after=after))
    with pytest.raises(requests.ConnectionError):
        ask("POST", "/labels", {"name": "x"})
    assert [label["name"] for label in ask("GET", "/labels").json()] == done
    assert [entry.status for entry in kit.requests] == [0, 200]


def test_an_answer_may_be_late(kit: Sandbox, ask: Ask) -> None:
    kit.fail(Fault("/labels$", delay=0.2))
    started = time.monotonic()
    assert ask("GET", "/labels").status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_push_may_arrive_and_its_answer_be_lost(kit: Sandbox, tmp_path) -> None:
    git("clone", "--quiet", remote(kit, "relbot"), "clone", cwd=tmp_path)
    kit.fail(Fault("git-receive-pack$", "POST", drop=True, after=True))
    git("push", "origin", "HEAD:refs/heads/new", cwd=tmp_path / "clone", ok=False)
    assert kit.git(REPO).branch("new") == kit.git(REPO).branch("main")


def test_another_process_sets_the_stage_and_asks_for_faults_over_http(kit: Sandbox, ask: Ask, receiver) -> None:
    assert control(kit, "POST", "users", {"login": "eve"}).json()["token"] == kit.token_for("eve")
    control(kit, "POST", "repositories", {"path": "acme/other"})
    control(kit, "POST", "roles", {"path": "acme/other", "login": "eve", "role": "admin"})
    assert kit.find("acme/other").collaborators == {"eve": "admin"}
    assert control(kit, "POST", "forks", {"path": REPO, "owner": "eve"}).json() == {"path": "eve/torchkit"}
    control(kit, "POST", "protections", {"path": REPO, "branch": "main", "allowed": ["ada"]})
    assert kit.find(REPO).protected == {"main": ["ada"]}
    number = open_topic(kit)
    assert control(kit, "POST", "landings", {"path": REPO, "number": number, "by": "ada"}).json()["sha"]
    control(kit, "POST", "faults", {"path": "/labels", "status": 503})
    assert ask("GET", "/labels").status_code == 503
    control(kit, "POST", "faults", {"path": "/labels", "status": 503})
    control(kit, "DELETE", "faults")
    assert ask("GET", "/labels").status_code == 200


def test_the_control_surface_refuses_what_it_does_not_understand(kit: Sandbox) -> None:
    assert control(kit, "POST", "faults", {"path": "("}).status_code == 422
    assert control(kit, "POST", "faults", {"nonsense": 1}).status_code == 422
    assert control(kit, "POST", "users", {}).status_code == 422
    assert control(kit, "POST", "repositories", {"path": REPO}).status_code == 422
    assert control(kit, "POST", "roles", {"path": REPO, "login": "x", "role": "king"}).status_code == 422
    assert control(kit, "POST", "forks", {"path": "acme/absent", "owner": "x"}).status_code == 404
    assert control(kit, "GET", "nonsense").status_code == 404


def test_the_journal_counts_api_and_git_apart_and_not_the_control_surface(kit: Sandbox, ask: Ask, tmp_path) -> None:
    ask("GET", "/branches/main")
    ask("GET", "/git/ref/heads/release/2.7")
    git("ls-remote", remote(kit, "relbot"), cwd=tmp_path)
    journal = control(kit, "GET", "requests").json()
    assert [(entry["kind"], entry["operation"], entry["status"]) for entry in journal] == [
        ("api", "GET /repos/{owner}/{repo}/branches/{branch}", 200),
        ("api", "GET /repos/{owner}/{repo}/git/ref/{ref}", 200),
        ("git", "info/refs", 200),
        ("git", "git-upload-pack", 200),
    ]
    assert kit.app.journal.count("api") == 2
    control(kit, "DELETE", "requests")
    assert kit.requests == []


def test_deliveries_are_listed_and_sent_again_over_http(kit: Sandbox, receiver) -> None:
    kit.add_hook(REPO, receiver.url, "s", "push")
    kit.branch(REPO, "x", "main", by="ada")
    kit.deliveries.drain()
    listed = control(kit, "GET", "deliveries").json()
    assert [(one["event"], one["statuses"]) for one in listed] == [("push", [202])]
    assert control(kit, "POST", f"deliveries/{listed[0]['id']}/redeliver").status_code == 200
    assert control(kit, "POST", "deliveries/abc/redeliver").status_code == 404
    kit.deliveries.drain()
    assert receiver.events == ["push", "push"]


def test_webhooks_can_fail_or_be_lost_without_a_trace_for_a_while(kit: Sandbox, receiver) -> None:
    hook = kit.add_hook(REPO, receiver.url, "s", "push")
    for name, outage in (
        ("away", {"kind": "fail"}), ("broken", {"kind": "fail", "status": 503}), ("lost", {"kind": "drop"}),
        ("back", {"kind": "recover"}),
    ):  # fmt: skip
        assert control(kit, "POST", "outages", outage).status_code == 200
        kit.branch(REPO, name, "main", by="ada")
    kit.deliveries.drain()
    assert [sent.statuses for sent in kit.delivered("push")] == [[0], [503], [202]]
    assert receiver.events == ["push"]
    assert [(one.status, one.again) for one in kit.deliveries.attempts_to(hook)] == [
        (202, False), (503, False), (0, False),
    ]  # fmt: skip
    assert control(kit, "POST", "outages", {"kind": "nap"}).status_code == 422
