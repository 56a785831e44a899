"""What a write whose answer was lost has left behind: looked for, and never written again.

It must never take long: whoever called can look once more later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bot.forges.pacing import Manners

T = TypeVar("T")


def await_trace(manners: Manners, look: Callable[[], T | None]) -> T | None:
    """What the forge shows of it, as soon as it does; None where it shows nothing."""
    for wait in manners.waits:
        manners.clock.sleep(wait)
        if (found := look()) is not None:
            return found
    return None
