"""No credential of any kind turns up where anybody could read it, whatever goes wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest
import requests

from bot.core.model import Secret
from bot.forges.github import AppKey
from bot.sandbox import Fault, Sandbox
from tests.app.canaries import Machine, Nets, shapes
from tests.app.whole import REPO, World, op
from tests.forges.github.installed import install, key_pair, register

PATIENCE = 40
SECRETS = {
    "the GitHub token": "github-canary-7d1f0c55e2aa",
    "the GitHub webhook secret": "hook-canary-4be1+/90=c3",
    "the former GitHub webhook secret": "former-canary-19fe8a77b2",
    "the GitLab token": "gitlab-canary-5ac3d9e177bb",
    "the GitLab webhook secret": "tanuki-canary-c0de+/42=f",
}
VARIABLES = {
    "GITHUB_TOKEN": SECRETS["the GitHub token"],
    "RELBOT_WEBHOOK_SECRET": SECRETS["the GitHub webhook secret"],
    "FORMER_SECRET": SECRETS["the former GitHub webhook secret"],
    "GITLAB_TOKEN": SECRETS["the GitLab token"],
    "RELBOT_GITLAB_SECRET": SECRETS["the GitLab webhook secret"],
}


class Stage:
    """Two forges, and one bot that serves both."""

    def __init__(self, github: Sandbox, gitlab: Sandbox, directory: Path, app: AppKey | None = None) -> None:
        self.worlds = {"github": World(github, directory), "gitlab": World(gitlab, directory, "gitlab")}
        github.forge.world.users["relbot"].token = SECRETS["the GitHub token"]
        gitlab.forge.world.users["relbot"].token = SECRETS["the GitLab token"]
        self.nets = Nets(dict(SECRETS))
        if app:
            (directory / "app.pem").write_text(app.private_key.reveal())
            self.nets.secrets["the private key of the App"] = app.private_key.reveal()
        identity = f'app_id = "{app.app_id}"\nprivate_key_file = "{directory / "app.pem"}"\n' if app else ""
        self.machine = Machine(directory / "machine", self.nets, VARIABLES, (
            f'[github]\napi = "{github.url}"\nclone_base = "{github.url}"\npaced = false\n{identity}'
            'webhook_secret_envs = ["RELBOT_WEBHOOK_SECRET", "FORMER_SECRET"]\n'
            f'[gitlab]\nurl = "{gitlab.url}"\npaced = false\n'
        ))  # fmt: skip

    def listen(self, doors: dict[str, str]) -> None:
        for kind, world in self.worlds.items():
            variable = "RELBOT_WEBHOOK_SECRET" if kind == "github" else "RELBOT_GITLAB_SECRET"
            world.forge.add_hook(REPO, doors[kind], VARIABLES[variable])

    def gather(self) -> None:
        """Everything that the forges show, and what is left on the machine."""
        for kind, world in self.worlds.items():
            issues = world.forge.find(REPO).issues.values()
            self.nets.spread(f"{kind}: pulls and comments", repr(list(issues)))
            self.nets.spread(f"{kind}: addresses", repr([entry.path for entry in world.forge.requests]))
            self.nets.spread(f"{kind}: refs", repr(world.forge.git(REPO).refs()))
            self.nets.spread(f"{kind}: messages", world.forge.git(REPO).run("log", "--all", "--format=%B%an%ae%cn%ce"))
        self.nets.secrets |= {f"a token of the App ({n})": token for n, token in enumerate(self.passes())}
        for what in ("argv", "trace"):
            self.nets.spread(f"git: {what}", self.machine.told(what))
        self.nets.spread_files("disk", self.machine.home)

    def passes(self) -> list[str]:
        return list(self.worlds["github"].forge.forge.world.passes)


def until(true, what: str) -> None:
    """Wait for something that the bot does in its own process."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"{what} never happened"
        time.sleep(0.02)


@pytest.fixture
def stage(sandbox, gitlab_sandbox, tmp_path):
    return Stage(sandbox, gitlab_sandbox, tmp_path)


