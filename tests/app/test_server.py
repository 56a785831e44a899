"""The web server, over real sockets: what it takes, and how it refuses."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import socket
import threading
import time
from functools import partial

import pytest
import requests

from bot.app.listening import RECEIVED, listen
from bot.app.server import BODY_LIMIT, create_app
from bot.core.errors import Fault, UserError
from bot.core.events import PullLabelled
from bot.core.model import Secret
from bot.forges import gitlab_hooks
from bot.forges.github_hooks import parse

KEY, OLD_KEY = Secret("k" * 20), Secret("o" * 20)
LABELLED = {
    "action": "labeled",
    "number": 12,
    "pull_request": {"number": 12},
    "label": {"name": "backport/v2.7"},
    "repository": {"id": 7, "full_name": "acme/torchlet", "default_branch": "main"},
    "sender": {"id": 1, "login": "ada", "type": "User"},
}


class Inbox:
    """Takes events as the runner does; `trouble` makes it fail, `gate` makes its work wait."""

    def __init__(self):
        self.taken = []
        self.trouble = None

    def handle(self, delivery, event):
        if self.trouble:
            raise self.trouble
        self.taken.append((delivery, event))


def doors():
    gitlab = partial(gitlab_hooks.parse, secrets=(KEY,), now=0)
    return {"github": partial(parse, secrets=(KEY, OLD_KEY)), "gitlab": gitlab}


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def port(inbox):
    server = listen(create_app(doors(), inbox, lambda repo: repo.path.startswith("acme/")), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.port
    server.shutdown()
    thread.join(5)


def signed(body, key=KEY, **changed):
    headers = {
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": "d1",
        "X-Hub-Signature-256": "sha256=" + hmac.new(key.reveal().encode(), body, hashlib.sha256).hexdigest(),
        "Content-Type": "application/json",
    }
    headers.update({name.replace("_", "-"): value for name, value in changed.items()})
    return {name: value for name, value in headers.items() if value is not None}


def send(port, body, headers, method="POST", path="/hooks/github"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    assert answer.headers["Content-Type"] == "application/json"
    assert "Traceback" not in text
    assert KEY.reveal() not in text
    return answer.status, json.loads(text)


def send_raw(port, head):
    """Send a request's head and no body; the answer's status line, and how long it took."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join(("POST /hooks/github HTTP/1.1", "Host: x", *head, "", "")).encode())
        return connection.recv(100).split(b"\r\n")[0].decode(), time.monotonic() - began


BODY = json.dumps(LABELLED).encode()


def test_a_signed_delivery_is_accepted_and_handed_on(port, inbox):
    assert send(port, BODY, signed(BODY)) == (202, {"delivery": "d1"})
    [(delivery, event)] = inbox.taken
    assert delivery == "d1"
    assert isinstance(event, PullLabelled)
    assert (event.repo.path, event.number, event.labels) == ("acme/torchlet", 12, ("backport/v2.7",))


def test_a_delivery_of_a_repository_of_somebody_else_is_ignored_with_the_reason(port, inbox):
    body = json.dumps({**LABELLED, "repository": {"id": 8, "full_name": "evil/x", "default_branch": "main"}}).encode()
    code, answer = send(port, body, signed(body))
    assert code == 202
    assert "evil/x belongs to none of the owners" in answer["ignored"]
    assert inbox.taken == []


MERGED = {
    "object_kind": "merge_request",
    "user": {"id": 1, "username": "ada"},
    "project": {"id": 9, "path_with_namespace": "acme/sub/torchlet", "default_branch": "main"},
    "object_attributes": {"iid": 12, "action": "merge"},
}


def from_gitlab(**changed):
    headers = {"X-Gitlab-Event": "Merge Request Hook", "X-Gitlab-Token": KEY.reveal(), "Idempotency-Key": "g1"}
    return {name: value for name, value in {**headers, **changed}.items() if value is not None}


