"""The arithmetic of the capacity model. The simulation itself is `make scale`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.scale.model import Costs, Habits, Machine, needs
from tests.scale.page import Figures, Size, render

COSTS = Costs(100, 0.5, 9, 1, 0.05, 4, 18, 40)
HABITS = Habits(deliveries_a_day=86_400, backports_a_day=24, peak=2, per_installation=10)


def named(repositories, what, habits=HABITS):
    return next(need for need in needs(repositories, habits, COSTS, Machine()) if what in need.what)


def test_what_is_needed_is_counted_by_hand():
    assert named(5, "deliveries").needed == pytest.approx(10)  # one a second each, twice as many at the peak
    assert named(100, "deliveries").share == pytest.approx(2)
    assert named(3600, "cores").needed == pytest.approx(1)  # one an hour each, two a second at the peak
    assert named(1000, "requests").needed == pytest.approx(10 * 2 * 9 + 10 * 6)  # the share of one installation only
    assert named(3000, "seconds of a round").share == pytest.approx(3000 * (0.05 + 0.15) / 600)
    assert named(3000, "a round of sweeps in the busiest").needed == pytest.approx(10)
    assert named(5, "content").needed == pytest.approx(5 * 2 * 4)
    assert named(1000, "disk").needed == pytest.approx(18 + 1000 * 24 * 30 * 40 / 1e6)


def test_the_tightest_comes_first_and_a_budget_grows_as_githubs_does():
    found = needs(100_000, HABITS, COSTS, Machine())
    assert [need.share for need in found] == sorted((need.share for need in found), reverse=True)
    assert named(20, "requests", replace(HABITS, per_installation=20)).there == 5000
    assert named(500, "requests", replace(HABITS, per_installation=200)).there == 12_500


def test_the_page_says_what_gives_out_first():
    figures = Figures([1.0, 2.0], [1.0], 0, 0, 10, 1, 2.0, 18, 5, 500, 80_000, 1000)
    page = render(Size(500, 2, 2, 1, 1), figures)
    assert "### 10 repositories\n\nOne machine is enough; what gives out first is" in page
    assert "### 100,000 repositories\n\nOne machine of two cores is not enough. " in page
