"""What an operator tells the bot: do a job again, stop one, plan a delivery once more. Each is entered in the audit.

It must never do the work itself: it is put where whatever is at work, now or later, finds it.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from bot.app.codec import Unreadable
from bot.app.operator.opening import Desk
from bot.app.store import audit, deliveries, journal
from bot.core.errors import UserError

T = TypeVar("T")

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Ordered:
    """What was told; `done` is False where there was nothing to do."""

    name: str
    said: str
    done: bool = True


def retry(desk: Desk, named: str) -> Ordered:
    """Put a job that has not ended well back into the queue."""
    from bot.app.durable import Queue

    kept = find_job(desk, named)
    with closing(Queue(desk.database)) as queue, desk.database.begin() as connection:
        try:
            again = journal.begin_again(connection, kept.key)
        except Unreadable as error:
            raise UserError(
                f"{kept.key} was written by another version of the program: {error}. Run that version, or let people "
                "ask for it anew on the pull."
            ) from None
        if again is None:
            return Ordered(kept.key, _why_not(kept), done=False)
        job, attempt = again
        queue.put_job(connection, job, attempt)
        _enter(connection, kept.key, {"$": "Retried", "attempt": attempt, "was": kept.state})
    return Ordered(kept.key, f"it is attempted for the {_ordinal(attempt)} time")


def cancel(desk: Desk, named: str) -> Ordered:
    """Stop a job that waits or runs before its next write."""
    kept = find_job(desk, named)
    with desk.database.begin() as connection:
        stopped = journal.cancel(connection, kept.key, f"{operator()} cancelled it.")
        if stopped:
            _enter(connection, kept.key, {"$": "Cancelled", "attempt": kept.attempt})
    if not stopped:
        return Ordered(kept.key, f"it neither waits nor runs, it is {kept.state}", done=False)
    return Ordered(kept.key, "it is cancelled, and writes nothing from now on but what it is writing at this moment")


def replay(desk: Desk, named: str) -> Ordered:
    """Have a kept delivery planned once more. Jobs of its plan that have ended well are found done."""
    from bot.app.durable import Queue

    told = _find_delivery(desk, named)
    if not told.event:
        raise UserError(
            f"What {told.key} said is not kept any more (`keep_words_days` under [upkeep]). Run `relbot sweep`, which "
            "looks at the forge instead."
        )
    with closing(Queue(desk.database)) as queue, desk.database.begin() as connection:
        number = deliveries.plan_again(connection, told.key, ("planned", "failed"))
        if number is None:
            return Ordered(told.key, "it waits to be planned already", done=False)
        queue.put_plan(connection, told.key, told.partition, number)
        _enter(connection, told.key, {"$": "Replayed", "round": number})
    return Ordered(told.key, "it is planned again")


def find_job(desk: Desk, named: str) -> journal.Kept:
    """The job of this key, or the one whose key begins so, or the one of the pull of this number."""
    where = "`relbot jobs` lists them"
    _check_named(named, "job", where)
    with desk.database.reading() as connection:
        found = journal.find(connection, journal.Wanted(start=named), most=1000)
        if named.isdigit():
            found = [each for each in journal.find(connection, most=10_000) if each.change.endswith(f":{named}")]
    exact = [each for each in found if each.key == named]
    return _only(exact or found, [each.key for each in found], f"job {named!r}", where)


def _find_delivery(desk: Desk, named: str) -> deliveries.Told:
    where = "`relbot explain PULL` names them"
    _check_named(named, "delivery", where)
    with desk.database.reading() as connection:
        found = deliveries.beginning(connection, named)
    exact = [each for each in found if named in (each.key, each.key.partition(":")[2])]
    keys = [each.key for each in found]
    return _only(exact or found, keys, f"delivery {named!r}", where)


def _check_named(named: str, what: str, where: str) -> None:
    """A name that is empty, as out of a variable that is not set, would be the beginning of them all."""
    if not named.strip():
        raise UserError(f"Which {what}? No key was given. {where}.")


def _only(found: Sequence[T], keys: Sequence[str], what: str, where: str) -> T:
    if not found:
        raise UserError(f"There is no {what}. {where}.")
    if len(found) > 1:
        more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
        raise UserError(f"Which {what}? There are {', '.join(keys[:_SHOWN])}{more}. Write more of the key.")
    return found[0]


def operator() -> str:
    """Who sits at this machine; the space keeps the name apart from that of every account of a forge."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have them
        user = str(os.getuid())
    return f"operator {user}@{socket.gethostname()}"


def _enter(connection: sa.Connection, key: str, what: dict[str, object]) -> None:
    audit.append(connection, audit.Entry(key, operator(), json.dumps(what), "null"))


def _why_not(kept: journal.Kept) -> str:
    if kept.state == "waiting":
        return "it waits or runs already" + (f" ({kept.summary})" if kept.summary else "")
    return f"it has ended well: {kept.summary or kept.outcome}"


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
