"""What is remembered of answers, and what is forgotten."""

from __future__ import annotations

from bot.forges.answers import Answers, Remembered


def test_the_latest_answer_of_each_address_is_kept() -> None:
    answers = Answers()
    answers.keep("a", Remembered('"1"', "one"))
    answers.keep("a", Remembered('"2"', "two"))
    answers.keep("b", Remembered('"3"', "three"))
    assert answers.recall("a") == Remembered('"2"', "two")
    assert answers.recall("c") is None


def test_an_answer_without_a_tag_forgets_the_one_before() -> None:
    answers = Answers()
    answers.keep("a", Remembered('"1"', "one"))
    answers.keep("a", Remembered("", "two"))
    assert answers.recall("a") is None


def test_those_used_longest_ago_are_forgotten_first_and_large_ones_are_never_kept() -> None:
    answers = Answers(capacity=2)
    answers.keep("a", Remembered('"1"', "one"))
    answers.keep("b", Remembered('"2"', "two"))
    answers.recall("a")
    answers.keep("c", Remembered('"3"', "three"))
    answers.keep("d", Remembered('"4"', "x" * 300_000))
    assert [name for name in "abcd" if answers.recall(name)] == ["a", "c"]
    assert len(answers) == 2
