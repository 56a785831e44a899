"""How the engine is told to be.

It must never log in its own words and ways: it speaks of other products and of development.
"""

from __future__ import annotations

import logging

from dbos import DBOSConfig, DBOSPortableJSONSerializer

from bot.app.durable.queue import FORMAT, address_of
from bot.app.store.database import Database


def configure(database: Database, executor: str) -> DBOSConfig:
    """For one process, under its own name."""
    return {
        "name": "relbot",
        "system_database_url": address_of(database),
        "application_version": FORMAT,
        "executor_id": executor,
        "serializer": DBOSPortableJSONSerializer(),
        "db_engine_kwargs": {"hide_parameters": True},
        "log_level": "WARNING",
        "use_listen_notify": False,
        "scheduler_polling_interval_sec": 60.0,
    }


def quieten() -> None:
    """The engine's log goes where ours goes; it speaks of other products and of development otherwise."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = True
    logger.setLevel(logging.WARNING)
