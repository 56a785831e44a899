"""`python -m tests.bench.serving`: how fast deliveries are answered, beside slow clients and busy workers, and at rest.

It must never fail because something was slow; it fails when something did not work.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.app.databases import a_server, create, postgres_programs
from tests.bench.report import show
from tests.bench.senders import Answers, offer
from tests.bench.timing import Aim, Measured, Section

SLOW = 500
_TICKS = os.sysconf("SC_CLK_TCK")


class Door:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], began: float) -> None:
        self._process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the server has not started"
        self.port = int(json.loads(line).get("port") or line.rsplit(":", 1)[1].split("/")[0])
        self.start = time.monotonic() - began

    def offer(self, rate: float, seconds: float) -> Answers:
        """Send it deliveries."""
        return asyncio.run(offer(self.port, rate, seconds))

    def figures(self) -> dict[str, int]:
        """Memory in kB and threads, of all its processes."""
        found = {"VmRSS": 0, "Threads": 0}
        for pid in self._family():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in found:
                    found[name] += int(value.split()[0])
        return found

    def used(self) -> float:
        """Seconds of a processor so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def maps(self, what: str) -> bool:
        """Whether something of that name is loaded."""
        return what in Path(f"/proc/{self._process.pid}/maps").read_text()

    def _family(self) -> list[int]:
        mine = self._process.pid
        children = Path(f"/proc/{mine}/task/{mine}/children").read_text().split()
        return [mine, *map(int, children)]


