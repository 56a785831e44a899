"""No regular expression of the bot takes more time than the text's length asks."""

from __future__ import annotations

import re

import pytest

from tests.patterns import Found, attacks_on, find_patterns, is_slow

FOUND, UNKNOWN = find_patterns()
SIZE = 8_000
LIMIT = 0.03
"""Seconds of the process's own time, for what takes under a millisecond where the time is linear: a quadratic pattern
takes more than twice as much, a cubic one hours.
"""


def slow_attack(found: Found):
    """The first attack that the pattern is slow on."""
    return next((attack for attack in attacks_on(found.pattern) if is_slow(found, attack, SIZE, LIMIT)), None)


def test_every_pattern_is_looked_at():
    assert UNKNOWN == [], "give `tests/patterns.py:LOCAL` an example of the name"
    assert len(FOUND) > 100


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.where)
def test_a_pattern_takes_time_that_is_linear_in_the_text(found):
    attack = slow_attack(found)
    assert attack is None, f"{found.pattern.pattern!r} takes too long for {attack}"


@pytest.mark.parametrize(("pattern", "use"), [
    (r"(a+)+$", "match"),
    (r"(a|a)*$", "match"),
    (r"(\w+\s?)+:", "match"),
    (r"\d+x", "search"),
    (r"^\s*x", "search"),
    (r"\[\s*\"?([^\[\]\"]+?)\"?\s*\]", "match"),
    (r"^(?:#.*\n|\n)+\Z", "sub"),
    (r"\[rejected\].*\((.*)\)", "search"),
])
def test_the_attacks_find_what_is_known_to_be_slow(pattern, use):
    """The last four stood in the bot."""
    assert slow_attack(Found("", re.compile(pattern, re.MULTILINE), frozenset({use})))
