"""Replays recorded backports through the command `relbot pick --batch -` and compares what comes out.

It must never ask the picking code by another way than a user has.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.replay.rows import Row

_WORDS = {"exact": "picked", "clean-different": "picked", "clean-empty": "present", "conflict": "conflict"}
"""The outcome that each recorded class stands for."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A row on which the program and the record differ, and in what."""

    row: Row
    what: str


@dataclass(frozen=True, slots=True)
class Replay:
    """All rows of one project. `seconds` is the whole command, its start included."""

    repo: str
    rows: int
    picks: int
    seconds: float
    disagreements: tuple[Disagreement, ...]

    @property
    def rate(self) -> float:
        """Picks per second."""
        return self.picks / self.seconds


def replay(repo: str, clone: Path, rows: Sequence[Row]) -> Replay:
    """Pick every row as its people did, in one run of the command."""
    began = time.perf_counter()
    answers = ask_command(clone, rows)
    seconds = time.perf_counter() - began
    picks = sum(len(row.origins) for row in rows)
    differing = ((row, compare(row, answer)) for row, answer in zip(rows, answers, strict=True))
    return Replay(repo, len(rows), picks, seconds, tuple(Disagreement(row, what) for row, what in differing if what))


def ask_command(clone: Path, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One answer per row, in order. Raises when the command fails or loses a line."""
    command = [sys.executable, "-m", "bot", "pick", "--repo", str(clone), "--batch", "-"]
    done = subprocess.run(command, input="".join(map(_wish, rows)), capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or [a["id"] for a in answers] != [row.backport for row in rows]:
        raise RuntimeError(f"relbot pick ended with {done.returncode} after {len(answers)} answers: {done.stderr}")
    return answers


def compare(row: Row, answer: dict[str, Any]) -> str | None:
    """What differs from the record; None when nothing does."""
    expected, outcome = _WORDS[row.recorded], answer["outcome"]
    if expected == "picked" and outcome == "partial":
        outcome = "picked"  # of several origins some were there already; the tree says whether that is right
    if outcome != expected:
        return f"{row.recorded} was recorded, and the outcome is {answer['outcome']} {answer['message'] or ''}".strip()
    if answer["tree"] != row.tree:
        return f"the tree {row.tree} was recorded, and it is {answer['tree']}"
    if len(row.origins) == 1 and len(answer["conflicts"]) != row.conflicts:
        return f"{row.conflicts} conflicting paths were recorded, and there are {len(answer['conflicts'])}"
    return None


def _wish(row: Row) -> str:
    wish: dict[str, Any] = {"id": row.backport, "onto": row.onto, "commits": row.origins}
    if row.of_merge:
        wish["mainline"] = 1
    return json.dumps(wish) + "\n"