def test_the_nets_catch_a_secret_in_every_shape(tmp_path):
    secret = SECRETS["the GitHub webhook secret"]
    for text in (
        f"x{secret}y", f"https://u:{requests.utils.quote(secret, safe='')}@x", json.dumps({"k": secret}),
        requests.auth._basic_auth_str("x-access-token", secret), requests.auth._basic_auth_str("oauth2", secret),
    ):  # fmt: skip
        nets = Nets({"it": secret})
        nets.spread("here", f"before {text} after")
        assert nets.hits() == ["it in here"]
    key = Nets({"key": key_pair()[0]})
    key.spread("here", key_pair()[0].splitlines()[3])
    assert key.hits() == ["key in here"]
    assert min(map(len, shapes(secret))) > 15, "nothing is found by chance"


@pytest.mark.slow
def test_nothing_is_seen_of_any_secret_when_all_goes_well_and_when_nothing_does(stage):
    with stage.machine.serving() as doors:
        stage.listen(doors)
        for kind, world in stage.worlds.items():
            carry(world)
            refuse_a_push(world)
            fail(world, kind)
        knock(stage, doors)
    run_commands(stage)
    stage.gather()
    assert "push" in stage.machine.told("argv")
    assert "remote-http" in stage.machine.told("trace"), "the helpers for HTTP are seen too"
    for name in ("the GitHub token", "the GitLab token"):
        environment = stage.machine.told("environment")
        assert any(shape in environment for shape in shapes(SECRETS[name])), "git did get it, by its environment"
    log = stage.nets.caught["serve: log"]
    assert "fault" in log
    assert "Traceback" in log
    assert stage.nets.hits() == []


@pytest.mark.slow
def test_nothing_is_seen_of_an_apps_key_and_tokens_either(sandbox, gitlab_sandbox, tmp_path):
    record, key = register(sandbox)
    stage = Stage(sandbox, gitlab_sandbox, tmp_path, AppKey(key.app_id, Secret(key.private_key.reveal())))
    install(sandbox, record, REPO)
    world = stage.worlds["github"]
    with stage.machine.serving() as doors:
        stage.listen(doors)
        number = world.land({"kit/ops.py": op(3, "x + 3.0")}, "Make op 3 a float", "backport/2.7")
        until(lambda: "backport-open/2.7" in world.labels(number), "the backport")
        world.forge.fail(Fault(r"/access_tokens$", status=500, body={"message": f"echo {key.private_key.reveal()}"}))
        world.forge.comment(REPO, number, "/backport 2.8", by="mona")
        until(lambda: "backport-open/2.8" in world.labels(number), "the backport by comment")
    stage.machine.run("doctor", "--repository", f"github:{REPO}")
    stage.gather()
    assert len(stage.passes()) >= 2
    assert not [hit for hit in stage.nets.hits() if "disk: server.toml" in hit]
    assert stage.nets.hits() == []


# ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────────


def carry(world: World) -> None:
    """A label, a comment, a conflict, and a stranger's wish."""
    number = world.land({"kit/ops.py": op(3, "x + 3.0")}, "Make op 3 a float", "backport/2.7")
    until(lambda: "backport-open/2.7" in world.labels(number), "the backport")
    world.forge.comment(REPO, number, "/backport 2.8\n/release ping\n/release rc 2.7", by="mona")
    until(lambda: "backport-open/2.8" in world.labels(number), "the backport by comment")
    world.forge.comment(REPO, number, "/backport 2.8", by="rita")
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(5, "x + 55")}, "Differ", by="mona")
    torn = world.land({"kit/ops.py": op(5, "x + 5.0")}, "Make op 5 a float", "backport/2.7")
    until(lambda: "backport-conflict/2.7" in world.labels(torn), "the conflict")


def refuse_a_push(world: World) -> None:
    """The line is protected, and the policy wants pushes; the forge's words come back to the pull."""
    policy = f".{world.kind}/relbot.toml"
    world.forge.commit(REPO, "main", {policy: '[backport]\ndelivery = "push"\n'}, "Push", by="mona")
    world.forge.protect(REPO, "release/2.8", "mona")
    number = world.land({"kit/ops.py": op(7, "x + 7.0")}, "Make op 7 a float", "backport/2.8")
    until(lambda: any("protected" in said.lower() for said in world.said_on(number)), "the refusal")
    world.forge.commit(REPO, "main", {policy: '[backport]\ndelivery = "pull"\n'}, "Pull again", by="mona")


