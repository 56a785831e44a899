"""What operators and systems do to processes: stopping them in the middle of work, and letting them sleep.

It must never signal a process that it has not started.
"""

from __future__ import annotations

import signal
import socket
import time
from contextlib import closing
from pathlib import Path

import psycopg

from bot.app.store.slots import LOCKS
from tests.app.databases import create
from tests.chaos.command import Bot
from tests.chaos.ground import listens, wait_until
from tests.chaos.result import Result, Say
from tests.chaos.town import People, Town


def stop_politely(folder: Path, times: int, result: Result) -> None:
    """SIGTERM under load, again and again: what is at hand is ended, and the rest is there for the next one."""
    with closing(Town(folder, "github", 3)) as town:
        bot = Bot(folder / "bot", town.sandbox, "github")
        town.listen()
        people = People(town, times * 4, 0.4)
        people.start()
        codes, slowest = [], 0.0
        for _ in range(times):
            server = bot.start("serve", "--port", str(town.port))
            wait_until(lambda: listens(town.port), "the server listens")
            time.sleep(1.2)
            began = time.monotonic()
            server.send(signal.SIGTERM)
            codes.append(server.wait())
            slowest = max(slowest, time.monotonic() - began)
        people.join()
        server = bot.start("serve", "--port", str(town.port))
        wait_until(lambda: listens(town.port), "the server listens")
        with closing(bot.database()) as database:
            town.settle(database, 120)
            lost = town.lost(database)
            town.send_again()
            town.settle(database, 60)
            wrong = town.wrong(database)
        server.kill()
    result.hold("SIGTERM under load: exit codes", ", ".join(map(str, codes)), met=set(codes) == {0})
    result.note("SIGTERM under load: the longest until the end", f"{slowest:.1f} s", slowest < 35)
    result.hold(f"SIGTERM under load: lost or wrong, of {len(town.merged)} merges", f"{len(lost) + len(wrong)}",
                met=not lost and not wrong)  # fmt: skip
    result.troubles += [f"SIGTERM: {each}" for each in [*lost, *wrong]]


def sleep_and_wake(folder: Path, server: str, result: Result) -> None:
    """A worker sleeps until it is taken for dead and its work is taken over; then it wakes."""
    with closing(Town(folder, "github", 2)) as town:
        address = create(server, f"sleep-{time.time_ns()}")
        bot = Bot(folder / "bot", town.sandbox, "github", address)
        door = bot.start("serve", "--port", str(town.port))
        wait_until(lambda: listens(town.port), "the server listens")
        town.listen()
        worker = bot.start("work")
        with closing(bot.database()) as database, psycopg.connect(address, autocommit=True) as connection:
            wait_until(lambda: _slot_of(connection, worker.pid) is not None, "the worker has a name")
            slot = _slot_of(connection, worker.pid) or ""
            people = People(town, 30, 0.15)
            people.start()
            began = time.monotonic()
            wait_until(lambda: _busy(connection, slot), "the worker is at work")
            worker.send(signal.SIGSTOP)
            held = _busy(connection, slot)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks "
                "WHERE locktype = 'advisory' AND classid = %s AND objid = %s",
                (LOCKS, int(slot.removeprefix("slot-"))),
            )  # as when its host has fallen off the network
            stopped = time.monotonic()
            wait_until(lambda: not _busy(connection, slot), "its work is taken over", 90)
            taken = time.monotonic() - stopped
            people.join()
            town.settle(database, 120)
            worker.send(signal.SIGCONT)
            time.sleep(7)
            town.settle(database, 60)
            town.send_again()
            town.settle(database, 60)
            wrong = town.wrong(database)
        worker.kill()
        door.kill()
    result.hold(f"a worker slept with {held} jobs in hand and woke: wrong or twice, of {len(town.merged)} merges",
                f"{len(wrong)}", met=not wrong)  # fmt: skip
    in_all = time.monotonic() - began
    result.note("its work was taken over after", f"{taken:.0f} s, of {in_all:.0f} s in all", taken < 30)
    result.troubles += [f"sleeping worker: {each}" for each in wrong]


def _slot_of(connection: psycopg.Connection[tuple[object, ...]], pid: int) -> str | None:
    found = connection.execute(
        "SELECT id FROM relbot_executors WHERE pid = %s AND host = %s", (pid, socket.gethostname())
    ).fetchone()
    return str(found[0]) if found else None


def _busy(connection: psycopg.Connection[tuple[object, ...]], slot: str) -> int:
    row = connection.execute(
        "SELECT count(*) FROM dbos.workflow_status WHERE status = 'PENDING' AND executor_id = %s", (slot,)
    ).fetchone()
    return int(str(row[0])) if row else 0


def run(folder: Path, server: str | None, say: Say, times: int) -> Result:
    """Both."""
    result = Result()
    say("SIGTERM")
    stop_politely(folder / "term", times, result)
    if server:
        say("SIGSTOP")
        sleep_and_wake(folder / "stop", server, result)
    return result
