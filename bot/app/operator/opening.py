"""Opens what a look at the bot takes: the database and its folder, and no forge.

It must never make a database where there is none: who looks in the wrong place is told so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.app.settings import Home, load_home
from bot.app.store.database import Database
from bot.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Desk:
    """The database, and the settings that led to it."""

    database: Database
    home: Home


@contextmanager
def open_desk(named: str | None, environ: Mapping[str, str]) -> Iterator[Desk]:
    """For as long as the block lasts. `UserError` when nothing has run here yet, or the database cannot be used."""
    home = load_home(named, environ)
    with closing(Database(home.database.reveal())) as database:
        file = database.url.database if database.is_sqlite else None
        if (file and not Path(file).exists()) or database.is_new():
            raise UserError(
                f"There is nothing of mine in {file or database.name}: nothing has run here yet. Start `relbot serve`, "
                "or name the settings that it runs with by --settings."
            )
        database.prepare()
        yield Desk(database, home)
