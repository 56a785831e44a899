"""The sandbox's GitLab as a whole: failures, restarts, a process of its own, and loud about what it lacks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from bot.sandbox import Fault, PullWish, Sandbox
from tests.sandbox.gitlab.conftest import PATH, PROJECT, Ask, open_topic


def test_faults_and_journal_are_those_of_the_other_face(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    lab.fail(Fault("/notes$", "POST", status=502, after=True))
    assert ask("POST", "/merge_requests/1/notes", {"body": "x"}).status_code == 502
    assert len(lab.issue(PATH, 1).comments) == 1
    lab.fail(Fault("/notes$", "POST", status=429, headers={"Retry-After": "1"}, body={"message": "429"}))
    assert ask("POST", "/merge_requests/1/notes", {"body": "x"}).headers["Retry-After"] == "1"
    lab.fail(Fault("/notes$", "POST", drop=True))
    with pytest.raises(requests.ConnectionError):
        ask("POST", "/merge_requests/1/notes", {"body": "x"})
    note = "POST /projects/{id}/merge_requests/{merge_request_iid}/notes"
    assert [(entry.operation, entry.status) for entry in lab.requests] == [(note, 502), ("fault", 429), ("fault", 0)]


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with Sandbox(tmp_path, "gitlab") as first:
        first.create_repository(PATH)
        token = first.add_user("ada")
        first.grant("acme", "ada", "maintain")
        first.add_hook("acme", "http://127.0.0.1:9/", "t")
        first.protect_names(PATH, "release/*", push="nobody")
        first.commit(PATH, "main", {"a": "1\n"}, "Start", by="ada")
        first.branch(PATH, "topic", "main", by="ada")
        first.commit(PATH, "topic", {"b": "1\n"}, "Add b", by="ada")
        first.open_pull(PATH, PullWish("T", "topic", "main", draft=True), by="ada")
        before = requests.get(f"{first.url}/api/v4{PROJECT}/merge_requests", timeout=5).text.replace(first.url, "HOST")
    with Sandbox(tmp_path, "gitlab") as second:
        after = requests.get(f"{second.url}/api/v4{PROJECT}/merge_requests", timeout=5).text.replace(second.url, "HOST")
        assert (after, second.token_for("ada")) == (before, token)
        assert json.loads(after)[0]["draft"] is True
        assert second.find(PATH).branch_rules["release/*"].push == "nobody"
    with pytest.raises(ValueError, match="holds a gitlab forge, not a github one"):
        Sandbox(tmp_path)


def test_routes_and_parameters_it_does_not_have_are_remembered(tmp_path: Path) -> None:
    with Sandbox(tmp_path, "gitlab") as sandbox:
        sandbox.create_repository("acme/kit")
        for path in ("/api/v4/projects/1/variables", "/repos/acme/kit"):
            answer = requests.get(f"{sandbox.url}{path}", timeout=5)
            assert answer.status_code == 501
            assert path in answer.json()["message"]
        assert sandbox.unknown_routes == ["GET /api/v4/projects/1/variables", "GET /repos/acme/kit"]
        requests.get(f"{sandbox.url}/api/v4/projects/acme%2Fkit/labels?colour=red&page=1", timeout=5)
        assert sandbox.unread_parameters == ["GET /projects/{id}/labels: colour"]


def test_a_path_that_is_not_quoted_is_no_route(tmp_path: Path) -> None:
    with Sandbox(tmp_path, "gitlab") as sandbox:
        sandbox.create_repository("acme/kit")
        assert requests.get(f"{sandbox.url}/api/v4/projects/acme/kit", timeout=5).status_code == 501
        assert requests.get(f"{sandbox.url}/api/v4/projects/acme%2Fkit", timeout=5).status_code == 200


def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "bot.sandbox", "--kind", "gitlab", "--directory", str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = json.loads(process.stdout.readline())["url"]
        token = requests.post(f"{url}/_sandbox/users", json={"login": "ada"}, timeout=5).json()["token"]
        requests.post(f"{url}/_sandbox/repositories", json={"path": PATH}, timeout=5).raise_for_status()
        for control, wish in (
            ("roles", {"path": "acme", "login": "ada", "role": "write"}),
            ("rules", {"path": PATH, "names": "release/*"}),
            ("tag-rules", {"path": PATH, "names": "v*", "push": "nobody"}),
            ("merge-methods", {"path": PATH, "method": "ff"}),
        ):
            requests.post(f"{url}/_sandbox/{control}", json=wish, timeout=5).raise_for_status()
        wrong = requests.post(f"{url}/_sandbox/merge-methods", json={"path": PATH, "method": "x"}, timeout=5)
        assert wrong.status_code == 422
        for headers in ({"PRIVATE-TOKEN": token}, {"Authorization": f"Bearer {token}"}):
            shown = requests.get(f"{url}/api/v4{PROJECT}", headers=headers, timeout=5).json()
            assert (shown["merge_method"], shown["permissions"]["project_access"]["access_level"]) == ("ff", 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
