"""What webhooks of both forges say of a pushed ref, in the same words.

It must never guess: a ref in no known folder is neither branch nor tag.
"""

from __future__ import annotations

from typing import Literal

from bot.forges.fields import UnreadableError

Folder = Literal["branch", "tag", ""]
Change = Literal["created", "moved", "deleted"]
_FOLDERS: dict[str, Folder] = {"refs/heads/": "branch", "refs/tags/": "tag"}


def split_ref(ref: str) -> tuple[Folder, str]:
    """What kind of ref it is, and its name there."""
    for prefix, folder in _FOLDERS.items():
        if ref.startswith(prefix):
            if ref == prefix:
                raise UnreadableError(f"ref names no {folder}")
            return folder, ref.removeprefix(prefix)
    return "", ref


def read_tag_change(before: str, after: str, commit: str) -> tuple[str, Change]:
    """What is told of a tag: the commit that it names, or has named in the end, and what became of it."""
    if not after.strip("0"):
        return before, "deleted"
    return commit, "moved" if before.strip("0") else "created"
