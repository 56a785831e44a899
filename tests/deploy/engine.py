"""A real Docker engine: whether there is one, and the images that the composed system is made of.

It must never start an engine, nor remove what it did not make: `.ci/engine` starts one where none runs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = os.environ.get("BASE") or "relbot-test-base:bookworm"
BOT = "relbot-test:deploy"
NEIGHBOURS = "relbot-test-neighbours:deploy"


def run(*command: str, timeout: float = 300, **environment: str) -> str:
    """Run a command to its end and return what it printed; what it said goes into the error when it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout.strip()


def docker(*arguments: str, timeout: float = 300) -> str:
    return run("docker", *arguments, timeout=timeout)


def readme_command(goal: str) -> str:
    """What deploy/README.md has the operator run to make the settings out of the example, up to where they go."""
    page = (ROOT / "deploy/README.md").read_text()
    [found] = re.findall(rf"^[$#] (sed -E .*) > {re.escape(goal)}$", page, re.MULTILINE)
    return str(found)


def why_not() -> str | None:
    """What is missing on this machine; None when everything is there."""
    if shutil.which("docker") is None or not _works("docker", "info"):
        return "no Docker engine answers"
    if compose() is None:
        return "there is neither docker-compose nor the compose plugin"
    if not _has(BASE) and (shutil.which("debootstrap") is None or os.geteuid() != 0):
        return f"there is no image {BASE}, and it takes root and debootstrap to make one"
    return None


def compose() -> tuple[str, ...] | None:
    """The command that composes: the plugin, or what Debian 12 has."""
    if _works("docker", "compose", "version"):
        return ("docker", "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else None


@dataclass(frozen=True, slots=True)
class Built:
    """What was built, and how long each took in seconds; 0 for a base that was there."""

    base: float
    image: float
    neighbours: float


def build() -> Built:
    """Build the bot's image and the stand-ins for those of PostgreSQL and nginx. `make` has laid out the wheels."""
    start = time.monotonic()
    if not _has(BASE):
        run("deploy/base.sh", BASE, timeout=600)
    based = time.monotonic()
    docker("build", "--file", "deploy/Dockerfile", "--build-arg", f"BASE={BASE}", "--tag", BOT, ".")
    made = time.monotonic()
    # Debian's packages are reached as this machine reaches them.
    docker("build", "--network", "host", "--build-arg", f"BASE={BASE}", "--tag", NEIGHBOURS, "tests/deploy/neighbours")
    return Built(based - start, made - based, time.monotonic() - made)


def _has(image: str) -> bool:
    return _works("docker", "image", "inspect", image)


def _works(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
