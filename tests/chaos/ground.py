"""A sandbox forge and a database that are put back to where they were as often as needed, and lives of the bot on them.

It must never leave a process, a database or a folder behind, nor judge what came of a life: suites do.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

import psycopg

from bot.app.store import audit, deliveries, journal
from bot.app.store.database import Database
from bot.app.work import is_idle
from bot.core.errors import Fault
from bot.core.model import ForgeName
from bot.sandbox import Sandbox
from bot.sandbox.deliveries import Delivery
from bot.sandbox.faces import Letter
from tests.app.databases import create
from tests.app.whole import HOOK_SECRET, REPO, Watched, World
from tests.chaos.life import Orders, live

DatabaseKind = Literal["sqlite", "postgresql"]
PATIENCE = 60.0
_numbers = itertools.count()
_lives = multiprocessing.get_context("forkserver")
_lives.set_forkserver_preload(["tests.chaos.life"])


class Clock:
    """The forge's time: it stands still until people do something, so that the same acts make the same commits."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now

    def tick(self) -> None:
        self.now += 60


class Stage(World):
    """The world of the tests on a forge that may be there already; the bot is somebody else's business."""

    def __init__(self, sandbox: Sandbox, directory: Path, kind: ForgeName, settle: Callable[[], None]) -> None:
        if sandbox.forge.repository(REPO) is None:
            super().__init__(sandbox, directory, kind)
        else:
            Watched.__init__(self, sandbox, directory, REPO, kind)
        self.settle = settle  # type: ignore[method-assign]


@dataclass
class Kept:
    """What `Ground.keep` remembers beside the folders: the webhooks that nobody has been sent, and the time."""

    letters: list[tuple[int, Letter]]
    now: float


