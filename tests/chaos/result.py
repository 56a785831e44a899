"""What a suite has to say: lines of figures, each met or not.

It must never turn a figure about time into a failure: those are printed, and what is wrong fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One figure. `met` is None where there is nothing to meet; only what is `grave` fails the run."""

    what: str
    figure: str
    met: bool | None = None
    grave: bool = True


@dataclass
class Result:
    """What one suite found. `troubles` says of each failure what it was, to be read by people."""

    lines: list[Line] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def hold(self, what: str, figure: str, *, met: bool) -> None:
        """A line that has to be met."""
        self.lines.append(Line(what, figure, met))

    def note(self, what: str, figure: str, met: bool | None = None) -> None:
        """A line that is only told."""
        self.lines.append(Line(what, figure, met, grave=False))

    @property
    def failed(self) -> bool:
        """Whether anything that has to hold does not."""
        return bool(self.troubles) or any(line.grave and line.met is False for line in self.lines)


Say = Callable[[str], None]
"""Tells whoever watches how far it is."""
