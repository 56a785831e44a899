"""What a request to a forge becomes that did not get the answer it was for.

It must never show more of an answer than a short clean line: what it says may have been written by anybody.
"""

from __future__ import annotations

from bot.core.errors import Fault


class WireFault(Fault):
    """A request that did not get the answer it was for.

    `status` is None when no readable answer came; `said` is the forge's own explanation on one line, or empty;
    `retry_after` is how many seconds the forge wants to be left alone.
    """

    def __init__(self, message: str, *, status: int | None, said: str = "", retry_after: float | None = None) -> None:
        passing = status is None or status >= 500 or retry_after is not None
        super().__init__(message, passing=passing, retry_after=retry_after)
        self.status = status
        self.said = said

    @property
    def reason(self) -> str:
        """What the forge said, or else what we know, as the end of a sentence."""
        return f"{(self.said or str(self)).rstrip('.')}."

    @property
    def in_doubt(self) -> bool:
        """The forge may have done what was asked, and only the answer is missing."""
        return self.status is None or self.status >= 500


def one_clean_line(words: str) -> str:
    """Foreign words on one line, at most 300 characters, without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in words)[:300]