def test_each_forge_has_a_door_of_its_own(port, inbox):
    body = json.dumps(MERGED).encode()
    assert send(port, body, from_gitlab(), path="/hooks/gitlab") == (202, {"delivery": "g1"})
    [(_, event)] = inbox.taken
    assert (event.repo.forge, event.repo.path, event.number) == ("gitlab", "acme/sub/torchlet", 12)
    assert send(port, body, from_gitlab(), path="/hooks/github")[0] == 400
    assert send(port, BODY, signed(BODY), path="/hooks/gitlab")[0] == 400
    assert send(port, body, from_gitlab(), path="/hooks/gitea")[0] == 404
    assert len(inbox.taken) == 1


@pytest.mark.parametrize(("headers", "status"), [
    ({"X-Gitlab-Token": None}, 401),
    ({"X-Gitlab-Token": "wrong"}, 401),
    ({"X-Gitlab-Token": None, "webhook-signature": "v1,x"}, 401),
    ({"X-Gitlab-Event": None}, 400),
])
def test_a_delivery_that_nobody_vouches_for_is_refused_at_gitlab_s_door_too(port, inbox, headers, status):
    body = json.dumps(MERGED).encode()
    assert send(port, body, from_gitlab(**headers), path="/hooks/gitlab")[0] == status
    assert inbox.taken == []


def test_a_forge_that_is_not_configured_has_no_door():
    client = create_app({"gitlab": doors()["gitlab"]}, Inbox()).test_client()
    assert client.post("/hooks/github", data=BODY, headers=signed(BODY)).status_code == 404


def test_each_of_several_secrets_may_sign(port, inbox):
    assert send(port, BODY, signed(BODY, OLD_KEY))[0] == 202
    assert len(inbox.taken) == 1


def test_the_signature_is_that_of_the_raw_bytes(port, inbox):
    spaced = json.dumps(LABELLED, indent=3).encode()
    assert send(port, spaced, signed(spaced))[0] == 202
    assert send(port, spaced, signed(BODY))[0] == 401
    assert len(inbox.taken) == 1


@pytest.mark.parametrize(("body", "headers", "refusal"), [
    (b"{not json", {}, (400, "not JSON")),
    (b"", {}, (400, "not JSON")),
    (b"[1]", {}, (400, "not a JSON object")),
    (b"\xff\xfe", {}, (400, "not JSON")),
    (b"[" * 200_000, {}, (400, "nested too deeply")),
    (json.dumps({**LABELLED, "repository": None}).encode(), {}, (400, "repository")),
    (BODY, {"X_GitHub_Event": None}, (400, "X-GitHub-Event")),
    (BODY, {"X_GitHub_Delivery": None}, (400, "X-GitHub-Delivery")),
    (BODY, {"X_Hub_Signature_256": None}, (401, "X-Hub-Signature-256")),
    (BODY, {"X_Hub_Signature_256": "sha256=" + "0" * 64}, (401, "signature")),
    (BODY, {"X_Hub_Signature_256": "sha1=" + "0" * 40}, (401, "X-Hub-Signature-256")),
    (BODY, {"X_GitHub_Event": "../../etc"}, (400, "X-GitHub-Event")),
    (BODY, {"X_GitHub_Delivery": "a b"}, (400, "X-GitHub-Delivery")),
    (BODY, {"Content_Type": "application/x-www-form-urlencoded"}, (400, "application/json")),
])
def test_bad_input_is_refused_with_its_status_and_starts_nothing(port, inbox, body, headers, refusal):
    status, said = refusal
    code, answer = send(port, body, signed(body, **headers))
    assert code == status
    assert said in answer["error"]
    assert inbox.taken == []


@pytest.mark.parametrize("event", ["ping", "star", "pull_request_review", "an_event_of_next_year"])
def test_an_event_that_concerns_nothing_here_is_answered_2xx_with_the_reason(port, inbox, event):
    code, answer = send(port, b"{}", signed(b"{}", X_GitHub_Event=event))
    assert code == 202
    assert event in answer["ignored"]
    assert inbox.taken == []


