"""One life of the bot in a process of its own: server, engine and worker, killed where it is told to be.

It must never be imported by the bot: what ends a process here is reached by nobody else.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from bot.app.connect import DECISIONS
from bot.app.durable import Pacing
from bot.app.listening import listen
from bot.app.perform import Performer
from bot.app.runner import Decisions
from bot.app.server import create_app
from bot.app.work import Place, at_work
from bot.core.actions import Flow, Planning, Sync, ask
from bot.core.events import Event
from bot.core.jobs import Job, Plan, Report
from bot.core.model import ForgeName, Secret
from bot.forges.github import GitHub
from bot.forges.gitlab import GitLab
from bot.forges.pacing import Manners
from bot.tools.git import Git
from bot.tools.mirror import Mirrors
from bot.tools.pick import Committer
from tests.app.whole import DOORS

QUICK = Pacing(poll=0.05, pauses=(0.01, 0.01, 0.01), first=0.1, longest=0.3, patience=60, beat=0.5, stop=10)
_QUIET = {"relbot_executors", "relbot_rounds", "queues", "relbot_sightings"}
"""Tables that are written without anything being done."""
_NETWORK = {"push", "fetch", "ls-remote"}


@dataclass(frozen=True, slots=True)
class Orders:
    """What a life is told: where everything is, and at which point it ends (nowhere, when it is empty)."""

    kind: ForgeName
    forge: str
    token: str
    database: str
    directory: Path
    port: int
    kill: str = ""
    pacing: Pacing = QUICK
    waits: tuple[float, ...] = (0.01, 0.02, 0.04)
    newer: bool = False
    """Whether it is another version of the program, that asks for more."""


class Points:
    """The named points of a life, in the order in which they are passed; the process ends at the one that is wanted."""

    def __init__(self, kill: str, log: Path) -> None:
        self._kill = kill
        self._log = log.open("a", buffering=1)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reach(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1
            full = f"{name} #{self._counts[name]}"
            self._log.write(f"{full}\n")
            if full == self._kill:
                os.kill(os.getpid(), signal.SIGKILL)


def live(orders: Orders) -> None:
    """Serve and work until told to stop, or until the point is reached."""
    orders.directory.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=orders.directory / "log", level=logging.INFO, force=True,
                        format="%(asctime)s %(process)d %(levelname)s %(name)s %(message)s")  # fmt: skip
    for noisy in ("urllib3", "werkzeug"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    points = Points(orders.kill, orders.directory / "points")
    _watch_commits(points)
    _watch_git(points)
    place = Place(Secret(orders.database), orders.directory / "engine")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), closing(_performer(orders)) as performer:
        decisions = _NEWER if orders.newer else DECISIONS
        with at_work(place, _counting(performer, points), decisions, orders.pacing) as (intake, _):
            server = listen(create_app({orders.kind: DOORS[orders.kind]}, intake), "127.0.0.1", orders.port)
            server.serve_forever()


def _plan_anew(event: Event) -> Planning[Plan]:
    yield from ask(Sync(event.repo, ("nothing/*",)))
    return (yield from DECISIONS.plan(event))


def _do_anew(job: Job) -> Flow[Report]:
    yield from ask(Sync(job.repo, ("nothing/*",)))
    return (yield from DECISIONS.flow_of(job))


_NEWER = Decisions(_plan_anew, _do_anew, DECISIONS.after_breakdown)


def _performer(orders: Orders) -> Performer:
    manners = Manners(waits=orders.waits, pace=None)
    token = Secret(orders.token)
    forge = (GitLab if orders.kind == "gitlab" else GitHub)(orders.forge, token, manners=manners)
    mirrors = Mirrors(orders.directory / "mirrors", Committer("relbot", "bot@example.org"))
    return Performer({orders.kind: forge}, mirrors)


def _counting(perform: Callable[[Any], Any], points: Points) -> Callable[[Any], Any]:
    def counted(action: Any) -> Any:
        name = type(action).__name__
        points.reach(f"before {name}")
        outcome = perform(action)
        points.reach(f"after {name}")
        return outcome

    return counted


def _watch_commits(points: Points) -> None:
    """Every transaction that has written something is a point before it is committed, and one after."""
    table = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:\"?(?:dbos|main)\"?\.)?\"?(\w+)", re.IGNORECASE)

    def note(connection: sa.Connection, cursor: Any, statement: str, *_: object) -> None:
        if cursor.rowcount and (found := table.match(statement.strip())):
            connection.info.setdefault("wrote", set()).add(found[1])

    commit = DefaultDialect.do_commit

    def committing(dialect: DefaultDialect, connection: Any) -> None:
        wrote = connection.info.pop("wrote", set()) - _QUIET
        name = "+".join(sorted(wrote))
        if name:
            points.reach(f"before commit {name}")
        commit(dialect, connection)
        if name:
            points.reach(f"after commit {name}")

    sa.event.listen(sa.Engine, "after_cursor_execute", note)
    sa.event.listen(sa.Engine, "rollback", lambda connection: connection.info.pop("wrote", None))
    DefaultDialect.do_commit = committing  # type: ignore[method-assign]


def _watch_git(points: Points) -> None:
    """A git process that talks to the forge is a point once it runs: it may outlive the one that started it."""
    start = Git.start

    def starting(git: Git, *arguments: str, **given: Any) -> Any:
        process = start(git, *arguments, **given)
        if arguments[0] in _NETWORK:
            points.reach(f"during git {arguments[0]}")
        return process

    Git.start = starting  # type: ignore[method-assign]
