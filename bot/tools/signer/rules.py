"""What a signer signs: a tag object that is exactly what the bot writes, of a version, for a repository it serves.

It must never take anybody's word for what a text is: it is read, written again, and compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.tools.tags import MOST, TagText, read_own


@dataclass(frozen=True, slots=True)
class Rules:
    """What this signer is for. Without repositories it serves all, without names it signs every version."""

    repositories: tuple[str, ...] = ()
    """`forge:owner/name`, with `*` for anything in a part."""
    names: tuple[str, ...] = ()
    """Of the names of versions only these, with `*` for anything."""

    def judge(self, repository: str, text: bytes) -> TagText | str:
        """The tag that is to be signed, or why it is not."""
        if len(text) > MOST:
            return f"the text is larger than {MOST} bytes"
        found = read_own(text)
        if found is None:
            return "the text is not a tag of a version as I write it"
        if ("Repository", repository) not in found.trailers:
            return "the tag is for another repository than the one it was asked for"
        if self.repositories and not any(_fits(pattern, repository) for pattern in self.repositories):
            return f"{repository[:200]} is not one of the repositories that I sign for"
        if self.names and not any(fnmatchcase(found.name, pattern) for pattern in self.names):
            return f"the name {found.name} is none that I sign"
        return found


def _fits(pattern: str, repository: str) -> bool:
    parts, wanted = repository.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
