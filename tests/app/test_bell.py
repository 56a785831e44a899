"""The queue is looked at when there is news, often while there was some lately, and seldom otherwise."""

from __future__ import annotations

import threading
import time

import pytest

from bot.app.durable import Pacing
from bot.app.durable.bell import Bell, keep_looking
from tests.app.test_durable import Site
from tests.app.values import a_closing

HOUR = 3600.0
pytestmark = [pytest.mark.xdist_group("bell"), pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture
def bell():
    made = Bell(seldom=HOUR, awake=HOUR)
    made.wait(0)  # it is rung from the start, so that the first look is made at once
    return made


def waiting(bell, timeout=HOUR):
    """A thread that waits for it, and what came of that."""
    came = []
    thread = threading.Thread(target=lambda: came.append(bell.wait(timeout)), daemon=True)
    thread.start()
    return thread, came


@pytest.mark.parametrize(("end", "is_set"), [(Bell.ring, False), (Bell.set, True)])
def test_a_ring_ends_the_wait_and_setting_it_ends_the_thread(bell, end, is_set):
    thread, came = waiting(bell)
    end(bell)
    thread.join(10)
    assert came == [is_set]


def test_a_ring_while_nobody_waits_is_not_lost(bell):
    bell.ring()
    thread, came = waiting(bell)
    thread.join(10)
    assert came == [False]


def test_without_news_for_long_there_is_a_look_now_and_then_only():
    bell = Bell(seldom=HOUR, awake=0)
    bell.wait(0)
    thread, came = waiting(bell, timeout=0.01)
    thread.join(0.5)
    assert came == []
    bell.set()
    thread.join(10)
    assert came == [True]


def test_however_often_it_rings_there_is_a_while_between_two_looks(bell):
    looks = []

    def look():
        while not bell.wait(HOUR):
            looks.append(time.monotonic())

    thread = keep_looking(bell, look)
    began = time.monotonic()
    while len(looks) < 3:
        bell.ring()
        time.sleep(0.001)
    assert time.monotonic() - began > 2 * 0.15
    bell.set()
    thread.join(10)


def test_a_loop_that_ends_early_is_begun_again(bell):
    begun = []
    thread = keep_looking(bell, lambda: (begun.append(1), bell.ring()))
    end = time.monotonic() + 10
    while len(begun) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    bell.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_delivery_is_begun_though_the_next_look_is_an_hour_away(tmp_path):
    pacing = Pacing(poll=HOUR, seldom=HOUR, stop=5)
    with Site(f"sqlite:///{tmp_path}/relbot.sqlite", tmp_path, pacing) as site:
        time.sleep(0.5)  # the first look is over
        site.intake.handle("d1", a_closing())
        end = time.monotonic() + 20
        while not site.stage.planned:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert site.worker.is_alive()
    assert not site.worker.is_alive()
