"""The bot's image, on a real engine: small, without rights, and with nothing in it that does not run the bot."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.engine import BASE, docker

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("engine")]
Shell = Callable[[str], str]
MOST = 130_000_000
"""Bytes on top of the base: the bot with everything that it imports was 115 MB when this was written."""


@pytest.fixture
def described(image: str) -> Any:
    return json.loads(docker("image", "inspect", image))[0]


def test_it_adds_little_to_its_base(described: Any, figures: dict[str, str]) -> None:
    base = int(docker("image", "inspect", "--format", "{{.Size}}", BASE))
    figures["the image"] = f"{described['Size'] / 1e6:.0f} MB"
    figures["of which the base"] = f"{base / 1e6:.0f} MB"
    assert described["Size"] - base < MOST


def test_it_is_a_user_without_a_name_to_lose_and_stops_when_told(described: Any) -> None:
    config = described["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Entrypoint"] == ["tini", "--", "relbot"]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"]["org.opencontainers.image.title"] == "relbot"


def test_it_runs_on_a_root_that_is_read_only(shell: Shell) -> None:
    assert shell("id -u; relbot --version").split("\n")[0] == "10001"
    assert shell("touch /opt/relbot/x 2>/dev/null || touch /etc/x 2>/dev/null || echo refused") == "refused"


@pytest.mark.parametrize("tool", ["gcc", "cc", "make", "pip", "pip3", "curl", "debootstrap"])
def test_it_has_no_tool_that_builds_or_fetches(shell: Shell, tool: str) -> None:
    assert shell(f"command -v {tool} || echo none") == "none"


@pytest.mark.parametrize("module", ["torch", "pip", "pytest", "hatchling"])
def test_it_has_no_module_that_the_bot_does_not_import(shell: Shell, module: str) -> None:
    assert "ModuleNotFoundError" in shell(f"python3 -c 'import {module}' 2>&1 || true")


def test_it_has_nothing_of_the_checkout_but_the_bot(shell: Shell) -> None:
    wanted = "-name .git -o -name 'server*.toml' -o -name 'test_whole_bot*'"
    assert shell(f"find / -xdev \\( {wanted} \\) 2>/dev/null || true") == ""
