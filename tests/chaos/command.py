"""The bot's own command line in processes of their own: `relbot serve` and `relbot work` as an operator runs them.

It must never go round the command line: what is started here is started as the documentation says.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.app.store.database import Database
from bot.core.model import ForgeName
from bot.sandbox import Sandbox
from tests.app.whole import HOOK_SECRET

SECRET = HOOK_SECRET
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.chaos.life", "tests.chaos.command"])


def run_command(words: list[str], environment: Mapping[str, str], log: str) -> None:
    """One command to its end, in this process, with its output in a file."""
    os.environ.update(environment)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    from bot.app.cli import main

    code = main(words)
    sys.stdout.flush()
    os._exit(code)


class Running:
    """A command that was started."""

    def __init__(self, process: Any) -> None:
        self._process = process

    @property
    def alive(self) -> bool:
        poll = getattr(self._process, "poll", None)
        return poll() is None if poll else self._process.is_alive()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, seconds: float = 60) -> int | None:
        """Its exit code; None while it runs."""
        if isinstance(self._process, subprocess.Popen):
            with suppress(subprocess.TimeoutExpired):
                return self._process.wait(seconds)
            return None
        self._process.join(seconds)
        return self._process.exitcode

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait()


class Bot:
    """The settings of a bot, and its commands."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, kind: ForgeName, database: str = "", data: Path | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.kind = folder, kind
        self.data = data or folder / "data"
        address = f'api = "{sandbox.url}"' if kind == "github" else f'url = "{sandbox.url}"'
        section = f'[{kind}]\n{address}\nclone_base = "{sandbox.url}"\npaced = false\n'
        file = folder / "server.toml"
        file.write_text(f'[data]\ndirectory = "{self.data}"\n[upkeep]\nsweep_minutes = 0\n{section}')
        token = sandbox.token_for("relbot")
        self.environment = {"GITHUB_TOKEN": token, "GITLAB_TOKEN": token, "RELBOT_WEBHOOK_SECRET": SECRET,
                            "RELBOT_GITLAB_SECRET": SECRET, "RELBOT_DATABASE": database}  # fmt: skip
        self.address = database or f"sqlite:///{self.data}/relbot.sqlite"
        self._settings = ["--settings", str(file)]

    def log(self, name: str) -> Path:
        """Where a command's output is."""
        return self.folder / f"{name}.log"

    def start(self, *words: str, exact: bool = False) -> Running:
        """Start a command. It is forked from a process that has the program loaded already, unless it must be `exact`:
        then it is an interpreter of its own."""
        line, log = [*words, *self._settings], self.log(words[0])
        if not exact:
            process = _forks.Process(target=run_command, args=(line, self.environment, str(log)), daemon=True)
            process.start()
            return Running(process)
        with log.open("a") as out:
            return Running(subprocess.Popen(
                [sys.executable, "-m", "bot", *line], env={**os.environ, **self.environment}, stdout=out, stderr=out,
            ))  # fmt: skip

    def ask(self, *words: str) -> dict[str, Any]:
        """Run a command to its end; the document that it prints."""
        line = [sys.executable, "-m", "bot", *words, *self._settings, "--json"]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode in (0, 3), done.stderr[-3000:]
        return dict(json.loads(done.stdout or "{}"))

    def database(self) -> Database:
        """Its database, to look into."""
        return Database(self.address)
