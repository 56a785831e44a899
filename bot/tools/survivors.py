"""Sees to it that git processes which talk to a forge end with this program, even when it is killed.

It must never end a process that is not ours, nor cost anything where nothing talks to a forge.

A process that only reads and writes here ends when its pipes do; one that waits for a forge may wait for an hour, and
what it then does would be done by nobody. The system can end a child with its parent, but means the thread that started
it; so a small process of our own listens at a pipe which closes when we are gone, and then kills what it was told of.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from threading import Lock

_LISTEN = """
import os, sys
left = set()
for line in sys.stdin:
    (left.add if line[0] == "+" else left.discard)(int(line[1:]))
for each in left:
    try:
        os.killpg(each, 9)
    except OSError:
        pass
"""


class Survivors:
    """The sessions that are to be ended. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._told: set[int] = set()
        self._pipe: int | None = None
        self._owner = 0

    def mind(self, session: int) -> None:
        """End this session when the program ends in whatever way."""
        with self._lock:
            if self._pipe is None or self._owner != os.getpid():
                self._listen()
            self._told.add(session)
            self._say(f"+{session}\n")

    def forget(self, session: int) -> None:
        """It has ended: the number may be somebody else's soon."""
        with self._lock:
            if session in self._told:
                self._told.discard(session)
                self._say(f"-{session}\n")

    def _listen(self) -> None:
        self._told.clear()
        theirs, self._pipe = os.pipe()
        self._owner = os.getpid()
        with suppress(OSError):
            # in a session of its own: who stops the program with Ctrl-C must not stop the listener first
            listener = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _LISTEN], stdin=theirs, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True, env={},
            )  # fmt: skip
            listener.returncode = 0  # nobody waits for it: it outlives us
        os.close(theirs)

    def _say(self, words: str) -> None:
        assert self._pipe is not None
        try:
            os.write(self._pipe, words.encode())
        except OSError:  # the listener was ended; the next process gets a new one
            os.close(self._pipe)
            self._pipe = None


survivors = Survivors()
