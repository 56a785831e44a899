"""The bench runs, at a size at which its figures mean nothing.

It must never assert a time.
"""

from __future__ import annotations

from rich.console import Console

from tests.bench.__main__ import TINY, measure
from tests.bench.report import render
from tests.bench.timing import Aim, Measured, Pairs, interleave, percentile


def test_the_bench_measures_every_promise_and_writes_its_page() -> None:
    sections = list(measure(TINY, Console(quiet=True)))
    page = render(sections)
    assert [section.title for section in sections] == [
        "Picking", "Start of the command", "Patch-ids", "Changelog",
        "From webhook to opened pull, on GitHub", "From webhook to opened pull, on GitLab",
    ]  # fmt: skip
    aims = [row.aim for section in sections for row in section.rows if row.aim]
    assert len(aims) >= 27
    assert page.count("| met |") + page.count("| missed |") == len(aims)


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    assert Pairs([2.0, 9.0, 4.0], [1.0, 1.0, 2.0]).ratio == 2.0


def test_pieces_are_done_both_ways_in_turns() -> None:
    done: list[tuple[str, int]] = []
    pairs = interleave(3, lambda n: done.append(("ours", n)), lambda n: done.append(("other", n)))
    assert done == [("other", 0), ("ours", 0), ("ours", 1), ("other", 1), ("other", 2), ("ours", 2)]
    assert len(pairs.ours) == len(pairs.other) == 3


def test_an_aim_is_met_from_its_own_side() -> None:
    assert Measured("a", "", "", 1.3, Aim("≤", 1.3)).met is True
    assert Measured("a", "", "", 1.31, Aim("≤", 1.3)).met is False
    assert Measured("a", "", "", 2.0, Aim("≥", 2)).met is True
    assert Measured("a", "", "", 1.99, Aim("≥", 2)).met is False
    assert Measured("a", "", "", 1.99).met is None


def test_percentiles_are_values_that_so_many_stay_under() -> None:
    assert percentile([float(n) for n in range(101)], 99) == 99.0
    assert percentile([5.0], 95) == 5.0
