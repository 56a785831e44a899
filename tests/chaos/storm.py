"""Random kills: server and workers are killed again and again while deliveries come in; nothing acknowledged is lost.

It must never spare a process because it has just been started, or is about to answer.
"""

from __future__ import annotations

import random
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.core.model import ForgeName
from tests.app.databases import create
from tests.chaos.command import Bot, Running
from tests.chaos.ground import listens, processes_about, wait_until
from tests.chaos.result import Result, Say
from tests.chaos.town import People, Town


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad it gets. `workers` run beside the server; one in `exact` processes is an interpreter of its own."""

    kills: int
    merges: int
    workers: int = 2
    exact: int = 10
    longest: float = 1.2


def run(folder: Path, server: str | None, chance: random.Random, say: Say, weather: Weather) -> Result:
    """The storm on both forges and both databases; a quarter of the kills each."""
    result = Result()
    kinds: list[tuple[ForgeName, str]] = [("github", ""), ("gitlab", "")]
    if server:
        kinds += [("github", server), ("gitlab", server)]
    share = Weather(weather.kills // len(kinds), weather.merges // len(kinds), weather.workers, weather.exact)
    total = 0
    for n, (kind, form) in enumerate(kinds):
        address = create(form, f"storm-{n}-{time.time_ns()}") if form else ""
        total += _rage(folder / f"storm-{n}", (kind, address), chance, share, (result, say))
    result.hold("random kills of server and workers", f"{total}", met=total >= share.kills * len(kinds))
    return result


def _rage(
    folder: Path, case: tuple[ForgeName, str], chance: random.Random, weather: Weather, into: tuple[Result, Say]
) -> int:
    (kind, address), (result, say) = case, into
    database_kind = "postgresql" if address else "sqlite"
    where = f"{kind}, {database_kind}"
    with closing(Town(folder, kind, 4)) as town:
        bot = Bot(folder / "bot", town.sandbox, kind, address)
        town.listen()
        people = People(town, weather.merges, max(0.2, weather.kills * weather.longest / 3 / max(1, weather.merges)))
        people.start()
        began = time.monotonic()
        kills = _kill_many(town, bot, chance, weather, lambda n: say(f"{where}: {n} of {weather.kills} kills"))
        people.join()
        stormed = time.monotonic() - began
        running = _processes(town, bot, chance, weather)
        with closing(bot.database()) as database:
            try:
                town.settle(database, 240)
                drained = time.monotonic() - began - stormed
                lost = town.lost(database)
                missed = town.send_again()
                town.settle(database, 120)
                # GitLab tells nothing at all for a while after some failures in a row: only a sweep finds that.
                bot.ask("sweep", "--since", "1h")
                town.settle(database, 120)
                wrong = town.wrong(database)
            except AssertionError as stuck:
                drained, missed, lost, wrong = 0.0, 0, [], [f"{stuck}; {town.wrong(database)}"]
        for each in running:
            each.kill()
        taken = len(town.acknowledged())
        result.hold(f"{where}: acknowledged deliveries lost, of {taken}", f"{len(lost)}", met=not lost)
        result.hold(f"{where}: merges without exactly one backport and comment, of {len(town.merged)}", f"{len(wrong)}",
                    met=not wrong)  # fmt: skip
        result.note(f"{where}: {kills} kills, then drained, then asked for again and swept",
                    f"{stormed:.0f} s, {drained:.1f} s, {missed} deliveries")  # fmt: skip
        result.troubles += [f"{where}: {each}" for each in [*lost, *wrong]]
        wait_until(lambda: not processes_about(folder), "git processes end with the bot", 10)
        if wrong:
            result.troubles.append(_complaints(bot))
    return kills


def _processes(town: Town, bot: Bot, chance: random.Random, weather: Weather) -> list[Running]:
    """A server that answers, and its workers."""
    running = [bot.start(*words, exact=chance.randrange(weather.exact) == 0) for words in _words(town, weather)]
    wait_until(lambda: listens(town.port), "the server listens")
    return running


def _words(town: Town, weather: Weather) -> list[tuple[str, ...]]:
    return [("serve", "--port", str(town.port)), *[("work",)] * weather.workers]


def _kill_many(town: Town, bot: Bot, chance: random.Random, weather: Weather, say: Any) -> int:
    words = _words(town, weather)
    running = _processes(town, bot, chance, weather)
    for n in range(weather.kills):
        time.sleep(chance.uniform(0.02, weather.longest))
        victim = chance.randrange(len(running))
        assert running[victim].alive, f"{words[victim][0]} ended by itself: {_complaints(bot)}"
        running[victim].kill()
        town.forgive()
        running[victim] = bot.start(*words[victim], exact=chance.randrange(weather.exact) == 0)
        say(n + 1)
    for each in running:
        each.kill()
    return weather.kills + len(running)


def _complaints(bot: Bot) -> str:
    text = "".join(bot.log(name).read_text(errors="replace") for name in ("serve", "work") if bot.log(name).exists())
    lines = [line for line in text.splitlines() if '"ERROR"' in line or " ERROR" in line or "Traceback" in line]
    return "\n".join(line[:1500] for line in lines[-6:])
