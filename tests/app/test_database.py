"""SQLite's one lock: who waits for it, for how long, and that nobody writes over anybody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import sqlalchemy as sa

from bot.app.store.database import Database, claims
from bot.core.errors import Fault


@pytest.fixture
def address(tmp_path):
    found = f"sqlite:///{tmp_path}/relbot.sqlite"
    with closing(Database(found)) as database:
        database.prepare()
        with database.begin() as connection:
            connection.execute(sa.insert(claims).values(partition="p", token=0))
    return found


def raise_token(database):
    with database.begin() as connection:
        token = connection.execute(sa.select(claims.c.token)).scalar_one()
        connection.execute(sa.update(claims).values(token=token + 1))


def test_the_eager_and_the_patient_write_in_turn(address):
    with (
        closing(Database(address)) as patient,
        closing(Database(address, eager=True)) as eager,
        ThreadPoolExecutor(8) as threads,
    ):
        for done in [threads.submit(raise_token, database) for _ in range(50) for database in (patient, eager)]:
            done.result(30)
        with patient.begin() as connection:
            assert connection.execute(sa.select(claims.c.token)).scalar_one() == 100


def test_who_is_eager_gives_up_after_its_patience_and_comes_back(address):
    with closing(Database(address)) as holder, closing(Database(address, 0.2, eager=True)) as eager:
        with holder.begin() as connection:
            connection.execute(sa.update(claims).values(token=7))
            for _ in range(2):
                with pytest.raises(Fault, match="locked"):
                    raise_token(eager)
        raise_token(eager)
        with holder.begin() as connection:
            assert connection.execute(sa.select(claims.c.token)).scalar_one() == 8


@pytest.mark.parametrize("eager", [False, True])
def test_what_is_begun_is_kept_as_carefully_either_way(address, eager):
    with closing(Database(address, eager=eager)) as database, database.begin() as connection:
        told = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")}
    assert told == {"journal_mode": "wal", "synchronous": 2}
