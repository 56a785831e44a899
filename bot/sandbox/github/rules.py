"""GitHub's protected branches and rulesets: which names they cover, and what they refuse to whom.

It never changes anything.
"""

from __future__ import annotations

import re

from bot.sandbox.forge import Forge
from bot.sandbox.refusals import Refusal
from bot.sandbox.state import NOBODY, Protection, Repository, User

_HEADS, _TAGS = "refs/heads/", "refs/tags/"


def covers(rule: Protection, name: str) -> bool:
    """Whether a ruleset's pattern has this name: one star stops at a slash, two do not."""
    words = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = "".join(words.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*|\?)", rule.name))
    return re.fullmatch(pattern, name, re.DOTALL) is not None


def is_protected(repository: Repository, branch: str) -> bool:
    """What GitHub says of a branch, whether a protection of its own covers it or a ruleset."""
    own = branch in repository.protected or branch in repository.required
    return own or any(covers(rule, branch) for rule in repository.branch_rules.values())


def satisfies(forge: Forge, repository: Repository, user: User | None, role: str) -> bool:
    """Whether an account has the role that may bypass a ruleset."""
    return role != NOBODY and forge.may(repository, user, role)


def check_rules(forge: Forge, repository: Repository, user: User | None, ref: str) -> None:
    """Refuse to create, move or delete a ref that a protection or a ruleset keeps from this account."""
    branch = ref.removeprefix(_HEADS)
    allowed = repository.protected.get(branch) if ref.startswith(_HEADS) else None
    if allowed is not None and (user is None or user.login not in allowed):
        raise Refusal(422, f"Protected branch update failed for {ref}.")
    rules = repository.tag_rules if ref.startswith(_TAGS) else repository.branch_rules
    name = ref.removeprefix(_TAGS).removeprefix(_HEADS)
    for rule in rules.values():
        if covers(rule, name) and not satisfies(forge, repository, user, rule.push):
            raise Refusal(422, "Repository rule violations found\n\nCannot update this protected ref.\n\n")
