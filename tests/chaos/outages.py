"""What the bot stands on goes away and comes back: the database, the disk. Nothing is lost, and nobody restarts it.

It must never touch a database or a disk that is not its own.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.app.store.database import Database
from tests.app.databases import create, start, stop
from tests.chaos.command import Bot
from tests.chaos.ground import listens, read_tail, wait_until
from tests.chaos.result import Result, Say
from tests.chaos.sender import Answer, Sender, closing_of
from tests.chaos.town import Town

_DRAIN = 400.0


@dataclass
class Site:
    """A bot that runs as an operator runs it, with a town and somebody who sends all the time."""

    town: Town
    bot: Bot
    database: Database
    sender: Sender

    def load(self, seconds: float, pause: float) -> None:
        """Let people merge for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.town.merge_one()
            time.sleep(pause)


@contextmanager
def a_site(folder: Path, address: str = "", data: Path | None = None) -> Iterator[Site]:
    """Town, bot and sender for as long as the block lasts. What is sent is about pulls that are done already."""
    with closing(Town(folder, "github", 3)) as town:
        bot = Bot(folder / "bot", town.sandbox, "github", address, data=data)
        server = bot.start("serve", "--port", str(town.port))
        try:
            wait_until(lambda: listens(town.port), "the server listens")
            town.listen()
            merged = [town.merge_one() for _ in town.names]
            with closing(bot.database()) as database:
                town.settle(database, 60)
                sender = Sender(town.port, "pull_request", [closing_of(town, *each) for each in merged], 10)
                sender.start()
                yield Site(town, bot, database, sender)
                sender.end()
            assert server.alive, f"the server ended: {read_tail(bot.log('serve'))}"
        finally:
            server.kill()


def judge(site: Site, where: str, result: Result, *, trouble_seconds: float, may_refuse: bool = False) -> None:
    """Everything after the trouble: what was answered, how long until all was done, and whether it is right."""
    began = time.monotonic()
    answers = site.sender.end()
    try:
        site.town.settle(site.database, _DRAIN)
        drained = time.monotonic() - began
        missed = site.town.send_again()
        site.town.settle(site.database, 60)
        wrong = site.town.wrong(site.database) + site.town.lost(site.database) + _unknown(site, answers)
    except AssertionError as stuck:
        drained, missed = _DRAIN, 0
        wrong = [f"{stuck}: {site.town.wrong(site.database)}", read_tail(site.bot.log("serve"), 3000)]
    statuses = Counter(each.status for each in answers)
    slowest = max((each.seconds for each in answers), default=0.0)
    well = statuses[202] == len(answers) or (may_refuse and set(statuses) <= {202, 503})
    told = ", ".join(f"{n} × {s}" for s, n in statuses.items())
    result.hold(f"{where}: answers in {trouble_seconds:.0f} s of it", told, met=well)
    result.note(f"{where}: the slowest answer", f"{slowest:.2f} s", slowest < 10)
    result.note(f"{where}: until all was done afterwards", f"{drained:.1f} s, {missed} asked for again", drained < 60)
    result.hold(f"{where}: lost, twice or wrong, of {len(site.town.merged)} merges and {statuses[202]} deliveries",
                f"{len(wrong)}", met=not wrong)  # fmt: skip
    result.troubles += [f"{where}: {each}" for each in wrong]


def _unknown(site: Site, answers: list[Answer]) -> list[str]:
    """Deliveries that were answered 202 and are not in the inbox."""
    with site.database.begin() as connection:
        rows = connection.exec_driver_sql("SELECT key FROM relbot_inbox WHERE state = 'planned'").scalars()
        known = set(rows)
    taken = [each.name for each in answers if each.status == 202]
    return [f"{name} is not known" for name in taken if f"github:{name}" not in known]


def postgres_away(folder: Path, server: str, seconds: float, result: Result) -> None:
    """PostgreSQL is stopped under the running server, and started again."""
    with a_site(folder / "away", create(server, "away")) as site:
        site.load(1, 0.2)
        stop(server, "fast")
        site.load(seconds, 2)
        start(server)
        judge(site, "PostgreSQL away", result, trouble_seconds=seconds)


def postgres_crashes(folder: Path, server: str, crashes: int, result: Result) -> None:
    """PostgreSQL crashes again and again, and is back at once."""
    with a_site(folder / "crash", create(server, "crash")) as site:
        began = time.monotonic()
        for _ in range(crashes):
            site.load(2, 0.3)
            stop(server, "immediate")
            start(server)
        judge(site, f"PostgreSQL crashes {crashes} times", result, trouble_seconds=time.monotonic() - began)


def sqlite_locked(folder: Path, seconds: float, result: Result) -> None:
    """Another process holds the lock of the database, as a careless backup does."""
    with a_site(folder / "locked") as site:
        site.load(1, 0.2)
        with closing(sqlite3.connect(site.bot.data / "relbot.sqlite", timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            site.load(seconds, 2)
            other.execute("ROLLBACK")
        judge(site, "SQLite locked", result, trouble_seconds=seconds)


def disk_full(folder: Path, seconds: float, result: Result) -> None:
    """The disk of the data folder is full for a time. What is sent then may be refused, but fast."""
    with a_disk(folder / "disk") as disk, a_site(folder / "full", data=disk / "data") as site:
        site.load(1, 0.2)
        filling = threading.Event()
        filler = threading.Thread(target=_fill, args=(disk / "ballast", filling), daemon=True)
        filler.start()
        site.load(seconds, 2)
        filling.set()
        filler.join()
        (disk / "ballast").unlink()
        judge(site, "disk full", result, trouble_seconds=seconds, may_refuse=True)


@contextmanager
def a_disk(place: Path) -> Iterator[Path]:
    """A small disk of its own; wants root."""
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(file: Path, ended: threading.Event) -> None:
    """Take what there is, and what is freed meanwhile."""
    with file.open("ab", buffering=0) as ballast:
        while not ended.wait(0.05):
            for size in (1 << 20, 4096):
                with suppress(OSError):
                    while True:
                        ballast.write(b"\0" * size)


def may_mount() -> bool:
    """Whether a disk can be made here."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    try:
        place = Path(f"/tmp/relbot-mount-{os.getpid()}")
        with a_disk(place):
            pass
        place.rmdir()
    except (OSError, subprocess.CalledProcessError) as error:
        return not isinstance(error, subprocess.CalledProcessError) and error.errno == errno.EEXIST
    return True


def run(folder: Path, server: str | None, _: random.Random, say: Say, seconds: int) -> Result:
    """Each outage by itself."""
    result = Result()
    parts: list[tuple[str, Callable[[], None]]] = [("SQLite locked", lambda: sqlite_locked(folder, seconds, result))]
    if may_mount():
        parts.append(("disk full", lambda: disk_full(folder, seconds, result)))
    else:
        result.note("disk full", "left out: it wants root and a mount")
    if server:
        parts.append(("PostgreSQL away", lambda: postgres_away(folder, server, seconds, result)))
        parts.append(("PostgreSQL crashes", lambda: postgres_crashes(folder, server, max(2, seconds // 12), result)))
    for name, part in parts:
        say(name)
        part()
    return result
