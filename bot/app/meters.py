"""Counts what the bot does and how long it takes, for `/metrics`.

It must never have a label whose values come from outside: no repository, no name, no text of a forge.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.app.store import deliveries, journal, slots
from bot.app.store.database import Database, now
from bot.core.actions import Action
from bot.core.errors import Fault
from bot.core.model import ForgeName
from bot.forges.tally import requests_left, requests_sent
from bot.tools.git import processes_started, seconds_spent

REGISTRY = CollectorRegistry()
"""Of this process; there is one worker in it, and one server."""

_taken = Counter("relbot_deliveries", "Deliveries by what became of them.", ("forge", "result"), registry=REGISTRY)
_refused = Counter("relbot_refusals", "Deliveries turned away, by why.", ("forge", "reason"), registry=REGISTRY)
_answered = Histogram(
    "relbot_acknowledgement_seconds", "From the last byte of a delivery to its answer.", registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5),
)  # fmt: skip
_jobs = Histogram(
    "relbot_job_seconds", "Runs of jobs, from their first action to their end.", ("kind", "outcome"),
    registry=REGISTRY, buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 1800),
)  # fmt: skip
_actions = Histogram(
    "relbot_action_seconds", "Actions, by kind: `PickCommits` is a pick.", ("action",), registry=REGISTRY,
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30),
)  # fmt: skip


def note_delivery(forge: ForgeName, result: str, seconds: float) -> None:
    """A delivery was answered."""
    _taken.labels(forge, result).inc()
    _answered.observe(seconds)


def note_refusal(forge: ForgeName, reason: str) -> None:
    """A delivery was turned away."""
    _refused.labels(forge, reason).inc()


@contextmanager
def timing_job(kind: str) -> Iterator[Callable[[str], None]]:
    """A block that does a job, and tells what is yielded how it ended; one that does not is `put off`."""
    began, outcomes = time.monotonic(), ["put off"]
    try:
        yield outcomes.append
    finally:
        _jobs.labels(kind, outcomes[-1]).observe(time.monotonic() - began)


@contextmanager
def timing_action(kind: str) -> Iterator[None]:
    """A block that performs an action."""
    began = time.monotonic()
    try:
        yield
    finally:
        _actions.labels(kind).observe(time.monotonic() - began)


def timed(perform: Callable[[Action], object]) -> Callable[[Action], object]:
    """The same, with the time taken."""

    def perform_timed(action: Action) -> object:
        with timing_action(type(action).__name__):
            return perform(action)

    return perform_timed


def render(*more: Collector) -> bytes:
    """Everything as Prometheus reads it; `more` is what else there is to be asked."""
    registry = CollectorRegistry()
    for collector in (_Tools(), *more):
        registry.register(collector)
    return generate_latest(REGISTRY) + generate_latest(registry)


class _Tools(Collector):
    """What forges and git count themselves."""

    def collect(self) -> Iterable[Metric]:
        """The metrics of the moment."""
        sent = CounterMetricFamily("relbot_api_requests", "Requests to forges.", labels=("forge", "status"))
        for (forge, status), count in requests_sent().items():
            sent.add_metric((forge, status), count)
        left = GaugeMetricFamily(
            "relbot_api_requests_left", "Requests that the forge allows until its limit is reset.", labels=("forge",)
        )
        for forge, number in requests_left().items():
            left.add_metric((forge,), number)
        started = CounterMetricFamily("relbot_git_processes", "git processes started.", labels=("command",))
        for command, count in processes_started().items():
            started.add_metric((command,), count)
        spent = CounterMetricFamily("relbot_git_seconds", "Seconds spent waiting for git.", labels=("command",))
        for command, seconds in seconds_spent().items():
            spent.add_metric((command,), seconds)
        return sent, left, started, spent


class Backlog(Collector):
    """What waits, as database and spool have it at the moment of the question; kept for a second."""

    def __init__(self, database: Database, spooled: Callable[[], int]) -> None:
        self._database = database
        self._spooled = spooled
        self._lock = threading.Lock()
        self._kept: tuple[float, Iterable[Metric]] = (-1.0, ())

    def collect(self) -> Iterable[Metric]:
        """The metrics of the moment."""
        with self._lock:
            when, kept = self._kept
            if not kept or time.monotonic() - when > 1:
                kept = list(self._look())
                self._kept = (time.monotonic(), kept)
            return kept

    def _look(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("relbot_spooled", "Deliveries on the disk of this machine.", value=self._spooled())
        try:
            with self._database.reading() as connection:
                count, since = deliveries.waiting(connection)
                jobs, oldest = journal.states(connection), journal.waiting_since(connection)
                alive = slots.alive(connection)
        except Fault:
            yield GaugeMetricFamily("relbot_database_up", "Whether the database answers.", value=0)
            return
        yield GaugeMetricFamily("relbot_database_up", "Whether the database answers.", value=1)
        yield GaugeMetricFamily("relbot_inbox_waiting", "Deliveries that are not planned yet.", value=count)
        yield GaugeMetricFamily(
            "relbot_oldest_delivery_seconds", "Age of the oldest delivery that is not planned yet.", value=_age(since)
        )
        states = GaugeMetricFamily("relbot_jobs", "Jobs in the journal.", labels=("state",))
        for state, number in jobs.items():
            states.add_metric((state,), number)
        yield states
        yield GaugeMetricFamily("relbot_oldest_job_seconds", "Age of the oldest waiting job.", value=_age(oldest))
        yield GaugeMetricFamily("relbot_executors", "Processes that work on this database.", value=alive)


def _age(since: float | None) -> float:
    return max(0.0, now() - since) if since is not None else 0.0
