"""Protected branches and tags: which rule a name falls under, and what the rule allows to whom.

It never refuses anything itself: who asks does, in the words that fit.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from bot.sandbox.forge import Forge
from bot.sandbox.state import NOBODY, Protection, Repository, User


def rule_for(rules: dict[str, Protection], name: str) -> Protection | None:
    """The protection of a branch or a tag: by its name, or by a pattern with `*`."""
    return rules.get(name) or next((rule for rule in rules.values() if fnmatchcase(name, rule.name)), None)


def satisfies(forge: Forge, repository: Repository, user: User | None, role: str) -> bool:
    """Whether an account has the role that a rule asks for."""
    return role != NOBODY and forge.may(repository, user, role)


def may_push(forge: Forge, repository: Repository, user: User | None, ref: str) -> bool:
    """Whether an account may create, move or delete a branch or a tag, given by its full name."""
    branch, tag = ref.removeprefix("refs/heads/"), ref.removeprefix("refs/tags/")
    rule = rule_for(repository.tag_rules, tag) if tag != ref else rule_for(repository.branch_rules, branch)
    named = repository.protected.get(branch) if tag == ref else None
    if named is not None and (user is None or user.login not in named):
        return False
    return forge.may(repository, user, "write") and (rule is None or satisfies(forge, repository, user, rule.push))
