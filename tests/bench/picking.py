"""Picks against the bare git processes, against `git cherry-pick` in a work tree, and against cloning first.

It must never let one way profit from what the other has just written: each has a store of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from statistics import median

from bot.tools.pick import Committer, Impossible, Picker, Wish
from bot.tools.scratch import Repository, Scratch
from tests.bench.repositories import git
from tests.bench.timing import Aim, Measured, Pairs, Section, interleave, milliseconds, stopwatch

_REMARKS = """\
“The bare process” is one `git merge-tree --write-tree --stdin`, fed a pair of commits that was written beforehand.
It is the only process that a pick starts; making the pair is part of ours.
“As a script” is what it takes without us on git 2.39, in 5 processes: `git commit-tree` for the base and both sides, \
`git merge-tree --write-tree`, and `git commit-tree` for the result.
`git cherry-pick` runs in a work tree at the line's tip; setting it back between picks is not counted.
“Cloning first” is `git clone --branch LINE` over file:// and one `git cherry-pick` in it.
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where picks are measured: a bare repository, a work tree of it on the line, and what there is to pick."""

    bare: Path
    folder: Path
    tip: str
    origins: tuple[str, ...]

    @classmethod
    def at(cls, bare: Path, folder: Path) -> Ground:
        folder.mkdir(exist_ok=True)
        tip = git(bare, "rev-parse", "release/1.0")
        listed = git(bare, "rev-list", "--reverse", "main", "--not", "release/1.0").split()
        git(folder, "clone", "--quiet", "--branch", "release/1.0", str(bare), "tree")
        return cls(bare, folder, tip, tuple(listed))

    @property
    def tree(self) -> Path:
        """The work tree."""
        return self.folder / "tree"


@contextmanager
def picker_on(ground: Ground, name: str) -> Iterator[Picker]:
    """A picker with a store of its own, which is gone afterwards."""
    place = ground.folder / f"store-{name}"
    picker = Picker(Scratch(place, Repository.at(ground.bare)), Committer())
    try:
        yield picker
    finally:
        picker.close()
        rmtree(place, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Store:
    """A bare store beside the repository, with the pairs of commits whose merges are the picks, made beforehand."""

    place: Path
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def prepare(cls, ground: Ground, name: str, origins: tuple[str, ...]) -> Store:
        """Make the same pairs as the picker does: a base without history, the line's tree and the change's on it."""
        scratch = Scratch(ground.folder / f"store-{name}", Repository.at(ground.bare))
        place = scratch.view().directory
        trees = dict(zip((ground.tip, *origins), _trees(ground, [ground.tip, *origins]), strict=True))
        parents = _trees(ground, [f"{origin}^" for origin in origins])
        pairs = []
        for origin, before in zip(origins, parents, strict=True):
            base = scratch.loose.write("commit", _body(before))
            pairs.append(tuple(scratch.loose.write("commit", _body(trees[c], base)) for c in (ground.tip, origin)))
        return cls(place, tuple((ours, theirs) for ours, theirs in pairs))

    def merge(self, pairs: tuple[tuple[str, str], ...]) -> None:
        """One bare `git merge-tree --stdin`, fed whole."""
        feed = "".join(f"{ours} {theirs}\n" for ours, theirs in pairs).encode()
        git(self.place, "--git-dir=.", "merge-tree", "--write-tree", "--stdin", stdin=feed, ok=(0, 1))


def measure_picks(ground: Ground, singles: int, batch: int, repeats: int) -> Section:
    """Everything about picks, as a table."""
    rows = [
        _single_against_bare(ground, singles),
        _single_against_script(ground, singles),
        *_batch_against_bare(ground, batch, repeats),
        _single_against_cherry_pick(ground, singles),
        _batch_against_cherry_pick(ground, batch, repeats),
        _against_clone(ground, max(2, repeats)),
    ]
    files = git(ground.bare, "ls-tree", "-r", "--name-only", ground.tip).count("\n") + 1
    return Section(
        "Picking",
        f"A repository of {files:,} files; commits of its main branch picked onto its release line, each onto the same "
        "tip. One touches up to three files, and one in twenty conflicts. Ours is in process; the process that reads "
        "objects runs already.",
        rows,
        f"{_REMARKS}A batch is {batch} picks. Ours merges on all cores, one process on each; the bare process is one.",
    )


def _single_against_bare(ground: Ground, times: int) -> Measured:
    origins = ground.origins[:times]
    store = Store.prepare(ground, "bare", origins)
    with picker_on(ground, "single") as picker:
        _pick(picker, ground.tip, ground.origins[-1:])
        pairs = interleave(
            times,
            lambda n: _pick(picker, ground.tip, origins[n : n + 1]),
            lambda n: store.merge(store.pairs[n : n + 1]),
        )
    return _measured("one pick : the bare process it takes", pairs, Aim("≤", 1.3))


def _single_against_script(ground: Ground, times: int) -> Measured:
    origins = ground.origins[:times]
    store = Store.prepare(ground, "script", ())
    with picker_on(ground, "beside-script") as picker:
        _pick(picker, ground.tip, ground.origins[-1:])
        pairs = interleave(
            times,
            lambda n: _pick(picker, ground.tip, origins[n : n + 1]),
            lambda n: _pick_as_script(store.place, ground.tip, origins[n]),
        )
    return _measured("one pick : as a script", pairs)


def _batch_against_bare(ground: Ground, batch: int, repeats: int) -> list[Measured]:
    origins = ground.origins[:batch]
    stores = [Store.prepare(ground, f"batch{n}", origins) for n in range(repeats)]
    with ExitStack() as stack:
        pickers = [stack.enter_context(picker_on(ground, f"ours{n}")) for n in range(2 * repeats)]
        pairs = interleave(
            repeats,
            lambda n: _pick(pickers[n], ground.tip, origins),
            lambda n: stores[n].merge(stores[n].pairs),
        )
        command = interleave(
            repeats,
            lambda _: _pick_by_command(ground, origins),
            lambda n: _pick(pickers[n + repeats], ground.tip, origins),
        )
    rates = [f"{batch / median(some):,.0f} a second" for some in (pairs.ours, pairs.other, command.ours)]
    throughput = 1 / pairs.ratio
    return [
        Measured("a batch : one bare process, in throughput", rates[0], rates[1], throughput, Aim("≥", 0.7)),
        Measured("the same through `relbot pick --batch -`, start included", rates[2], rates[1],
                 throughput / command.ratio),
    ]  # fmt: skip


def _single_against_cherry_pick(ground: Ground, times: int) -> Measured:
    origins = ground.origins[:times]
    with picker_on(ground, "beside-cherry") as picker:
        _pick(picker, ground.tip, ground.origins[-1:])
        took: tuple[list[float], list[float]] = ([], [])
        for n, origin in enumerate(origins):
            took[0].append(stopwatch(lambda i: _pick(picker, ground.tip, origins[i : i + 1]), n))
            took[1].append(_cherry_pick(ground, origin))
    return _faster("one pick, against `git cherry-pick`", Pairs(*took), Aim("≥", 2))


def _batch_against_cherry_pick(ground: Ground, batch: int, repeats: int) -> Measured:
    origins = ground.origins[: min(batch, 100)]
    took: tuple[list[float], list[float]] = ([], [])
    for n in range(repeats):
        with picker_on(ground, f"beside-cherries{n}") as picker:
            took[0].append(stopwatch(lambda _: _pick(picker, ground.tip, origins)))
        took[1].append(sum(_cherry_pick(ground, origin) for origin in origins))
    return _faster(f"{len(origins)} picks in a batch, against as many `git cherry-pick`", Pairs(*took), Aim("≥", 8))


def _against_clone(ground: Ground, times: int) -> Measured:
    origins = ground.origins[:times]

    def clone_and_pick(n: int) -> None:
        place = ground.folder / f"clone{n}"
        git(ground.folder, "clone", "--quiet", "--branch", "release/1.0", f"file://{ground.bare}", str(place))
        git(place, "cherry-pick", "-x", origins[n], ok=(0, 1))

    with picker_on(ground, "beside-clone") as picker:
        _pick(picker, ground.tip, ground.origins[-1:])
        pairs = interleave(times, lambda n: _pick(picker, ground.tip, origins[n : n + 1]), clone_and_pick)
    return _faster("one pick, against cloning first", pairs, Aim("≥", 100))


def _pick(picker: Picker, tip: str, origins: tuple[str, ...]) -> None:
    outcomes = picker.pick([Wish(tip, (origin,)) for origin in origins])
    assert not any(isinstance(outcome, Impossible) for outcome in outcomes)


def _pick_by_command(ground: Ground, origins: tuple[str, ...]) -> None:
    feed = "".join(json.dumps({"id": n, "onto": ground.tip, "commits": [o]}) + "\n" for n, o in enumerate(origins))
    command = [sys.executable, "-m", "bot", "pick", "--repo", str(ground.bare), "--batch", "-"]
    done = subprocess.run(command, input=feed.encode(), capture_output=True, check=True)
    assert done.stdout.count(b"\n") == len(origins)


def _cherry_pick(ground: Ground, origin: str) -> float:
    """Seconds of one `git cherry-pick`; the work tree is at the line's tip before and after."""
    took = stopwatch(lambda _: git(ground.tree, "cherry-pick", "-x", origin, ok=(0, 1)))
    git(ground.tree, "reset", "--quiet", "--hard", ground.tip)
    return took


