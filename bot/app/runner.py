"""Runs flows: for real, in rehearsal, and many at a time inside this process.

It must never decide what to do: flows decide, `perform` acts, and the runner only sees to when and how often.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event as Flag
from threading import Lock
from typing import Any, TypeVar, cast

from bot.app.foresight import Unforeseeable, foresee
from bot.app.hindsight import amend, recall
from bot.app.lanes import Lanes
from bot.app.log import about, name_fault
from bot.app.once import Once
from bot.core.actions import Action, Flow, Planning, Refused, Write
from bot.core.errors import Fault, UserError
from bot.core.events import Event
from bot.core.jobs import (
    MOMENTARY,
    Ended,
    Ending,
    FindEnded,
    FindWaiting,
    Job,
    Plan,
    Report,
    lane_of,
    takes_long,
)
from bot.core.wishes import LineJob
from bot.forges.tally import tallying

R = TypeVar("R")
Perform = Callable[[Action], Any]
Pause = Callable[[float], Any]

_log = logging.getLogger(__name__)


def drive(flow: Flow[R], perform: Perform) -> R:
    """Run a flow to its end: perform what it asks for, hand it the outcome. The flow is closed whatever happens."""
    with closing(flow):
        outcome: Any = None
        while True:
            try:
                action = flow.send(outcome)
            except StopIteration as end:
                return cast("R", end.value)
            outcome = perform(action)


def rehearse(
    flow: Flow[R], perform: Perform, expect: Callable[[Write[Any]], object] = foresee
) -> tuple[R | None, tuple[Write[Any], ...]]:
    """Run a flow with its reads performed and its writes only collected; each write is told what is expected of it:
    that it goes well, as a rule. What would be refused is not collected.

    The flow's result is None when it asked for a write whose outcome cannot be foreseen; the writes end with that one.
    """
    writes: list[Write[Any]] = []

    def perform_reads(action: Action) -> object:
        if not isinstance(action, Write):
            known = recall(action, writes)
            return amend(action, perform(action), writes) if known is None else known
        writes.append(action)
        expected = expect(action)
        if isinstance(expected, Refused):
            writes.pop()
        return expected

    try:
        return drive(flow, perform_reads), tuple(writes)
    except Unforeseeable:
        return None, tuple(writes)


@dataclass(frozen=True, slots=True)
class Decisions:
    """The core as the runner sees it."""

    plan: Callable[[Event], Planning[Plan]]
    flow_of: Callable[[Job], Flow[Report]]
    after_breakdown: Callable[[Job, str], Flow[None]] | None = None
    """What to tell people about a job that ended in a fault; None tells the log only."""
    takes_long: Callable[[Job], bool] = takes_long
    """Which jobs the durable engine does beside the others; here each has a thread anyway."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at a time, how much is remembered, and how long is waited before each new try (seconds).

    `patience` is how many seconds an action may be put off in all because a forge asked for it. `calls` is how many
    API requests one plan or job may send: a backport takes ten or so, of the 5,000 that a forge grants in an hour.
    """

    width: int = 4
    remembered: int = 4_000
    pauses: Sequence[float] = (1, 4, 15, 60)
    patience: float = 6 * 3600
    calls: int = 300


@dataclass(frozen=True, slots=True)
class Started:
    """What a delivery set off: its plan, and the run of each of the plan's jobs, in the same order."""

    plan: Plan
    runs: tuple[Future[Report], ...]


