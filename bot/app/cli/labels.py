"""`relbot labels sync`: creates the labels that people ask with and the bot answers with, where they are missing.

It must never delete, rename or repaint a label that is there.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, open_console, printable, waiting, write_json
from bot.core.errors import UserError
from bot.core.model import Line

if TYPE_CHECKING:
    from bot.app.equip import LabelReport


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("what", choices=("sync",), help="create what is missing")
    parser.add_argument("--repository", metavar="R", help="the repository, as owner/name")
    parser.add_argument("--line", action="append", default=[], metavar="X.Y", help="only for this line; repeatable")
    parser.add_argument("--dry-run", action="store_true", help="tell what is missing, and make nothing")
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.epilog = (
        "For every line that has a branch: the label that asks for a backport, the one that declines it, and the four "
        "that tell how it stands; and the one for all lines. Exit code 3 when all of them are there already."
    )


def run(args: argparse.Namespace) -> int:
    """Create the labels, and tell of each."""
    from bot.app.connect import connect
    from bot.app.equip import survey_of, sync_labels
    from bot.app.log import start_logging
    from bot.app.places import find_place
    from bot.app.settings import load

    start_logging(logging.WARNING, traces=False)
    settings = load(args.settings, os.environ)
    lines = [_line(word) for word in args.line]
    place = find_place(settings, args.repository)
    with closing(connect(settings)) as performer, waiting(f"reading {place.repo.path}", as_json=args.json):
        survey = survey_of(place, performer)
    with waiting("creating labels", as_json=args.json):
        reports = list(sync_labels(place, survey, lines, rehearse=args.dry_run))
    if args.json:
        labels = [{"name": each.name, "outcome": each.outcome, "said": each.said or None} for each in reports]
        write_json({"repository": place.repo.path, "labels": labels})
    else:
        _print(reports)
    return _exit_of(reports)


def _line(word: str) -> Line:
    line = Line.parse(word)
    if line is None:
        raise UserError(f"{word!r} is not a line. Write it as 2.7.")
    return line


def _exit_of(reports: Iterable[LabelReport]) -> Exit:
    outcomes = {each.outcome for each in reports}
    if "refused" in outcomes:
        return Exit.REFUSED
    return Exit.DONE if outcomes - {"there"} else Exit.NOTHING


def _print(reports: Iterable[LabelReport]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("label", "", "", box=None, pad_edge=False, show_header=False)
    for each in reports:
        table.add_row(*(Text(printable(cell)) for cell in (each.name, each.outcome, each.said)))
    open_console().print(table)
