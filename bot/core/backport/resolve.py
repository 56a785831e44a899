"""Finds what a change is: the commits that its own pull brought, and none that a pull below it had landed before.

It must never take more than the forge says the pull brought: the commits of a stack look alike, wherever they stand.
"""

from __future__ import annotations

from dataclasses import replace

from bot.core.actions import FindPullsOf, NotLanded, Planning, ResolveChange, Unproven, ask
from bot.core.model import Change, Pull, Repo


def resolve(repo: Repo, pull: Pull) -> Planning[Change | NotLanded | Unproven]:
    """The change with its proof. Of commits in a row git cannot tell where one pull ended and the next began."""
    found = yield from ask(ResolveChange(repo, pull))
    while isinstance(found, Change) and found.method in ("rebase", "fast-forward") and len(found.commits) > 1:
        lowest = found.commits[0].sha
        below = [other for other in (yield from ask(FindPullsOf(repo, lowest))) if _landed_before(other, pull)]
        if not below:
            break
        brought = [commit.sha for commit in found.commits]
        base = next((other.merged_as for other in below if other.merged_as in brought), None)
        pull = replace(pull, base_sha=base or lowest)
        found = yield from ask(ResolveChange(repo, pull))
    return found


def _landed_before(other: Pull, pull: Pull) -> bool:
    landed = other.merged and other.number != pull.number and other.base == pull.base
    return landed and (other.closed_at or 0) <= (pull.closed_at or 0)
