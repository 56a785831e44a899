"""The whole bot on the durable engine: the same as on threads, and it remembers across a restart."""

from __future__ import annotations

import pytest

from bot.sandbox import Fault
from tests.app.whole import REPO, op

pytestmark = [pytest.mark.xdist_group("whole_bot_durable"), pytest.mark.filterwarnings("ignore::ResourceWarning")]
FIX = {"kit/ops.py": op(3, "x + 3.0")}


@pytest.fixture
def world(durable_world):
    with durable_world.running():
        yield durable_world


def test_a_merged_labelled_pull_becomes_one_onto_each_line(world):
    number = world.land(FIX, "Make op 3 a float", "backport/2.7", "backport/2.8")
    world.settle()
    for line in ("2.7", "2.8"):
        [backport] = world.pulls_onto(f"release/{line}")
        assert backport.title == f"[{line}] Make op 3 a float (#{number})"
        assert world.file(f"backport/{line}/{number}", "kit/ops.py") == op(3, "x + 3.0")
        assert f"backport-open/{line}" in world.labels(number)
    assert len(world.said_on(number)) == 1


def test_what_was_taken_before_a_restart_is_done_after_it(world):
    number = world.propose((FIX, "Make op 3 a float"))
    world.forge.label(REPO, number, "backport/2.7", by="mona")
    world.settle()
    world.forge.fail(Fault(r"/(pulls|merge_requests)/\d+$", "GET", status=502, times=3))
    world.forge.merge_pull(REPO, number, "squash", by="mona")
    assert world.forge.deliveries.drain(30)
    world.restart()
    world.settle()
    [backport] = world.pulls_onto("release/2.7")
    assert backport.title == f"[2.7] Make op 3 a float (#{number})"
    assert len(world.said_on(number)) == 1


def test_the_same_delivery_ten_times_and_again_after_a_restart_does_nothing_twice(world):
    number = world.land(FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    refs, said = world.forge.git(REPO).refs(), world.said_on(number)
    for _ in range(2):
        for delivery in list(world.forge.deliveries.all):
            for _ in range(5):
                assert world.forge.deliveries.redeliver(delivery.id)
        world.settle()
        world.restart()
    assert world.forge.git(REPO).refs() == refs
    assert world.said_on(number) == said
