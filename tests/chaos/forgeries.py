"""`python -m tests.chaos.forgeries [--count N]`: forged deliveries against the real application; none may be taken.

It must never count a refusal that came from anywhere but the bot: between forgeries genuine ones are taken.
"""

from __future__ import annotations

import argparse
import io
import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from flask import Flask

from bot.app.server import create_app
from bot.core.events import Event
from tests.chaos.altered import FORGERIES
from tests.chaos.forged import Case, Kind, Request, cases, doors

FULL, SHORT = 1_000_000, 10_000
KINDS: tuple[Kind, ...] = ("github", "token", "signed", "both")


class Desk:
    """Where deliveries arrive that were let in."""

    def __init__(self) -> None:
        self.taken = 0

    def handle(self, delivery: str, event: Event) -> None:
        self.taken += 1


@dataclass
class Tally:
    """What became of the forgeries of each sort."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    """What was let in, and should not have been."""
    faults: list[str] = field(default_factory=list)
    honest: int = 0
    turned_away: int = 0
    """Genuine deliveries that were not let in."""
    seconds: float = 0.0

    @property
    def sent(self) -> int:
        return sum(sum(counter.values()) for counter in self.statuses.values())

    @property
    def good(self) -> bool:
        return not self.taken and not self.faults and not self.turned_away and self.honest > 0


def forge(count: int, seed: int = 1) -> Tally:
    """Send as many forgeries, of every sort in turn at every kind of door, and a genuine delivery after each round."""
    rng, tally = Random(seed), Tally()
    desk = Desk()
    rooms = [(create_app(doors(kind), desk), kind, cases(kind)) for kind in KINDS]
    began = time.monotonic()
    with _quiet():
        while tally.sent < count:
            for app, kind, known in rooms:
                for name, make in FORGERIES.items():
                    _try(app, desk, tally, (f"{kind}: {name}", make(rng, rng.choice(known))))
                _be_honest(app, desk, tally, rng.choice(known))
    tally.seconds = time.monotonic() - began
    return tally


def _try(app: Flask, desk: Desk, tally: Tally, made: tuple[str, Request | None]) -> None:
    name, request = made
    if request is None:
        return
    before = desk.taken
    status = send(app, request)
    tally.statuses.setdefault(name.partition(": ")[2], Counter())[status] += 1
    if desk.taken != before:
        tally.taken.append(f"{name}: {request.method} {request.path} {request.headers} {request.body[:200]!r}")
    if status >= 500:
        tally.faults.append(f"{name}: {status} for {request.headers} {request.body[:200]!r}")


def _be_honest(app: Flask, desk: Desk, tally: Tally, case: Case) -> None:
    before = desk.taken
    status = send(app, case.request())
    tally.honest += 1
    tally.turned_away += not (status == 202 and desk.taken == before + 1)


def send(app: Flask, request: Request) -> int:
    """Hand a request to the application as a web server would; the status of its answer."""
    answered: list[str] = []
    environ = {
        "REQUEST_METHOD": request.method, "PATH_INFO": request.path, "SCRIPT_NAME": "", "QUERY_STRING": "",
        "SERVER_NAME": "bot", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(request.body), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip
    length = str(len(request.body)) if request.length == "" else request.length
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value

    def start(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        answered.append(status)

    for _ in (answer := app(environ, start)):
        pass
    if close := getattr(answer, "close", None):
        close()
    return int(answered[0][:3])


@contextmanager
def _quiet():
    """A million refusals are as many lines in the log."""
    logger = logging.getLogger("bot.app.server")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def run(short: bool) -> bool:
    """Send, and print what became of it: whether no forgery was taken, and every genuine delivery was."""
    return show(forge(SHORT if short else FULL))


def show(tally: Tally) -> bool:
    """Print a table and the figures; whether all is as it should be."""
    width = max(map(len, tally.statuses))
    for name, counter in tally.statuses.items():
        answers = ", ".join(f"{status}: {number}" for status, number in sorted(counter.items()))
        print(f"{name:{width}}  {sum(counter.values()):8,}  {answers}")
    print(f"\n{tally.sent:,} forgeries, {len(tally.taken)} taken, {len(tally.faults)} faults; "
          f"{tally.honest:,} genuine deliveries between them, {tally.turned_away} turned away; "
          f"{tally.seconds:.0f} s, {tally.sent / tally.seconds:,.0f}/s")  # fmt: skip
    for told in (*tally.taken[:10], *tally.faults[:10]):
        print("  ", told[:500])
    return tally.good


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.forgeries", description=__doc__.split(":", 1)[1])
    parser.add_argument("--count", type=int, default=FULL, help="how many forgeries to send")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    return 0 if show(forge(args.count, args.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