def _pick_as_script(store: Path, tip: str, origin: str) -> None:
    def make(tree: str, *parents: str) -> str:
        named = [word for parent in parents for word in ("-p", parent)]
        return git(store, "--git-dir=.", "commit-tree", "-m", ".", *named, tree)

    base = make(f"{origin}^^{{tree}}")
    ours, theirs = make(f"{tip}^{{tree}}", base), make(f"{origin}^{{tree}}", base)
    told = git(store, "--git-dir=.", "merge-tree", "--write-tree", ours, theirs, ok=(0, 1))
    make(told.split("\n", 1)[0], tip)


def _trees(ground: Ground, names: list[str]) -> list[str]:
    feed = "".join(f"{name}^{{tree}}\n" for name in names).encode()
    return [line.split()[0] for line in git(ground.bare, "cat-file", "--batch-check", stdin=feed).splitlines()]


def _body(tree: str, *parents: str) -> bytes:
    ancestry = "".join(f"parent {parent}\n" for parent in parents)
    return f"tree {tree}\n{ancestry}author . <.> 0 +0000\ncommitter . <.> 0 +0000\n\n".encode("ascii")


def _measured(what: str, pairs: Pairs, aim: Aim | None = None) -> Measured:
    return Measured(what, milliseconds(pairs.ours), milliseconds(pairs.other), pairs.ratio, aim)


def _faster(what: str, pairs: Pairs, aim: Aim) -> Measured:
    return Measured(what, milliseconds(pairs.ours), milliseconds(pairs.other), 1 / pairs.ratio, aim)
