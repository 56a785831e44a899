"""Whoever looks in the wrong place is told so, and leaves nothing there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.app.operator.opening import open_desk
from bot.app.store.database import Database
from bot.core.errors import Fault, UserError

pytestmark = [pytest.mark.xdist_group("database")]


def look(address: str) -> None:
    with open_desk("/dev/null", {"RELBOT_DATABASE": address}):
        pass


def tables(address: str) -> list[str]:
    with closing(Database(address)) as database:
        return sa.inspect(database.engine).get_table_names()


def test_a_database_in_which_nothing_has_run_is_left_as_it_was(database_address: str) -> None:
    with closing(Database(database_address)) as database, database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE of_somebody_else (number INTEGER)")
    with pytest.raises(UserError, match="nothing has run here yet") as caught:
        look(database_address)
    assert database_address.rpartition("/")[2] in str(caught.value)
    assert tables(database_address) == ["of_somebody_else"]


def test_where_there_is_no_file_not_even_its_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing has run here yet"):
        look(f"sqlite:///{tmp_path}/none/relbot.sqlite")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_database_is_named_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "relbot.sqlite").write_text("certainly no database, and long enough to be looked at")
    with pytest.raises(UserError, match=r"relbot\.sqlite cannot be used: file is not a database\. Check that the `dir"):
        look(f"sqlite:///{tmp_path}/relbot.sqlite")


def test_where_something_has_run_it_is_opened(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/relbot.sqlite"
    with closing(Database(address)) as database:
        database.prepare()
    look(address)
    with closing(sqlite3.connect(tmp_path / "relbot.sqlite")) as there:
        assert there.execute("SELECT count(*) FROM relbot_jobs").fetchone() == (0,)


def test_a_database_that_is_damaged_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "relbot.sqlite"
    with closing(Database(f"sqlite:///{file}")) as database:
        database.prepare()
    with closing(sqlite3.connect(file)) as there:
        [page] = there.execute("SELECT rootpage FROM sqlite_master WHERE name = 'relbot_jobs'").fetchone()
        [size] = there.execute("PRAGMA page_size").fetchone()
        there.execute("PRAGMA journal_mode=DELETE")
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xff" * size)
    with (
        closing(Database(f"sqlite:///{file}")) as database,
        pytest.raises(Fault, match="put the last backup in its place"),
        database.reading() as connection,
    ):
        connection.execute(sa.text("SELECT * FROM relbot_jobs")).all()
