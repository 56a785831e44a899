"""`python -m tests.bench`: everything that the project promises about speed, measured and printed.

It must never fail because something was slow; it fails when something did not work.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.bench.cache import measure_cache
from tests.bench.changelog import FULL as LARGE
from tests.bench.changelog import SHORT as SMALLER
from tests.bench.changelog import TINY as SMALLEST
from tests.bench.changelog import Sizes, measure_changelog
from tests.bench.loop import GITHUB, GITLAB, measure_loop
from tests.bench.picking import Ground, measure_picks
from tests.bench.release_history import cache_folder
from tests.bench.report import render, show
from tests.bench.repositories import Size, generate
from tests.bench.starting import measure_start
from tests.bench.timing import Section

PAGE = Path(__file__).parents[2] / "docs" / "bench.md"


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the repositories are, and how often each thing is measured."""

    wide: Size
    long: Size
    singles: int
    batch: int
    repeats: int
    starts: int
    questions: int
    backports: int
    changelog: Sizes


FULL = Scale(Size(5000, 400, 40), Size(300, 1000, 5000, 7), 60, 256, 5, 15, 500, 30, LARGE)
SHORT = Scale(Size(5000, 140, 20), Size(300, 200, 1000, 7), 15, 128, 2, 5, 100, 5, SMALLER)
TINY = Scale(Size(30, 12, 6), Size(10, 12, 12), 2, 6, 2, 1, 3, 2, SMALLEST)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and (unless in short) keep the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--short", action="store_true", help="smaller and fewer: under a minute, and no page")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the page here")
    args = parser.parse_args(arguments)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]  # what a caller's shell sets shall not show in the figures
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    sections = list(measure(SHORT if args.short else FULL, console))
    page = args.output or (None if args.short else PAGE)
    if page is not None:
        page.write_text(render(sections), encoding="utf-8")
    return 0


def measure(scale: Scale, console: Console) -> Iterator[Section]:
    """Every section, shown as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="relbot-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with console.status("generating repositories"):
            ground = Ground.at(generate(folder / "wide.git", scale.wide), folder / "picks")
            long = generate(folder / "long.git", scale.long)
        for title, work in (
            ("picking", lambda: measure_picks(ground, scale.singles, scale.batch, scale.repeats)),
            ("starting", lambda: measure_start(ground, scale.starts)),
            ("patch-ids", lambda: measure_cache(long, folder, scale.repeats, scale.questions)),
            ("changelog", lambda: measure_changelog(scale.changelog, folder if scale is TINY else cache_folder())),
            ("backports on GitHub", lambda: measure_loop(folder, scale.wide.files, scale.backports, GITHUB)),
            ("backports on GitLab", lambda: measure_loop(folder, scale.wide.files, scale.backports, GITLAB)),
        ):
            with console.status(title):
                section = work()
            show(console, section)
            yield section


if __name__ == "__main__":
    sys.exit(main())
