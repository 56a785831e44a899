"""`relbot status`: how the bot is, on one screen.

It must never change anything, and needs no credential of a forge.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, open_console, printable, waiting, write_json

if TYPE_CHECKING:
    from bot.app.operator.health import Fact


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--verify", action="store_true", help="verify the whole audit, and not its newest entries only")
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.epilog = "Exit code 0 whatever it shows; `good` in the JSON says whether there is anything to be done."


def run(args: argparse.Namespace) -> int:
    """Look, and show."""
    from bot.app.log import start_logging
    from bot.app.operator.health import examine
    from bot.app.operator.opening import open_desk

    start_logging(logging.WARNING, traces=False)
    with open_desk(args.settings, os.environ) as desk, waiting("looking", as_json=args.json):
        facts = examine(desk, whole_audit=args.verify)
    if args.json:
        shown = [
            {"name": each.name, "good": each.good, "said": each.said, "mend": each.mend or None, **each.data}
            for each in facts
        ]
        write_json({"good": all(each.good is not False for each in facts), "facts": shown})
    else:
        _print(facts)
    return Exit.DONE


def _print(facts: Sequence[Fact]) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    styles = {True: ("ok", "green"), False: ("!", "bold red"), None: ("", "dim")}
    table = Table("", "", Column(overflow="fold"), box=None, pad_edge=False, show_header=False)
    for each in facts:
        word, style = styles[each.good]
        said = Text(printable(each.said))
        if each.mend:
            said.append(f"\n{printable(each.mend)}", style="bold")
        table.add_row(Text(word, style=style), Text(each.name), said)
    open_console().print(table)