class Runner:
    """Handles deliveries and runs their jobs on threads of this process.

    A durable engine takes over by offering the same methods with the same promises:
    - `handle` returns at once; one delivery id is planned once, and every job of the plan is started;
    - `start` returns at once; one job key runs once, and asking again answers with the recorded report;
    - jobs of one change run one after another, in the order in which they were started; other jobs beside them;
    - a passing fault is tried again at the action that met it; any other is logged under an id and raised from the
      future. What failed is not remembered, nor is a refusal, since what stood in the way may be gone by then, nor what
      was settled, since it holds for its moment only: the next delivery or job of that name tries again;
    - `drain` and `close` return when everything that was begun has ended.
    What this one cannot promise is to remember across a restart, or more than `Limits.remembered` names.
    """

    def __init__(
        self, perform: Perform, decisions: Decisions, limits: Limits | None = None, pause: Pause | None = None
    ) -> None:
        """`pause` waits for a number of seconds; by default it ends early once the runner is closing."""
        self._perform = perform
        self._decisions = decisions
        self._limits = limits or Limits()
        self._closing = Flag()
        self._pause = pause or self._closing.wait
        self._lanes = Lanes(self._limits.width)
        self._plans: Once[Started] = Once(self._limits.remembered)
        self._reports: Once[Report] = Once(self._limits.remembered)
        self._endings: OrderedDict[str, Ended] = OrderedDict()
        self._awaiting: set[str] = set()
        self._noting = Lock()

    def handle(self, delivery: str, event: Event) -> Future[Started]:
        """Plan what follows from an event and start its jobs; a delivery that was seen before does neither."""
        task = partial(self._plan, delivery, event)
        return self._plans.begin(delivery, lambda: self._lanes.submit(f"delivery {delivery}", task))

    def start(self, job: Job) -> Future[Report]:
        """Run a job, or find the run that its key has had."""
        run = self._reports.begin(job.key, lambda: self._lanes.submit(lane_of(job), partial(self._run, job)))
        run.add_done_callback(partial(self._forget_what_passes, job.key))
        return run

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs or waits to run; False when that took longer than `timeout` seconds."""
        return self._lanes.drain(timeout)

    def close(self) -> None:
        """Wait for what was begun. Pauses between tries are cut short, so that this ends soon."""
        self._closing.set()
        self._lanes.close()

    def _plan(self, delivery: str, event: Event) -> Started:
        with about(delivery=delivery, event=type(event).__name__, repository=event.repo.path):
            with self._counted("planned"):
                plan = self._watch(self._decisions.plan(event))
            for note in plan.notes:
                _log.info("left: %s", note)
            return Started(plan, tuple(self._begin(job, delivery) for job in plan.jobs))

    def _begin(self, job: Job, delivery: str) -> Future[Report]:
        run = self.start(job)
        run.add_done_callback(partial(self._reopen, delivery))
        return run

    def _run(self, job: Job) -> Report:
        with about(job=job.key):
            _log.info("starts")
            self._remember(job, "waiting")
            try:
                with self._counted("ended"):
                    report = self._watch(self._decisions.flow_of(job))
            except Exception as error:
                self._remember(job, "failed")
                self._tell(job, str(error) if isinstance(error, UserError) else f"fault {name_fault(error)}")
                raise
            self._remember(job, report.outcome if report.outcome in ("refused", "conflict") else "well")
            with self._noting:
                (self._awaiting.add if report.outcome == "waiting" else self._awaiting.discard)(job.key)
            _log.info("%s", report.summary, extra={"outcome": report.outcome})
            for follower in report.then:
                self.start(follower)
            return report

    def _remember(self, job: Job, ending: Ending) -> None:
        """How a job stands, the newest last."""
        with self._noting:
            self._endings.pop(job.key, None)
            self._endings[job.key] = Ended(job, ending)
            while len(self._endings) > self._limits.remembered:
                self._endings.popitem(last=False)

    def _recall(self, action: FindEnded) -> tuple[Ended, ...]:
        with self._noting:
            return tuple(each for each in reversed(self._endings.values()) if each.job.change == action.change)

    def _recall_waiting(self, action: FindWaiting) -> tuple[LineJob, ...]:
        with self._noting:
            jobs = [each.job for each in reversed(self._endings.values()) if each.job.key in self._awaiting]
        return tuple(job for job in jobs if isinstance(job, LineJob) and job.repo.id == action.repo.id)

    @contextmanager
    def _counted(self, what: str) -> Iterator[None]:
        """Hold a piece of work to its budget of requests, and log what it has cost, however it ends."""
        began = time.monotonic()
        with tallying(self._limits.calls) as tally:
            try:
                yield
            finally:
                cost = {"seconds": round(time.monotonic() - began, 3), "calls": tally.calls}
                _log.info(what, extra=cost)

    def _tell(self, job: Job, what: str) -> None:
        """Best effort: the forge may be what is broken, and the fault itself is logged and raised anyway."""
        if self._decisions.after_breakdown is None:
            return
        try:
            drive(self._decisions.after_breakdown(job, what), self._perform)
        except Fault as fault:
            _log.warning("nobody could be told: %s", fault)

    def _reopen(self, delivery: str, run: Future[Report]) -> None:
        """Let a redelivery plan again when a job of this one failed; the jobs that ended well stay done."""
        if run.exception() is not None:
            self._plans.forget(delivery)

    def _forget_what_passes(self, key: str, run: Future[Report]) -> None:
        """What somebody was refused must not use up the key of somebody else who may; a pull can be closed twice."""
        if not run.cancelled() and run.exception() is None and run.result().outcome in ("refused", *MOMENTARY):
            self._reports.forget(key)

    def _watch(self, flow: Flow[R]) -> R:
        try:
            return drive(flow, self._perform_patiently)
        except Exception as error:
            _log.exception("fault", extra={"fault": name_fault(error)})
            raise

    def _perform_patiently(self, action: Action) -> object:
        if isinstance(action, FindEnded):
            return self._recall(action)
        if isinstance(action, FindWaiting):
            return self._recall_waiting(action)
        pauses, patience = iter(self._limits.pauses), self._limits.patience
        while True:
            try:
                return self._perform(action)
            except Fault as fault:
                # To be asked for a wait is no failure: it uses up patience, and none of the tries.
                asked = fault.retry_after
                pause = next(pauses, None) if asked is None else asked
                patience -= 0 if asked is None else max(asked, 1)
                if not fault.passing or pause is None or patience < 0 or (asked and self._closing.is_set()):
                    if fault.answer is None:
                        raise
                    return fault.answer
                level = logging.WARNING if fault.answer is None else logging.INFO
                _log.log(level, "%s is tried again in %.0f s: %s", type(action).__name__, pause, fault)
            self._lanes.rest(partial(self._pause, pause))
