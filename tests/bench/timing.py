"""Measures two ways of doing one thing side by side, and holds the figures with what they are aimed at.

It must never compare times of different runs: ratios only, each from pairs that alternate within one run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Literal

Work = Callable[[int], object]
"""Does the n-th piece of work. Preparing it belongs before, in a list."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be: at most, or at least, some number of a unit."""

    at: Literal["≤", "≥"]
    value: float
    unit: str = "×"

    def __str__(self) -> str:
        return f"{self.at} {self.value:g} {self.unit}"

    def is_met(self, figure: float) -> bool:
        return figure <= self.value if self.at == "≤" else figure >= self.value


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of a table. `figure` is what the aim speaks of; rows without an aim are there to be read beside."""

    what: str
    ours: str
    other: str
    figure: float | None = None
    aim: Aim | None = None
    unit: str = "×"

    @property
    def met(self) -> bool | None:
        return None if self.aim is None or self.figure is None else self.aim.is_met(self.figure)

    @property
    def shown(self) -> str:
        return "" if self.figure is None else f"{self.figure:.3g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its heading and what must be known to read it."""

    title: str
    text: str
    rows: Sequence[Measured]
    remarks: str = ""
    """One remark a line."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Seconds that each piece took in the two ways."""

    ours: Sequence[float]
    other: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of ours : other, pair by pair."""
        return median(one / two for one, two in zip(self.ours, self.other, strict=True))


def interleave(times: int, ours: Work, other: Work) -> Pairs:
    """Do each piece both ways, one right after the other; which comes first alternates."""
    took: tuple[list[float], list[float]] = ([], [])
    for n in range(times):
        order = ((0, ours), (1, other)) if n % 2 else ((1, other), (0, ours))
        for place, work in order:
            took[place].append(stopwatch(work, n))
    return Pairs(*took)


def stopwatch(work: Work, n: int = 0) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work(n)
    return time.perf_counter() - began


def milliseconds(seconds: Sequence[float]) -> str:
    """The median, as people read it."""
    value = median(seconds) * 1000
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"


def percentile(values: Sequence[float], of_hundred: int) -> float:
    """The value that so many of a hundred stay under."""
    return quantiles(values, n=100, method="inclusive")[of_hundred - 1] if len(values) > 1 else values[0]
