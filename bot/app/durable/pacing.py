"""How the durable engine paces itself. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pacing:
    """How much at a time, how often there is a look for work, and how long trouble is put up with (seconds).

    There is a look every `poll` while there was work in the last minute, else as `seldom` as that.
    `pauses` are waited for in place; after them the work is put back into the queue, each time for twice as long up to
    `longest`, until it has been in trouble for `patience`. `builds` of what takes long are done at a time. `calls` is
    the budget of API requests of one plan or job.
    """

    width: int = 4
    poll: float = 0.2
    seldom: float = 1.0
    builds: int = 1
    poll_builds: float = 5
    pauses: tuple[float, ...] = (1, 4)
    first: float = 15
    longest: float = 600
    patience: float = 6 * 3600
    calls: int = 300
    beat: float = 5
    stop: int = 30
