"""The tags that releases hang on: read as versions, with their dates, and what each one's notes are counted from.

It must never ask which tag is nearest, as `git describe` does: a final's notes span all of its candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.core.numbering import next_candidate
from bot.core.revisions import Line, Tag
from bot.core.versions import Version, read_tag


@dataclass(frozen=True, slots=True)
class DatedTag:
    """A tag with what a changelog asks of it."""

    tag: Tag
    at: int
    """When it was made, in seconds since the epoch; of one that is not annotated, when its commit was."""
    annotated: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """A version and the commit that bears it."""

    version: Version
    name: str
    sha: str
    at: int

    @property
    def order(self) -> Order:
        """Where it stands among others."""
        return order_of(self.version)


Order = tuple[int, int, int, bool, int]


def order_of(version: Version) -> Order:
    """What `Version.place` says, in plain numbers: a whole changelog compares some ten thousand of them."""
    final, candidate = version.candidate is None, version.candidate or 0
    return version.line.major, version.line.minor, version.patch, final, candidate


def marks_of(tags: Iterable[DatedTag]) -> tuple[Mark, ...]:
    """The tags that name versions, each version once, in the order of versions.

    Where two tags name one version (`v2.7.0` and `2.7.0`), the one that is in the style of most others stands.
    """
    marks = [Mark(version, tag.tag.name, tag.tag.sha, tag.at) for tag in tags if (version := read_tag(tag.tag.name))]
    styles: dict[str, int] = {}
    for mark in marks:
        styles[_style(mark.name)] = styles.get(_style(mark.name), 0) + 1
    marks.sort(key=lambda mark: (mark.order, -styles[_style(mark.name)], mark.name))
    known: dict[Version, Mark] = {}
    for mark in marks:
        known.setdefault(mark.version, mark)
    return tuple(known.values())


def _style(name: str) -> str:
    return name.rstrip("0123456789.rc-RC")


def bounds_of(version: Version, marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """What the notes of a version may begin at. The first bounds them for certain; a later one where it is an ancestor.

    A candidate's notes begin at the line's last tag before it, a final's at the line's last *final*. The first final
    of a line begins where its branch parted from that of the line before, which any of that line's finals tells; or at
    the last of them that is an ancestor, as in projects that release from one branch.
    """
    order = order_of(version)
    before = [mark for mark in marks if mark.order < order]
    if version.candidate is None:
        before = [mark for mark in before if mark.version.candidate is None]
    own = [mark for mark in before if mark.version.line == version.line]
    if own:
        return (own[-1],)
    finals = [mark for mark in before if mark.version.candidate is None]
    return tuple(mark for mark in finals if mark.version.line == finals[-1].version.line)


def shipped_before(version: Version, at: int, marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """The finals of lower lines that were out by then: what they hold, their notes have told."""
    return tuple(
        mark for mark in marks
        if mark.version.candidate is None and mark.at <= at and mark.version.line < version.line
    )  # fmt: skip


def next_version(line: Line, marks: Sequence[Mark]) -> Version:
    """The final that a line is on the way to; for the order and the bounds of notes that bear no number yet."""
    coming = next_candidate(line, [Tag(mark.name, mark.sha) for mark in marks])
    return Version(line, coming.version.patch)


def next_line(marks: Sequence[Mark]) -> Line:
    """The line that the main branch is on the way to."""
    lines = [mark.version.line for mark in marks if mark.version.candidate is None]
    return Line(max(lines).major, max(lines).minor + 1) if lines else Line(0, 1)
