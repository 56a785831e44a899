"""The audit shows what was tampered with, the newest entries quickly."""

from __future__ import annotations

from contextlib import closing

import pytest

from bot.app.store import audit
from bot.app.store.database import Database, now


@pytest.fixture
def database(tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/relbot.sqlite")) as database:
        database.prepare()
        with database.begin() as connection:
            for n in range(20):
                audit.append(connection, audit.Entry(f"job {n}", "ada", "{}", "null", "[]" if n % 2 else ""))
        yield database


@pytest.mark.parametrize("newest", [None, 0, 1, 5, 19, 20, 1000])
def test_what_nobody_touched_is_well(database, newest):
    with database.reading() as connection:
        assert audit.verify(connection, newest) is None
        assert audit.size(connection) == 20


@pytest.mark.parametrize("change", [
    "UPDATE relbot_audit SET actor = 'mallory' WHERE number = 15",
    "UPDATE relbot_audit SET seen = '' WHERE number = 16",
    "UPDATE relbot_audit SET seen = '[1]' WHERE number = 15",
    "UPDATE relbot_audit SET at = 1 WHERE number = 15",
])  # fmt: skip
def test_every_column_is_sealed(database, change):
    with database.begin() as connection:
        connection.exec_driver_sql(change)
        assert audit.verify(connection) in (15, 16)
        assert audit.verify(connection, 8) in (15, 16)
        assert audit.verify(connection, 2) is None, "only so many are looked at"


def test_an_entry_that_is_gone_is_missed(database):
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM relbot_audit WHERE number = 12")
        assert audit.verify(connection) == 13
        assert audit.verify(connection, 9) == 13


def test_what_was_forgotten_is_no_gap_wherever_the_look_begins(database):
    moment = now()
    with database.begin() as connection:
        for n in range(3):
            audit.append(connection, audit.Entry(f"later {n}", "ada", "{}", "null"))
        assert audit.forget(connection, moment) == 19
    with database.reading() as connection:
        assert audit.size(connection) == 4
        assert [audit.verify(connection, newest) for newest in (None, 1, 2, 3, 4)] == [None] * 5
