"""Texts as GitLab may have them.

It must never let a line through that GitLab would obey with the bot's rights.
"""

from __future__ import annotations

import re

from bot.core.errors import UserError

_COMMAND = re.compile(r"^([ \t]*)/(?=[a-z])", re.MULTILINE | re.IGNORECASE)


def spoken(body: str) -> str:
    """The text as GitLab may have it: a line that begins with a slash would be obeyed, with the bot's rights."""
    return _COMMAND.sub("\\1\u200b/", body)


def listed(labels: tuple[str, ...]) -> str:
    """Labels as one text; `UserError` for one that cannot be had."""
    for label in labels:
        if "," in label:
            raise UserError(f"GitLab cannot have a label “{label}”: labels hold no commas there. Name it otherwise.")
    return ",".join(labels)
