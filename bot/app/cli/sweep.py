"""`relbot sweep`: finds what a lost webhook would have started, and has it done.

It must never do the work itself: what it finds goes the way of every delivery, to whatever server or worker there is.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, open_console, printable, waiting, write_json
from bot.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.app.settings import Settings
    from bot.app.sweep import Swept

_UNITS = {"m": 60, "h": 3600, "d": 86_400}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--repository", metavar="R", help="only this one, as owner/name (default: all)")
    parser.add_argument("--since", metavar="AGE", type=_age, help="go back this far (90m, 12h, 3d), whatever was seen")
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.epilog = (
        "A server does this by itself every ten minutes (`sweep_minutes` under [upkeep]). Swept are the repositories "
        "of the owners that the settings name, or else those that have ever sent a delivery. One that is swept for the "
        "first time is only looked at: name --since to have older labels and commands found. What is found waits for "
        "`relbot serve` or `relbot work`. Exit code 3 when nothing was found, 1 when a repository could not be swept."
    )


def run(args: argparse.Namespace) -> int:
    """Sweep, and tell what was found and what it cost."""
    from bot.app.connect import connect
    from bot.app.log import start_logging
    from bot.app.settings import load
    from bot.app.work import Place, at_the_door

    settings = load(args.settings, os.environ)
    start_logging(logging.ERROR, traces=False)
    since = _since(settings, args.since)
    place = Place(settings.database, settings.directory)
    with closing(connect(settings)) as performer, at_the_door(place) as (intake, database):
        from bot.app.keep import open_sweeper, what_to_sweep

        sweeper = open_sweeper(settings, performer, intake, database)
        wanted = what_to_sweep(settings, args.repository, since)
        with waiting("sweeping", as_json=args.json):
            spooled = intake.drain()
            swept = list(sweeper.sweep(wanted))
        if args.repository is not None and not swept:
            raise UserError(_absent(settings, args.repository))
    _tell(swept, spooled, as_json=args.json)
    if any(each.failed for each in swept):
        return Exit.FAULT
    return Exit.DONE if spooled or any(each.found or each.sent_again for each in swept) else Exit.NOTHING


def _absent(settings: Settings, named: str) -> str:
    said = f"There is no {named!r} that the bot's token can write to. Check its name."
    return f"{said} It has to belong to one of the `owners` under [server], too." if settings.server.owners else said


def _age(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: write 90m, 12h or 3d")
    return int(found[1]) * _UNITS[found[2]]


def _since(settings: Settings, age: int | None) -> int | None:
    """The time to go back to; not further than names are remembered, or what was done long ago would be done again."""
    if age is None:
        return None
    if age > settings.upkeep.keep_days * _UNITS["d"]:
        raise UserError(
            f"I remember what I have done for {settings.upkeep.keep_days} days (`keep_days` under [upkeep]), and would "
            "take older commands for new ones. Name a shorter age with --since."
        )
    return int(time.time()) - age


def _tell(swept: Sequence[Swept], spooled: int, *, as_json: bool) -> None:
    if as_json:
        repositories = [
            {"repository": each.repo.path, "forge": each.repo.forge, "touched": each.touched, "found": each.found,
             "sent_again": each.sent_again, "requests": each.calls, "warnings": each.warnings, "failed": each.failed}
            for each in swept
        ]  # fmt: skip
        write_json({"repositories": repositories, "spooled": spooled, "requests": sum(each.calls for each in swept)})
        return
    from rich.table import Table

    from bot.app.log import redact
    from bot.app.upkeep import summarise

    table = Table("repository", "touched", "found", "sent again", "requests", box=None, pad_edge=False)
    for each in swept:
        if each.found or each.sent_again or each.warnings:
            numbers = (each.touched, len(each.found), each.sent_again, each.calls)
            table.add_row(printable(each.repo.path), *(str(number) for number in numbers))
    console = open_console()
    if table.row_count:
        console.print(table)
    for each in swept:
        for warning in each.warnings:
            console.print(f"{printable(each.repo.path)}: {printable(redact(warning))}", markup=False, style="yellow")
    if spooled:
        sys.stdout.write(f"{spooled} deliveries were in the spool and are in the database now.\n")
    sys.stdout.write(f"{summarise(swept)}.\n")
