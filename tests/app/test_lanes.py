"""Tasks in lanes."""

from __future__ import annotations

import threading
import time

import pytest

from bot.app.lanes import Lanes, sleep

WAIT = 10


def test_a_task_s_result_and_its_error_are_the_future_s():
    lanes = Lanes(1)
    assert lanes.submit("a", lambda: 7).result(WAIT) == 7
    with pytest.raises(ZeroDivisionError):
        lanes.submit("a", lambda: 1 / 0).result(WAIT)
    assert lanes.submit("a", lambda: 8).result(WAIT) == 8, "an error does not block the lane"
    lanes.close()


def test_a_lane_that_waits_holds_no_thread():
    lanes = Lanes(2)
    gate = threading.Event()
    blocked = [lanes.submit("a", lambda: gate.wait(WAIT)) for _ in range(5)]
    assert lanes.submit("b", lambda: "through").result(WAIT) == "through"
    gate.set()
    lanes.close()
    assert [task.result(0) for task in blocked] == [True] * 5


def test_draining_waits_for_what_tasks_add_and_can_give_up():
    lanes = Lanes(1)
    gate, seen = threading.Event(), []
    lanes.submit("a", lambda: gate.wait(WAIT) and lanes.submit("b", lambda: seen.append("added")))
    assert lanes.drain(0.01) is False
    gate.set()
    assert lanes.drain(WAIT) is True
    assert seen == ["added"]
    lanes.close()


def test_a_task_that_rests_leaves_its_place_and_gets_one_back():
    lanes = Lanes(1)
    gate = threading.Event()
    resting = lanes.submit("a", lambda: lanes.rest(lambda: gate.wait(WAIT)))
    assert lanes.submit("b", lambda: "through").result(WAIT) == "through"
    assert not resting.done()
    gate.set()
    assert resting.result(WAIT) is True
    lanes.close()


def test_no_more_tasks_run_than_there_are_places_however_many_have_rested():
    lanes, lock = Lanes(2), threading.Lock()
    running, most = 0, 0

    def run(change):
        nonlocal running, most
        with lock:
            running += change
            most = max(most, running)

    def task():
        for _ in range(3):
            run(+1)
            time.sleep(0.002)
            run(-1)
            sleep(0.002)

    for name in range(30):
        lanes.submit(str(name), task)
    lanes.close()
    assert (running, most) == (0, 2)


def test_more_tasks_than_there_are_threads_to_rest_on_get_through_all_the_same():
    lanes = Lanes(2, most_resting=3)
    tasks = [lanes.submit(str(name), lambda: sleep(0.01) or "rested") for name in range(40)]
    assert lanes.drain(WAIT), "they wait for each other"
    assert [task.result(0) for task in tasks] == ["rested"] * 40
    lanes.close()


def test_a_hundred_that_wait_for_their_forge_hold_up_nobody_else():
    lanes, gate = Lanes(4), threading.Event()
    waiting = [lanes.submit(str(name), lambda: lanes.rest(lambda: gate.wait(WAIT))) for name in range(100)]
    assert lanes.submit("another forge", lambda: "through").result(WAIT) == "through"
    assert not any(task.done() for task in waiting)
    gate.set()
    lanes.close()


def test_a_rest_that_fails_gives_the_place_back():
    lanes = Lanes(1)
    with pytest.raises(ZeroDivisionError):
        lanes.submit("a", lambda: lanes.rest(lambda: 1 / 0)).result(WAIT)
    assert lanes.submit("b", lambda: 7).result(WAIT) == 7
    lanes.close()


def test_outside_of_any_lane_one_just_sleeps():
    began = time.monotonic()
    sleep(0.01)
    assert time.monotonic() - began >= 0.01


def test_nothing_is_kept_of_lanes_that_are_empty():
    lanes = Lanes(2)
    for name in range(100):
        lanes.submit(str(name), lambda: None)
    lanes.close()
    assert lanes._waiting == {}
