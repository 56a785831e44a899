"""What a version wants otherwise than the one before, read from two project files."""

from __future__ import annotations

import pytest

from bot.core.changelog.environment import MOST, Environment, compare_environments, read_environment


def told(old, new):
    return [remark.text for remark in compare_environments(read_environment(old), read_environment(new))]


def project(python="", *needs):
    return f"[project]\nname = 'kit'\nrequires-python = '{python}'\ndependencies = {list(needs)}\n"


def test_each_thing_that_is_wanted_otherwise_is_told():
    old = project(">=3.9", "torch>=2.6", "Typing_Extensions", "six", "triton==3.2; platform_system == 'Linux'")
    new = project(">=3.10", "torch >=2.7,<3", "typing-extensions", "numpy", "triton==3.3; platform_system == 'Linux'")
    assert told(old, new) == [
        "Python >=3.10 is wanted, where >=3.9 was",
        "numpy is needed now",
        "six is no longer needed",
        "torch >=2.7,<3 is wanted, where >=2.6 was",
        "triton ==3.3; platform_system == 'Linux' is wanted, where ==3.2; platform_system == 'Linux' was",
    ]
    assert told(old, old) == []


def test_a_package_named_for_two_platforms_is_one():
    both = project("", "triton==3.2; sys_platform == 'linux'", "triton==3.1; sys_platform == 'win32'")
    wanted = "==3.2; sys_platform == 'linux', ==3.1; sys_platform == 'win32'"
    assert told(project(), both) == [f"triton {wanted} is needed now"]


@pytest.mark.parametrize("odd", [
    None, "", "[project", "x = " + "[" * 5000, "project = 3", "[tool]\nx = 1\n", "x" * 300_000,
])  # fmt: skip
def test_what_cannot_be_read_wants_nothing_and_is_compared_with_nothing(odd):
    assert told(odd, project(">=3.9", "torch")) == []
    assert told(project(">=3.9", "torch"), odd) == []


def test_a_hostile_list_is_bounded_and_of_text_only():
    strange = read_environment("[project]\nrequires-python = 3\ndependencies = [1, '  ', 'ok>1']\n")
    assert strange == Environment("", {"  ": "", "ok": ">1"})
    many = project("", *(f"p{n}" for n in range(500)))
    assert len(told(project(), many)) == MOST
