"""Dates that anybody may have written into a commit or a tag, as moments that can be told.

It must never fail on one: git takes dates that no calendar has.
"""

from __future__ import annotations

from datetime import UTC, datetime

_LATEST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def moment_of(seconds: int) -> datetime:
    """The moment so many seconds after 1970 began, in UTC; what lies before that or beyond the calendar is its end."""
    return datetime.fromtimestamp(min(max(seconds, 0), _LATEST), UTC)
