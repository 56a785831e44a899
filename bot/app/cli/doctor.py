"""`relbot doctor`: what keeps the bot from working here, a line for each thing, and how to mend it.

It must never change anything without --fix, and never show a credential.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, open_console, printable, waiting, write_json

if TYPE_CHECKING:
    from bot.app.doctor import Finding


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--repository", metavar="R", help="look at this repository too, as owner/name")
    parser.add_argument("--url", help="where the server is (default: `url` under [server] in the settings)")
    parser.add_argument("--fix", action="store_true", help="create the labels and mend the webhook of the repository")
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.epilog = "Exit code 1 when a line is red."


def run(args: argparse.Namespace) -> int:
    """Examine, and show what was found."""
    from bot.app.doctor import Wanted, examine
    from bot.app.log import redact, start_logging

    start_logging(logging.CRITICAL, traces=False)
    wanted = Wanted(args.settings, args.repository, args.url, args.fix)
    with waiting("looking", as_json=args.json):
        findings = list(examine(wanted, os.environ))
    if args.json:
        shown = [
            {"check": each.name, "good": each.good, "said": redact(each.said), "mend": each.mend or None}
            for each in findings
        ]
        write_json({"good": not _is_red(findings), "findings": shown})
    else:
        _print(findings)
    return Exit.FAULT if _is_red(findings) else Exit.DONE


def _is_red(findings: Sequence[Finding]) -> bool:
    return any(each.good is False for each in findings)


_SHOWN = {True: ("ok", "green"), False: ("red", "bold red"), None: ("?", "yellow")}


def _print(findings: Sequence[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    from bot.app.log import redact

    table = Table(box=None, pad_edge=False, show_header=False)
    for each in findings:
        word, style = _SHOWN[each.good]
        said = Text(printable(redact(each.said)))
        if each.mend:
            said.append(f"\n{printable(redact(each.mend))}", style="bold" if each.good is False else "dim")
        table.add_row(Text(word, style=style), Text(printable(each.name)), said)
    open_console().print(table)
