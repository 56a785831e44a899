"""Does what is in the queue: the workflows, their steps, and what becomes of them when there is trouble.

It must never let an outcome of one question pass for that of another, nor write where somebody else has taken over.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, cast

import sqlalchemy as sa
from dbos import DBOS

from bot.app import meters
from bot.app.codec import Unreadable, decode, encode
from bot.app.durable.bell import Bell, keep_looking, look_at
from bot.app.durable.engine import configure, quieten
from bot.app.durable.pacing import Pacing
from bot.app.durable.queue import BUILDS, QUEUE, Queue
from bot.app.durable.turns import NOT_THE_FLOWS, Cancelled, Later, Superseded, Turns
from bot.app.durable.watch import Active, Watch
from bot.app.log import about, conceal, name_fault
from bot.app.runner import Decisions, Perform, drive
from bot.app.seen import abridge, say_seen
from bot.app.steps import Outcome, Step, Trouble, name_step
from bot.app.store import audit, claims, deliveries, journal
from bot.app.store.database import Database, now
from bot.app.store.slots import Slot
from bot.app.tracing import span, traced
from bot.core.actions import Action, Flow, Write
from bot.core.errors import Fault, UserError
from bot.core.events import Event
from bot.core.jobs import Backport, FindEnded, FindWaiting, Job, Plan, Report
from bot.core.wishes import LineJob
from bot.forges.tally import tallying

R = TypeVar("R")

_TOO_EARLY = 2
"""Times that work is put off for a “no” that may come too early: in all some minute, and then it is one."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of one attempt at a piece of work, and what it may do while it lasts. A plan is no attempt at a job."""

    job: str
    actor: str
    partition: str
    token: int
    since: float
    number: int
    attempt: int | None = None
    seen: list[str] = field(default_factory=list)
    """What was read since the last write."""


