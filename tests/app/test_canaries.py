"""No credential of any kind turns up where anybody could read it, whatever goes wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import psycopg
import pytest
import requests

from bot.app.settings import File, load
from bot.core.model import Secret
from bot.core.tables import sections_of
from bot.sandbox import Fault, Sandbox
from tests.app.canaries import Machine, Nets, Slot, credential_slots, shapes
from tests.app.whole import REPO, World, op
from tests.forges.github.installed import install, key_pair, register
from tests.tools.signing_keys import key_pair as key_pair_of

PATIENCE = 40
SIGNING_WORDS = "signing-words-canary-5d02e8"


def signing_key() -> str:
    """A real key, where one can be made: the signer that is started has to open it."""
    made = shutil.which("ssh-keygen") and key_pair_of("ssh", "canary", SIGNING_WORDS).place.path.read_text()
    return made or "signing-key-canary-77c1d09be4"


SECRETS = {
    Slot("data", "database_env"): ("database-canary-3f6a10bd52",),
    Slot("data", "database_file"): ("database-canary-88c1e2740d",),
    Slot("github", "token_env"): ("github-canary-7d1f0c55e2aa",),
    Slot("github", "token_file"): ("github-canary-e08b4417c6d2",),
    Slot("github", "private_key_env"): (key_pair()[0],),
    Slot("github", "private_key_file"): (key_pair()[0],),
    Slot("github", "webhook_secret_envs"): ("hook-canary-4be1+/90=c3", "former-canary-19fe8a77b2"),
    Slot("github", "webhook_secret_files"): ("hook-canary-a27c+/51=09", "former-canary-6602d1e94f"),
    Slot("gitlab", "token_env"): ("gitlab-canary-5ac3d9e177bb",),
    Slot("gitlab", "token_file"): ("gitlab-canary-90d7f2b86a14",),
    Slot("gitlab", "webhook_secret_envs"): ("tanuki-canary-c0de+/42=f", "ancient-canary-0b8e61d7c5"),
    Slot("gitlab", "webhook_secret_files"): ("tanuki-canary-77aa+/13=e", "ancient-canary-f4129c03da"),
    Slot("gitlab", "signing_token_envs"): (
        "whsec_" + base64.b64encode(b"a signing canary of 32 bytes (1)").decode(),
        "whsec_" + base64.b64encode(b"a signing canary of 32 bytes (2)").decode(),
    ),
    Slot("gitlab", "signing_token_files"): (
        "whsec_" + base64.b64encode(b"a signing canary of 32 bytes (3)").decode(),
        "whsec_" + base64.b64encode(b"a signing canary of 32 bytes (4)").decode(),
    ),
    Slot("signing", "key_file"): (signing_key(),),
    Slot("signing", "passphrase_file"): (SIGNING_WORDS,),
}
"""A canary for every slot; of those that take several the first is in use, and the second was."""

ONLY_THE_SIGNERS = {slot for slot in SECRETS if slot.section == "signing"}
"""What the bot hands on by the name of its file, and never reads."""

WAYS = ("env", "file")


class Stage:
    """Two forges, and one bot that serves both and has its secrets from variables, or from files."""

    def __init__(
        self, forges: dict[str, Sandbox], directory: Path, way: str, app_id: str | None = None,
        database: str = "postgresql://relbot@127.0.0.1:9/nowhere",
    ) -> None:  # fmt: skip
        self._database = database
        self.planted: set[str] = set()
        github, gitlab = forges["github"], forges["gitlab"]
        self.way = way
        self.nets = Nets({})
        self.variables: dict[str, str] = {}
        self._directory = directory
        self.worlds = {"github": World(github, directory), "gitlab": World(gitlab, directory, "gitlab")}
        for kind, world in self.worlds.items():
            world.forge.forge.world.users["relbot"].token = self.secret(kind, "token")
        identity = f'app_id = "{app_id}"\n' if app_id else ""
        settings = (
            f'{self._plant("data")}[github]\napi = "{github.url}"\nclone_base = "{github.url}"\npaced = false\n'
            f'{identity}{self._plant("github")}[gitlab]\nurl = "{gitlab.url}"\npaced = false\n{self._plant("gitlab")}'
            f'{self._sign()}'
        )
        self.machine = Machine(directory / "machine", self.nets, self.variables, settings)

    def _sign(self) -> str:
        """The section for signing, where files are planted: its secrets come in no other way."""
        lines = self._plant("signing")
        if not lines:
            return ""
        key = self._directory / "CANARY_SIGNING_KEY_FILE_0"
        key.chmod(0o600)
        signers = self._directory / "signers"
        if shutil.which("ssh-keygen"):
            signers.write_bytes(key_pair_of("ssh", "canary", SIGNING_WORDS).public.read_bytes())
        return f"[signing]\n{lines}signers = {json.dumps(str(signers))}\n"

    def _plant(self, section: str) -> str:
        """Put the secrets of a section into their slots, and tell the nets; the lines of the settings."""
        lines = ""
        for slot in sorted(slot for slot in SECRETS if (slot.section, slot.way) == (section, self.way)):
            places = []
            for number, secret in enumerate(SECRETS[slot]):
                place = f"CANARY_{section}_{slot.key}_{number}".upper()
                name = f"{section}.{slot.key} ({number})"
                self.nets.secrets[name] = secret.removeprefix("whsec_")
                if secret.startswith("whsec_"):
                    self.nets.secrets[f"the key in {name}"] = base64.b64decode(secret.removeprefix("whsec_")).decode()
                value = self._database.replace("relbot@", f"relbot:{secret}@") if section == "data" else secret
                self.planted.add(value.strip())
                if self.way == "env":
                    self.variables[place] = value
                else:
                    (self._directory / place).write_text(f"{value}\n")
                    place = str(self._directory / place)
                places.append(place)
            lines += f"{slot.key} = {json.dumps(places if slot.many else places[0])}\n"
        return lines

    def secret(self, section: str, kind: str, number: int = 0) -> str:
        """The canary in the slot of this kind."""
        found = (slot for slot in SECRETS if slot.section == section and slot.way == self.way)
        return next(SECRETS[slot][number] for slot in found if slot.key.startswith(f"{kind}_"))

    def listen(self, doors: dict[str, str]) -> None:
        for kind, world in self.worlds.items():
            hook = world.forge.add_hook(REPO, doors[kind], self.secret(kind, "webhook_secret"))
            if kind == "gitlab":
                hook.signing_token = self.secret(kind, "signing_token")

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
        self.nets.spread("database", self._dump())

    def _dump(self) -> str:
        """Every row of every table in the database."""
        with psycopg.connect(self._database) as connection:
            ours = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'dbos')"
            tables = connection.execute(ours).fetchall()
            assert len(tables) > 8
            rows = [connection.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall() for schema, table in tables]
        return repr(rows)

    def passes(self) -> list[str]:
        return list(self.worlds["github"].forge.forge.world.passes)


def until(true, what: str) -> None:
    """Wait for something that the bot does in its own process."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"{what} never happened"
        time.sleep(0.02)


