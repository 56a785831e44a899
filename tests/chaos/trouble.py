"""Bad weather on the forge: a fifth of all requests fail in every way there is, for the whole time; all ends right.

It must never let the weather clear up before the work is done.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from contextlib import closing
from pathlib import Path

from bot.app.durable import Pacing
from bot.core.model import ForgeName
from bot.sandbox.faults import Mix
from tests.app.databases import create
from tests.chaos.command import Bot
from tests.chaos.ground import listens, read_tail, wait_until
from tests.chaos.life import Orders, live
from tests.chaos.result import Result, Say
from tests.chaos.town import Town

SHARE = 0.2
_HASTY = Pacing(poll=0.05, pauses=(0.05, 0.1), first=0.3, longest=1, patience=600, beat=1, stop=10)
_forks = multiprocessing.get_context("forkserver")


def run(folder: Path, server: str | None, chance: random.Random, say: Say, merges: int) -> Result:
    """On both forges, and on PostgreSQL once."""
    result = Result()
    cases: list[tuple[ForgeName, str]] = [("github", ""), ("gitlab", "")]
    if server:
        cases.append(("github", create(server, f"trouble-{time.time_ns()}")))
    for n, (kind, address) in enumerate(cases):
        say(f"{kind}, {'postgresql' if address else 'sqlite'}")
        _weather(folder / f"trouble-{n}", (kind, address), chance, merges, result)
    return result


def _weather(
    folder: Path, case: tuple[ForgeName, str], chance: random.Random, merges: int, result: Result
) -> None:
    kind, address = case
    with closing(Town(folder, kind, 3)) as town:
        bot = Bot(folder / "bot", town.sandbox, kind, address)
        town.listen()
        token = town.sandbox.token_for("relbot")
        orders = Orders(kind, town.sandbox.url, token, bot.address, folder / "bot" / "data", town.port, "", _HASTY)
        process = _forks.Process(target=live, args=(orders,), daemon=True)
        process.start()
        try:
            wait_until(lambda: listens(town.port), "the bot listens")
            weather = town.sandbox.app.faults.mix = Mix(SHARE, chance)
            began = time.monotonic()
            with closing(bot.database()) as database:
                for _ in range(merges):
                    town.merge_one()
                    time.sleep(0.1)
                try:
                    town.settle(database, 400)
                    wrong = town.wrong(database)
                except AssertionError as stuck:
                    wrong = [f"{stuck}: {town.wrong(database)}", read_tail(orders.directory / "log")]
        finally:
            process.kill()
            process.join()
    where = f"{kind}, {'postgresql' if address else 'sqlite'}"
    failed = sum(weather.drawn.values())
    result.hold(f"{where}: merges that did not end right, of {merges}", f"{len(wrong)}", met=not wrong)
    result.hold(f"{where}: requests before Retry-After was over", f"{len(weather.early)}", met=not weather.early)
    result.note(f"{where}: requests that failed", f"{failed} of {weather.requests}, {time.monotonic() - began:.0f} s")
    result.troubles += [f"{where}: {each}" for each in [*wrong, *weather.early[:5]]]
