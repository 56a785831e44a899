"""What is to be thought of a version's tag that people have pushed: what is wrong with it, as sentences.

It must never take a tag for right because it bears trailers of the bot's: anybody can write those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.core.messages.escape import code, plain
from bot.core.model import Branch
from bot.core.tagging import MINE, TagChecked, TagFound
from bot.core.versions import Version, read_tag


def find_flaws(
    version: Version, checked: TagChecked, tags: Iterable[TagFound], branch: Branch, *, on_line: bool
) -> tuple[str, ...]:
    """What is wrong with a tag, `tags` being all that there are; nothing where it is as one of the bot's would be."""
    others = [(other, tag) for tag in tags if tag.name != checked.tag.name and (other := read_tag(tag.name))]
    own = [(other, tag) for other, tag in others if other.line == version.line]
    return (*_form(checked), *_place(checked, branch, on_line=on_line), *_number(version, checked.tag, own))


def _form(checked: TagChecked) -> Iterator[str]:
    """A tag that is not signed is what many projects have; one whose signature does not hold is another matter."""
    if not checked.tag.annotated:
        yield "it is a lightweight tag, which says neither who has made it nor why"
    elif checked.verdict == "bad":
        yield plain(checked.said, 300)
    if any(checked.trailer(key) for key in MINE):
        yield "it bears trailers as I write them, and I have made no such tag in a repository of this name"


def _place(checked: TagChecked, branch: Branch, *, on_line: bool) -> Iterator[str]:
    if checked.tag.commit is None:
        yield "it names no commit"
    elif not on_line:
        yield f"its commit {checked.tag.commit[:12]} is not on {code(branch.name)}"


def _number(version: Version, tag: TagFound, own: Sequence[tuple[Version, TagFound]]) -> Iterator[str]:
    """What other versions of the line say against its number."""
    for other, twin in own:
        if other == version:
            yield f"{plain(twin.name, 80)} is the same version"
    finals = [(other, one) for other, one in own if other.candidate is None and _came_before(one, tag)]
    above = [(other, one) for other, one in finals if version < other]
    if above:
        yield f"{plain(max(above, key=lambda pair: pair[0].place)[1].name, 80)} was out before it"
    if version.candidate is not None:
        return
    candidates = [one for other, one in own if other.candidate is not None and other.patch == version.patch]
    if candidates and tag.commit not in {one.commit for one in candidates}:
        yield f"none of its candidates is at its commit ({', '.join(plain(one.name, 80) for one in candidates[-5:])})"


def _came_before(other: TagFound, tag: TagFound) -> bool:
    """As far as the two tell; what does not tell counts."""
    return other.tagged_at is None or tag.tagged_at is None or other.tagged_at <= tag.tagged_at