def test_a_body_of_26_mb_is_refused_and_the_sender_reads_why(port, inbox):
    body = b" " * 26_000_000
    code, answer = send(port, body, {**signed(b""), "X-Hub-Signature-256": "sha256=" + "0" * 64})
    assert code == 413
    assert str(BODY_LIMIT) in answer["error"]
    assert inbox.taken == []


def test_too_large_a_body_is_refused_before_a_byte_of_it_is_read(port):
    status, took = send_raw(port, ("Content-Length: 999999999",))
    assert "413" in status
    assert took < 2


def test_the_headers_are_looked_at_before_the_body_is_read(port):
    status, took = send_raw(port, ("Content-Length: 1000000",))
    assert "400" in status
    assert took < 2


@pytest.mark.parametrize("head", [(), ("Transfer-Encoding: chunked",)])
def test_a_body_without_a_stated_length_is_refused(port, head):
    status, took = send_raw(port, head)
    assert "411" in status
    assert took < 2


def test_a_body_just_under_the_limit_is_taken(port, inbox):
    body = BODY + b" " * (25_000_000 - len(BODY))
    assert send(port, body, signed(body))[0] == 202
    assert len(inbox.taken) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_deliveries_come_by_post_only(port, method):
    assert send(port, None, {}, method)[0] == 405


def test_an_unknown_path_is_answered_in_json_too(port):
    code, answer = send(port, None, {}, "GET", "/admin?token=ghp_abcdefghij0123456789")
    assert code == 404
    assert "ghp_" not in json.dumps(answer)


def test_health_is_told(port):
    assert send(port, None, {}, "GET", "/healthz") == (200, {"status": "ok"})


def test_what_nobody_expected_is_answered_with_an_id_that_the_log_has(port, inbox, caplog):
    inbox.trouble = RuntimeError(f"the disk is full, and the key is {KEY.reveal()}")
    with caplog.at_level(logging.ERROR):
        code, answer = send(port, BODY, signed(BODY))
    assert code == 500
    assert "disk" not in json.dumps(answer)
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.fault == answer["fault"]


def test_a_sender_that_goes_away_mid_body_leaves_the_server_serving(port, inbox):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        lines = [f"{name}: {value}" for name, value in signed(BODY).items()]
        head = "\r\n".join(("POST /hooks/github HTTP/1.1", "Host: x", *lines, "Content-Length: 5000", "", "{half"))
        connection.sendall(head.encode())
    assert send(port, BODY, signed(BODY))[0] == 202
    assert len(inbox.taken) == 1


def test_a_port_that_is_taken_is_an_error_with_the_next_step(port):
    with pytest.raises(UserError, match=rf"port {port}.*Choose another"):
        listen(create_app(doors(), Inbox()), "127.0.0.1", port)


def test_a_delivery_that_cannot_be_kept_is_answered_503_and_when_to_come_again(port, inbox):
    inbox.trouble = Fault("neither the database nor the disk", passing=True)
    body = json.dumps(LABELLED).encode()
    answer = requests.post(f"http://127.0.0.1:{port}/hooks/github", body, headers=signed(body), timeout=10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "Send it again later" in answer.json()["error"]
    assert "disk" not in answer.text


def test_a_delivery_that_has_waited_long_in_line_is_asked_to_come_again(inbox):
    body = json.dumps(LABELLED).encode()
    signature = "sha256=" + hmac.new(KEY.reveal().encode(), body, hashlib.sha256).hexdigest()
    head = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "d1", "X-Hub-Signature-256": signature}
    client = create_app(doors(), inbox).test_client()

    def send(waited):
        environ = {RECEIVED: time.monotonic() - waited}
        return client.post("/hooks/github", data=body, headers=head, environ_overrides=environ)

    late = send(2.5)
    assert (late.status_code, late.headers["Retry-After"]) == (503, "60")
    assert not inbox.taken
    assert send(1.5).status_code == 202
    assert len(inbox.taken) == 1