@pytest.fixture
def forges(sandbox, gitlab_sandbox):
    return {"github": sandbox, "gitlab": gitlab_sandbox}


# ── nothing is left out ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_slot_for_a_credential_holds_a_canary():
    assert SECRETS.keys() == credential_slots()
    assert all(len(secrets) == (2 if slot.many else 1) for slot, secrets in SECRETS.items())


def test_every_key_that_sounds_like_a_credentials_is_a_slot():
    sounding = re.compile("token|secret|key|pass|credential|database")
    keys = {Slot(name, key) for name, section in sections_of(File).items() for key in section.model_fields}
    assert {slot for slot in keys if sounding.search(slot.key)} == credential_slots()


@pytest.mark.parametrize("way", WAYS)
def test_the_bot_takes_every_canary_from_its_slot(forges, tmp_path, way):
    stage = Stage(forges, tmp_path, way)
    settings = stage.machine.home / "server.toml"
    taken = set(secrets_in(load(str(settings), stage.variables)))
    settings.write_text(settings.read_text().replace("[github]\n", '[github]\napp_id = "7"\n'))
    taken |= set(secrets_in(load(str(settings), stage.variables)))
    unread = {secret.strip() for slot in ONLY_THE_SIGNERS if slot.way == way for secret in SECRETS[slot]}
    assert taken == stage.planted - unread
    assert not taken & unread
    here = (secrets for slot, secrets in SECRETS.items() if slot.way == way and slot not in ONLY_THE_SIGNERS)
    assert len(taken) == sum(map(len, here))


