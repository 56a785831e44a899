"""What is remembered of what was begun."""

from __future__ import annotations

from concurrent.futures import Future

from bot.app.once import Once


def ended(result=None, error=None):
    future = Future()
    if error:
        future.set_exception(error)
    else:
        future.set_result(result)
    return future


def test_a_key_is_begun_once_while_it_runs_and_after():
    once = Once(10)
    running = Future()
    assert once.begin("a", lambda: running) is running
    assert once.begin("a", lambda: ended("other")) is running
    running.set_result("first")
    assert once.begin("a", lambda: ended("other")).result() == "first"


def test_what_failed_is_begun_anew():
    once = Once(10)
    once.begin("a", lambda: ended(error=ValueError("no")))
    assert once.begin("a", lambda: ended("second")).result() == "second"


def test_what_was_cancelled_is_begun_anew():
    once = Once(10)
    future = Future()
    once.begin("a", lambda: future)
    future.cancel()
    assert once.begin("a", lambda: ended("second")).result() == "second"


def test_the_keys_asked_for_longest_ago_are_forgotten_first():
    once = Once(2)
    once.begin("a", lambda: ended(1))
    once.begin("b", lambda: ended(1))
    once.begin("a", lambda: ended(2))
    once.begin("c", lambda: ended(1))
    assert len(once) == 2
    assert once.begin("a", lambda: ended(3)).result() == 1
    assert once.begin("b", lambda: ended(3)).result() == 3


def test_what_still_runs_is_never_forgotten():
    once = Once(2)
    running = [Future() for _ in range(5)]
    for name, future in enumerate(running):
        once.begin(str(name), lambda future=future: future)
    assert [once.begin(str(name), lambda: ended("other")) for name in range(5)] == running
