"""Looks after what nobody has in hand: work of processes that are gone, and work that the engine has lost here.

It must never take work away from a process that lives.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dbos import error as engine_error
from sqlalchemy.exc import SQLAlchemyError

from bot.app.durable.queue import QUEUE, Queue
from bot.app.log import redact
from bot.app.store.database import now
from bot.app.store.slots import Lost, Slot
from bot.core.errors import Fault

_log = logging.getLogger(__name__)

_FORGOTTEN = 120.0
"""Seconds that something has waited before it is looked for in the engine's queue."""


class Active:
    """The workflows that run in this process. Safe to share between threads."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        with self._lock:
            return name in self._names

    @contextmanager
    def having(self, name: str) -> Iterator[None]:
        """A block in which a workflow counts as being in hand."""
        with self._lock:
            self._names.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._names.discard(name)


class Watch:
    """A thread of its own, until it is closed."""

    def __init__(self, queue: Queue, slot: Slot, active: Active, beat: float) -> None:
        self._queue = queue
        self._slot = slot
        self._active = active
        self._beat = beat
        self._suspects: set[str] = set()
        self._looked_for_forgotten = now()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_watch, name="watch", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join(10)

    def _keep_watch(self) -> None:
        """Say that we live, and take over what the dead have left, and what the engine has lost here."""
        while not self._stopping.wait(self._beat):
            try:
                self._look()
            except Lost as lost:
                _log.critical("%s The process ends, to be started again.", lost)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            except (Fault, SQLAlchemyError, engine_error.DBOSException) as error:
                _log.warning("nobody is looked after until the database is back: %s", redact(str(error)))

    def _look(self) -> None:
        self._slot.beat()
        for name in self._slot.dead():
            self._take_over(name)
            self._slot.forget(name)
        self._take_up_lost()
        if now() - self._looked_for_forgotten > _FORGOTTEN / 2:
            self._looked_for_forgotten = now()
            for name in self._queue.take_up_forgotten(now() - _FORGOTTEN):
                _log.warning("%s waits, and the engine knows nothing of it: it is put into the queue again", name)

    def _take_over(self, executor: str) -> None:
        for name, queue in self._pending(executor).items():
            _log.warning("%s was left by %s, which is gone: it is taken over", name, executor)
            self._queue.engine.resume_workflow(name, queue_name=queue)

    def _take_up_lost(self) -> None:
        """The engine forgets work when the disk is full, say; what is not at hand twice in a row, nobody does."""
        idle = {name: queue for name, queue in self._pending(self._slot.id).items() if name not in self._active}
        for name in idle.keys() & self._suspects:
            _log.warning("%s was begun and is in nobody's hands: it is taken up again", name)
            self._queue.engine.resume_workflow(name, queue_name=idle[name])
        self._suspects = idle.keys() - self._suspects

    def _pending(self, executor: str) -> dict[str, str]:
        """What a process has begun, each with the queue that it came from."""
        found = self._queue.engine.list_workflows(
            status="PENDING", executor_id=executor, load_input=False, load_output=False
        )
        return {each.workflow_id: each.queue_name or QUEUE for each in found}
