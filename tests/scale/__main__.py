"""`python -m tests.scale`: many repositories, few of them busy, several processes of the bot, one PostgreSQL.

It must never fail because something was slow; it fails when a backport is missing or was made twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from tests.scale.page import Figures, Size, describe, render, rows_of
from tests.scale.town import Town, a_bot, seconds_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repositories", type=int, default=500)
    parser.add_argument("--merges", type=int, default=400)
    parser.add_argument("--rate", type=float, default=2.0, help="merges a second (default: 2)")
    parser.add_argument("--workers", type=int, default=1, help="processes beside the server's own worker (default: 1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the page here")
    args = parser.parse_args(arguments)
    size = Size(args.repositories, args.merges, args.rate, args.workers, args.seed)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    with tempfile.TemporaryDirectory(prefix="relbot-scale-") as folder:
        figures = simulate(Path(folder), size, console)
    show(console, size, figures)
    if args.output:
        args.output.write_text(render(size, figures), encoding="utf-8")
    return 1 if figures.missing or figures.twice else 0


def simulate(folder: Path, size: Size, console: Console) -> Figures:
    """Build the forge, run the bot, let people merge, and wait until everything is done."""
    town = Town(folder, size.repositories, size.seed)
    began = time.monotonic()
    town.build()
    console.print(f"{size.repositories} repositories built in {time.monotonic() - began:.0f} s")
    with ExitStack() as stack:
        stack.enter_context(town.sandbox)
        bot, address = stack.enter_context(a_bot(folder / "bot", town))
        url, first = stack.enter_context(bot.started("serve", "--port", "0"))
        town.listen(url)
        pids = [first, *(stack.enter_context(bot.started("work"))[1] for _ in range(size.workers))]
        bot.ask("sweep")  # the first one only takes note of where things are
        wanted = town.propose(size.merges)
        assert town.sandbox.deliveries.drain(600)
        _wait(address)
        console.print(f"{len(wanted)} pulls in {len({name for name, _ in wanted})} repositories are ready to be merged")
        before, size_before = town.watcher.calls.total(), _database_size(address)
        busy = sum(map(seconds_of, pids))
        load, drained = _let_merge(town, wanted, size, address)
        calls, busy = town.watcher.calls.total() - before, sum(map(seconds_of, pids)) - busy
        began, before = time.monotonic(), town.watcher.calls.total()
        bot.ask("sweep")
        swept = time.monotonic() - began
        sweep_calls = town.watcher.calls.total() - before
        _wait(address)
        size_after = _database_size(address)
    per_repository = {name: sum(1 for other, _ in wanted if other == name) for name, _ in wanted}
    waits = [wait for _, wait in town.watcher.opened]
    return Figures(
        waits, [wait for name, wait in town.watcher.opened if per_repository[name] == 1],
        max(0, len(wanted) - len(waits)), max(0, town.backports() - len(wanted)), load, drained, busy, calls, swept,
        sweep_calls, size_after - size_before, _size_of(folder / "bot" / "data" / "mirrors"),
    )  # fmt: skip


def _let_merge(town: Town, wanted: list[tuple[str, int]], size: Size, address: str) -> tuple[float, float]:
    """Merge at the rate, whatever the bot does meanwhile; seconds of the load, and until the last backport after it."""
    began = time.monotonic()
    for n, (name, number) in enumerate(wanted):
        time.sleep(max(0.0, began + n / size.rate - time.monotonic()))
        town.sandbox.merge_pull(name, number, by="ada")
    loaded = time.monotonic()
    while len(town.watcher.opened) < len(wanted) and time.monotonic() < loaded + 900:
        time.sleep(0.2)
    drained = time.monotonic()
    _wait(address)
    return loaded - began, drained - loaded


def _wait(address: str) -> None:
    """Until nothing waits in the database."""
    with psycopg.connect(address, autocommit=True) as connection:
        for _ in range(9000):
            row = connection.execute(
                "SELECT (SELECT count(*) FROM relbot_inbox WHERE state = 'waiting') "
                "+ (SELECT count(*) FROM relbot_jobs WHERE state = 'waiting')"
            ).fetchone()
            if row == (0,):
                return
            time.sleep(0.1)
    raise AssertionError("work was left waiting")


def _database_size(address: str) -> int:
    with psycopg.connect(address, autocommit=True) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row
    return int(row[0])


def _size_of(folder: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


def show(console: Console, size: Size, figures: Figures) -> None:
    """Print what was seen."""
    table = Table(title=describe(size), title_justify="left", box=None, show_header=False)
    for row in rows_of(figures):
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
