"""Requests are counted for the piece of work that sent them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from bot.forges.tally import count_call, tallying


def test_outside_of_any_work_nothing_is_counted_and_nothing_fails() -> None:
    count_call()
    with tallying() as tally:
        assert tally.calls == 0


def test_work_on_two_threads_at_once_is_counted_apart() -> None:
    together = Barrier(2, timeout=10)

    def work(calls: int) -> int:
        with tallying() as tally:
            together.wait()
            for _ in range(calls):
                count_call()
            together.wait()
            return tally.calls

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(work, (3, 5))) == [3, 5]


def test_an_inner_tally_takes_its_calls_from_the_outer_one() -> None:
    with tallying() as outer:
        count_call()
        with tallying() as inner:
            count_call()
        count_call()
    assert (outer.calls, inner.calls) == (2, 1)