class Worker:
    """Does what is in the queue, on threads of this process. There is one in a process."""

    def __init__(
        self, database: Database, slot: Slot, perform: Perform, decisions: Decisions, pacing: Pacing | None = None
    ) -> None:
        self._database = database
        self._slot = slot
        self._perform = traced(meters.timed(perform))
        self._decisions = decisions
        self._pacing = pacing or Pacing()
        self._queue: Queue | None = None
        self._bell = Bell(self._pacing.seldom)
        self._looking: threading.Thread | None = None
        self._active = Active()
        self._turns = Turns(self._pacing)
        self._watch: Watch | None = None

    def start(self) -> Queue:
        """Take up what was left, and go on with what comes."""
        quieten()
        configuration = configure(self._database, self._slot.id)
        self._queue = Queue(self._database, self._decisions.takes_long, self._bell)
        self._queue.prepare()
        # Before the launch: a queue that comes later is noticed a second later.
        self._register_queue(QUEUE, self._pacing.width, self._pacing.poll)
        self._register_queue(BUILDS, self._pacing.builds, self._pacing.poll_builds)
        engine = DBOS(config=configuration)
        self._register()
        DBOS.listen_queues([BUILDS])
        DBOS.launch()
        self._look(engine)
        self._watch = Watch(self._queue, self._slot, self._active, self._pacing.beat)
        return self._queue

    def is_alive(self) -> bool:
        """Whether what is in the queue is begun, and what is in nobody's hands found."""
        return all(thread is not None and thread.is_alive() for thread in (self._looking, self._watch))

    def close(self) -> None:
        """Take no more work, wait for what is at hand, and leave the rest to whoever comes next."""
        self._turns.close()
        if self._watch:
            self._watch.close()
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=self._pacing.stop)
        if self._queue:
            self._queue.close()
        self._slot.release()

    def _register_queue(self, name: str, width: int, poll: float) -> None:
        assert self._queue is not None
        self._queue.engine.register_queue(
            name, partition_concurrency=1, worker_concurrency=width, polling_interval_sec=poll,
            application_name="relbot",
        )  # fmt: skip

    def _look(self, engine: DBOS) -> None:
        """Begin to look at the queue; the engine stops all that looks before it waits for what is at hand."""
        engine.background_thread_stop_events.append(self._bell)
        self._looking = keep_looking(self._bell, partial(look_at, QUEUE, self._bell, engine))

    def _register(self) -> None:
        """The engine wants plain functions, under names that it finds again after a restart."""

        @DBOS.workflow(name="plan", max_recovery_attempts=None)
        def run_plan(key: str, number: int, run: int) -> None:
            self._run_plan(key, number, run)

        @DBOS.workflow(name="job", max_recovery_attempts=None)
        def run_job(key: str, attempt: int, run: int) -> None:
            self._run_job("job", key, (attempt, run))

        @DBOS.workflow(name="build", max_recovery_attempts=None)
        def run_build(key: str, attempt: int, run: int) -> None:
            self._run_job("build", key, (attempt, run))

    # ── the workflows ────────────────────────────────────────────────────────────────────────────────────────────────

    def _run_plan(self, key: str, number: int, run: int) -> None:
        """Plan what follows from a delivery and begin the jobs of the plan."""
        again = partial(self._put_off, "plan", f"plan {key} {number}", (key, number, run))
        with self._active.having(cast("str", DBOS.workflow_id)):
            self._turns.do(again, partial(self._find_and_plan, key, number, run))

    def _find_and_plan(self, key: str, number: int, run: int) -> None:
        try:
            with self._database.begin() as connection:
                found = deliveries.read(connection, key, number)
        except Unreadable as error:
            self._fail_plan(key, error)
            return
        if found is not None:
            event, since = found
            with about(repository=event.repo.path):
                self._plan(key, event, (since, run))

    def _plan(self, key: str, event: Event, tried: tuple[float, int]) -> None:
        """`tried` is since when this is tried, and how often it was put off."""
        partition = deliveries.partition_of(event.repo)
        delivery = key.partition(":")[2]
        told = {"event": type(event).__name__, "repository": event.repo.path}
        with about(delivery=delivery, **told), span("plan", key, **told):
            run = _Run(f"plan {key}", event.actor.login, partition, self._take(partition), *tried)
            try:
                plan = self._follow(self._decisions.plan(event), run, "planned")
            except NOT_THE_FLOWS:
                raise
            except Exception as error:
                self._fail_plan(key, error)
                return
            for note in plan.notes:
                _log.info("left: %s", note)
            DBOS.run_step({"name": "begin jobs"}, partial(self._begin, key, plan))

    def _begin(self, key: str, plan: Plan) -> None:
        with self._database.begin() as connection:
            self._put(connection, plan.jobs, key, anew=not deliveries.is_found(key))
            deliveries.mark(connection, key, "planned", "\n".join(plan.notes))
        self._ring()

    def _put(self, connection: sa.Connection, jobs: Sequence[Job], delivery: str, *, anew: bool) -> None:
        """Have jobs done that follow from something, in the transaction that writes it down."""
        assert self._queue is not None
        for job in jobs:
            attempt = journal.begin(connection, job, delivery, anew=anew)
            if attempt is not None:
                self._queue.put_job(connection, job, attempt)

    def _ring(self) -> None:
        assert self._queue is not None
        self._queue.ring()

    def _fail_plan(self, key: str, error: Exception) -> None:
        name = name_fault(error)
        _log.error("a delivery could not be planned", exc_info=error, extra={"fault": name})
        why = str(error) if isinstance(error, UserError) else f"fault {name}: {error}"
        with self._database.begin() as connection:
            deliveries.mark(connection, key, "failed", why)

    def _run_job(self, kind: str, key: str, tried: tuple[int, int]) -> None:
        """Do one job. `tried` is the attempt, and how often that was put off."""
        attempt, run = tried
        again = partial(self._put_off, kind, f"{key} {attempt}", (key, attempt, run))
        with self._active.having(cast("str", DBOS.workflow_id)), about(job=key):
            self._turns.do(again, partial(self._find_and_do, kind, key, tried))

    def _find_and_do(self, kind: str, key: str, tried: tuple[int, int]) -> None:
        attempt, run = tried
        try:
            with self._database.begin() as connection:
                found = journal.read(connection, key, attempt)
        except Unreadable as error:
            self._end(key, attempt, str(error))
            return
        if found is not None:
            job, kept = found
            with about(repository=job.repo.path):
                self._do(kind, job, (kept, run))

    def _do(self, kind: str, job: Job, tried: tuple[journal.Kept, int]) -> None:
        kept, number = tried
        partition = deliveries.partition_of(job.repo)
        if kind == "build":  # goes on beside the rest, and must not be taken for its successor
            partition = f"builds:{partition}"
        mine = (kept.updated_at, number, kept.attempt)
        run = _Run(job.key, self._asker(job, kept), partition, self._take(partition), *mine)
        trace = span(type(job).__name__, kept.delivery, job=job.key, repository=job.repo.path)
        with about(delivery=kept.delivery.partition(":")[2]), meters.timing_job(type(job).__name__) as note, trace:
            _log.info("starts")
            ended: Report | str
            try:
                ended = self._follow(self._decisions.flow_of(job), run, "ended")
                _log.info("%s", ended.summary, extra={"outcome": ended.outcome})
            except NOT_THE_FLOWS:
                raise
            except Exception as error:
                told = str(error) if isinstance(error, UserError) else f"fault {name_fault(error)}"
                _log.error("fault", exc_info=error, extra={"fault": name_fault(error)})
                self._tell(job, run, told)
                # Operators read what is kept; people on the forge get the name to ask them by.
                ended = told if isinstance(error, UserError) else f"{told}: {error}"
            note(ended.outcome if isinstance(ended, Report) else "failed")
            DBOS.run_step({"name": "end"}, partial(self._end, job.key, kept.attempt, ended, kept.delivery))

    def _asker(self, job: Job, kept: journal.Kept) -> str:
        """Whose wish a job is, or else who did what began it."""
        if isinstance(job, Backport):
            return job.actor.login
        if isinstance(job, LineJob):
            return job.asked.actor.login
        with suppress(Unreadable), self._database.reading() as connection:
            found = deliveries.read(connection, kept.delivery)
            return found[0].actor.login if found else ""
        return ""

    def _end(self, key: str, attempt: int, ended: Report | str, delivery: str = "") -> None:
        with self._database.begin() as connection:
            journal.end(connection, key, attempt, ended)
            if isinstance(ended, str):
                deliveries.mark(connection, delivery, "failed")
            else:
                self._put(connection, ended.then, delivery, anew=True)
        self._ring()

    def _tell(self, job: Job, run: _Run, what: str) -> None:
        """Best effort: the forge may be what is broken."""
        if self._decisions.after_breakdown is None:
            return
        try:
            self._follow(self._decisions.after_breakdown(job, what), run, "told")
        except (Fault, UserError, Later) as error:
            _log.warning("nobody could be told: %s", error)

    # ── a flow, step by step ─────────────────────────────────────────────────────────────────────────────────────────

    def _follow(self, flow: Flow[R], run: _Run, what: str) -> R:
        began = time.monotonic()
        with tallying(self._pacing.calls) as tally:
            try:
                return drive(flow, partial(self._step, run))
            finally:
                cost = {"seconds": round(time.monotonic() - began, 3), "calls": tally.calls}
                _log.info(what, extra=cost)

    def _step(self, run: _Run, action: Action) -> object:
        """Perform an action, or remember what came of it; passing trouble is outlasted."""
        pauses = iter(self._pacing.pauses)
        while True:
            step = Step(partial(self._act, run), action)
            told = step.read(DBOS.run_step({"name": name_step(action)}, step.run))
            if isinstance(told, Outcome):
                _take_note(run, action, told.value)
                return told.value
            pause = self._pause(told, run, next(pauses, None))
            if pause is not None:
                level = logging.WARNING if told.answer is None else logging.INFO
                _log.log(level, "%s is tried again in %.0f s: %s", type(action).__name__, pause, told.message)
                DBOS.sleep(pause)
            elif told.answer is not None:
                _take_note(run, action, answer := decode(told.answer))
                return answer
            else:
                told.raise_again()

    def _pause(self, trouble: Trouble, run: _Run, short: float | None) -> float | None:
        """Seconds to wait in place before the next try; None when there is none. `Later` when it is a long time."""
        if not trouble.passing:
            return None
        longest_here = max(self._pacing.pauses, default=0)
        if trouble.retry_after is None and short is not None:
            return short
        if trouble.answer is not None and run.number >= _TOO_EARLY:
            return None
        wait = trouble.retry_after
        if wait is None:
            wait = min(self._pacing.first * 2**run.number, self._pacing.longest)
        if now() + wait - run.since > self._pacing.patience:
            return None
        if wait <= longest_here and trouble.retry_after is not None:
            return wait
        raise Later(wait, trouble.message)

    def _act(self, run: _Run, action: Action) -> object:
        """Perform an action; a write only while the repository is ours, and it is entered in the audit."""
        if isinstance(action, FindWaiting):
            with self._database.reading() as connection:
                return journal.awaiting(connection, action.repo)
        if isinstance(action, FindEnded):
            with self._database.reading() as connection:
                return journal.ended(connection, action.change)
        if not isinstance(action, Write):
            return self._perform(action)
        with self._database.begin() as connection:
            if not claims.holds(connection, run.partition, run.token):
                raise Superseded
            if run.attempt is not None and not journal.goes_on(connection, run.job, run.attempt):
                raise Cancelled
        outcome = self._perform(action)
        with self._database.begin() as connection:
            seen = json.dumps(run.seen) if run.seen else ""
            audit.append(connection, audit.Entry(run.job, run.actor, encode(abridge(action)), encode(outcome), seen))
        return outcome

    # ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, partition: str) -> int:
        with self._database.begin() as connection:
            return claims.take(connection, partition)

    def _put_off(self, kind: str, name: str, given: tuple[str, int, int], later: Later) -> None:
        assert self._queue is not None
        key, attempt, run = given
        kept = deliveries if kind == "plan" else journal
        with self._database.begin() as connection:
            partition = kept.partition(connection, key)
            kept.note(connection, key, later.why)
        self._queue.put_off(kind, f"{name}.{run + 1}", partition, (key, attempt, run + 1), later.seconds)


def _take_note(run: _Run, action: Action, outcome: object) -> None:
    """What a write rests on is what was read before it; the one after it rests on what was read since, too."""
    if isinstance(action, Write):
        run.seen.clear()
    elif told := say_seen(action, outcome):
        run.seen.append(conceal(told))
