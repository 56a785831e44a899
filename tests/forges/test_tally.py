"""Requests are counted for the piece of work that sent them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bot.core.errors import Fault
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


def test_work_that_has_used_up_its_budget_sends_no_more() -> None:
    with tallying(2) as tally:
        count_call()
        count_call()
        with pytest.raises(Fault, match="has sent 2 requests and may send no more") as caught:
            count_call()
    assert not caught.value.passing
    assert tally.calls == 2
