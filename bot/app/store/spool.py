"""Deliveries that came while the database was away, each a file that is on the disk before the sender is answered.

It must never show half a file under its name, nor lose one that cannot be read: that one is set aside.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from bot.app.codec import Unreadable, decode, encode
from bot.core.errors import Fault
from bot.core.events import Delivery
from bot.core.model import ForgeName

_MOST = 100_000
"""Files. Beyond that the disk is better left to the rest of the machine, and the forges are told to come again."""


class Spool:
    """A folder of its own. Safe to share between threads and processes of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, forge: ForgeName, delivery: Delivery) -> None:
        """Write the delivery down. Raises `Fault` when the disk does not take it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if len(os.listdir(self._folder)) >= _MOST:  # noqa: PTH208 - the count only
                raise Fault(f"The spool {self._folder} is full.", passing=True)
            self._write(encode((forge, delivery)))
        except OSError as error:
            raise Fault(f"The spool {self._folder} takes nothing: {error.strerror}.", passing=True) from None

    def drain(self, take: Callable[[ForgeName, Delivery], object]) -> int:
        """Hand every delivery on, oldest first, and forget it once `take` has returned; how many there were.

        Raises `Fault` at the end for a file that the disk did not give or let go: it waits, and holds nothing else up.
        """
        count = 0
        trouble: OSError | None = None
        for file in sorted(self._folder.glob("*.json")):
            try:
                count += self._hand_on(file, take)
            except FileNotFoundError:
                continue  # another process was faster
            except OSError as error:
                trouble = trouble or error
        if trouble:
            words = f"The spool {self._folder} holds what cannot be handled: {trouble.strerror}, {trouble.filename}."
            raise Fault(words, passing=True)
        return count

    def _hand_on(self, file: Path, take: Callable[[ForgeName, Delivery], object]) -> bool:
        try:
            forge, delivery = decode(file.read_text())
        except (Unreadable, ValueError):
            file.rename(file.with_suffix(".unreadable"))
            return False
        take(forge, delivery)
        file.unlink(missing_ok=True)
        return True

    def __len__(self) -> int:
        return sum(1 for _ in self._folder.glob("*.json"))

    def _write(self, text: str) -> None:
        file = self._folder / f"{time.time_ns():020}-{os.getpid()}-{os.urandom(4).hex()}.json"
        part = file.with_suffix(".part")
        try:
            with part.open("w") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            part.rename(file)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
