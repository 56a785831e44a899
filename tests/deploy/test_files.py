"""The files of deploy/ fit each other, the example of the settings, and the bot; no engine is needed to see that."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from bot import __version__
from bot.app import settings
from bot.app.settings import File
from tests.deploy.engine import ROOT, readme_command, run

DEPLOY = ROOT / "deploy"
README = (DEPLOY / "README.md").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
UNITS = {name: (DEPLOY / name).read_text() for name in ("relbot.service", "relbot-work@.service")}
SIGNER = {name: (DEPLOY / name).read_text() for name in ("relbot-signer.service", "relbot-signer.socket")}


def made_by(goal: str) -> File:
    """The settings that the README's command for this file makes out of the example."""
    return settings.parse(run("sh", "-c", readme_command(goal)), goal)


# ── the settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("goal", "database"), [("/etc/relbot/server.toml", None), ("deploy/server.toml", "database")])
def test_the_example_becomes_the_settings_of_each_way_by_the_command_there(goal: str, database: str | None) -> None:
    made = made_by(goal)
    assert made.github is not None
    assert made.data.directory == Path("/var/lib/relbot")
    assert made.data.database_file == (Path(f"/run/secrets/{database}") if database else None)
    assert made.github.token_file == Path("/run/secrets/github")
    assert made.github.webhook_secret_files == (Path("/run/secrets/webhook"),)


def test_every_secret_of_the_settings_is_one_of_compose_and_of_the_units() -> None:
    text = made_by("deploy/server.toml").model_dump_json()
    named = set(re.findall(r"/run/secrets/([\w.-]+)", text))
    for service in ("web", "worker"):
        assert named == set(SERVICES[service]["secrets"])
    alone = set(re.findall(r"/run/secrets/([\w.-]+)", made_by("/etc/relbot/server.toml").model_dump_json()))
    for unit in UNITS.values():
        assert set(re.findall(r"^LoadCredential=([\w.-]+):/etc/relbot/secrets/\1$", unit, re.MULTILINE)) == alone


def test_no_secret_is_in_an_environment() -> None:
    for service in SERVICES.values():
        assert all(key.endswith("_FILE") or "PASS" not in key for key in service.get("environment", {}))
    assert {secret["file"] for secret in COMPOSE["secrets"].values()} == {
        f"./secrets/{name}" for name in COMPOSE["secrets"]
    }


# ── compose ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_bounded_and_without_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "restart", "logging"} <= service.keys()
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_the_older_compose_can_read_it() -> None:
    assert "name" not in COMPOSE
    assert "RUN --mount" not in re.sub(r"(?m)^#.*", "", (DEPLOY / "Dockerfile").read_text())


def test_only_the_proxy_is_reached_from_outside_and_the_database_reaches_nothing() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_every_variable_of_compose_stands_in_the_example_with_its_default() -> None:
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (DEPLOY / "compose.yaml").read_text()))
    said = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    assert used == {name: value for name, value in said.items() if name != "COMPOSE_PROJECT_NAME"}


def test_the_image_is_named_after_the_version() -> None:
    assert f"relbot:{__version__}" in (DEPLOY / ".env.example").read_text()
    assert f"ARG VERSION={__version__}\n" in (DEPLOY / "Dockerfile").read_text()


def test_the_proxy_takes_no_less_than_the_bot_and_little_more() -> None:
    from bot.app.server import BODY_LIMIT

    [most] = re.findall(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())
    assert BODY_LIMIT <= int(most) * 2**20 < BODY_LIMIT * 1.1


# ── the context ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_the_image_is_made_of_is_sent_to_the_engine() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().split("\n") if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = set(re.findall(r"^COPY (?!--from)(.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    wanted = {word.split("/")[0] for line in copied for word in line.split()}
    assert {rule.removeprefix("!").split("/")[0] for rule in rules if rule.startswith("!")} == wanted


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no git checkout")
def test_what_the_operator_fills_in_is_never_committed() -> None:
    filled_in = ("deploy/server.toml", "deploy/.env", "deploy/secrets/github", "deploy/wheels/x.whl")
    assert run("git", "check-ignore", *filled_in).split("\n") == list(filled_in)


# ── systemd ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_units_differ_in_what_they_do_only() -> None:
    first, second = (
        [line for line in unit.split("\n") if not line.startswith(("#", "Description=", "ExecStart="))]
        for unit in UNITS.values()
    )
    assert first == second
    for verb, unit in zip(("serve", "work"), UNITS.values(), strict=True):
        [command] = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        assert command == f"/opt/relbot/bin/relbot {verb} --settings /etc/relbot/server.toml"


def test_the_signer_has_the_key_and_no_network_and_the_bot_its_socket_and_no_key() -> None:
    service, socket = SIGNER.values()
    assert "LoadCredential=key:/etc/relbot/signing/key" in service
    assert {"PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX", "User=relbot-signer"} <= set(service.split("\n"))
    assert {"SocketUser=relbot", "SocketMode=0600"} <= set(socket.split("\n"))
    assert all("signing" not in unit for unit in UNITS.values())
    own = set(re.findall(r"^(\w+=.*)$", service, re.MULTILINE))
    lacking = {line for line in re.findall(r"^(\w+=.*)$", UNITS["relbot.service"], re.MULTILINE) if line not in own}
    kinds = ("Description", "ExecStart", "User", "Group", "Environment", "State", "Working", "LoadC", "BindR", "Memory",
             "Tasks", "LimitNO", "RestrictAddress", "Wants", "After", "WantedBy")  # fmt: skip
    assert [line for line in lacking if not line.startswith(kinds)] == [], "it is no less shut in than the bot"


def test_the_signer_of_compose_is_alone_with_its_key() -> None:
    signer = SERVICES["signer"]
    assert (signer["network_mode"], signer["secrets"], signer["profiles"]) == ("none", ["signing_key"], ["signing"])
    assert [name for name, service in SERVICES.items() if "signing_key" in service.get("secrets", ())] == ["signer"]
    for name in ("web", "worker", "signer"):
        assert "signer:/run/relbot-signer" in SERVICES[name]["volumes"]
    assert "/run/relbot-signer" in (DEPLOY / "Dockerfile").read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_every_line_of_the_signer(tmp_path: Path) -> None:
    for name, text in SIGNER.items():
        (tmp_path / name).write_text(text.replace("/opt/relbot/bin/relbot", "/bin/true"))
    units = [str(tmp_path / name) for name in SIGNER]
    said = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (said.stderr, said.returncode) == ("", 0)
    security = ["systemd-analyze", "security", "--offline=yes", "--threshold=10", units[0]]
    subprocess.run(security, capture_output=True, check=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_every_line_and_finds_little_to_mend(name: str, tmp_path: Path) -> None:
    unit = tmp_path / name
    unit.write_text(UNITS[name].replace("/opt/relbot/bin/relbot", "/bin/true"))
    said = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (said.stderr, said.returncode) == ("", 0)
    subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=15", str(unit)], capture_output=True, check=True
    )


def test_the_lock_covers_everything_that_the_image_installs() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements/lock.txt").read_text(), re.MULTILINE))
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.split(r"[\[<>=~]", each)[0].lower() for each in needed} <= locked
