"""`relbot serve` and `relbot work` as processes: how they say how they are, what they log, and how they stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from bot.app.cli.stopping import find_monitor
from bot.app.settings import Server
from bot.core.errors import UserError
from bot.core.model import Secret
from tests.app.test_server import BODY, signed

KEY = "k" * 20


class Busy(BaseHTTPRequestHandler):
    """A forge that wants to be left alone for an hour."""

    def do_GET(self):
        self.send_response(503)
        self.send_header("Retry-After", "3600")
        self.end_headers()

    def do_POST(self):
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def forge():
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Process:
    """One of the two commands, on a folder of its own."""

    def __init__(self, folder, forge, command="serve"):
        settings = folder / "server.toml"
        settings.write_text(
            f'[server]\nport = 0\nmetrics = "127.0.0.1:0"\nlog = "json"\n[data]\ndirectory = "{folder}/data"\n'
            f'[github]\napi = "{forge}"\n[upkeep]\nsweep_minutes = 0\n'
        )
        environment = {**os.environ, "GITHUB_TOKEN": "t" * 20, "RELBOT_WEBHOOK_SECRET": KEY}
        self.log = (folder / "log").open("a+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", command, "--json", "--settings", str(settings)],
            env=environment, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.said = {}
        for _ in range(2):
            self.said |= json.loads(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self.log.close()

    def send(self, delivery="d1", key=None):
        headers = signed(BODY, Secret(key or KEY), X_GitHub_Delivery=delivery)
        return requests.post(self.said["listening"], BODY, headers=headers, timeout=10).status_code

    def call(self):
        host, _, port = self.said["listening"].removeprefix("http://").partition("/")[0].rpartition(":")
        return socket.create_connection((host, int(port)), timeout=20)

    def metric(self, name):
        text = requests.get(self.said["metrics"], timeout=10).text
        [found] = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(found)

    def tell(self, number):
        self._process.send_signal(number)

    def ended(self):
        return self._process.wait(60)

    def lines(self):
        self.log.seek(0)
        return [json.loads(line) for line in self.log]


def test_told_to_stop_it_answers_what_is_in_flight_and_what_waits_goes_on_at_the_next_start(tmp_path, forge):
    with Process(tmp_path, forge) as process:
        assert process.send("refused-1", key="another key") == 401
        assert process.send("taken-1") == 202
        with process.call() as halfway:
            halfway.sendall(head("taken-2"))
            time.sleep(0.2)
            process.tell(signal.SIGTERM)
            time.sleep(0.2)
            halfway.sendall(BODY)
            assert halfway.recv(100).startswith(b"HTTP/1.1 202 ")
        assert process.ended() == 0
        check(process.lines())
    with Process(tmp_path, forge) as process:
        assert process.metric("relbot_inbox_waiting") == 2


def head(delivery):
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed(BODY, X_GitHub_Delivery=delivery).items())
    return f"POST /hooks/github HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(BODY)}\r\n\r\n".encode()


def check(lines):
    """Every line of a delivery has its name, also where it is refused, and none has a secret."""
    assert [line["delivery"] for line in lines if "was refused" in line["message"]] == ["refused-1"]
    named = [line for line in lines if line["from"] in ("bot.app.server", "bot.app.intake", "bot.app.durable.worker")]
    assert {"refused-1", "taken-1"} <= {line["delivery"] for line in named} <= {"refused-1", "taken-1", "taken-2"}
    assert all({"time", "level", "from", "message"} <= line.keys() for line in lines)
    assert KEY not in json.dumps(lines)


def test_a_second_signal_ends_it_at_once(tmp_path, forge):
    with Process(tmp_path, forge) as process, process.call() as halfway:
        halfway.sendall(b"POST /hooks/github HTTP/1.1\r\n")
        time.sleep(0.2)
        process.tell(signal.SIGINT)
        time.sleep(0.2)
        process.tell(signal.SIGTERM)
        assert process.ended() == 128 + signal.SIGTERM


def test_a_worker_tells_how_it_is_as_well(tmp_path, forge):
    with Process(tmp_path, forge, "work") as process:
        assert process.metric("relbot_executors") == 1
        ready = requests.get(process.said["metrics"].replace("/metrics", "/readyz"), timeout=10)
        assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
        process.tell(signal.SIGTERM)
        assert process.ended() == 0


@pytest.mark.parametrize("given", ["9100", "host:port", "a b:1", "::1:9100", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused_with_the_next_step(given):
    with pytest.raises(UserError, match=r"such as 127\.0\.0\.1:9100"):
        find_monitor(Server(), given)


@pytest.mark.parametrize(("named", "given", "found"), [
    (None, None, None),
    ("127.0.0.1:9100", None, ("127.0.0.1", 9100)),
    ("127.0.0.1:9100", "[::1]:0", ("::1", 0)),
    ("127.0.0.1:9100", "", None),
])
def test_the_argument_wins_over_the_settings(named, given, found):
    assert find_monitor(Server(metrics=named), given) == found


@pytest.mark.parametrize(("words", "said"), [
    (["--port", "99999"], "Cannot listen on 127.0.0.1 port 99999: bind(): port must be 0-65535. Choose another"),
    (["--port", "-1"], "Cannot listen on 127.0.0.1 port -1: "),
    (["--host", ""], "--host names no address."),
])
def test_where_nobody_can_listen_is_said_without_a_trace(tmp_path, words, said):
    settings = tmp_path / "server.toml"
    settings.write_text(f'[data]\ndirectory = "{tmp_path}/data"\n[github]\napi = "http://127.0.0.1:9"\n')
    environment = {**os.environ, "GITHUB_TOKEN": "t" * 20, "RELBOT_WEBHOOK_SECRET": KEY}
    command = [sys.executable, "-m", "bot", "serve", "--settings", str(settings), *words]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, f"relbot: {said}" in ended.stderr) == (2, True), ended.stderr
