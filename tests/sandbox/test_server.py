"""The sandbox as a whole: it survives a restart, runs as a process of its own, and is loud about what it lacks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from bot.sandbox import PullWish, Sandbox


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as first:
        first.create_repository("acme/kit")
        token = first.add_user("ada")
        first.commit("acme/kit", "main", {"a": "1\n"}, "Start", by="ada")
        first.branch("acme/kit", "topic", "main", by="ada")
        first.commit("acme/kit", "topic", {"b": "1\n"}, "Add b", by="ada")
        number = first.open_pull("acme/kit", PullWish("T", "topic", "main"), by="ada")
        first.label("acme/kit", number, "backport/v2.7", by="ada")
        comment = first.comment("acme/kit", number, "hello", by="ada")
        before = requests.get(f"{first.url}/repos/acme/kit/pulls/1", timeout=5).text.replace(first.url[5:], "//HOST")
    with Sandbox(tmp_path) as second:
        assert second.token_for("ada") == token
        after = requests.get(f"{second.url}/repos/acme/kit/pulls/1", timeout=5).text.replace(second.url[5:], "//HOST")
        assert after == before
        assert second.issue("acme/kit", 1).comments == [comment]
        assert second.merge_pull("acme/kit", number, by="ada") == second.git("acme/kit").branch("main")


def test_a_stopped_sandbox_answers_nobody_any_more(tmp_path: Path) -> None:
    with requests.Session() as session:
        with Sandbox(tmp_path) as sandbox:
            assert session.get(f"{sandbox.url}/rate_limit", timeout=5).status_code == 200
            url = sandbox.url
        with pytest.raises(requests.ConnectionError):
            session.get(f"{url}/rate_limit", timeout=5)


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/repos/acme/kit/actions/runs"), ("PUT", "/user"), ("POST", "/markdown"),
])
def test_a_route_it_does_not_have_is_refused_by_name_and_remembered(tmp_path: Path, method: str, path: str) -> None:
    with Sandbox(tmp_path) as sandbox:
        answer = requests.request(method, f"{sandbox.url}{path}", timeout=5)
        assert answer.status_code == 501
        assert f"{method} {path}" in answer.json()["message"]
        assert sandbox.unknown_routes == [f"{method} {path}"]


def test_a_question_in_graphql_that_it_does_not_know_is_refused_and_not_guessed(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:
        asked = {"query": "query { viewer { login } }", "variables": {}}
        answer = requests.post(f"{sandbox.url}/graphql", json=asked, timeout=5)
        assert (answer.status_code, "does not understand" in answer.json()["message"]) == (501, True)


def test_a_mistake_of_its_own_is_told_and_not_hidden(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:
        sandbox.create_repository("acme/kit")
        sandbox.git("acme/kit").path.rename(tmp_path / "gone")
        answer = requests.get(f"{sandbox.url}/repos/acme/kit/branches", timeout=5)
        assert answer.status_code == 500
        assert "GitError" in sandbox.crashes[0]


def test_it_runs_as_a_process_and_keeps_its_state_when_it_is_told_to_stop(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "bot.sandbox", "--directory", str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = json.loads(process.stdout.readline())["url"]
        made = requests.post(f"{url}/_sandbox/users", json={"login": "ada"}, timeout=5).json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    with Sandbox(tmp_path) as sandbox:
        assert sandbox.token_for("ada") == made["token"]


def test_its_address_may_be_written_to_a_file(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = (sys.executable, "-m", "bot.sandbox", "--directory", str(tmp_path / "d"), "--ready-file", str(ready))
    with subprocess.Popen(command) as process:
        while not ready.exists():
            assert process.poll() is None
        assert requests.get(json.loads(ready.read_text())["url"] + "/rate_limit", timeout=5).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_behind_something_else_it_speaks_of_itself_as_it_is_known_there(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    sandbox.known_as = "https://forge.test:8443"
    with sandbox:
        sandbox.create_repository("acme/kit")
        port = sandbox._server.port
        found = requests.get(f"http://127.0.0.1:{port}/repos/acme/kit", timeout=5).json()
        assert found["url"] == "https://forge.test:8443/repos/acme/kit"
        assert found["clone_url"] == "https://forge.test:8443/acme/kit.git"