def fail(world: World, kind: str) -> None:
    """Answers that repeat what they were sent, that are no JSON, that turn the token away, that never come."""
    token = VARIABLES["GITHUB_TOKEN" if kind == "github" else "GITLAB_TOKEN"]
    echo = {"message": f"Invalid: {token}", "error": f"Invalid: {token}"}
    pulls = r"/(pulls|merge_requests)$"
    for number, fault in enumerate((
        Fault(pulls, "POST", status=422 if kind == "github" else 400, body=echo, times=9),
        Fault(r"/(pulls|merge_requests)/\d+$", "GET", status=401, body=echo),
        Fault(r"/(comments|notes)$", "POST", status=500, body=echo),
        Fault(pulls, "POST", status=201, body=f"<html>{token}"),
        Fault(r"/info/refs", status=403, body=f"remote: {token}"),
        Fault(pulls, "POST", drop=True),
    )):  # fmt: skip
        world.forge.app.faults.clear()
        before = len(world.forge.requests)
        world.forge.fail(fault)
        world.land({f"kit/n{number}.py": f"{number}\n"}, f"Add n{number}", "backport/2.7")
        until(lambda before=before: len(world.forge.requests) > before + 1, "a request")
        assert world.forge.deliveries.drain(PATIENCE)
        until(lambda fault=fault: fault.times < 9 if fault.times > 1 else fault.times == 0, "the fault")
        time.sleep(0.3)
    world.forge.app.faults.clear()


def knock(stage: Stage, doors: dict[str, str]) -> None:
    """Deliveries that are wrong, some with a secret in the wrong place; every answer is kept."""
    secret, former = VARIABLES["RELBOT_WEBHOOK_SECRET"], VARIABLES["FORMER_SECRET"]
    body = json.dumps({"action": "closed", "note": "x"}).encode()
    signature = "sha256=" + hmac.new(former.encode(), body, hashlib.sha256).hexdigest()
    named = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "d-1"}
    for headers in (
        {}, {**named, "X-Hub-Signature-256": secret}, {**named, "X-Hub-Signature-256": signature},
        {**named, "X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Gitlab-Event": "Note Hook", "X-Gitlab-Token": "wrong"},
        {"X-Gitlab-Event": "Note Hook", "X-Gitlab-Token": VARIABLES["RELBOT_GITLAB_SECRET"], "Idempotency-Key": "g1"},
    ):  # fmt: skip
        for door in (*doors.values(), f"{doors['github']}/nowhere"):
            answer = requests.post(door, body, headers=headers, timeout=10)
            stage.nets.spread("answers of the server", f"{answer.status_code} {answer.headers} {answer.text}\n")


def run_commands(stage: Stage) -> None:
    """Every command that uses a credential, where it works and where it does not."""
    github = stage.worlds["github"].forge
    delivery = next(each.body for each in github.delivered("pull_request") if each.payload["action"] == "closed")
    event = ("event", "-", "--header", "X-GitHub-Event:pull_request")
    for extra in ((), ("--json",)):
        stage.machine.run("doctor", "--repository", f"github:{REPO}", "--url", "http://127.0.0.1:9", *extra)
        stage.machine.run("labels", "sync", "--repository", f"github:{REPO}", "--line", "2.7", *extra)
        stage.machine.run("hooks", "sync", "--repository", f"github:{REPO}", "--url", "http://127.0.0.1:9", *extra)
        stage.machine.run(*event, "--rehearse", *extra, stdin=delivery)
        stage.machine.run(*event, "--header", "X-Hub-Signature-256:sha256=00", *extra, stdin=delivery)
    echo = {"message": f"Bad credentials: {VARIABLES['GITHUB_TOKEN']}"}
    github.fail(Fault("/repos/|/user", status=401, body=echo, times=99))
    for command in (("doctor",), ("doctor", "--json"), ("labels", "sync"), ("labels", "sync", "--json")):
        assert stage.machine.run(*command, "--repository", f"github:{REPO}") == 1
    assert stage.machine.run(*event, stdin=delivery) == 1
    github.app.faults.clear()
