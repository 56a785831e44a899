"""Which flow does each kind of job about a line.

It must never hold more than that table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.core.actions import Flow
from bot.core.jobs import Report
from bot.core.release.candidate import make_candidate
from bot.core.release.deploy import deploy
from bot.core.release.follow import follow_tag
from bot.core.wishes import Deploy, FollowTag, KeepTracker, LineJob, MakeCandidate

FLOWS: dict[type, Callable[[Any], Flow[Report]]] = {
    MakeCandidate: make_candidate,
    FollowTag: follow_tag,
    Deploy: deploy,
}
"""By the type of the job."""


def follow(job: LineJob | KeepTracker | FollowTag | Deploy) -> Flow[Report]:
    """The flow that does a job."""
    return FLOWS[type(job)](job)
