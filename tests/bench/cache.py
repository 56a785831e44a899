"""The patch-id cache: filling it, asking it, and adding to it.

It must never ask a cache that something else has warmed: each filling starts with no file.
"""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

from bot.core.duplicates import find_evidence
from bot.tools.git import Git, processes_started
from bot.tools.patch_ids import PatchIds
from tests.bench.repositories import extend, git, quiet_environment
from tests.bench.timing import Aim, Measured, Section, interleave, milliseconds, percentile, stopwatch

_ADDED = 10
_REMARKS = f"""\
Filling is one `git rev-list`, one `git log` for messages, and `git diff-tree | git patch-id --verbatim`.
The bare pipe is `git log -p --no-renames --full-index --no-merges | git patch-id --verbatim`.
A question is: which commit of the line, if any, is this change of main? A program's first one reads the file first.
Adding is the next question after {_ADDED} commits were pushed to the line.
"""


def measure_cache(bare: Path, folder: Path, repeats: int, questions: int) -> Section:
    """Everything about the cache of patch-ids, as a table."""
    commits = int(git(bare, "rev-list", "--count", "release/1.0", "^main"))
    filling = _measure_filling(bare, folder, repeats)
    asked = _measure_questions(bare, folder / "asked.sqlite", questions)
    added = _measure_adding(bare, folder / "asked.sqlite")
    return Section(
        "Patch-ids",
        f"A release line with {commits:,} commits since it left the main branch, of a few files and hunks each.",
        [filling, *asked, *added],
        _REMARKS,
    )


def _measure_filling(bare: Path, folder: Path, repeats: int) -> Measured:
    main, tip = git(bare, "rev-parse", "main", "release/1.0").split()

    def fill(n: int) -> None:
        with closing(PatchIds(folder / f"filled{n}.sqlite", Git(bare))) as cache:
            cache.line("line", tip, main)

    pairs = interleave(repeats, fill, lambda _: _pipe(bare, f"{main}..{tip}"))
    return Measured(
        "filling : `git log -p | git patch-id --verbatim`",
        milliseconds(pairs.ours), milliseconds(pairs.other), pairs.ratio, Aim("≤", 1.2),
    )  # fmt: skip


def _pipe(bare: Path, span: str) -> None:
    log = ["git", "log", "-p", "--no-renames", "--full-index", "--no-merges", span]
    with subprocess.Popen(log, cwd=bare, env=quiet_environment(), stdout=subprocess.PIPE) as source:
        subprocess.run(
            ["git", "patch-id", "--verbatim"], cwd=bare, env=quiet_environment(), stdin=source.stdout,
            stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
    assert source.returncode == 0


def _measure_questions(bare: Path, file: Path, questions: int) -> list[Measured]:
    main, tip = git(bare, "rev-parse", "main", "release/1.0").split()
    asked = git(bare, "rev-list", f"--max-count={questions}", main, "^release/1.0").split()

    def ask(cache: PatchIds, commit: str) -> None:
        line, fork = cache.line("line", tip, main)
        others = cache.index("main", main, fork, with_patches=False)
        for traits in cache.traits([commit]):
            find_evidence(traits, line, others)

    with closing(PatchIds(file, Git(bare))) as cache:
        ask(cache, asked[0])
        cache.traits(asked)
    with closing(PatchIds(file, Git(bare))) as cache:
        before = processes_started()
        first = stopwatch(lambda _: ask(cache, asked[0]))
        took = [stopwatch(lambda n: ask(cache, asked[n]), n) for n in range(1, len(asked))]
        started = sum((processes_started() - before).values())
    middle, high = percentile(took, 50) * 1000, percentile(took, 99) * 1000
    return [
        Measured("a question, p50", f"{middle:.2f} ms", "", middle, Aim("≤", 5, "ms"), "ms"),
        Measured("a question, p99", f"{high:.2f} ms", "", high, Aim("≤", 5, "ms"), "ms"),
        Measured("the first question of a program", f"{first * 1000:.0f} ms", ""),
        Measured(f"git processes for {len(asked)} questions", f"{started}", "", started, Aim("≤", 0, "processes"), ""),
    ]


def _measure_adding(bare: Path, file: Path) -> list[Measured]:
    main = git(bare, "rev-parse", "main")
    with closing(PatchIds(file, Git(bare))) as cache:
        cache.line("line", git(bare, "rev-parse", "release/1.0"), main)
        extend(bare, _ADDED)
        tip = git(bare, "rev-parse", "release/1.0")
        before = processes_started()
        seconds = stopwatch(lambda _: cache.line("line", tip, main))
        started = processes_started() - before
    with closing(PatchIds(file.with_name("anew.sqlite"), Git(bare))) as cache:
        filling = stopwatch(lambda _: cache.line("line", tip, main))
    kinds = ", ".join(f"{count} {name}" for name, count in sorted(started.items()))
    return [
        Measured(f"adding {_ADDED} commits : filling anew", f"{seconds * 1000:.1f} ms", f"{filling * 1000:,.0f} ms",
                 seconds / filling, Aim("≤", 0.1)),
        Measured(f"git processes for adding: {kinds}", str(sum(started.values())), ""),
    ]  # fmt: skip
