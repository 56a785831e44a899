"""What both forges' settings of repositories understand alike: the time in an answer, the address of a webhook.

It must never know which forge an answer came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def read_clock(headers: Mapping[str, str]) -> int | None:
    """The forge's time, in seconds since the epoch; None when an answer does not tell."""
    try:
        return int(parsedate_to_datetime(headers.get("date", "")).timestamp())
    except (ValueError, OverflowError):
        return None


def is_same_address(one: str, other: str) -> bool:
    """Whether two webhooks send to the same place, however many slashes end their addresses."""
    return one.rstrip("/") == other.rstrip("/")


MISPOINTED = "pointed at exactly this address"
"""What is done about a webhook whose address ends in a slash: the server has no such door."""
