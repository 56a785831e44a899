"""The rule of who may do what, asked by itself: it holds whoever calls it."""

from __future__ import annotations

import pytest

from bot.core.actions import GetRole, IsMember
from bot.core.commands import Who
from bot.core.model import Person, Role
from bot.core.permission import may
from bot.core.policy import People, Policy
from tests.core.driving import drive, kinds
from tests.core.values import ADA, APP, REPO

PLAIN = Policy()
GROUPS = Policy(people=People(managers=("acme/release", "acme/leads")))
TRUSTING = Policy(people=People(apps=("mergebot",)))


def asked(
    who: Who, person: Person, policy: Policy, role: Role = Role.NONE, *, member: bool = False
) -> tuple[bool, list[str]]:
    answer, actions = drive(may(REPO, person, who, policy), {GetRole: role, IsMember: member})
    return answer, kinds(actions)


@pytest.mark.parametrize("role", Role)
def test_a_role_allows_what_it_stands_for(role: Role) -> None:
    assert asked("anyone", ADA, PLAIN, role) == (True, [])
    assert asked("write", ADA, PLAIN, role) == (role >= Role.WRITE, ["GetRole"])
    assert asked("manager", ADA, PLAIN, role) == (role >= Role.MAINTAIN, ["GetRole"])


@pytest.mark.parametrize("role", Role)
def test_where_groups_are_named_a_member_needs_write_access_and_others_have_no_chance(role: Role) -> None:
    assert asked("manager", ADA, GROUPS, role, member=True)[0] is (role >= Role.WRITE)
    assert asked("manager", ADA, GROUPS, role)[0] is False


def test_no_more_is_asked_than_is_needed() -> None:
    assert asked("manager", ADA, GROUPS, Role.READ)[1] == ["GetRole"]
    assert asked("manager", ADA, GROUPS, Role.WRITE, member=True)[1] == ["GetRole", "IsMember"]
    assert asked("manager", ADA, GROUPS, Role.WRITE)[1] == ["GetRole", "IsMember", "IsMember"]


def test_an_app_may_write_where_it_is_named_and_never_releases() -> None:
    assert asked("write", APP, PLAIN, Role.ADMIN) == (False, [])
    assert asked("write", APP, TRUSTING) == (True, [])
    assert asked("manager", APP, TRUSTING, Role.ADMIN, member=True) == (False, [])
