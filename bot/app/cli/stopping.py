"""What the commands that go on until they are told to stop have in common: how they are told, and where they can be
watched.

It must never leave the process waiting for longer than it was promised: what is not done by then goes on elsewhere.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

from bot.core.errors import UserError

if TYPE_CHECKING:
    from bot.app.settings import Server

_GRACE = 1.0


def add_metrics(parser: argparse.ArgumentParser) -> None:
    """The argument that says where the process tells how it is."""
    parser.add_argument("--metrics", metavar="HOST:PORT", help="answer /metrics here instead of where the settings say")


def find_monitor(server: Server, given: str | None) -> tuple[str, int] | None:
    """Where the process is to tell how it is; None for nowhere. `UserError` where that is no address."""
    from bot.app.written import split_endpoint

    named = server.metrics if given is None else given
    found = split_endpoint(named) if named else None
    if named and found is None:
        raise UserError(f"--metrics {named} is no address. Give a host and a port, such as 127.0.0.1:9100.")
    return found


def on_stop(stop: Callable[[], object]) -> None:
    """Call `stop` on the first SIGTERM or Ctrl-C; a second one ends the process at once."""
    told = threading.Event()

    def hear(number: int, _: FrameType | None) -> None:
        if told.is_set():
            os._exit(128 + number)
        told.set()
        stop()

    signal.signal(signal.SIGTERM, hear)
    signal.signal(signal.SIGINT, hear)


def leave(code: int) -> int:
    """The exit code; where threads are still at work that nobody waits for any more, end the process with it here."""
    end = time.monotonic() + _GRACE
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                sys.stdout.flush()
                os._exit(code)
    return code
