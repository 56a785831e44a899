"""Names of processes: held while the process lives, whatever becomes of the database meanwhile."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.app.store.database import Database, executors
from bot.app.store.slots import Lost, Slot

pytestmark = pytest.mark.xdist_group("slots")


@pytest.fixture
def database(database_address):
    database = Database(database_address)
    database.prepare()
    yield database
    database.close()


def cut_off(database):
    """End every session, as a restart of the server does."""
    with database.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    database.close()


def look(slot, times=3):
    return [slot.dead() for _ in range(times)][-1]


def test_who_is_gone_is_found_only_after_some_looks(database, tmp_path):
    one, other = Slot(database, tmp_path), Slot(database, tmp_path)
    assert (one.id, other.id) == ("slot-1", "slot-2")
    other.release()
    assert look(one, 2) == []
    other._say()  # it lives after all, and only its lock was lost
    assert look(one, 2) == []
    assert look(one, 1) == ["slot-2"]
    one.release()


def test_a_name_is_held_on_to_when_the_database_comes_back(database, tmp_path):
    if database.is_sqlite:
        pytest.skip("the lock is a file's, and outlasts the database")
    one, other = Slot(database, tmp_path), Slot(database, tmp_path)
    cut_off(database)
    for slot in (one, other):
        slot.beat()
    assert not one._is_free("slot-2")
    assert not other._is_free("slot-1")
    for slot in (one, other):
        slot.release()


def test_who_finds_its_name_taken_knows_that_it_is_lost(database, tmp_path):
    if database.is_sqlite:
        pytest.skip("the lock is a file's, and outlasts the database")
    slot = Slot(database, tmp_path)
    cut_off(database)
    with database.begin() as connection:
        connection.execute(sa.update(executors).values(host="elsewhere", pid=1))
    with pytest.raises(Lost, match="elsewhere"):
        slot.beat()
    slot.release()
