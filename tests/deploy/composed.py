"""deploy/compose.yaml as it stands, brought up on a real engine, with a sandbox forge on the same network.

It must never run with other settings than the files of deploy/ and the example give, but for where the forge is.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bot.app.cli.demo.people import People
from tests.deploy.engine import BOT, NEIGHBOURS, ROOT, compose, docker, readme_command, run

FORGE = "https://forge.test:8443"
REPOSITORY = "acme/torchkit"
HERE = Path(__file__).parent
PATIENCE = 90
T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + patience
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {patience:g} s")
        time.sleep(0.2)
    return found


class Composed:
    """The system in a folder of its own, from `up` to `down`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.secrets = {"database_password": secrets.token_hex(16), "webhook": secrets.token_hex(16)}
        self._project = f"relbot-test-{secrets.token_hex(3)}"

    def up(self) -> None:
        """Everything as the README says: the forge first, since its token is one of the secrets."""
        self._lay_out()
        self.compose("up", "--detach", "--no-build", "forge-door")
        self.people = People(f"http://{docker('port', self.id_of('forge'), '8081/tcp')}", REPOSITORY)
        wait_for("the forge answers", self._forge_answers)
        self.people.control("repositories", path=REPOSITORY)
        for login, role in (("ada", "admin"), ("relbot", "write")):
            self.people.join(login, role)
        self.secrets["github"] = self.people.tokens["relbot"]
        self._write_secrets()
        self.compose("up", "--detach", "--no-build")

    def down(self) -> None:
        """Nothing of it is left but the images."""
        self.compose("down", "--volumes", "--timeout", "20")

    def compose(self, *arguments: str) -> str:
        command = compose()
        assert command
        files = ("-f", str(ROOT / "deploy/compose.yaml"), "-f", str(HERE / "compose.forge.yaml"))
        return run(
            *command, "--project-name", self._project, "--project-directory", str(self.directory), *files, *arguments,
            RELBOT_IMAGE=BOT, NEIGHBOURS=NEIGHBOURS, LISTEN="127.0.0.1:0",
        )  # fmt: skip

    def id_of(self, service: str) -> str:
        """The container of a service that has one, running or not."""
        of = (f"label=com.docker.compose.project={self._project}", f"label=com.docker.compose.service={service}")
        return docker("ps", "--all", "--quiet", *(word for label in of for word in ("--filter", label)))

    def inspect(self, service: str) -> Any:
        return json.loads(docker("inspect", self.id_of(service)))[0]

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a service's container."""
        return docker("exec", self.id_of(service), *command)

    def log(self, service: str) -> str:
        done = subprocess.run(["docker", "logs", self.id_of(service)], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    def kill_inside(self, service: str) -> None:
        """End every process of the container with SIGKILL, as the kernel does when memory is short.

        The engine does not start again what `docker kill` has ended, since that was asked for.
        """
        command = ("docker", "exec", self.id_of(service), "sh", "-c", "kill -9 -1")
        subprocess.run(command, capture_output=True, check=False, timeout=60)

    def wait_until_healthy(self, *services: str) -> None:
        for service in services:
            wait_for(
                f"{service} is healthy",
                lambda service=service: self.inspect(service)["State"]["Health"]["Status"] == "healthy" or None,
            )

    @property
    def door(self) -> tuple[str, int]:
        """Where the proxy takes deliveries on this machine."""
        host, _, port = docker("port", self.id_of("proxy"), "8080/tcp").partition(":")
        return host, int(port)

    def _lay_out(self) -> None:
        shutil.copy(ROOT / "deploy/nginx.conf", self.directory)
        shutil.copy(HERE / "forge.conf", self.directory)
        text = run("sh", "-c", readme_command("deploy/server.toml"))
        (self.directory / "server.toml").write_text(text.replace("https://api.github.com", FORGE))
        key, certificate = self.directory / "key.pem", self.directory / "certificate.pem"
        run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=forge.test", "-addext", "subjectAltName=DNS:forge.test",
            "-keyout", str(key), "-out", str(certificate),
        )  # fmt: skip
        self._write_secrets()

    def _write_secrets(self) -> None:
        folder = self.directory / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        password = self.secrets["database_password"]
        written = self.secrets | {"database": f"postgresql://relbot:{password}@database/relbot"}
        for name, value in {"github": "not yet", **written}.items():
            (folder / name).write_text(value + "\n")

    def _forge_answers(self) -> bool:
        try:
            self.people.look("requests")
        except OSError:
            return False
        return True
