"""What all commands share in speaking to their caller: exit codes and JSON lines.

It must never import anything heavy: every command pays for it at its start.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


class Exit(IntEnum):
    """The exit codes that scripts may rely on."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    """Wrong usage or configuration."""
    NOTHING = 3
    """Nothing to do, or already present."""
    CONFLICT = 4
    REFUSED = 5
    """Refused by a gate or by permission."""
    BROKEN_PIPE = 141
    """What a shell reports for a program that SIGPIPE ended."""
    INTERRUPTED = 130
    """What a shell reports for a program that SIGINT ended."""


def write_json(document: object) -> None:
    """Write one JSON document as one line on standard output, at once, so that a reader of a stream need not wait."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a path that is not UTF-8, or an output that is not
        text = json.dumps(document, separators=(",", ":"), default=str)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def printable(text: str) -> str:
    """Text from a forge with control characters escaped, so that it cannot drive the terminal it is shown on."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def open_console(*, least: int = 0, soft_wrap: bool = False) -> Console:
    """Where a command shows what it has found; a terminal narrower than `least` folds the lines itself.

    A reader who goes away early ends the command as it ends every program.
    """
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich itself would end the process as if something had broken

    console = Plain(soft_wrap=soft_wrap, highlight=False)
    return Plain(width=least, soft_wrap=soft_wrap, highlight=False) if console.width < least else console


@contextmanager
def waiting(what: str, *, as_json: bool) -> Iterator[None]:
    """A sign of life on standard error while people wait; nothing when nobody watches."""
    if as_json or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield
