"""`python -m tests.replay --repos DIR`: the recorded backports again, through the program, and what comes of it.

It must never pass in silence over a row: each agrees, or is named.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.tools.local import LocalRepository
from tests.replay.alike import Blind, Finding, measure, score
from tests.replay.picking import Replay, replay
from tests.replay.rows import RECORDED, Row, by_repository, find_clone, read_rows

_THRESHOLDS = (1.0, 0.95, 0.9, 0.85, 0.7)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every row agrees and no certain evidence is wrong (or there is no clone to try it on), else 1."""
    args = _parser().parse_args(arguments)
    rows = read_rows(args.picks)
    clones = {repo: find_clone(args.repos, repo) for repo, _ in by_repository(rows)} if args.repos else {}
    console = Console(highlight=False, soft_wrap=True)
    if not any(clones.values()):
        names = ", ".join(repo for repo, _ in by_repository(rows))
        console.print(f"Nothing is replayed: clones of {names} are needed, all branches and tags. Name their folder "
                      "with --repos DIR.")  # fmt: skip
        return 0
    good = True
    for repo, own in by_repository(rows):
        clone = clones[repo]
        if clone is None:
            console.print(f"{repo}: no clone in {args.repos}; {len(own)} rows are left out.")
            continue
        good = _try_one(console, clone, own) and good
    return 0 if good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description="Replay the recorded backports.")
    parser.add_argument("--repos", type=Path, metavar="DIR", help="a folder with clones of the projects")
    parser.add_argument("--picks", type=Path, default=RECORDED, metavar="FILE", help="the rows (default: picks.tsv)")
    return parser


def _try_one(console: Console, clone: Path, rows: Sequence[Row]) -> bool:
    repo = rows[0].repo
    with console.status(f"{repo}: picking"):
        picked = replay(repo, clone, rows)
    _show_picks(console, picked)
    with (
        console.status(f"{repo}: looking for duplicates"),
        tempfile.TemporaryDirectory(prefix="relbot-replay-") as folder,
        LocalRepository(clone) as local,
        closing(Blind(Path(folder) / "cache.sqlite", local.git)) as patch_ids,
    ):
        findings = list(measure(local, patch_ids, rows))
    _show_scores(console, repo, findings)
    _show_curve(console, findings)
    _show_exceptions(console, findings)
    return not picked.disagreements and score(findings, full=True, certain=True).wrong == 0


def _show_picks(console: Console, picked: Replay) -> None:
    table = _table(f"{picked.repo}: picks", "rows", "agree", "picks", "seconds", "picks a second")
    agree = picked.rows - len(picked.disagreements)
    table.add_row(str(picked.rows), str(agree), str(picked.picks), f"{picked.seconds:.1f}", f"{picked.rate:.0f}")
    console.print(table)
    for each in picked.disagreements:
        console.print(f"  {each.row.backport[:12]} on {each.row.branch}: {each.what}", style="red")


def _show_scores(console: Console, repo: str, findings: Sequence[Finding]) -> None:
    columns = ("evidence", "known", "found", "recall", "wrong", "of matches")
    table = _table(f"{repo}: duplicates, trailers hidden", *columns)
    for name, full, certain in (
        ("certain, without the tree rung", False, True),
        ("all, without the tree rung", False, False),
        ("certain", True, True),
        ("all", True, False),
    ):
        got = score(findings, full=full, certain=certain)
        table.add_row(name, str(got.known), str(got.found), f"{got.recall:.1%}", str(got.wrong),
                      f"{got.wrong_share:.2%} of {got.matches}")  # fmt: skip
    console.print(table)


def _show_curve(console: Console, findings: Sequence[Finding]) -> None:
    table = _table("  by the least score that counts, without the tree rung", "score", "recall", "wrong", "of matches")
    for least in _THRESHOLDS:
        got = score(findings, full=False, at_least=least)
        table.add_row(f"≥ {least:.2f}", f"{got.recall:.1%}", str(got.wrong), f"{got.wrong_share:.2%} of {got.matches}")
    console.print(table)


def _show_exceptions(console: Console, findings: Sequence[Finding]) -> None:
    wrong = [f for f in findings if "wrong" in (f.light_verdict, f.full_verdict)]
    missed = [f for f in findings if f.known and f.full is None]
    twice = [f for f in missed if f.applied_twice]
    for name, some in (
        ("taken for another's backport", wrong),
        ("known, and not found", missed),
        ("would be applied a second time", twice),
    ):
        console.print(f"  {name}: {len(some)}", style="bold")
        for f in some:
            console.print(f"    {f.branch}: {f.commit.sha[:12]} {f.commit.title[:90]}", markup=False)
    console.print()


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="dim", pad_edge=True)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index or column != "evidence" else "left")
    return table


if __name__ == "__main__":
    sys.exit(main())
