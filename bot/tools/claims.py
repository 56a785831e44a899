"""Folders that belong to one running process: claimed while it runs, swept away by the next one when it was killed.

It never takes away a folder that somebody still holds.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path

_MARK = "in-use"
"""The file whose lock is the claim. The system lets go of it when the process ends, however it ends."""


class Claim:
    """A new folder in `parent`. Making one and sweeping must not happen at the same time: callers hold a lock."""

    def __init__(self, parent: Path, prefix: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._mark = (self.directory / _MARK).open("w")
        fcntl.flock(self._mark, fcntl.LOCK_EX)

    def release(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self._mark.close()


def sweep(parent: Path, prefix: str) -> None:
    """Remove the folders that ended processes have left."""
    for folder in parent.glob(f"{prefix}*"):
        try:
            with (folder / _MARK).open("a") as mark:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except (BlockingIOError, FileNotFoundError):
            continue  # somebody holds it, or was just releasing it
