"""Times as people read them.

It must never depend on where the machine is: every time is UTC and says so.
"""

from __future__ import annotations

from datetime import UTC, datetime


def span(seconds: float) -> str:
    """About how long: `3 s`, `12 min`, `5 h`, `9 days`."""
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{max(seconds, 0) / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"


def moment(at: float) -> str:
    """`2026-11-25 13:01:02 UTC`."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
