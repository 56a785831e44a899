"""The recorded backports, row by row, and the clones that they refer to.

It must never need a clone to read the rows, nor write anything into one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Literal, cast

RECORDED = Path(__file__).with_name("picks.tsv")

Class = Literal["exact", "clean-different", "clean-empty", "conflict"]
COLUMNS = ("repo", "branch", "B", "P", "C", "n_origins", "c_parents", "class", "result_tree", "B_tree", "n_conflict",
           "B_reverted", "origins")  # fmt: skip
"""What is read of the file; `README.md` says what each column means."""


@dataclass(frozen=True, slots=True)
class Row:
    """One backport that people made: `backport` on top of `onto`, on `branch`, from `origins` on the main branch."""

    repo: str
    branch: str
    backport: str
    onto: str
    origins: tuple[str, ...]
    recorded: Class
    tree: str | None
    """The tree that git makes of it; None where it conflicts."""
    conflicts: int
    """How many paths git stops at; 0 where it does not."""
    reverted: bool
    """Whether the branch took the backport back later."""
    of_merge: bool = False


def read_rows(path: Path) -> list[Row]:
    """All rows of a file in the form of `picks.tsv`."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(cells) for cells in csv.DictReader(file, delimiter="\t")]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """The same form again, with the columns that are read."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            exact = row.recorded == "exact"
            made, people = ("", row.tree) if exact else (row.tree or "", "")
            writer.writerow((
                row.repo, row.branch, row.backport, row.onto, row.origins[0], len(row.origins),
                2 if row.of_merge else 1, row.recorded, made, people, row.conflicts, int(row.reverted),
                ",".join(row.origins) if len(row.origins) > 1 else "",
            ))  # fmt: skip


def by_repository(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Rows of one project after another."""
    for repo, group in groupby(sorted(rows, key=attrgetter("repo")), key=attrgetter("repo")):
        yield repo, list(group)


def find_clone(folder: Path, repo: str) -> Path | None:
    """The clone of `owner/name` in a folder of clones, under any of the usual names."""
    owner, name = repo.split("/")
    usual = (name, f"{name}.git", repo, f"{repo}.git", f"{owner}+{name}/repo", f"{owner}+{name}", f"{owner}-{name}")
    return next((folder / each for each in usual if _is_repository(folder / each)), None)


def _is_repository(place: Path) -> bool:
    return any((git / "HEAD").is_file() and (git / "objects").is_dir() for git in (place, place / ".git"))


def _row(cells: dict[str, str]) -> Row:
    recorded = cast("Class", cells["class"])
    tree = cells["B_tree"] if recorded == "exact" else cells["result_tree"] or None
    return Row(
        repo=cells["repo"],
        branch=cells["branch"],
        backport=cells["B"],
        onto=cells["P"],
        origins=tuple(cells["origins"].split(",")) if cells["origins"] else (cells["C"],),
        recorded=recorded,
        tree=None if recorded == "conflict" else tree,
        conflicts=int(cells["n_conflict"]),
        reverted=cells["B_reverted"] == "1",
        of_merge=cells["c_parents"] == "2",
    )
