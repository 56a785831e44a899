"""Runs tasks on a bounded number of threads so that tasks of one lane follow each other and lanes run side by side.

It must never hold a place for a task that waits, be it for its turn or for a forge: the others go on meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Condition
from typing import TypeVar

R = TypeVar("R")

_MOST_RESTING = 1_000
"""Tasks that wait without a place; each costs a thread, started when it is needed and some 50 kB."""

_here = threading.local()


def sleep(seconds: float) -> None:
    """Sleep. Where a task of some lanes does, its place goes to another task meanwhile."""
    lanes: Lanes | None = getattr(_here, "lanes", None)
    if lanes is None:
        time.sleep(seconds)
    else:
        lanes.rest(partial(time.sleep, seconds))


class Lanes:
    """Lanes by name, each first in, first out. At most `width` tasks run at a time, beside `most_resting` that rest."""

    def __init__(self, width: int, most_resting: int = _MOST_RESTING) -> None:
        self._pool = ThreadPoolExecutor(width + most_resting, thread_name_prefix="lane")
        self._beds = most_resting
        self._waiting: dict[str, deque[Callable[[], None]]] = {}
        self._free = width
        self._next: deque[Callable[[], object]] = deque()
        """What to call for those who wait for a place, first come, first served."""
        self._changed = Condition()

    def submit(self, lane: str, task: Callable[[], R]) -> Future[R]:
        """Put a task at the end of its lane; what it returns or raises is the future's."""
        future: Future[R] = Future()
        with self._changed:
            queue = self._waiting.setdefault(lane, deque())
            queue.append(partial(_settle, future, task))
            if len(queue) == 1:
                self._take_place(partial(self._pool.submit, self._run_first, lane))
        return future

    def rest(self, wait: Callable[[], R]) -> R:
        """Let a task wait for something without its place; it goes on when it has one again.

        When as many rest as there are threads for, it keeps its place: the place would find no thread to run on.
        """
        with self._changed:
            if not self._beds:
                keeps_place = True
            else:
                keeps_place = False
                self._beds -= 1
                self._leave_place()
        if keeps_place:
            return wait()
        try:
            return wait()
        finally:
            back = threading.Event()
            with self._changed:
                self._take_place(back.set)
            back.wait()
            with self._changed:
                self._beds += 1

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until every lane is empty, tasks that running tasks add included; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout)

    def close(self) -> None:
        """Drain, and let the threads go."""
        self.drain()
        self._pool.shutdown()

    def _run_first(self, lane: str) -> None:
        """Run the task at the head of a lane, then queue the lane again behind the others if it has more."""
        _here.lanes = self
        self._waiting[lane][0]()
        with self._changed:
            queue = self._waiting[lane]
            queue.popleft()
            if queue:
                self._next.append(partial(self._pool.submit, self._run_first, lane))
            else:
                del self._waiting[lane]
                self._changed.notify_all()
            self._leave_place()

    def _take_place(self, go: Callable[[], object]) -> None:
        """Call `go` as soon as there is a place. The lock is held."""
        if self._free:
            self._free -= 1
            go()
        else:
            self._next.append(go)

    def _leave_place(self) -> None:
        """Hand a place to the next one in line. The lock is held."""
        if self._next:
            self._next.popleft()()
        else:
            self._free += 1


def _settle(future: Future[R], task: Callable[[], R]) -> None:
    try:
        result = task()
    except BaseException as error:  # as an executor does: it is raised where the future is asked
        future.set_exception(error)
    else:
        future.set_result(result)
