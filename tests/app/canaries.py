"""Secrets that nobody may see again, and the nets that are spread for them round a bot in a process of its own."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from bot.app.settings import File
from bot.core.tables import sections_of

RELBOT = (sys.executable, "-m", "bot")
_WRAPPER = """#!/bin/sh
# What git is asked for, and what git itself starts, its helpers for HTTP included.
{{ printf '%s\\0' "$0" "$@"; printf '\\n'; }} >> '{argv}'
env >> '{environment}'
GIT_TRACE='{trace}' exec '{git}' "$@"
"""


class Slot(NamedTuple):
    """A key of the settings that says where a secret is, in environment variables (`env`) or in files (`file`)."""

    section: str
    key: str

    @property
    def way(self) -> str:
        return self.key.rstrip("s").rpartition("_")[2]

    @property
    def many(self) -> bool:
        return self.key.endswith("s")


def credential_slots() -> set[Slot]:
    """Every such key that the settings know."""
    slots = {Slot(name, key) for name, section in sections_of(File).items() for key in section.model_fields}
    return {slot for slot in slots if slot.key.endswith(("_env", "_envs", "_file", "_files"))}


def shapes(secret: str) -> set[str]:
    """The secret as it may turn up: plain, quoted for an address, and in base64 wherever it stands in what is encoded.

    Of a secret of several lines each line counts.
    """
    found: set[str] = set()
    for piece in (secret, *(line for line in secret.splitlines() if len(line) > 20)):
        found |= {piece, quote(piece, safe=""), json.dumps(piece)[1:-1]}
        for before in range(3):
            encoded = base64.b64encode(b"x" * before + piece.encode()).decode().rstrip("=")
            found.add(encoded[4 if before else 0 : -2])
    return found


@dataclass
class Nets:
    """Everything that anybody could read: texts by where they were found."""

    secrets: dict[str, str]
    caught: dict[str, str] = field(default_factory=dict)

    def spread(self, where: str, text: str | bytes) -> None:
        """Keep a text to be searched."""
        text = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
        self.caught[where] = self.caught.get(where, "") + text

    def spread_files(self, where: str, directory: Path) -> None:
        """Keep every file below a directory, and the names of all."""
        for path in sorted(directory.rglob("*")):
            self.spread(f"{where}: names", f"{path}\n")
            if path.is_file() and not path.is_symlink():
                self.spread(f"{where}: {path.relative_to(directory)}", path.read_bytes())

    def hits(self) -> list[str]:
        """Where which secret was found."""
        return [
            f"{name} in {where}"
            for name, secret in self.secrets.items()
            for where, text in self.caught.items()
            if any(shape in text for shape in shapes(secret))
        ]


class Machine:
    """A folder that a bot lives in, with a git on its PATH that tells what it was asked for."""

    def __init__(self, directory: Path, nets: Nets, secrets: dict[str, str], settings: str) -> None:
        """`secrets` are environment variables; `settings` is the text of the settings file."""
        self.home = directory / "home"
        self.home.mkdir(parents=True)
        self.nets = nets
        self._told = directory / "told"
        self._told.mkdir()
        (directory / "bin").mkdir()
        wrapper = directory / "bin" / "git"
        wrapper.write_text(_WRAPPER.format(
            argv=self._told / "argv", environment=self._told / "environment", trace=self._told / "trace",
            git=shutil.which("git"),
        ))  # fmt: skip
        wrapper.chmod(0o755)
        (self.home / "server.toml").write_text(f'[data]\ndirectory = "{self.home}/data"\n{settings}')
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT", "RELBOT_"))},
            "HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache"), "RELBOT_DEBUG": "1",
            "PATH": f"{directory / 'bin'}:{os.environ['PATH']}", "RELBOT_SETTINGS": str(self.home / "server.toml"),
            **secrets,
        }  # fmt: skip

    @contextmanager
    def serving(self) -> Iterator[dict[str, str]]:
        """`relbot serve`, until the block ends; the addresses of its doors by forge."""
        errors = self._told / "serve.err"
        with errors.open("wb") as stream, subprocess.Popen(
            [*RELBOT, "serve", "--port", "0", "--json"], stdout=subprocess.PIPE, stderr=stream, env=self.environment
        ) as process:
            watch = threading.Thread(target=self._watch_arguments, args=(process,), daemon=True)
            watch.start()
            try:
                assert process.stdout
                lines = [process.stdout.readline() for _ in range(2)]
                doors = [str(json.loads(line)["listening"]) for line in lines]
                yield {door.rpartition("/")[2]: door for door in doors}
                process.send_signal(signal.SIGTERM)
                out = process.stdout.read()
                assert process.wait(60) == 0
            finally:
                process.kill()
                watch.join(5)
        self.nets.spread("serve: output", b"".join(lines) + out)
        self.nets.spread("serve: log", errors.read_bytes())

    def run(self, *arguments: str, stdin: bytes = b"") -> int:
        """One command, its output kept."""
        done = subprocess.run(
            [*RELBOT, *arguments], input=stdin, capture_output=True, env=self.environment, timeout=60, check=False
        )
        self.nets.spread(f"relbot {' '.join(arguments)}", done.stdout + done.stderr)
        return done.returncode

    def told(self, what: str) -> str:
        """What the wrapper has written down: `argv`, `environment` or `trace`."""
        path = self._told / what
        return path.read_text(errors="surrogateescape") if path.exists() else ""

    def _watch_arguments(self, process: subprocess.Popen[bytes]) -> None:
        """The arguments of every process of this machine that belongs to the bot, looked at all the time."""
        seen: set[bytes] = set()
        while process.poll() is None:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes())
                except OSError:
                    continue
            time.sleep(0.02)
        ours = [line for line in seen if str(self.home.parent).encode() in line or b"-m\0bot" in line]
        self.nets.spread("arguments in /proc", b"\n".join(ours))
