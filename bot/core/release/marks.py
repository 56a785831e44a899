"""Which releases are withdrawn, by the marks that a forge shows of them, and where that leaves the names that move.

It must never call a release good that bears any sign of a withdrawal: to take one back, both signs have to go.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.model import Release
from bot.core.numbering import place_pointers
from bot.core.tagging import TagFound
from bot.core.versions import Version, read_tag

YANKED = "[YANKED]"
"""What the title of a withdrawn release ends in, as Keep a Changelog has it."""


def marker_of(tag: str) -> str:
    """What is hidden in the text of a withdrawn release. It names the tag: who copies the text withdraws nothing."""
    return f"<!-- relbot:yanked {tag} -->"


def is_withdrawn(release: Release) -> bool:
    """Whether a release is marked, by the bot or by people."""
    return YANKED in release.title.upper() or marker_of(release.tag) in release.body


def withdrawn_of(releases: Iterable[Release]) -> frozenset[Version]:
    """The versions among them that are withdrawn."""
    read = (read_tag(release.tag) for release in releases if is_withdrawn(release))
    return frozenset(version for version in read if version)


def pointers_of(tags: Iterable[TagFound], releases: Iterable[Release]) -> dict[str, Version]:
    """Where each name that moves belongs, as `place_pointers` has it, by the tags and the marks that are there."""
    versions = (read_tag(tag.name) for tag in tags if tag.commit)
    return place_pointers((version for version in versions if version), withdrawn_of(releases))


def tags_of(version: Version, tags: Iterable[TagFound]) -> tuple[TagFound, ...]:
    """The tags of commits that name a version: mostly one, but people have named versions twice."""
    return tuple(tag for tag in tags if tag.commit and read_tag(tag.name) == version)
