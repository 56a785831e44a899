"""The database grows with the program, and older programs go on with it."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
import sqlalchemy as sa

from bot.app.store import audit, deliveries, journal
from bot.app.store.database import Database
from tests.app.values import a_backport, a_closing

pytestmark = [pytest.mark.xdist_group("database")]

BEFORE = """
CREATE TABLE relbot_inbox (key TEXT NOT NULL, received_at {float} NOT NULL, event TEXT NOT NULL,
  partition TEXT NOT NULL, state TEXT NOT NULL, round INTEGER NOT NULL, notes TEXT NOT NULL, PRIMARY KEY (key));
CREATE INDEX relbot_inbox_state ON relbot_inbox (state, received_at);
CREATE TABLE relbot_jobs (key TEXT NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL, job TEXT NOT NULL,
  repository TEXT NOT NULL, change TEXT NOT NULL, delivery TEXT NOT NULL, outcome TEXT NOT NULL, summary TEXT NOT NULL,
  created_at {float} NOT NULL, updated_at {float} NOT NULL, PRIMARY KEY (key));
CREATE INDEX relbot_jobs_change ON relbot_jobs (change);
CREATE INDEX relbot_jobs_state ON relbot_jobs (state, updated_at);
CREATE TABLE relbot_executors (id TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, seen_at {float} NOT NULL,
  PRIMARY KEY (id));
CREATE TABLE relbot_claims (partition TEXT NOT NULL, token INTEGER NOT NULL, PRIMARY KEY (partition));
CREATE TABLE relbot_audit (number {serial}, at {float} NOT NULL, job TEXT NOT NULL, actor TEXT NOT NULL,
  write TEXT NOT NULL, outcome TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL{key});
CREATE INDEX relbot_audit_job ON relbot_audit (job)
"""
"""The tables as the program of November 2026 made them."""

AN_ENTRY = ("job", "ada", '{"$":"React"}', "null")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/relbot.sqlite"
    return request.getfixturevalue("postgres")()


def make_before(address):
    """A database of the older program, with a delivery, a job and a sealed entry in it."""
    import hashlib

    with closing(Database(address)) as database, database.engine.begin() as connection:
        sqlite = database.is_sqlite
        kinds = {
            "float": "FLOAT", "serial": "INTEGER NOT NULL" if sqlite else "SERIAL NOT NULL",
            "key": ", PRIMARY KEY (number)",
        }  # fmt: skip
        for statement in BEFORE.format(**kinds).split(";"):
            connection.exec_driver_sql(statement)
        write_as_before(connection, "github:d1", "job-1")
        text = "\n".join(("0" * 64, repr(5.0), *AN_ENTRY))
        row = dict(zip(("job", "actor", "write", "outcome"), AN_ENTRY, strict=True))
        row |= {"at": 5.0, "previous": "0" * 64, "digest": hashlib.sha256(text.encode()).hexdigest()}
        connection.execute(
            sa.text(
                "INSERT INTO relbot_audit (at, job, actor, write, outcome, previous, digest) "
                "VALUES (:at, :job, :actor, :write, :outcome, :previous, :digest)"
            ),
            row,
        )


def write_as_before(connection, delivery, job):
    """What the older program's statements are."""
    connection.execute(
        sa.text(
            "INSERT INTO relbot_inbox (key, received_at, event, partition, state, round, notes) "
            "VALUES (:key, 1, :event, 'github:7', 'planned', 0, 'a note')"
        ),
        {"key": delivery, "event": deliveries.encode(a_closing())},
    )
    connection.execute(
        sa.text(
            "INSERT INTO relbot_jobs (key, attempt, state, job, repository, change, delivery, outcome, summary, "
            "created_at, updated_at) VALUES (:key, 1, 'failed', :job, 'acme/torchlet', 'github:7:12', :delivery, '', "
            "'fault', 1, 1)"
        ),
        {"key": job, "delivery": delivery, "job": deliveries.encode(a_backport())},
    )


def test_a_populated_database_of_the_older_program_is_carried_on(address):
    make_before(address)
    with closing(Database(address)) as database:
        database.prepare()
        with database.begin() as connection:
            [told] = deliveries.named(connection, ["github:d1"])
            assert (told.notes, told.state) == ("a note", "planned")
            assert deliveries.of_change(connection, "github:7:12") == [], "only its job says whose it was"
            assert deliveries.put(connection, "github:d2", a_closing()) == 0
            assert [each.key for each in deliveries.of_change(connection, "github:7:12")] == ["github:d2"]
            [kept] = journal.find(connection, journal.Wanted(change="github:7:12"))
            assert kept.state == "failed"
            assert journal.begin_again(connection, kept.key) == (a_backport(), 2)
            audit.append(connection, audit.Entry("job-2", "ada", "{}", "null", json.dumps(["the tip was at 1"])))
            assert audit.verify(connection) is None, "entries from before `seen` are as well sealed as those after"


def test_an_older_program_still_writes_to_a_newer_database(address):
    with closing(Database(address)) as database:
        database.prepare()
        with database.begin() as connection:
            write_as_before(connection, "github:d1", "job-1")
            assert deliveries.named(connection, ["github:d1"])[0].notes == "a note"
            assert [each.key for each in journal.find(connection)] == ["job-1"]


def test_preparing_twice_changes_nothing(address):
    with closing(Database(address)) as database:
        database.prepare()
        before = shape(database)
        database.prepare()
        assert shape(database) == before


def shape(database):
    found = sa.inspect(database.engine)
    return {table: [column["name"] for column in found.get_columns(table)] for table in found.get_table_names()}


def test_a_long_look_keeps_nobody_from_writing(address):
    with closing(Database(address, patience=1)) as database:
        database.prepare()
        with database.reading() as look:
            assert audit.size(look) == 0
            with database.begin() as connection:
                audit.append(connection, audit.Entry("job", "ada", "{}", "null"))
            assert audit.size(look) == (0 if database.is_sqlite else 1)
