"""Which flow does each kind of job about a line.

It must never hold more than that table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.core.actions import Flow
from bot.core.jobs import Report
from bot.core.release.candidate import make_candidate
from bot.core.release.cutting import cut_line
from bot.core.release.deploy import deploy
from bot.core.release.final import make_final
from bot.core.release.follow import follow_tag
from bot.core.release.keep import keep_tracker
from bot.core.release.keeping import hold, set_notes, unhold
from bot.core.release.planning import show_plan
from bot.core.release.withdrawal import yank
from bot.core.wishes import (
    CutLine,
    Deploy,
    Follower,
    FollowTag,
    Hold,
    KeepTracker,
    LineJob,
    MakeCandidate,
    MakeFinal,
    SetNotes,
    ShowPlan,
    Unhold,
    Yank,
)

FLOWS: dict[type, Callable[[Any], Flow[Report]]] = {
    MakeCandidate: make_candidate,
    ShowPlan: show_plan,
    MakeFinal: make_final,
    Yank: yank,
    FollowTag: follow_tag,
    Deploy: deploy,
    CutLine: cut_line,
    Hold: hold,
    Unhold: unhold,
    SetNotes: set_notes,
    KeepTracker: keep_tracker,
}
"""By the type of the job."""


def follow(job: LineJob | Follower) -> Flow[Report]:
    """The flow that does a job."""
    return FLOWS[type(job)](job)
