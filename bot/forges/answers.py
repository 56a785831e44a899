"""Remembers the latest answers to reads, so that a forge can say "as before" instead of saying it all again.

It must never give out an answer by itself: only the forge knows whether one still holds, and for whom.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

_LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer with the tag that the forge gave it."""

    tag: str
    text: str


def may_get_successor(page: object, size: int) -> bool:
    """Whether this is a full page of a list: with another one behind it it stays as it is, so that "as before" would
    hide what is new.
    """
    return isinstance(page, list) and len(page) >= size


class Answers:
    """Answers by address. Beyond `capacity` those used longest ago are forgotten; large ones are never kept."""

    def __init__(self, capacity: int = 200) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, Remembered] = OrderedDict()
        self._lock = Lock()

    def recall(self, address: str) -> Remembered | None:
        """The last answer from there."""
        with self._lock:
            if found := self._kept.get(address):
                self._kept.move_to_end(address)
            return found

    def keep(self, address: str, answer: Remembered) -> None:
        """Remember an answer in place of the one before. One without a tag is of no use, and forgets that one."""
        with self._lock:
            self._kept.pop(address, None)
            if not answer.tag or len(answer.text) > _LARGEST:
                return
            self._kept[address] = answer
            if len(self._kept) > self._capacity:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
