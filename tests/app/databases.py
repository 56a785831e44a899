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
    folder = Path(tempfile.mkdtemp(prefix="relbot-pg-"))
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    try:
        _run(folder, "initdb", "--username=relbot", "--auth=trust", "--no-sync", "--encoding=UTF8")
        address = f"postgresql://relbot@/{{name}}?host={folder}"
        start(address, durable=durable)
        try:
            yield address
        finally:
            stop(address)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(address: str, *, durable: bool = False) -> None:
    """Start the server of these addresses."""
    folder = Path(address.partition("?host=")[2])
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=200"
    settings += "" if durable else " -c fsync=off"
    _run(folder, "pg_ctl", "start", "--wait", "--options", settings, "--log", str(folder / "log"))


def stop(address: str, mode: str = "immediate") -> None:
    """Stop it; `immediate` is what a crash is like."""
    _run(Path(address.partition("?host=")[2]), "pg_ctl", "stop", f"--mode={mode}")


def _run(folder: Path, program: str, *arguments: str) -> None:
    programs = postgres_programs()
    assert programs is not None
    who = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    subprocess.run(
        [str(programs / program), *arguments], check=True, capture_output=True, timeout=60, cwd=folder,
        env={"LC_ALL": "C", "PATH": os.environ["PATH"], "PGDATA": str(folder / "data")}, **who,
    )  # fmt: skip


def create(address: str, name: str) -> str:
    """A new database on that server; its address."""
    import psycopg

    with psycopg.connect(address.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    return address.format(name=name)