class Ground:
    """One forge of a kind with one repository, one kind of database, one bot at most."""

    def __init__(self, folder: Path, kind: ForgeName, database: DatabaseKind, server: str | None) -> None:
        """`server` is the form of the addresses of a PostgreSQL server."""
        self.folder, self.kind, self.database_kind, self._server = folder, kind, database, server
        self.live_folder, self._kept_folder = folder / "live", folder / "kept"
        self._ports = free_port(), free_port()
        self._kept: Kept | None = None
        self._name = self._template = ""
        self.clock = Clock()
        self._life: BaseProcess | None = None
        self.deaths = 0
        self.live_folder.mkdir(parents=True)
        self._open(self._new_database())

    # ── the forge ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self, address: str) -> None:
        self.address = address
        self.database = Database(address)
        self.sandbox = Sandbox(self.live_folder / "forge", self.kind, port=self._ports[0], clock=self.clock)
        self.sandbox.start()
        self.stage = Stage(self.sandbox, self.live_folder / "bot", self.kind, self.settle)
        if not self.sandbox.find(REPO).hooks:
            self.sandbox.add_hook(REPO, f"http://127.0.0.1:{self._ports[1]}/hooks/{self.kind}", HOOK_SECRET)

    def close(self) -> None:
        """End everything."""
        self.end_life()
        self.sandbox.stop()
        self.database.close()
        self._drop(self._name)
        self._drop(self._template)
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self) -> None:
        """Remember everything as it is now; what webhooks were held back belongs to it."""
        self.end_life()
        held = [Delivery(each.id, each.event, each.hook, each.headers, each.body) for each in self._held()]
        letters = [(each.hook.id, Letter(each.id, each.event, each.body, each.headers)) for each in held]
        self._kept = Kept(letters, self.clock.now)
        self.sandbox.stop()
        self.database.close()
        shutil.rmtree(self._kept_folder, ignore_errors=True)
        shutil.copytree(self.live_folder, self._kept_folder)
        self._template, self._name = self._name, ""

    def restore(self) -> None:
        """Go back to what was kept."""
        assert self._kept
        self.end_life()
        self.sandbox.stop()
        self.database.close()
        self._drop(self._name)
        shutil.rmtree(self.live_folder)
        shutil.copytree(self._kept_folder, self.live_folder)
        self.clock.now = self._kept.now
        self._open(self._new_database(self._template))

    def send_kept(self) -> None:
        """Send the webhooks that were held back when it was kept."""
        assert self._kept
        hooks = self.sandbox.find(REPO).hooks
        for hook, letter in self._kept.letters:
            self.sandbox.deliveries.send(hooks[hook], letter)

    def _held(self) -> Iterator[Delivery]:
        return (each for each in self.sandbox.deliveries.all if not each.statuses)

    # ── the database ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _new_database(self, template: str = "") -> str:
        if self.database_kind == "sqlite":
            return f"sqlite:///{self.live_folder}/relbot.sqlite"
        assert self._server
        self._name = f"chaos-{os.getpid()}-{next(_numbers)}"
        if not template:
            return create(self._server, self._name)
        with psycopg.connect(self._server.format(name="postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self._name}" TEMPLATE "{template}"')  # type: ignore[arg-type]
        return self._server.format(name=self._name)

    def _drop(self, name: str) -> None:
        if name and self._server:
            with psycopg.connect(self._server.format(name="postgres"), autocommit=True) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]

    # ── lives ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def orders(self) -> Orders:
        """What a life is told."""
        token = self.sandbox.token_for("relbot")
        return Orders(self.kind, self.sandbox.url, token, self.address, self.live_folder / "bot", self._ports[1])

    def begin_life(self, kill: str = "", *, newer: bool = False) -> None:
        """Start the bot, and wait until it listens or is dead."""
        self.end_life()
        for hook in self.sandbox.find(REPO).hooks.values():
            hook.failures, hook.disabled_until = 0, None  # GitLab turns its back on who was away
        self._life = _lives.Process(target=live, args=(replace(self.orders, kill=kill, newer=newer),), daemon=True)
        self._life.start()
        wait_until(lambda: not self.alive or listens(self._ports[1]), "the bot starts")

    @property
    def alive(self) -> bool:
        return self._life is not None and self._life.is_alive()

    @property
    def pid(self) -> int:
        assert self._life is not None
        assert self._life.pid is not None
        return self._life.pid

    def end_life(self, number: int = signal.SIGKILL) -> None:
        """Kill the bot, if it lives."""
        if self._life is not None:
            if self._life.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)
            self._life.join(30)
            self._life = None

    def send_again(self) -> None:
        """Ask for every webhook once more that nobody has answered well, as a person or a sweep does."""
        for each in self.sandbox.deliveries.all:
            if each.statuses and each.statuses[-1] != 202:
                self.sandbox.deliveries.redeliver(each.id)

    def settle(self, *, may_die: bool = False, patience: float = PATIENCE) -> bool:
        """Wait until nothing is under way; whether that came about: False when the bot died first, and it may."""
        end, calm = time.monotonic() + patience, 0
        seen = -1
        while calm < 2:
            if not self.alive:
                assert may_die, "the bot has died by itself"
                self.sandbox.deliveries.drain(patience)
                return False
            assert time.monotonic() < end, f"it never comes to rest: {self.waiting()}"
            still = self.sandbox.deliveries.drain(0.05) and seen == len(self.sandbox.deliveries.all) and self._is_idle()
            calm = calm + 1 if still else 0
            seen = len(self.sandbox.deliveries.all)
            if not still:
                time.sleep(0.03)
        return True

    def _is_idle(self) -> bool:
        try:
            return is_idle(self.database)
        except Fault:  # no tables yet
            return False

    def waiting(self) -> str:
        """What is not done, to be read by people."""
        with self.database.begin() as connection:
            kept = [f"{each.key} {each.state} {each.summary}" for each in journal.find(connection)]
            rows = connection.exec_driver_sql("SELECT key, state FROM relbot_inbox WHERE state <> 'planned'").all()
        return f"deliveries {[tuple(row) for row in rows]}, jobs {kept}, {read_tail(self.live_folder / 'bot' / 'log')}"

    def check(self, *, failed: int = 0) -> list[str]:
        """What should always be so once all is done; what is not."""
        wrong = []
        with self.database.begin() as connection:
            if deliveries.waiting(connection)[0] or journal.waiting(connection):
                wrong.append("work is left waiting")
            broken = journal.find(connection, journal.Wanted(state="failed"))
            if len(broken) > failed:
                wrong.append(f"jobs failed: {[job.summary for job in broken]}")
            if (number := audit.verify(connection)) is not None:
                wrong.append(f"the audit's entry {number} does not follow from the one before")
        locks = self.live_folder.glob("bot/mirrors/*/mirror.git/**/*.lock")
        wrong += [f"a lock is left: {path.name}" for path in locks]
        wrong += self.sandbox.crashes
        return wrong


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_until(met: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for something that comes about soon."""
    end = time.monotonic() + patience
    while not met():
        assert time.monotonic() < end, f"not within {patience:.0f} s: {what}"
        time.sleep(0.02)


def read_tail(log: Path, length: int = 2000) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-length:] if log.exists() else ""


def processes_about(folder: Path) -> list[str]:
    """The git processes that work below a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words.startswith("git") and str(folder) in words and "http-backend" not in words:
                found.append(f"{place.name} {words[:120]}")
    return found


@contextmanager
def grounds(folder: Path, kind: ForgeName, database: DatabaseKind, server: str | None) -> Iterator[Ground]:
    """A ground for as long as the block lasts."""
    ground = Ground(folder / f"{kind}-{database}-{next(_numbers)}", kind, database, server)
    try:
        yield ground
    finally:
        ground.close()
