"""Deliveries that come many times, in any order, or not at all: the end is the same.

It must never hold an order against another one that differs in what people did.
"""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from bot.core.model import ForgeName
from bot.sandbox.faces import Letter
from tests.app.story import FIX
from tests.app.whole import REPO
from tests.chaos.command import Bot
from tests.chaos.ground import DatabaseKind, Ground, grounds, listens, wait_until
from tests.chaos.result import Result, Say
from tests.chaos.sender import Sender, closing_of
from tests.chaos.shape import differences, shape_of
from tests.chaos.town import Town


@dataclass(frozen=True, slots=True)
class Extent:
    """How many orders are tried (of 24), and how many events are missed."""

    orders: int
    missed: int


FULL, SHORT = Extent(24, 500), Extent(2, 40)


def run(folder: Path, server: str | None, chance: random.Random, say: Say, extent: Extent) -> Result:
    """Copies, orders, omissions, and what was missed while the bot was off."""
    result = Result()
    say("a hundred copies")
    copies(folder / "copies", result)
    databases: list[DatabaseKind] = ["sqlite", "postgresql"] if server and extent is FULL else ["sqlite"]
    kinds: list[ForgeName] = ["github", "gitlab"]
    for kind in kinds:
        for database in databases:
            with grounds(folder, kind, database, server) as ground:
                orders(ground, chance, extent, result, say)
    say("missed events")
    missed(folder / "missed", extent.missed, result)
    return result


def copies(folder: Path, result: Result) -> None:
    """A hundred copies of one delivery at once, and one more under another name."""
    with closing(Town(folder, "github", 1)) as town:
        bot = Bot(folder / "bot", town.sandbox, "github")
        town.sandbox.deliveries.hold()
        town.listen()
        name, number = town.merge_one()
        payload = closing_of(town, name, number)
        server = bot.start("serve", "--port", str(town.port))
        wait_until(lambda: listens(town.port), "the server listens")
        town.sandbox.deliveries.release(lambda _: [])
        sender, body = Sender(town.port, "pull_request", [payload], 1), json.dumps(payload).encode()
        with ThreadPoolExecutor(32) as pool:
            statuses = list(pool.map(lambda _: sender.send("the-same", body), range(100)))
        with closing(bot.database()) as database:
            town.settle(database, 60)
            statuses.append(sender.send("a-replay", body))
            town.settle(database, 60)
            wrong = town.wrong(database)
        server.kill()
    result.hold("100 copies of a delivery at once, and a replay: answers that were not 202",
                f"{sum(status != 202 for status in statuses)}", met=set(statuses) == {202})  # fmt: skip
    result.hold("100 copies of a delivery at once, and a replay: more or less than one effect", f"{len(wrong)}",
                met=not wrong)  # fmt: skip
    result.troubles += wrong


def orders(ground: Ground, chance: random.Random, extent: Extent, result: Result, say: Say) -> None:
    """{labelled, merged, comment, push} in every order, and with each one left out, which a sweep has to find."""
    letters = _lay_out(ground)
    wanted: list[str] = []
    every = list(permutations(letters))
    tried = [every[0], *chance.sample(every[1:], extent.orders - 1)]
    omitted = [tuple(name for name in letters if name != left_out) for left_out in letters]
    wrong = []
    where = f"{ground.kind}, {ground.database_kind}"
    for n, order in enumerate([*tried, *omitted]):
        say(f"{where}: order {n + 1} of {len(tried) + len(omitted)}")
        shape, complaints = _send_in(ground, [letters[name] for name in order], sweep=len(order) < len(letters))
        wanted = wanted or shape
        found = differences(wanted, shape) + complaints
        wrong += [f"{where}: {' '.join(order)}: {each}" for each in found]
    result.hold(f"{where}: {len(tried)} orders and {len(omitted)} omissions: ends that differ", f"{len(wrong)}",
                met=not wrong and any("backport-open/2.8" in line for line in wanted))  # fmt: skip
    result.troubles += wrong


def _lay_out(ground: Ground) -> dict[str, Letter]:
    """Have people do it all, with nobody told; the four deliveries by their names."""
    ground.begin_life()
    stage = ground.stage
    number = stage.propose((FIX, "Make op 3 a float"))
    ground.settle()
    _sweep(ground)  # the first one only takes note of where things are
    ground.sandbox.deliveries.hold()
    ground.clock.tick()
    letters: dict[str, Letter] = {}
    seen = len(ground.sandbox.deliveries.all)
    for name, act in (
        ("labelled", lambda: stage.forge.label(REPO, number, "backport/2.7", by="mona")),
        ("comment", lambda: stage.forge.comment(REPO, number, "/backport 2.8", by="mona")),
        ("push", lambda: stage.forge.commit(REPO, "release/2.7", {"kit/x.py": "X = 1\n"}, "Go on", by="mona")),
        ("merged", lambda: stage.forge.merge_pull(REPO, number, "squash", by="mona")),
    ):
        act()
        ground.clock.tick()
        told = ground.sandbox.deliveries.all[seen:]
        seen = len(ground.sandbox.deliveries.all)
        wanted = [each for each in told if name != "merged" or b'"closed"' in each.body or b'"merge"' in each.body]
        letters[name] = Letter(wanted[0].id, wanted[0].event, wanted[0].body, wanted[0].headers)
    ground.keep()
    return letters


def _send_in(ground: Ground, letters: list[Letter], *, sweep: bool) -> tuple[list[str], list[str]]:
    ground.restore()
    ground.begin_life()
    [hook] = ground.sandbox.find(REPO).hooks.values()
    for letter in letters:
        ground.sandbox.deliveries.send(hook, letter)
    ground.settle()
    if sweep:
        _sweep(ground)
        ground.settle()
    return shape_of(ground.sandbox, REPO), ground.check(failed=1)


def _sweep(ground: Ground) -> None:
    Bot(ground.folder / "sweeper", ground.sandbox, ground.kind, ground.address).ask("sweep")


def missed(folder: Path, events: int, result: Result) -> None:
    """The bot is off while so many events happen. One sweep finds what they would have started."""
    with closing(Town(folder, "github", 5)) as town:
        bot = Bot(folder / "bot", town.sandbox, "github")
        server = bot.start("serve", "--port", str(town.port))
        wait_until(lambda: listens(town.port), "the server listens")
        town.listen()
        with closing(bot.database()) as database:
            for name in town.names:
                town.merge_one(name)
            town.settle(database, 60)
            bot.ask("sweep")
            server.kill()
            before = len(town.sent)
            while len(town.sent) - before < events:
                town.merge_one()
            town.sandbox.deliveries.drain(60)
            unheard = sum(1 for each in town.sent[before:] if 202 not in each.statuses)
            server = bot.start("serve", "--port", str(town.port))
            wait_until(lambda: listens(town.port), "the server listens")
            began = time.monotonic()
            swept = bot.ask("sweep")
            found = time.monotonic() - began
            town.settle(database, 600)
            healed = time.monotonic() - began
            wrong = town.wrong(database)
        server.kill()
    result.hold(f"{unheard} events missed while off: wrong after one sweep, of {len(town.merged)} merges",
                f"{len(wrong)}", met=not wrong and unheard >= events)  # fmt: skip
    calls = swept.get("requests", swept.get("calls", "?"))
    result.note("that sweep, and until all was done", f"{found:.1f} s, {calls} requests; {healed:.0f} s")
    result.troubles += [f"missed events: {each}" for each in wrong]
