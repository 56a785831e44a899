"""`relbot jobs`: the jobs and what became of them; `--retry`, `--cancel` and `--replay` tell the bot what to do.

It must never stop a job without being told twice, and needs no credential of a forge.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, get_args

from bot.app.cli.output import Exit, open_console, printable, write_json
from bot.core.errors import UserError

if TYPE_CHECKING:
    from bot.app.operator.opening import Desk
    from bot.app.operator.orders import Ordered
    from bot.app.store.journal import JobState, Kept

_MOST = 50
_LIMIT = 100_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    shown = parser.add_argument_group("which are shown, the newest first")
    state = shown.add_mutually_exclusive_group()
    state.add_argument("--failed", action="store_true", help="the same as --state failed")
    state.add_argument("--state", metavar="S", help="waiting, done, settled, refused, failed or cancelled")
    shown.add_argument("--repository", metavar="R", help="those of this repository, as owner/name")
    shown.add_argument("--change", metavar="PULL", help="those of this pull, as owner/name#12 or its address")
    shown.add_argument("--most", metavar="N", type=int, default=_MOST, help=f"so many at most (default: {_MOST})")
    told = parser.add_argument_group("what is to be done").add_mutually_exclusive_group()
    told.add_argument("--retry", metavar="KEY", help="do this job again, if it has not ended well")
    told.add_argument("--cancel", metavar="KEY", help="stop this job, which waits or runs; wants --yes")
    told.add_argument("--replay", metavar="DELIVERY", help="plan this delivery again")
    parser.add_argument("--yes", action="store_true", help="yes, stop it")
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.epilog = (
        "KEY is a job's key, the beginning of one, or the number of a pull that has one job only; DELIVERY likewise. "
        "They are done by whatever is at work, now or later. Exit code 3 where there was nothing to do, 5 where --yes "
        "is missing."
    )


def run(args: argparse.Namespace) -> int:
    """Show jobs, or give an order."""
    from bot.app.log import start_logging
    from bot.app.operator.opening import open_desk

    start_logging(logging.WARNING, traces=False)
    with open_desk(args.settings, os.environ) as desk:
        if any(named is not None for named in (args.retry, args.cancel, args.replay)):
            return _order(desk, args)
        kept = _find(desk, args)
    if args.json:
        write_json({"jobs": [asdict(each) for each in kept]})
    else:
        _print(kept)
    return Exit.DONE


def _find(desk: Desk, args: argparse.Namespace) -> Sequence[Kept]:
    from bot.app.store import journal

    state: JobState | None = "failed" if args.failed else args.state
    if state is not None and state not in get_args(journal.JobState):
        raise UserError(f"No job is ever {state!r}. The states are {', '.join(get_args(journal.JobState))}.")
    if not 1 <= args.most <= _LIMIT:
        raise UserError(f"--most {args.most} is not possible. Name a number from 1 to {_LIMIT}.")
    change = _change(desk, args.change) if args.change is not None else None
    with desk.database.reading() as connection:
        return journal.find(connection, journal.Wanted(change, state, args.repository), most=args.most)


def _change(desk: Desk, named: str) -> str:
    from bot.app.operator.naming import find_places, read_pull

    name = read_pull(named, desk.home.sites)
    with desk.database.reading() as connection:
        places = find_places(connection, name)
    if not places:
        raise UserError(f"Nothing of {name.path} is known here. `relbot explain {named}` says what that can mean.")
    return f"{places[0]}:{name.number}"


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _order(desk: Desk, args: argparse.Namespace) -> Exit:
    from bot.app.operator import orders

    if args.cancel is not None and not args.yes and (kept := orders.find_job(desk, args.cancel)).state == "waiting":
        _tell(args, orders.Ordered(kept.key, f"it is {kept.state}. Say --yes to stop it.", done=False))
        return Exit.REFUSED
    obey: Callable[[Desk, str], Ordered]
    obey, named = next(
        (order, named)
        for order, named in ((orders.retry, args.retry), (orders.cancel, args.cancel), (orders.replay, args.replay))
        if named is not None
    )
    ordered = obey(desk, named)
    _tell(args, ordered)
    return Exit.DONE if ordered.done else Exit.NOTHING


def _tell(args: argparse.Namespace, ordered: Ordered) -> None:
    if args.json:
        write_json(asdict(ordered))
    else:
        sys.stdout.write(f"{printable(ordered.name)}: {printable(ordered.said)}\n")


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────

_LEAST_WIDTH = 120
"""Columns. A key has to be in one piece to be copied, and needs its place beside what came of the job."""
_COLOURS = {"waiting": "yellow", "failed": "bold red", "refused": "red", "cancelled": "dim"}


def _print(kept: Sequence[Kept]) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    from bot.app.operator.times import span
    from bot.app.store.database import now

    if not kept:
        open_console().print("There is no such job.")
        return
    columns = ("changed", "state", "tries", Column("pull", overflow="fold"), Column("job", no_wrap=True),
               Column("what came", overflow="fold"))  # fmt: skip
    table = Table(*columns, box=None, pad_edge=False)
    for each in kept:
        state = Text(each.outcome or each.state, _COLOURS.get(each.state, "green"))
        said = (f"{each.repository}#{each.change.rpartition(':')[2]}", each.key, each.summary)
        age = f"{span(now() - each.updated_at)} ago"
        table.add_row(age, state, str(each.attempt), *(Text(printable(cell)) for cell in said))
    open_console(least=_LEAST_WIDTH).print(table)
