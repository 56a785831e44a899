"""Databases for tests: SQLite in a folder, and a PostgreSQL of the test run's own where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def postgres_programs() -> Path | None:
    """Where PostgreSQL's server programs are; None where it is not installed."""
    return next((place for place in _PLACES if (place / "initdb").exists()), None)


@contextmanager
def a_server(*, durable: bool = False) -> Iterator[str]:
    """A server of our own that listens on a socket in a temporary folder only; the form of its addresses.

    Unless it is to be `durable` it does not wait for the disk.
    """
    programs = postgres_programs()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="relbot-pg-"))
    data = folder / "data"
    who = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    if who:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [str(programs / program), *arguments], check=True, capture_output=True, timeout=60, cwd=folder,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]}, **who,
        )  # fmt: skip

    try:
        run("initdb", "--pgdata", str(data), "--username=relbot", "--auth=trust", "--no-sync", "--encoding=UTF8")
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=200"
        settings += "" if durable else " -c fsync=off"
        run("pg_ctl", "start", "--wait", "--pgdata", str(data), "--options", settings, "--log", str(folder / "log"))
        try:
            yield f"postgresql://relbot@/{{name}}?host={folder}"
        finally:
            run("pg_ctl", "stop", "--pgdata", str(data), "--mode=immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create(address: str, name: str) -> str:
    """A new database on that server; its address."""
    import psycopg

    with psycopg.connect(address.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    return address.format(name=name)
