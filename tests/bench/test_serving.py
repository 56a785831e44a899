"""The bench of the door runs, at a size at which its figures mean nothing.

It must never assert a time.
"""

from __future__ import annotations

import asyncio

from tests.bench.senders import Answers, dawdle
from tests.bench.serving import a_door


def test_a_busy_server_and_a_bare_one_are_sent_deliveries() -> None:
    with a_door("bare") as bare, a_door("busy") as busy:
        for door in (bare, busy):
            told = door.offer(10, 1)
            assert (told.statuses, told.errors()) == ({202: 10}, "none")
        assert busy.figures()["VmRSS"] > 10_000
        assert busy.used() > 0
        asyncio.run(dawdle(busy.port, 6, 3))


def test_what_was_not_taken_is_told() -> None:
    answers = Answers()
    for status in (202, 503, 503, 0):
        answers.note(0.1, 0.05, status)
    assert answers.errors() == "1 × no answer, 2 × 503"
    assert (answers.others(202, 503), answers.longest) == (1, 0.05)
    assert answers.told() == "100 / 100 / 100 ms"
