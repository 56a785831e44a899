"""What is said of a policy file that is wrong where a release was asked for: the same as at a backport."""

from __future__ import annotations

from bot.core.messages import refusals, releases
from bot.core.policy import PolicyErrors, parse


def test_a_question_ends_once_and_further_mistakes_are_counted():
    errors = parse(".github/relbot.toml", '[backport]\nlable = "x"\ntitel = "y"\n')
    assert isinstance(errors, PolicyErrors)
    said = releases.broken_policy(errors).reason
    assert "did you mean “label”? (1 more mistakes follow.)" in said
    assert said == refusals.broken_policy(errors, "backport/2.7").reason