def secrets_in(value: object) -> Iterator[str]:
    """All the secrets that a value of the settings holds."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, tuple):
        for part in value:
            yield from secrets_in(part)
    elif is_dataclass(value):
        for part in fields(value):
            yield from secrets_in(getattr(value, part.name))


def test_the_nets_catch_a_secret_in_every_shape(tmp_path):
    [secret, _] = SECRETS[Slot("github", "webhook_secret_envs")]
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


# ── nothing is seen ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_seen_of_any_secret_when_all_goes_well_and_when_nothing_does(forges, tmp_path, way, postgres):
    stage = Stage(forges, tmp_path, way, database=postgres())
    with stage.machine.serving() as doors:
        stage.listen(doors)
        for world in stage.worlds.values():
            carry(world)
            refuse_a_push(world)
            fail(world, stage.secret(world.kind, "token"))
        knock(stage, doors)
    for kind in stage.worlds:
        run_commands(stage, kind)
    stage.gather()
    assert "push" in stage.machine.told("argv")
    assert "remote-http" in stage.machine.told("trace"), "the helpers for HTTP are seen too"
    environment = stage.machine.told("environment")
    for kind in stage.worlds:
        found = shapes(stage.secret(kind, "token"))
        assert any(shape in environment for shape in found), "git did get it, by its environment"
    if way == "file" and shutil.which("ssh-keygen"):
        said = [text for where, text in stage.nets.caught.items() if where.startswith("relbot doctor")]
        assert sum("it has a good signature by" in text for text in said) >= 2, "the signer has opened its key"
    log = stage.nets.caught["serve: log"]
    assert "fault" in log
    assert "Traceback" in log
    assert stage.nets.hits() == []


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_seen_of_an_apps_key_and_tokens_either(forges, tmp_path, way, postgres):
    record, key = register(forges["github"])
    stage = Stage(forges, tmp_path, way, key.app_id, postgres())
    install(forges["github"], record, REPO)
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


def fail(world: World, token: str) -> None:
    """Answers that repeat what they were sent, that are no JSON, that turn the token away, that never come."""
    echo = {"message": f"Invalid: {token}", "error": f"Invalid: {token}"}
    pulls = r"/(pulls|merge_requests)$"
    for number, fault in enumerate((
        Fault(pulls, "POST", status=422 if world.kind == "github" else 400, body=echo, times=9),
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
    secret, former = (stage.secret("github", "webhook_secret", number) for number in (0, 1))
    tanuki, ancient = (stage.secret("gitlab", "webhook_secret", number) for number in (0, 1))
    body = json.dumps({"action": "closed", "note": "x"}).encode()
    signature = "sha256=" + hmac.new(former.encode(), body, hashlib.sha256).hexdigest()
    named = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "d-1"}
    note = {"X-Gitlab-Event": "Note Hook", "Idempotency-Key": "g1"}
    for headers in (
        {}, {**named, "X-Hub-Signature-256": secret}, {**named, "X-Hub-Signature-256": signature},
        {**named, "X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Gitlab-Event": "Note Hook", "X-Gitlab-Token": "wrong"}, {**note, "X-Gitlab-Token": tanuki},
        {**note, **seal(stage.secret("gitlab", "signing_token"), body)},
        {**note, "X-Gitlab-Token": ancient, **seal(stage.secret("gitlab", "signing_token", 1), body)},
        {**note, "X-Gitlab-Token": ancient, "Webhook-Id": "g1", "Webhook-Timestamp": str(int(time.time())),
         "Webhook-Signature": stage.secret("gitlab", "signing_token")},
    ):  # fmt: skip
        for door in (*doors.values(), f"{doors['github']}/nowhere"):
            answer = requests.post(door, body, headers=headers, timeout=10)
            stage.nets.spread("answers of the server", f"{answer.status_code} {answer.headers} {answer.text}\n")


def seal(token: str, body: bytes) -> dict[str, str]:
    """The headers by which GitLab signs."""
    stamp = str(int(time.time()))
    key = base64.b64decode(token.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, f"g1.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
    return {"Webhook-Id": "g1", "Webhook-Timestamp": stamp, "Webhook-Signature": f"v1,{signature}"}


def run_commands(stage: Stage, kind: str) -> None:
    """Every command that uses a credential, where it works and where it does not."""
    forge = stage.worlds[kind].forge
    name = {"github": "pull_request", "gitlab": "Merge Request Hook"}[kind]
    proof = {"github": "X-Hub-Signature-256", "gitlab": "X-Gitlab-Token"}[kind]
    delivery = next(each.body for each in forge.delivered(name) if closes(each.payload))
    event = ("event", "-", "--header", f"X-{kind}-Event:{name}", "--header", "Idempotency-Key:g2")
    where = ("--repository", f"{kind}:{REPO}")
    for extra in ((), ("--json",)):
        stage.machine.run("doctor", *where, "--url", "http://127.0.0.1:9", *extra)
        stage.machine.run("labels", "sync", *where, "--line", "2.7", *extra)
        stage.machine.run("hooks", "sync", *where, "--url", "http://127.0.0.1:9", *extra)
        assert stage.machine.run(*event, "--rehearse", *extra, stdin=delivery) == 0
        assert stage.machine.run(*event, "--header", f"{proof}:sha256=00", *extra, stdin=delivery) == 5
    echo = {"message": f"Bad credentials: {stage.secret(kind, 'token')}"}
    forge.fail(Fault("/repos/|/user|/projects/", status=401, body=echo, times=99))
    for command in (("doctor",), ("doctor", "--json"), ("labels", "sync"), ("labels", "sync", "--json")):
        assert stage.machine.run(*command, *where) != 0
    assert stage.machine.run(*event, stdin=delivery) == 2
    forge.app.faults.clear()


def closes(payload: dict) -> bool:
    """Whether a delivery tells that a pull was merged."""
    return payload.get("action") == "closed" or payload.get("object_attributes", {}).get("action") == "merge"
