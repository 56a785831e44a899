"""What a simulation showed, on the terminal and as the page `docs/scale.md`, with what follows for other sizes.

It must never name the machine or a path on it, nor show a figure that was neither measured nor named as assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.report import machine
from tests.bench.timing import percentile
from tests.scale.model import (
    CONTENT_AN_HOUR,
    ON_THE_WAY,
    REQUESTS_AN_HOUR,
    SWEEPS_AN_HOUR,
    Costs,
    Habits,
    Machine,
    Need,
    needs,
)

SIZES = (10, 1_000, 100_000)
ACKNOWLEDGED = 100.0
"""Deliveries a second that one process takes on PostgreSQL with p99 under 200 ms: docs/serving.md."""
WRITES = 4.0
"""Of the requests of a backport: the pull, its label, the comment, the change's label. docs/bench.md has them all."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything; `rate` is merges a second while the load lasts."""

    repositories: int
    merges: int
    rate: float
    workers: int
    seed: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What one simulation showed; seconds, and counts."""

    waits: Sequence[float]
    """From merge to opened backport, in the order in which they were opened."""
    cold: Sequence[float]
    """The same of repositories with one merge only."""
    missing: int
    twice: int
    load_seconds: float
    drained_seconds: float
    busy_seconds: float
    """Processor time of the bot's processes meanwhile, their git included."""
    calls: int
    sweep_seconds: float
    sweep_calls: int
    database_bytes: int
    mirror_bytes: int


def describe(size: Size) -> str:
    """One line about it."""
    return (
        f"{size.repositories} repositories, {size.merges} merges at {size.rate:g}/s, "
        f"{size.workers + 1} workers, seed {size.seed}"
    )


def rows_of(figures: Figures) -> list[tuple[str, str]]:
    """What was seen, a row for each thing."""
    done = max(1, len(figures.waits))
    return [
        ("backports missing / made twice", f"{figures.missing} / {figures.twice}"),
        ("from merge to backport, p50 / p99 / max", _three(figures.waits)),
        ("the same in repositories with one merge", _three(figures.cold)),
        ("load lasted, then drained in", f"{figures.load_seconds:.0f} s, {figures.drained_seconds:.1f} s"),
        ("backports a second until drained", f"{done / (figures.load_seconds + figures.drained_seconds):.2f}"),
        ("processor time, a backport", f"{figures.busy_seconds / done:.2f} s"),
        ("requests a backport", f"{figures.calls / done:.1f}"),
        ("a sweep of all of it", f"{figures.sweep_seconds:.1f} s, {figures.sweep_calls} requests"),
        ("database, a backport", f"{figures.database_bytes / done / 1000:.1f} kB"),
        ("mirrors on disk", f"{figures.mirror_bytes / 1e6:.1f} MB"),
    ]


def render(size: Size, figures: Figures) -> str:
    """The page."""
    done = max(1, len(figures.waits))
    habits = Habits()
    costs = Costs(
        ack_per_second=ACKNOWLEDGED, backport_seconds=figures.busy_seconds / done,
        calls_per_backport=figures.calls / done, calls_per_sweep=1,
        sweep_seconds=figures.sweep_seconds / size.repositories, writes_per_backport=WRITES,
        mirror_megabytes=MIRROR_MEGABYTES, database_kilobytes=figures.database_bytes / done / 1000,
    )  # fmt: skip
    lines = [
        "# How far it goes", "", *_OPENING.format(**_told(habits, size)).splitlines(), "",
        "## What was simulated", "", f"{describe(size)}. {machine()}", "",
        "| what | seen |", "|:--|--:|", *(f"| {what} | {seen} |" for what, seen in rows_of(figures)), "",
        "## What follows from it", "", *_MODEL.format(**_told(habits, size)).splitlines(),
    ]  # fmt: skip
    for repositories in SIZES:
        found = needs(repositories, habits, costs, Machine())
        lines += ["", f"### {repositories:,} repositories", "", *_verdict(found), "",
                  "| what | needed | there is | share | what lifts it |", "|:--|--:|--:|--:|:--|"]  # fmt: skip
        lines += [
            f"| {n.what} | {n.needed:,.2f} {n.unit} | {n.there:,.0f} {n.unit} | {n.share:.1%} | {n.lifts} |"
            for n in found
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


MIRROR_MEGABYTES = 18.0
"""A clone without blobs of github.com/Lightning-AI/pytorch-lightning with its 72 branches, measured on 2026-11-25."""


def _told(habits: Habits, size: Size) -> dict[str, object]:
    return {
        "deliveries": f"{habits.deliveries_a_day:g}", "backports": f"{habits.backports_a_day:g}",
        "peak": f"{habits.peak:g}", "shared": habits.per_installation, "requests": f"{REQUESTS_AN_HOUR:,}",
        "content": CONTENT_AN_HOUR, "sweeps": SWEEPS_AN_HOUR, "way": f"{ON_THE_WAY:g}",
        "mirror": f"{MIRROR_MEGABYTES:g}",
        "workers": size.workers + 1, "acknowledged": f"{ACKNOWLEDGED:g}", "writes": f"{WRITES:g}",
    }  # fmt: skip


def _verdict(found: Sequence[Need]) -> list[str]:
    first = found[0]
    if first.share <= 1:
        times = 1 / first.share
        return [f"One machine is enough; what gives out first is {first.what}, at {times:,.1f} times this size."]
    beyond = [need for need in found if need.share > 1]
    said = "; ".join(f"{need.what}: {need.share:,.1f} times over ({need.lifts})" for need in beyond)
    return [f"One machine of two cores is not enough. {said}."]


_OPENING = """\
Made by `python -m tests.scale --output docs/scale.md`. A forge with many repositories, a load that falls on few of them
(Zipf's law: the n-th busiest has 1/n of the first one's share), {workers} worker processes and one PostgreSQL share the
machine with the forge itself and with the people on it. More workers would show nothing about speed on two cores."""

_MODEL = """\
Assumed, for one repository: {deliveries} deliveries and {backports} backports a day, {peak} times as many in the
busiest minute; {shared} of them share one installation's budget of requests ({requests} an hour on GitHub, growing
with their number, and {content} that make content), {sweeps} sweeps an hour at one request of {way} s each where
nothing happened. Measured: the table above; a mirror of {mirror} MB (PyTorch Lightning without blobs; what is picked
adds some); {acknowledged} deliveries a second acknowledged by one process ([serving.md](serving.md)); {writes}
requests of a backport that make content ([bench.md](bench.md)). A machine is two cores and 100 GB."""


def _three(values: Sequence[float]) -> str:
    if not values:
        return "none"
    return f"{median(values):.2f} / {percentile(values, 99):.2f} / {max(values):.2f} s"
