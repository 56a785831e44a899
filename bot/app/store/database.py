"""Opens the database and makes the bot's own tables in it, which stand beside the engine's.

It must never put what is kept into an error or a log: statements are shown without their values. Tables only grow, by
columns with a default of the database's own: so a database of an older program is carried on, and an older program can
still write to a newer one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.schema import CreateColumn

from bot.core.errors import Fault, UserError

_SCHEMA_LOCK = 0x72656C62  # "relb"; of the advisory locks of PostgreSQL

metadata = sa.MetaData()

inbox = sa.Table(
    "relbot_inbox", metadata,
    sa.Column("key", sa.Text, primary_key=True),  # forge:delivery
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("partition", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # waiting, planned, failed
    sa.Column("round", sa.Integer, nullable=False, default=0),  # raised when it is planned once more
    sa.Column("notes", sa.Text, nullable=False, default=""),
    sa.Column("change", sa.Text, nullable=False, server_default=""),  # forge:repository:pull, empty for no pull
    sa.Column("repository", sa.Text, nullable=False, server_default=""),  # its path at that time, in lower case
    sa.Index("relbot_inbox_state", "state", "received_at"),
    sa.Index("relbot_inbox_change", "change"),
    sa.Index("relbot_inbox_repository", "repository"),
)  # fmt: skip

jobs = sa.Table(
    "relbot_jobs", metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # see journal.JobState
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("delivery", sa.Text, nullable=False, default=""),
    sa.Column("outcome", sa.Text, nullable=False, default=""),
    sa.Column("summary", sa.Text, nullable=False, default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Index("relbot_jobs_change", "change"),
    sa.Index("relbot_jobs_state", "state", "updated_at"),
)  # fmt: skip

executors = sa.Table(
    "relbot_executors", metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
)  # fmt: skip

claims = sa.Table(
    "relbot_claims", metadata,
    sa.Column("partition", sa.Text, primary_key=True),
    sa.Column("token", sa.Integer, nullable=False),
)  # fmt: skip

audit = sa.Table(
    "relbot_audit", metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("write", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("seen", sa.Text, nullable=False, server_default=""),  # what the flow had read before it, as JSON
    sa.Index("relbot_audit_job", "job"),
)  # fmt: skip

sightings = sa.Table(
    "relbot_sightings", metadata,
    sa.Column("repository", sa.Text, primary_key=True),  # as a partition is called
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("seen", sa.Text, nullable=False),
    sa.Column("swept_at", sa.Float, nullable=False),
    sa.Column("hook_at", sa.Float, nullable=False, default=0.0),
)  # fmt: skip

rounds = sa.Table(
    "relbot_rounds", metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("began_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("summary", sa.Text, nullable=False, default=""),
)  # fmt: skip


class Database:
    """A database that is there, with the tables in it. Safe to share between threads."""

    def __init__(self, url: str, patience: float = 30.0, *, eager: bool = False) -> None:
        """`url` is `sqlite:////path` or `postgresql://…`; `patience` is how many seconds a lock may be waited for.

        Whoever is `eager` gets SQLite's lock before those who are not. Nothing is connected yet. Raises `UserError` for
        another kind of database.
        """
        self.url = _dialect(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._patience = patience
        self._turn = threading.Lock() if eager and self.is_sqlite else None
        self.engine = self._open()

    def prepare(self) -> None:
        """Make the tables that are missing. Any number of processes may do so at once."""
        self._make_folder()
        try:
            with self._transaction() as connection:
                if not self.is_sqlite:
                    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
                metadata.create_all(connection)
                _grow(connection)
        except SQLAlchemyError as error:
            raise self._unusable(_first_line(error)) from None

    def is_new(self) -> bool:
        """Whether nothing has ever worked here. `UserError` when it cannot be looked at."""
        try:
            with self.engine.connect() as connection:
                return not sa.inspect(connection).has_table(jobs.name)
        except SQLAlchemyError as error:
            raise self._unusable(_first_line(error)) from None

    def _trouble(self, error: DBAPIError) -> Fault:
        said = _first_line(error)
        advice = next((f" {step}" for sign, step in _ADVICE.items() if sign in said), "")
        return Fault(f"The database {self.name} is in trouble: {said}.{advice}", passing=True)

    def _make_folder(self) -> None:
        if not (self.is_sqlite and self.url.database):
            return
        try:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from None

    def _unusable(self, why: str) -> UserError:
        advice = (
            "Check that the `directory` under [data] in the settings is a folder that I may write to, with room on its "
            "disk, and that the file in it is mine."
            if self.is_sqlite else f"Check {_WHERE}, and that the server runs."
        )  # fmt: skip
        return UserError(f"The database {self.name} cannot be used: {why}. {advice}")

    @property
    def name(self) -> str:
        """What the database is called in messages, without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction. Trouble with the database is a `Fault` that may pass, and nothing of it was done."""
        try:
            with self._transaction() as connection:
                yield connection
        except DBAPIError as error:
            raise self._trouble(error) from None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One look at what is there. However long it takes, nobody's writing waits for it."""
        try:
            with self.engine.connect() as connection:
                if self.is_sqlite:
                    connection.exec_driver_sql("BEGIN")
                try:
                    yield connection
                finally:
                    connection.rollback()
        except DBAPIError as error:
            raise self._trouble(error) from None

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self.engine.begin() as connection:
            if self.is_sqlite:  # takes the lock at once: a transaction that read first could not always be carried on
                self._begin_writing(connection)
            yield connection

    def _begin_writing(self, connection: sa.Connection) -> None:
        """SQLite itself asks for its lock ever more seldom, up to ten times a second: among many who want it some wait
        for seconds. Who is eager asks each millisecond, one of us at a time.
        """
        end = time.monotonic() + self._patience
        if self._turn is None or not self._turn.acquire(timeout=self._patience):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        try:
            while True:
                try:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                except OperationalError as error:
                    if "locked" not in str(error.orig) or time.monotonic() > end:
                        raise
                else:
                    return
        finally:
            self._turn.release()

    def dedicated(self) -> sa.Connection:
        """A connection that closes when it is closed, for locks that last as long as it; each statement by itself."""
        engine = sa.create_engine(
            self.url, hide_parameters=True, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2},
        )  # fmt: skip
        return engine.connect()

    def close(self) -> None:
        """Let all connections go."""
        self.engine.dispose()

    def _open(self) -> sa.Engine:
        if self.is_sqlite:
            engine = sa.create_engine(self.url, hide_parameters=True, connect_args={"check_same_thread": False})
            event.listen(engine, "connect", self._set_up_sqlite)
            return engine
        patience = int(self._patience * 1000)
        options = f"-c lock_timeout={patience} -c statement_timeout={patience}"
        return sa.create_engine(
            self.url, hide_parameters=True, pool_pre_ping=True, pool_size=20,
            connect_args={"connect_timeout": max(2, int(min(self._patience, 10))), "options": options},
        )  # fmt: skip

    def _set_up_sqlite(self, connection: Any, _: object) -> None:  # noqa: ANN401 - of the driver
        connection.isolation_level = None  # no transactions but those that are begun in so many words
        settings = [f"busy_timeout={int(self._patience * 1000)}", "journal_mode=WAL", "synchronous=FULL",
                    "foreign_keys=ON"]  # fmt: skip
        if self._turn:
            settings.append("busy_timeout=1")
        for setting in settings:
            connection.execute(f"PRAGMA {setting}").fetchall()


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def _grow(connection: sa.Connection) -> None:
    """Add the columns and indexes that tables of an older program lack."""
    there = sa.inspect(connection)
    for table in metadata.sorted_tables:
        known = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                said = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {said}")
        for index in table.indexes:
            index.create(connection, checkfirst=True)


_ADVICE = {
    "malformed": "Stop the bot and put the last backup in its place.",
    "readonly": "Give this account the right to write there.",
    "is full": "Make room on its disk.",
    "locked": "Something else holds it; try again.",
}
"""What helps where SQLite says so; PostgreSQL's own words are clearer."""

_WHERE = "the address that `database_env` or `database_file` under [data] in the settings leads to"


def _dialect(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (SQLAlchemyError, ValueError):
        raise UserError(
            f"This is no address of a database; write postgresql://USER:PASSWORD@HOST/NAME. Check {_WHERE}."
        ) from None
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database in (None, "", ":memory:"):
                raise UserError(f"A database in memory would forget my work. Check {_WHERE}.")
            return parsed
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise UserError(f"I keep my work in SQLite or PostgreSQL, not in {other}. Check {_WHERE}.")


def _first_line(error: SQLAlchemyError) -> str:
    said = str(getattr(error, "orig", None) or error).strip()
    return (said.splitlines() or [type(error).__name__])[0][:300].rstrip(".")
