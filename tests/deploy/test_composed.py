"""The composed system on a real engine: a backport from the proxy through web, PostgreSQL and worker to the forge.

The tests stand in the order in which they are told; those that end containers come after those that look at them.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import socket
import time
from contextlib import suppress

import pytest

from tests.deploy.composed import Composed, wait_for
from tests.deploy.engine import docker
from tests.deploy.project import LINE, Project, fixed

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("engine")]
BOT = ("web", "worker")
OURS = (*BOT, "proxy", "database")
HELD = 15
"""Seconds for which the forge sits on a request, so that there is somebody to kill in the middle of it."""


# ── a change goes through ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_merged_pull_with_a_label_gets_its_backport(
    system: Composed, project: Project, figures: dict[str, str]
) -> None:
    start = time.monotonic()
    number = project.land("first")
    pull = project.wait_until_done(number)
    figures["the first backport, with its mirror"] = f"{time.monotonic() - start:.1f} s"
    assert pull["base"]["ref"] == LINE
    assert project.file("kit/first.py", pull["head"]["ref"]) == fixed("first")
    assert project.file("kit/second.py", pull["head"]["ref"]) == "SECOND = 1\n"
    assert '"POST /hooks/github HTTP/1.1" 202' in system.log("proxy")
    assert int(ask_database(system, "SELECT count(*) FROM relbot_inbox WHERE state = 'planned'")) >= 1
    assert ask_database(system, "SELECT count(*) FROM relbot_executors") == "2"
    used = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", *map(system.id_of, OURS)).split("\n")
    for service, memory in zip(OURS, used, strict=True):
        figures[f"memory of {service}"] = memory.split(" /")[0]


# ── what the containers may do ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("service", OURS)
def test_a_container_has_no_rights_and_a_root_that_is_read_only(system: Composed, service: str) -> None:
    host = system.inspect(service)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    lines = system.inside(service, "cat", "/proc/1/status").split("\n")
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert set(status["Uid"].split("\t")) != {"0"}
    assert (int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"]) == (0, 0, "1")


def test_the_database_is_on_no_network_that_leads_out(system: Composed) -> None:
    [network] = system.inspect("database")["NetworkSettings"]["Networks"]
    assert json.loads(docker("network", "inspect", network))[0]["Internal"] is True
    assert not any(system.inspect(service)["NetworkSettings"]["Ports"].get("8080/tcp") for service in BOT)


@pytest.mark.parametrize("service", OURS)
def test_no_secret_is_in_a_log_or_in_what_the_engine_tells(system: Composed, service: str) -> None:
    told = json.dumps(system.inspect(service)) + system.log(service)
    assert [name for name, value in system.secrets.items() if value in told] == []


# ── the proxy ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/metrics", "/readyz", "/", "/hooks/other", "/hooks/github/x", "//metrics", "/hooks/../metrics"]
)
def test_the_proxy_lets_nothing_through_but_hooks_and_health(system: Composed, path: str) -> None:
    assert send(system, "GET", path)[0] == 404


def test_the_proxy_lets_health_through_and_takes_hooks_by_post_only(system: Composed) -> None:
    assert send(system, "GET", "/healthz")[0] == 200
    assert send(system, "GET", "/hooks/github")[0] == 403


def test_a_signature_counts_behind_the_proxy_too(system: Composed) -> None:
    body = json.dumps({"zen": "Keep it logically awesome."}).encode()
    assert deliver(system, body) == 202
    assert deliver(system, body, secret="another") == 401


def test_a_delivery_as_large_as_github_makes_them_is_taken(system: Composed) -> None:
    assert deliver(system, json.dumps({"zen": "x" * 24_900_000}).encode()) == 202


def test_a_body_of_27_megabytes_is_refused_by_the_proxy(system: Composed) -> None:
    head = f"POST /hooks/github HTTP/1.1\r\nHost: bot\r\nContent-Length: {27 * 1024 * 1024}\r\n\r\n"
    with socket.create_connection(system.door, timeout=30) as sender:
        sender.sendall(head.encode())
        said = sender.recv(4096)
    assert said.startswith(b"HTTP/1.1 413")
    assert b"nginx" in said


def test_a_body_that_does_not_say_its_length_is_refused_once_it_is_too_long(system: Composed) -> None:
    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with socket.create_connection(system.door, timeout=30) as sender:
        sender.sendall(b"POST /hooks/github HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(27):
                sender.sendall(piece)
        except OSError:
            return
        assert sender.recv(4096).startswith(b"HTTP/1.1 413")


def test_slow_senders_are_ended_and_too_many_of_one_address_are_refused(
    system: Composed, figures: dict[str, str]
) -> None:
    head = b"POST /hooks/github HTTP/1.1\r\nHost: bot\r\nContent-Length: 1000\r\n"
    start = time.monotonic()
    heads = [begin(system, head) for _ in range(40)]
    bodies = [begin(system, head + b"\r\nabc") for _ in range(40)]
    # Somebody else is answered all the while: the forge, from its own address.
    ask = "import urllib.request as u; print(u.urlopen('http://bot.test:8080/healthz', timeout=9).status)"
    assert system.inside("forge", "python3", "-c", ask) == "200"
    for sender in (*heads, *bodies):
        wait_for_end(sender)
    log = [line for line in system.log("proxy").split("\n") if 'POST /hooks/github HTTP/1.1" ' in line]
    # Those beyond 32 at once are refused, the others are ended when they have said nothing for ten seconds.
    assert sum('" 503 ' in line for line in log) == 40 - 32
    assert sum('" 408 ' in line for line in log) == 40 + 32
    figures["80 senders that say nothing more, until all are ended"] = f"{time.monotonic() - start:.0f} s"
    assert send(system, "GET", "/healthz")[0] == 200


# ── whatever dies, nothing is lost ───────────────────────────────────────────────────────────────────────────────────


def test_whoever_has_the_job_is_killed_and_it_is_done_once(
    system: Composed, project: Project, figures: dict[str, str]
) -> None:
    number = land_and_hold(system, project, "second")
    [holder] = [service for service in BOT if has_begun(system.log(service), number)]
    before = system.inspect(holder)["RestartCount"]
    system.kill_inside(holder)
    start = time.monotonic()
    wait_for(f"the engine starts {holder} again", lambda: system.inspect(holder)["RestartCount"] > before or None)
    project.wait_until_done(number)
    figures[f"a job whose holder ({holder}) was killed, until done"] = f"{time.monotonic() - start:.1f} s"
    project.once(number)


def test_everything_is_killed_at_once_and_it_is_done_once(
    system: Composed, project: Project, figures: dict[str, str]
) -> None:
    number = land_and_hold(system, project, "third")
    for service in BOT:
        system.kill_inside(service)
    docker("restart", "--time", "0", system.id_of("database"))
    start = time.monotonic()
    project.wait_until_done(number)
    figures["the same with web, worker and database killed"] = f"{time.monotonic() - start:.1f} s"
    project.once(number)


def test_what_comes_while_the_database_is_away_is_taken_and_done_later(system: Composed, project: Project) -> None:
    system.wait_until_healthy("database", "web")
    docker("stop", system.id_of("database"))
    taken = system.log("proxy").count('"POST /hooks/github HTTP/1.1" 202')
    number = project.land("fourth")
    wait_for("it is taken", lambda: system.log("proxy").count('"POST /hooks/github HTTP/1.1" 202') >= taken + 3 or None)
    assert project.backports(number) == []
    docker("start", system.id_of("database"))
    project.wait_until_done(number)
    project.once(number)


def test_after_all_that_every_change_has_one_backport_and_one_comment(system: Composed, project: Project) -> None:
    time.sleep(HELD)  # by now the forge has done what it was asked for by those that were killed
    for number in project.landed:
        project.once(number)
    assert system.people.look("unknown-routes") == []
    assert [sent["statuses"] for sent in system.people.look("deliveries") if sent["statuses"] != [202]] == []


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_told_to_stop_everything_ends_in_peace_and_comes_back(system: Composed, figures: dict[str, str]) -> None:
    system.wait_until_healthy("database", "web")
    start = time.monotonic()
    system.compose("stop")
    figures["the whole system, told to stop"] = f"{time.monotonic() - start:.1f} s"
    ended = {service: system.inspect(service)["State"]["ExitCode"] for service in OURS}
    assert ended == dict.fromkeys(OURS, 0)
    system.compose("up", "--detach", "--no-build")
    system.wait_until_healthy("database", "web")
    assert wait_for("the proxy finds it", lambda: send(system, "GET", "/healthz")[0] == 200 or None)


# ── the words of this page ───────────────────────────────────────────────────────────────────────────────────────────


def land_and_hold(system: Composed, project: Project, topic: str) -> int:
    """A landed change whose backport is pushed, and whose pull the forge is being asked for at this moment."""
    number, pushes = project.propose(topic), project.pushes()
    system.people.control("faults", path="/pulls$", method="POST", delay=HELD)
    project.merge(number)
    wait_for(f"#{number} is pushed", lambda: project.pushes() > pushes or None)
    time.sleep(1)
    assert project.backports(number) == []
    return number


def has_begun(log: str, number: int) -> bool:
    """Whether whoever wrote this log has begun with the backport of a change."""
    return any("message=starts" in line and f":{number}:2.7:" in line for line in log.split("\n"))


def ask_database(system: Composed, question: str) -> str:
    return system.inside("database", "psql", "--username=relbot", "--no-align", "--tuples-only", "--command", question)


def send(system: Composed, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    """One request to the proxy from this machine, its path as it stands."""
    connection = http.client.HTTPConnection(*system.door, timeout=60)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def deliver(system: Composed, body: bytes, secret: str | None = None) -> int:
    """A delivery as GitHub sends it; what it is answered with."""
    key = (secret or system.secrets["webhook"]).encode()
    signature = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    headers = {"X_GitHub_Event": "ping", "X_GitHub_Delivery": secrets.token_hex(16), "X_Hub_Signature_256": signature}
    return send(system, "POST", "/hooks/github", body, Content_Type="application/json", **headers)[0]


def begin(system: Composed, text: bytes) -> socket.socket:
    """A request that is begun and not gone on with."""
    sender = socket.create_connection(system.door, timeout=60)
    sender.sendall(text)
    return sender


def wait_for_end(sender: socket.socket) -> None:
    """Read until the other side has ended it, whatever it says; `TimeoutError` when it does not."""
    with sender, suppress(ConnectionError):
        while sender.recv(4096):
            pass
