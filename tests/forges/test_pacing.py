"""The pacer: never faster than the limits, never before it is time, and nobody waits for somebody else's limits."""

from __future__ import annotations

import time
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.errors import Fault
from bot.forges.pacing import HOUR, Manners, Pace, Pacer, Pacers
from tests.forges.clocks import Standstill

PATIENT = 1e9


def most_within(times: list[float], seconds: float) -> int:
    """The largest number of `times` that any stretch of so many seconds holds, its end not included."""
    return max((bisect_left(times, start + seconds) - index for index, start in enumerate(times)), default=0)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(1, 400), st.floats(0, 2000)), min_size=1, max_size=8))
def test_whatever_is_asked_of_it_writes_keep_the_three_limits(bursts: list[tuple[int, float]]) -> None:
    """Bursts of writes with pauses between them, sent as soon as the pacer lets them."""
    time = Standstill()
    pacer = Pacer("x", Pace(), time.clock, PATIENT)
    sent = []
    for size, pause in bursts:
        for _ in range(size):
            pacer.await_turn(write=True)
            sent.append(time.now)
        time.now += pause
    assert most_within(sent, 60) <= 80
    assert most_within(sent, HOUR) <= 500
    for stretch in (1, 10, 60, 600):
        assert most_within(sent, stretch) <= stretch + Pace().burst, f"more than one a second over {stretch} s"


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 500), st.floats(0.01, 30))
def test_nobody_waits_longer_than_the_limits_ask_for(before: int, later: float) -> None:
    time = Standstill()
    pacer = Pacer("x", Pace(), time.clock, PATIENT)
    for _ in range(before):
        pacer.await_turn(write=True)
    first = time.now
    pacer.await_turn(write=True)
    waited = time.now - first
    if before < Pace().burst:
        assert waited == 0
    elif before < Pace().hourly:
        assert waited == pytest.approx(1, abs=0.01)
    else:
        assert waited == pytest.approx(HOUR - (first - 1_000_000), abs=0.1)
    time.now += HOUR + later
    again = time.now
    pacer.await_turn(write=True)
    assert time.now == again


def test_reads_are_not_paced() -> None:
    time = Standstill()
    pacer = Pacer("x", Pace(), time.clock)
    for _ in range(1000):
        pacer.await_turn(write=False)
    assert time.slept == []


def test_without_a_pace_writes_leave_at_once_and_a_rest_is_kept_all_the_same() -> None:
    time = Standstill()
    pacer = Pacer("x", None, time.clock)
    for _ in range(1000):
        pacer.await_turn(write=True)
    assert time.slept == []
    pacer.rest(20)
    pacer.await_turn(write=True)
    assert time.slept == [20]


def test_a_long_wait_is_a_fault_that_says_how_long_and_a_short_one_is_slept() -> None:
    time = Standstill()
    pacer = Pacer("installation 7", Pace(), time.clock)
    pacer.rest(30)
    pacer.await_turn(write=False)
    assert time.slept == [30]
    pacer.rest(1000)
    with pytest.raises(Fault, match=r"installation 7.*1000 s") as caught:
        pacer.await_turn(write=False)
    assert (caught.value.passing, caught.value.retry_after) == (True, 1000)
    assert time.slept == [30]


def test_a_write_that_was_turned_away_leaves_the_pace_as_it_was() -> None:
    time = Standstill()
    pacer = Pacer("x", Pace(hourly=3), time.clock)
    for _ in range(3):
        pacer.await_turn(write=True)
    for _ in range(5):
        with pytest.raises(Fault) as caught:
            pacer.await_turn(write=True)
        assert caught.value.retry_after == HOUR
    time.now += HOUR
    for _ in range(3):
        pacer.await_turn(write=True)


def test_a_rest_is_never_cut_short_by_a_shorter_one_nor_endless() -> None:
    time = Standstill()
    pacer = Pacer("x", None, time.clock, PATIENT)
    pacer.rest(100)
    pacer.rest(5)
    pacer.await_turn(write=False)
    assert sum(time.slept) == 100
    pacer.rest(99_999_999_999)
    time.slept.clear()
    pacer.await_turn(write=False)
    assert sum(time.slept) == 24 * HOUR


def test_backing_off_doubles_while_it_comes_to_nothing_and_begins_anew_afterwards() -> None:
    time = Standstill()
    pacer = Pacer("x", None, time.clock, PATIENT)
    waits = []
    for _ in range(8):
        waits.append(pacer.back_off())
        pacer.await_turn(write=False)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    time.now += HOUR + 1
    assert pacer.back_off() == 60


def test_requests_that_were_turned_away_together_back_off_once() -> None:
    time = Standstill()
    pacer = Pacer("x", None, time.clock)
    assert [pacer.back_off() for _ in range(8)] == [60] * 8
    time.now += 60
    assert pacer.back_off() == 120


def test_many_threads_keep_the_pace_together() -> None:
    pacer = Pacer("x", Pace(interval=0.02, burst=3), Manners().clock)
    sent, lock = [], Lock()

    def write(_: int) -> None:
        pacer.await_turn(write=True)
        with lock:
            sent.append(time.monotonic())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(30)))
    assert max(sent) - min(sent) >= 0.02 * (30 - 3)


def test_accounts_that_have_nothing_to_do_with_each_other_share_nothing() -> None:
    time = Standstill()
    pacers = Pacers(Manners(clock=time.clock))
    pacers.of("one").rest(1000)
    for _ in range(Pace().burst):
        pacers.of("other").await_turn(write=True)
    assert time.slept == []
    assert pacers.of("one") is pacers.of("one")
