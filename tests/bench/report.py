"""Shows what was measured: tables on the terminal, and the same as a page that is kept.

It must never name the machine or a path on it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from bot.tools.git import version
from tests.bench.timing import Measured, Section

_COLUMNS = ("what", "ours", "the other", "figure", "aim", "")


def show(console: Console, section: Section) -> None:
    """Print one section."""
    table = Table(title=section.title, title_justify="left", title_style="bold", box=None, header_style="dim")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column == "what" else "right", overflow="fold")
    for row in section.rows:
        colour = {True: "green", False: "red", None: ""}[row.met]
        table.add_row(*_cells(row), style=colour)
    console.print(table)
    console.print()


def render(sections: Sequence[Section]) -> str:
    """The page `docs/bench.md`."""
    lines = ["# What it costs", "", *_INTRODUCTION.splitlines(), "", machine(), ""]
    for section in sections:
        lines += [f"## {section.title}", "", section.text, "", _line(_COLUMNS), _line([":--", *["--:"] * 5])]
        lines += [_line(_cells(row)) for row in section.rows]
        lines += ["", *(f"- {remark}" for remark in section.remarks.splitlines()), ""]
    return "\n".join(lines).rstrip() + "\n"


_INTRODUCTION = """\
Made by `make bench`. Every ratio comes from pairs that were measured in turns within one run, and is the median of the
pairs; times of different runs, or of different machines, say little beside each other. No test asserts a time.

The environment held no `GIT_` variables: where there are any, each git process costs an `env` more (half a
millisecond), which takes them away.

Real backports of public projects, replayed (`make bench-replay`): their figures, with date and curve, stand in
[tests/replay/README.md](../tests/replay/README.md)."""


def machine() -> str:
    cores, python = os.cpu_count() or 1, platform.python_version()
    git = ".".join(str(number) for number in version())
    system = f"{platform.system()} {platform.machine()}"
    load = os.getloadavg()[0] / cores
    busy = "" if load < 0.75 else f", busy with other work (load {load:.1f} for each core)"
    return f"Measured on {datetime.now(UTC):%Y-%m-%d}: {system}, {cores} cores{busy}, git {git}, Python {python}."


def _cells(row: Measured) -> tuple[str, ...]:
    met = {True: "met", False: "missed", None: ""}[row.met]
    return row.what, row.ours, row.other, row.shown, str(row.aim or ""), met


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
