"""A forge's own words out of what git prints when a push was refused.

It must never put words into a forge's mouth: where none were said, that is what is told.
"""

from __future__ import annotations


def reason_of(said: str) -> str:
    """Why, as the forge put it; what git itself says of the other refs of an atomic push is no reason."""
    own = [line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")]
    rejected = [line for line in said.splitlines() if "[remote rejected]" in line]
    first = next((line for line in rejected if "(atomic " not in line), rejected[0] if rejected else "")
    brief = first.rpartition(" (")[2].removesuffix(")") if " (" in first else "it gave no reason"
    return (" ".join(line for line in own if line) or brief)[:500]


def is_protection(reason: str) -> bool:
    """Whether a rule for the branch or tag is what forbids it."""
    return "protected" in reason.lower() or "GH006" in reason or "GH013" in reason
