"""Which names a branch or a tag can have, so that no other one is ever sent to a forge inside an address.

It must never let a name through that could lead to another place, such as two dots.
"""

from __future__ import annotations

_FORBIDDEN = frozenset(" ~^:?*[\\\x7f")


def is_ref_name(name: str) -> bool:
    """Whether git takes this as the name of a branch or a tag, without `refs/heads/` before it."""
    return bool(
        name
        and all(_is_plain(part) for part in name.split("/"))
        and not name.endswith(".")
        and not any(word in name for word in ("..", "@{"))
        and not any(letter < " " or letter in _FORBIDDEN or "\ud800" <= letter <= "\udfff" for letter in name)
    )


def can_be_made(name: str) -> bool:
    """Whether git makes a branch or a tag of this name: one that begins with a dash could be taken for an option."""
    return is_ref_name(name) and not name.startswith("-")


def _is_plain(part: str) -> bool:
    return part != "" and not part.startswith(".") and not part.endswith(".lock")
