"""What to make of a “not found” about something that is known to be there.

It must never hide that a whole repository is out of sight: waiting would not help then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.core.model import Repo
from bot.forges.github.connection import Connection
from bot.forges.wire_fault import WireFault


@contextmanager
def known(connection: Connection, repo: Repo) -> Iterator[None]:
    """What is asked for in here exists: GitHub has told of it, or we have just made it. That it is not found will pass,
    unless GitHub hides the whole repository from us.
    """
    try:
        yield
    except WireFault as fault:
        fault.passing = fault.passing or (fault.status == 404 and _sees(connection, repo))
        raise


def _sees(connection: Connection, repo: Repo) -> bool:
    try:
        connection.wire(repo).requestJsonAndCheck("GET", f"/repos/{repo.path}")
    except WireFault as fault:
        if fault.status == 404:
            return False
        raise
    return True
