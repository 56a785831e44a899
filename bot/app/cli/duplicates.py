"""`relbot duplicates`: which changes of one branch are already on another, and how that is known.

It never writes to the repository; what it learns about commits is kept in the user's cache folder.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, open_console, printable, write_json
from bot.core.model import Evidence

if TYPE_CHECKING:
    from bot.core.duplicates import Traits
    from bot.tools.local import LocalRepository


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the repository (default: here)")
    parser.add_argument("--from", dest="source", required=True, metavar="REF", help="the branch the changes are on")
    parser.add_argument("--onto", required=True, metavar="REF", help="the branch that may have them too")
    parser.add_argument("--quick", action="store_true", help="skip the tree rung, which tries each remaining pick")
    parser.epilog = (
        "Only changes since the branches parted are looked at. Certain are: ancestor, trailer, tree, and a patch-id "
        "that title, author or number confirm; the rest names look-alikes for a person to judge."
    )


def run(args: argparse.Namespace) -> int:
    """Print the evidence for every change that is present."""
    from bot.tools.local import LocalRepository
    from bot.tools.patch_ids import PatchIds
    from bot.tools.present import Span, compare_branches

    with LocalRepository(args.repo) as local, _progress(args.json) as progress:
        span = Span(args.source, _commit(local, args.source), args.onto, _commit(local, args.onto))
        git = local.scratch.view()  # there no attributes of the checkout are in force, and what is fetched is dropped
        with closing(PatchIds(cache_file(local.repository.git_dir), git)) as cache:
            _report(compare_branches(span, cache, local.picker, progress, quick=args.quick), as_json=args.json)
    return Exit.DONE


def _commit(local: LocalRepository, name: str) -> str:
    """The commit that one name stands for: not a range, and not an id of nothing."""
    found = local.resolve([f"{name}^{{commit}}"])[0]
    if found is None:
        raise local.unknown(name)
    return found


def cache_file(git_dir: Path) -> Path:
    """Where what is known of a repository's commits is kept between runs."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "relbot"
    return folder / f"{hashlib.sha256(bytes(git_dir)).hexdigest()[:20]}.sqlite"


@contextmanager
def _progress(as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while people wait; nothing when nobody watches."""
    if as_json or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading commits", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total, description="trying picks")


def _report(found: Iterable[tuple[Traits, Evidence]], *, as_json: bool) -> None:
    if as_json:
        for _, evidence in found:
            write_json({
                "commit": evidence.commit, "present_as": evidence.present_as, "evidence": evidence.kind,
                "certain": evidence.certain, "score": evidence.score,
            })  # fmt: skip
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("commit", "present as", "evidence", "score", "title"):
        table.add_column(column, no_wrap=column != "title")
    counts: Counter[bool] = Counter()
    for traits, evidence in found:
        counts[evidence.certain] += 1
        colour = "green" if evidence.certain else "yellow"
        table.add_row(evidence.commit[:12], (evidence.present_as or "–")[:12], Text(evidence.kind, colour),
                      f"{evidence.score:.2f}", Text(printable(traits.title)))  # fmt: skip
    console = open_console()
    if table.row_count:
        console.print(table)
    console.print(f"{counts[True]} certain, {counts[False]} to be looked at.")
