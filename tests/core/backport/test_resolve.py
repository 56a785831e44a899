"""Of commits in a row, those that an earlier pull had landed are not the change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.actions import FindPullsOf, NotLanded, ResolveChange
from bot.core.backport.resolve import resolve
from bot.core.model import Change, Pull
from tests.core.driving import drive, kinds
from tests.core.values import NEW, ONE, REPO, TWO, a_change, a_commit, a_pull

ROW = (a_commit(ONE), a_commit(TWO), a_commit(NEW))
BELOW = a_pull(number=11, closed_at=1_699_999_000)


def resolved(below: dict[str, tuple[Pull, ...]], method: str = "rebase") -> tuple[Any, list[Any]]:
    """A row of three commits, of which the resolver leaves out what the base is known to have had."""

    def answer(asked: ResolveChange) -> Change:
        shas = [commit.sha for commit in ROW]
        start = shas.index(asked.pull.base_sha) + 1 if asked.pull.base_sha in shas else 0
        return a_change(*ROW[start:], method=method)

    world = {ResolveChange: answer, FindPullsOf: lambda asked: below.get(asked.commit, ())}
    return drive(resolve(REPO, a_pull()), world)


def commits(found: Any) -> list[str]:
    return [commit.sha for commit in found.commits]


@pytest.mark.parametrize("method", ["rebase", "fast-forward"])
def test_what_the_pull_below_had_landed_is_left_out(method: str) -> None:
    found, asked = resolved({ONE: (BELOW,), TWO: (BELOW,), NEW: (a_pull(),)}, method)
    assert commits(found) == [NEW]
    assert kinds(asked) == ["ResolveChange", "FindPullsOf"] * 2 + ["ResolveChange"]


def test_where_the_pull_below_says_as_what_it_landed_that_is_the_end_of_it() -> None:
    found, asked = resolved({ONE: (replace(BELOW, merged_as=TWO),)})
    assert commits(found) == [NEW]
    assert kinds(asked).count("FindPullsOf") == 1


@pytest.mark.parametrize("other", [
    (), (a_pull(),),
    (replace(BELOW, merged=False),), (replace(BELOW, base="topic"),), (replace(BELOW, closed_at=1_800_000_000),),
])  # fmt: skip
def test_a_row_that_no_earlier_pull_landed_is_the_change(other: tuple[Pull, ...]) -> None:
    assert commits(resolved({ONE: other})[0]) == [ONE, TWO, NEW]


def test_one_commit_and_every_other_way_of_landing_cost_no_question() -> None:
    for answer in (a_change(method="rebase"), a_change(*ROW, method="merge"), a_change(), NotLanded("no")):
        found, asked = drive(resolve(REPO, a_pull()), {ResolveChange: answer})
        assert (found, kinds(asked)) == (answer, ["ResolveChange"])
