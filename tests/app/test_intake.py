"""The way in while the database hangs: nobody waits for it twice."""

from __future__ import annotations

import time

import pytest

from bot.app.intake import Intake
from bot.app.store.database import Database
from bot.app.store.spool import Spool
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
