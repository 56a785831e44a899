"""Who may do what: the one rule, asked from the forge at the moment it is needed.

It must never rest on a name or on who wrote a pull: what counts is the account that acted, and its role now.
"""

from __future__ import annotations

from bot.core.actions import GetRole, IsMember, Planning, ask
from bot.core.commands import Who
from bot.core.model import Person, Repo, Role
from bot.core.policy import Policy


def may(repo: Repo, person: Person, who: Who, policy: Policy) -> Planning[bool]:
    """Whether the account is one of those `who` names. Bots never are, but for the Apps that the policy lets write."""
    if who == "anyone":
        return True
    if person.is_bot:
        return who == "write" and policy.trusts(person)
    role = yield from ask(GetRole(repo, person))
    if who == "write" or role < Role.WRITE:
        return role >= Role.WRITE
    return (yield from _may_release(repo, person, role, policy))


def may_backport(repo: Repo, person: Person, policy: Policy) -> Planning[bool]:
    """Whether the account may have a change carried to a line, by label or by comment."""
    return (yield from may(repo, person, "write", policy))


def _may_release(repo: Repo, person: Person, role: Role, policy: Policy) -> Planning[bool]:
    """Where the policy names groups, only they count: a role is given for many reasons."""
    if not policy.people.managers:
        return role >= Role.MAINTAIN
    for group in policy.people.managers:
        if (yield from ask(IsMember(repo, person, group))):
            return True
    return False
