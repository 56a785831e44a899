"""A forge with many repositories, a bot of several processes beside it, and a load that falls on few of them.

It must never send to anything but loopback, and it ends whatever it started.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from bot.sandbox import PullWish, Sandbox
from bot.sandbox.exchanges import Exchange
from tests.app.databases import a_server, create

LINE = "2.7"
SECRET = "a secret of the simulation"
_START = {"kit/ops.py": "".join(f"def op_{n}(x):\n    return x + {n}\n\n" for n in range(40))}


@dataclass
class Watcher:
    """Sees what the forge says and hears, with the time, by repository."""

    merged_at: dict[tuple[str, int], float] = field(default_factory=dict)
    opened: list[tuple[str, float]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def observe(self, exchange: Exchange) -> None:
        """Count an API request."""
        self.calls[f"{exchange.method} {exchange.template}"] += 1

    def observe_event(self, event: str, payload: dict[str, Any]) -> None:
        """Note when a pull was merged, and when a backport of one was opened."""
        if event != "pull_request":
            return
        repository, pull = payload["repository"]["full_name"], payload["pull_request"]
        if payload["action"] == "closed" and pull["merged"]:
            self.merged_at[repository, payload["number"]] = time.monotonic()
        elif payload["action"] == "opened" and pull["head"]["ref"].startswith("backport/"):
            number = int(pull["head"]["ref"].rpartition("/")[2])
            self.opened.append((repository, time.monotonic() - self.merged_at[repository, number]))


class Town:
    """The forge. Repositories are called `acme/kit000` and so on; the first ones get most of the load."""

    def __init__(self, folder: Path, repositories: int, seed: int) -> None:
        self.watcher = Watcher()
        self.sandbox = Sandbox(folder / "forge", observer=self.watcher)
        self.names = [f"acme/kit{n:03}" for n in range(repositories)]
        self.chance = random.Random(seed)
        # Zipf's law with exponent 1: the n-th busiest repository has a share of 1/n.
        self._shares = list(accumulate(1 / n for n in range(1, repositories + 1)))

    def build(self) -> None:
        """Make every repository: a main branch, a line, and the bot among its people."""
        for login in ("ada", "relbot"):
            self.sandbox.add_user(login)
        for name in self.names:
            self.sandbox.create_repository(name)
            self.sandbox.grant(name, "ada", "maintain")
            self.sandbox.grant(name, "relbot", "write")
            self.sandbox.commit(name, "main", dict(_START), "Start", by="ada")
            self.sandbox.branch(name, f"release/{LINE}", "main", by="ada")

    def listen(self, url: str) -> None:
        """Have every repository send its webhooks there."""
        for name in self.names:
            self.sandbox.add_hook(name, url, SECRET)

    def propose(self, count: int) -> list[tuple[str, int]]:
        """So many pulls, labelled and ready to be merged, in the repositories that chance picks."""
        wanted = []
        for n in range(count):
            name = self.chance.choices(self.names, cum_weights=self._shares)[0]
            branch = f"change-{n}"
            self.sandbox.branch(name, branch, "main", by="ada")
            text = f"def new_{n}(x):\n    return x * {n}\n"
            self.sandbox.commit(name, branch, {f"kit/new_{n}.py": text}, f"Add op {n}", by="ada")
            number = self.sandbox.open_pull(name, PullWish(f"Add op {n}", branch, "main", body="Why."), by="ada")
            self.sandbox.label(name, number, f"backport/{LINE}", by="ada")
            wanted.append((name, number))
        return wanted

    def backports(self) -> int:
        """How many pulls there are onto the line."""
        issues = (issue for name in self.names for issue in self.sandbox.find(name).issues.values())
        return sum(1 for issue in issues if issue.pull and issue.pull.base_ref == f"release/{LINE}")


@dataclass(frozen=True, slots=True)
class Bot:
    """What the processes of the bot have in common."""

    folder: Path
    environment: dict[str, str]

    def command(self, *words: str) -> list[str]:
        """A command line of the bot."""
        return [sys.executable, "-m", "bot", *words, "--settings", str(self.folder / "server.toml")]

    def ask(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run a command to its end; its exit code and the document that it prints."""
        line = [*self.command(*words), "--json"]
        done = subprocess.run(line, env=self.environment, capture_output=True, text=True, timeout=600, check=False)
        return done.returncode, json.loads(done.stdout or "{}")

    @contextmanager
    def started(self, *words: str) -> Iterator[tuple[str, int]]:
        """A process that runs while the block lasts: the address that it listens at, if it does, and its number."""
        with (self.folder / f"{words[0]}.log").open("a") as log:
            process = subprocess.Popen(
                [*self.command(*words), "--json"], env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
            assert process.stdout is not None
            try:
                yield str(json.loads(process.stdout.readline()).get("listening", "")), process.pid
            finally:
                process.terminate()
                process.wait(60)
                process.stdout.close()


def seconds_of(pid: int) -> float:
    """Processor time of a process and of those that it has started and waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15]) / os.sysconf("SC_CLK_TCK")


@contextmanager
def a_bot(folder: Path, town: Town, *, sweep_minutes: int = 0) -> Iterator[tuple[Bot, str]]:
    """The settings of a bot for this forge, on a PostgreSQL of its own; with the database's address."""
    folder.mkdir(parents=True, exist_ok=True)
    with a_server() as server:
        address = create(server, "scale")
        (folder / "server.toml").write_text(
            f'[data]\ndirectory = "{folder / "data"}"\n[upkeep]\nsweep_minutes = {sweep_minutes}\n'
            f'[github]\napi = "{town.sandbox.url}"\nclone_base = "{town.sandbox.url}"\npaced = false\n'
        )
        environment = {
            **os.environ, "GITHUB_TOKEN": town.sandbox.token_for("relbot"), "RELBOT_WEBHOOK_SECRET": SECRET,
            "RELBOT_DATABASE": address,
        }  # fmt: skip
        yield Bot(folder, environment), address
