"""What a flow may ask of the repository that deploys a version, beyond what it may ask of any. Data only.

There must never be a wish in it that sends a text which people wrote: names, numbers and ids say all there is.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import Missing, Read, Refused, Write
from bot.core.model import Repo


@dataclass(frozen=True, slots=True)
class GetRepo(Read[Repo | Missing]):
    """A repository of this path on the forge that `repo` is on, as far as the bot may write to it; without a path
    `repo` itself, as it is called now. Missing too where another one has its name by now.
    """

    repo: Repo
    path: str = ""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The forge has taken the event; what comes of it is the repository's own business."""

    url: str = ""
    """Where that can be seen, where the forge tells."""


@dataclass(frozen=True, slots=True)
class DispatchEvent(Write[Dispatched | Missing | Refused]):
    """Whatever listens in a repository is told something. A forge knows no two events for the same, so one whose answer
    was lost is sent twice; what is told has to say of itself that it is the same.
    """

    repo: Repo
    name: str
    payload: tuple[tuple[str, str], ...]
    """At most ten pairs, the names in lower case."""
