"""How much a bot of one size has to do, and what gives out first: arithmetic on measured figures, and nothing else.

It must never hold a figure without saying where it comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.app.sweep import Wanted


@dataclass(frozen=True, slots=True)
class Habits:
    """What one repository does on average (assumed, and stated on the page), and how much more at the busiest time."""

    deliveries_a_day: float = 100
    backports_a_day: float = 0.5
    peak: float = 10
    """The busiest minute against the mean. GitHub's own figures for one bot: 9 a second on average in 2021."""
    per_installation: int = 200
    """Repositories that share one budget of API requests."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured."""

    ack_per_second: float
    """Deliveries a second that one process acknowledges within its aim."""
    backport_seconds: float
    """Seconds of one core for a whole backport, plan and job."""
    calls_per_backport: float
    calls_per_sweep: float
    """Requests for a repository in which nothing happened."""
    sweep_seconds: float
    """Seconds that the bot itself takes for such a repository, whatever the way to the forge adds."""
    writes_per_backport: float
    """Requests that a forge counts as making content."""
    mirror_megabytes: float
    database_kilobytes: float
    """What a backport leaves in the database until it is forgotten."""


REQUESTS_AN_HOUR = 5000
"""GitHub: of an installation with up to 20 repositories or users; it grows by 50 for each further one, up to 12,500."""
CONTENT_AN_HOUR = 500
"""GitHub: requests that make content, of one installation."""
SWEEPS_AN_HOUR = 6
ON_THE_WAY = 0.15
"""Seconds that a request to a forge on the internet takes, assumed: a sweep sends one after the other."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that is needed: how much of it at the busiest time, how much there is, and what lifts the limit."""

    what: str
    needed: float
    there: float
    unit: str
    lifts: str

    @property
    def share(self) -> float:
        """What is needed, of what there is."""
        return self.needed / self.there


@dataclass(frozen=True, slots=True)
class Machine:
    """What the bot runs on."""

    cores: int = 2
    disk_gigabytes: float = 100
    keep_days: int = 30


def needs(repositories: int, habits: Habits, costs: Costs, machine: Machine) -> Sequence[Need]:
    """Everything that can give out, the tightest first."""
    hours = 24.0
    peak_deliveries = repositories * habits.deliveries_a_day / 86_400 * habits.peak
    peak_backports = repositories * habits.backports_a_day / 86_400 * habits.peak
    shared = min(repositories, habits.per_installation)
    hourly = shared * habits.backports_a_day / hours * habits.peak
    budget = min(12_500, REQUESTS_AN_HOUR + 50 * max(0, shared - 20))
    calls = hourly * costs.calls_per_backport + shared * SWEEPS_AN_HOUR * costs.calls_per_sweep
    kept = repositories * habits.backports_a_day * machine.keep_days * costs.database_kilobytes / 1e6
    found = [
        Need("deliveries a second", peak_deliveries, costs.ack_per_second, "/s",
             "more `relbot serve` behind the proxy, then a database for each group of forges"),
        Need("cores for backports", peak_backports * costs.backport_seconds, machine.cores, "cores",
             "more `relbot work` on other machines"),
        Need("requests of the busiest installation", calls, budget, "/h", "a longer `sweep_minutes`"),
        Need("content of the busiest installation", hourly * costs.writes_per_backport, CONTENT_AN_HOUR, "/h",
             "nothing but time: the queue holds what is over"),
        Need("requests of a round of sweeps in the busiest installation", shared * costs.calls_per_sweep,
             Wanted().budget, "", "nothing but time: who is not reached comes first in the next round"),
        Need("seconds of a round of sweeps", repositories * (costs.sweep_seconds + ON_THE_WAY * costs.calls_per_sweep),
             3600 / SWEEPS_AN_HOUR, "s", "a longer `sweep_minutes`, then a database for each group of forges"),
        Need("disk for mirrors and the database", repositories * costs.mirror_megabytes / 1e3 + kept,
             machine.disk_gigabytes, "GB", "a larger disk; mirrors may be deleted at any time"),
    ]  # fmt: skip
    return sorted(found, key=lambda need: -need.share)
