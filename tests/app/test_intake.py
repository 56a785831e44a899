"""The way in while the database hangs: nobody waits for it twice."""

from __future__ import annotations

import time

import pytest

from bot.app.intake import Intake
from bot.app.store.database import Database
from bot.app.store.spool import Spool
from bot.core.events import Delivery
from tests.app.values import a_closing


class Nowhere:
    """A queue that puts nothing anywhere."""

    def put_plan(self, *_):
        pass

    def ring(self):
        pass


class Hanging(Database):
    """Counts who asks it."""

    asked = 0

    def begin(self):
        self.asked += 1
        return super().begin()


@pytest.fixture
def database():
    opened = Hanging("postgresql://nobody@127.0.0.1:9/nothing", 1)
    yield opened
    opened.close()


def test_a_database_that_is_away_is_asked_once_a_second_and_everything_is_spooled(database, tmp_path):
    spool = Spool(tmp_path / "spool")
    intake = Intake(database, Nowhere(), spool, look=1000)
    for number in range(20):
        intake.handle(f"d{number}", a_closing())
    few = database.asked
    assert few < 20
    assert len(spool) == 20
    time.sleep(1.1)
    intake.handle("later", a_closing())
    assert database.asked == few + 1
    intake.close()


class Taking(Nowhere):
    """A queue that notes what is put there."""

    def __init__(self):
        self.taken = []

    def put_plan(self, connection, key, partition, number):
        self.taken.append(key)


def test_a_file_that_cannot_be_used_holds_nothing_up(tmp_path):
    spool, queue = Spool(tmp_path / "spool"), Taking()
    (tmp_path / "spool" / "0.json").mkdir(parents=True)
    opened = Database(f"sqlite:///{tmp_path}/relbot.sqlite")
    opened.prepare()
    spool.put("github", Delivery("one", a_closing()))
    intake = Intake(opened, queue, spool, look=0.01)
    try:
        wait_for(lambda: queue.taken == ["github:one"])
        spool.put("github", Delivery("two", a_closing()))
        wait_for(lambda: len(queue.taken) == 2)
    finally:
        intake.close()
        opened.close()


def wait_for(what):
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)
