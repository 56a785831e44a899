"""Names that are sent to a forge are those that git itself takes."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.forges.ref_names import can_be_made, is_ref_name

WORDS = [*"a.-/@{}~^:?*[]\\ \t\x7f#'\"%ä", ".lock", "..", "@{", "refs/heads/"]
TRICKY = st.lists(st.sampled_from(WORDS), max_size=6).map("".join)


def git_takes(name: str) -> bool:
    return not subprocess.run(("git", "check-ref-format", f"refs/tags/{name}"), check=False).returncode


@settings(max_examples=150, deadline=None)
@given(TRICKY)
def test_a_name_is_one_exactly_where_git_says_so(name: str) -> None:
    assert is_ref_name(name) is git_takes(name)


@pytest.mark.parametrize("name", ["\0", "a\0b", "\ud800", "a\nb", "..", ".", "a/../b", "./a", ""])
def test_what_would_lead_elsewhere_is_no_name(name: str) -> None:
    assert not is_ref_name(name)


def test_a_name_that_looks_like_an_option_is_one_that_nobody_makes() -> None:
    assert is_ref_name("-x")
    assert not can_be_made("-x")
    assert can_be_made("v-x")
