"""What chat would have somebody say, as it is typed at a command line.

It must never touch what cannot be typed there: holds and notes are for chat alone.
"""

from __future__ import annotations

import re

_COMMAND = re.compile(r"/release (?:plan|rc|final|cut|yank)\b(?: [\w.=/-]+)*", re.ASCII)
_ARGUMENT = re.compile(r" (rc|from|sha)=", re.ASCII)


def as_typed(text: str) -> str:
    """The text with the commands of chat that the program has, too, as the program takes them."""
    text = text.replace("say `/release retry`", "run the same again")
    return _COMMAND.sub(lambda found: "relbot " + _ARGUMENT.sub(r" --\1 ", found[0][1:]), text)