@contextmanager
def a_door(kind: str, database: str | None = None) -> Iterator[Door]:
    """The server of one kind for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="relbot-bench-", ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-m", "tests.bench.doors", kind, folder, *([database] if database else [])]
        with _running(command, dict(os.environ)) as door:
            yield door


@contextmanager
def the_bot(database: str | None) -> Iterator[Door]:
    """`relbot serve` as it is, with a forge that nobody asks for anything."""
    with tempfile.TemporaryDirectory(prefix="relbot-bench-", ignore_cleanup_errors=True) as folder:
        settings = Path(folder) / "server.toml"
        settings.write_text(
            f'[server]\nport = 0\n[data]\ndirectory = "{folder}/data"\n[github]\napi = "http://127.0.0.1:9"\n'
            "[upkeep]\nsweep_minutes = 0\n"
        )
        told = {"GITHUB_TOKEN": "t" * 20, "RELBOT_WEBHOOK_SECRET": "k" * 20}
        told |= {"RELBOT_DATABASE": database} if database else {}
        command = [sys.executable, "-m", "bot", "serve", "--json", "--settings", str(settings)]
        with _running(command, {**os.environ, **told}) as door:
            yield door


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str]) -> Iterator[Door]:
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    try:
        yield Door(process, began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(45)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def slow_clients(port: int, seconds: float) -> Iterator[None]:
    """500 of them, in a process of their own."""
    command = [sys.executable, "-m", "tests.bench.senders", str(port), str(SLOW), str(seconds + 30)]
    process = subprocess.Popen(command)
    time.sleep(3)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def databases() -> Iterator[dict[str, str | None]]:
    """Addresses by name; None for SQLite in the folder of the server."""
    found: dict[str, str | None] = {"SQLite": None}
    with ExitStack() as stack:
        if postgres_programs() is not None:
            address = stack.enter_context(a_server(durable=True))
            found["PostgreSQL"] = address
        yield found


@dataclass(frozen=True, slots=True)
class Length:
    """How long things are measured (seconds)."""

    load: float
    slow: float
    flood: float
    idle: float


FULL = Length(60, 30, 10, 60)
SHORT = Length(10, 8, 3, 0)
_RATES = {"SQLite": (50, 0.3), "PostgreSQL": (100, 0.2)}
"""Deliveries a second, and the p99 that they are aimed at."""


def measure(length: Length) -> Iterator[Section]:
    """Load, slow clients, a flood, and rest."""
    with databases() as found:
        yield Section(
            "Deliveries at the door",
            f"20 kB each, sent at times fixed in advance, each on a connection of its own, for {length.load:g} s; the "
            "time runs from when each was due. One process, its worker busy with what was sent.",
            [row for name, address in found.items() for row in _load(name, address, length)],
            "Figures are p50 / p99 / max; the other is Flask that reads the body and answers 202, in the same run.",
        )
        if length.idle:
            rows = [row for name, address in found.items() for row in _idle(name, address, length)]
            yield Section("`relbot serve` at rest", f"{length.idle:g} s, after a minute and a half without work.", rows)


def _load(name: str, address: str | None, length: Length) -> Iterator[Measured]:
    rate, limit = _RATES[name]
    what = f"{rate} a second into {name}"
    with a_door("bare") as bare, a_door("busy", _fresh(address, "busy")) as ours:
        other, told = bare.offer(rate, length.load), ours.offer(rate, length.load)
        yield Measured(what, told.told(), other.told(), told.p99 * 1000, Aim("≤", limit * 1000, "ms"), "ms")
        yield _counted(f"{what}: not taken", told.others(202), told.errors())
    with a_door("busy", _fresh(address, "slow")) as ours, slow_clients(ours.port, length.slow):
        told = ours.offer(rate, length.slow)
        beside = f"{what}, beside {SLOW} slow clients"
        yield Measured(beside, told.told(), "", told.p99 * 1000, Aim("≤", 1000, "ms"), "ms")
        yield _counted(f"{beside}: not taken", told.others(202), told.errors())
    with a_door("busy", _fresh(address, "flood")) as ours:
        told = ours.offer(_FLOOD, length.flood)
        what = f"{_FLOOD} a second into {name}"
        yield Measured(f"{what}: the slowest answer", told.told(), "", told.longest, Aim("≤", 5, "s"), "s")
        yield _counted(f"{what}: neither 202 nor 503", told.others(202, 503), f"{told.statuses[202]} × 202")


_FLOOD = 500
"""A second: far more than can be kept."""


def _counted(what: str, number: int, told: str) -> Measured:
    return Measured(what, told, "", float(number), Aim("≤", 0, ""), "")


def _idle(name: str, address: str | None, length: Length) -> Iterator[Measured]:
    with the_bot(_fresh(address, "idle")) as bot:
        time.sleep(90)  # it looks for work more often for a minute after it has started
        before = bot.used()
        time.sleep(length.idle)
        share = (bot.used() - before) / length.idle * 100
        figures = bot.figures()
        yield Measured(f"{name}: of a core", "", "", share, Aim("≤", 2, "%"), "%")
        yield Measured(f"{name}: memory", "", "", figures["VmRSS"] / 1000, Aim("≤", 150, "MB"), "MB")
        yield Measured(f"{name}: start until it listens", "", "", bot.start, Aim("≤", 3, "s"), "s")
        yield _counted(f"{name}: torch loaded", int(bot.maps("torch")), "")


def _fresh(address: str | None, name: str) -> str | None:
    return None if address is None else create(address, f"{name}-{time.monotonic_ns()}")


# ── which server ─────────────────────────────────────────────────────────────────────────────────────────────────────


def choose(length: Length) -> Iterator[Section]:
    """The servers that are installed beside each other, with the bot's application and its intake, without a worker."""
    kinds = ["waitress", "werkzeug", *(each for each in ("gunicorn", "granian") if importlib.util.find_spec(each))]
    with databases() as found:
        for name, address in found.items():
            rate = _RATES[name][0]
            rows = []
            for kind in (*kinds, "bare"):
                with a_door(kind, _fresh(address, kind) if kind != "bare" else None) as door:
                    quiet = door.offer(rate, length.slow)
                    with slow_clients(door.port, length.slow):
                        slow = door.offer(rate, length.slow)
                        figures = door.figures()
                rows.append(Measured(
                    f"{kind}: start {door.start:.1f} s, {figures['VmRSS'] / 1000:.0f} MB, {figures['Threads']} threads",
                    f"{quiet.told()}, not taken: {quiet.errors()}", f"{slow.told()}, not taken: {slow.errors()}",
                    slow.p99 * 1000, None, "ms",
                ))  # fmt: skip
            yield Section(
                f"Servers, {rate} a second into {name}", "", rows,
            )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.serving", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--short", action="store_true", help="10 s each, and not at rest")
    parser.add_argument("--choose", action="store_true", help="measure the servers beside each other instead")
    args = parser.parse_args(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    for section in (choose if args.choose else measure)(SHORT if args.short else FULL):
        console.print(section.text)
        show(console, section)
    return 0


if __name__ == "__main__":
    sys.exit(main())
