"""`python -m tests.chaos`: the bot is killed, starved and lied to, and everything it promised is looked at afterwards.

It must never fail because something was slow; it fails when something was lost, done twice, or left behind.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.app.databases import a_server, postgres_programs
from tests.chaos.result import Result, Say


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a suite runs in: a folder of its own, a PostgreSQL server if there is one, chance, and who watches."""

    folder: Path
    server: str | None
    chance: random.Random
    say: Say
    short: bool
    part: tuple[int, int] = (1, 1)
    """Which of how many parts, of what can be had in parts."""
    story: str = ""
    """Of the kills the one story that is told; all of them when empty."""


Suite = Callable[[Surroundings], Result]


def _kills(at: Surroundings) -> Result:
    from tests.chaos import matrix

    size = matrix.Size(20 if at.short else None, part=at.part, story=at.story)
    return matrix.run(at.folder, at.server, at.chance, at.say, size)


def _storm(at: Surroundings) -> Result:
    from tests.chaos import storm

    weather = storm.Weather(28, 12, longest=0.8) if at.short else storm.Weather(1000, 200)
    return storm.run(at.folder, at.server, at.chance, at.say, weather)


def _orders(at: Surroundings) -> Result:
    from tests.chaos import orders

    return orders.run(at.folder, at.server, at.chance, at.say, orders.SHORT if at.short else orders.FULL)


def _trouble(at: Surroundings) -> Result:
    from tests.chaos import trouble

    return trouble.run(at.folder, None if at.short else at.server, at.chance, at.say, 4 if at.short else 40)


def _outages(at: Surroundings) -> Result:
    from tests.chaos import outages

    return outages.run(at.folder, at.server, at.chance, at.say, 6 if at.short else 60)


def _signals(at: Surroundings) -> Result:
    from tests.chaos import signals

    return signals.run(at.folder, at.server, at.say, 2 if at.short else 8)


def _versions(at: Surroundings) -> Result:
    from tests.chaos import versions

    return versions.run(at.folder, at.server, at.chance, at.say, 8 if at.short else 160)


def _others(name: str, at: Surroundings) -> Result:
    """A suite that prints its own table, and answers whether all was as it should be."""
    result = Result()
    good = importlib.import_module(f"tests.chaos.{name}").run(at.short)
    result.hold(f"{name}: as told above", "well" if good else "not well", met=good)
    return result


SUITES: dict[str, Suite] = {
    "kills": _kills,
    "storm": _storm,
    "orders": _orders,
    "trouble": _trouble,
    "outages": _outages,
    "signals": _signals,
    "versions": _versions,
    "forgeries": partial(_others, "forgeries"),
    "hostile": partial(_others, "hostile"),
    "oversized": partial(_others, "oversized"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites that are wanted, and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--short", action="store_true", help="a sample of each suite: some minutes in all")
    parser.add_argument("--only", action="append", choices=sorted(SUITES), metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument("--seed", type=int, help="of chance (default: the time)")
    parser.add_argument("--part", type=_part, default=(1, 1), metavar="K/N", help="of the kills: the K-th of N parts")
    parser.add_argument("--story", default="", metavar="WORDS", help="of the kills: stories whose names begin so")
    args = parser.parse_args(arguments)
    seed = args.seed if args.seed is not None else int(time.time())
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    console.print(f"seed {seed}")
    results: dict[str, Result] = {}
    for name in args.only or SUITES:
        began = time.monotonic()
        results[name] = _run(name, random.Random(seed), args, console)
        results[name].note("took", f"{time.monotonic() - began:.0f} s")
        console.print(f"{name}: {'FAILED' if results[name].failed else 'well'}, {time.monotonic() - began:.0f} s")
    show(console, results)
    return 1 if any(result.failed for result in results.values()) else 0


def _part(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    part = int(number), int(of)
    if not 1 <= part[0] <= part[1]:
        raise argparse.ArgumentTypeError(f"{text} is no part: write K/N, with K from 1 to N")
    return part


def _run(name: str, chance: random.Random, args: argparse.Namespace, console: Console) -> Result:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relbot-chaos-")))
        wants_server = name not in {"forgeries", "hostile", "oversized"} and postgres_programs() is not None
        server = stack.enter_context(a_server()) if wants_server else None
        say = _watcher(console, name, stack)
        return SUITES[name](Surroundings(folder, server, chance, say, args.short, args.part, args.story))


def _watcher(console: Console, name: str, stack: ExitStack) -> Say:
    """A line that changes on a terminal; elsewhere a line now and then."""
    if console.is_terminal:
        status = stack.enter_context(console.status(name))
        return lambda words: status.update(f"{name}: {words}")
    last = [0.0]

    def say(words: str) -> None:
        if time.monotonic() - last[0] > 15:
            last[0] = time.monotonic()
            console.print(f"{name}: {words}")

    return say


def show(console: Console, results: dict[str, Result]) -> None:
    """Print what was seen: each line with its figure, and what went wrong in full."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("suite", "what", "figure", ""):
        table.add_column(heading, overflow="fold")
    marks = {True: "met", False: "missed", None: ""}
    for name, result in results.items():
        for line in result.lines:
            table.add_row(name, line.what, line.figure, marks[line.met])
    console.print(table)
    for name, result in results.items():
        for trouble in result.troubles[:40]:
            console.print(f"{name}: {trouble}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
