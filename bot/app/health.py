"""Says whether the bot can do its work, part by part.

It must never say more than what is wrong: no address, no path, no name, since anyone may ask.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile

import sqlalchemy as sa

from bot.app.store.database import Database
from bot.core.errors import Fault

Check = Callable[[], str | None]
"""What is wrong; None when nothing is."""

LEAST_FREE = 200_000_000
"""Bytes that the disk should have left: a spool and a fetch or two."""


class Health:
    """Some checks, made when somebody asks, and then not again for a second. Safe to share between threads."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._lock = threading.Lock()
        self._kept: tuple[float, dict[str, str]] | None = None

    def troubles(self) -> dict[str, str]:
        """What is wrong, by the name of the part."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > 1:
                found = {name: check() for name, check in self._checks.items()}
                self._kept = (time.monotonic(), {name: wrong for name, wrong in found.items() if wrong})
            return self._kept[1]


def checks_of(
    database: Database, directory: Path, works: Callable[[], bool], least: int = LEAST_FREE
) -> dict[str, Check]:
    """The checks of a process that keeps its work there; `works` says whether its worker is alive."""
    return {
        "database": lambda: _check_database(database),
        "spool": lambda: _check_spool(directory),
        "disk": lambda: _check_disk(directory, least),
        "worker": lambda: None if works() else "the worker has stopped; start the process again",
    }


def _check_database(database: Database) -> str | None:
    try:
        with database.reading() as connection:
            connection.execute(sa.text("SELECT 1"))
    except Fault:
        return "the database does not answer; deliveries are spooled"
    return None


def _check_spool(directory: Path) -> str | None:
    try:
        folder = directory / "spool"
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return f"the spool takes nothing: {error.strerror}"
    return None


def _check_disk(directory: Path, least: int) -> str | None:
    try:
        free = shutil.disk_usage(directory).free
    except OSError as error:
        return f"the disk cannot be looked at: {error.strerror}"
    return None if free >= least else f"the disk has {free // 1_000_000} MB left"
