"""What people suffer from in other bots' chat, by the numbers of our own list of pains."""

from __future__ import annotations

import pytest

from bot.core.commands import AskCandidate, PickOnto, UnknownVerb, UnknownWord, read_commands
from bot.core.messages.chat import render_complaint
from bot.core.model import Line

L27, L26 = Line(2, 7), Line(2, 6)


def reads(body):
    return [said.read for said in read_commands(body)]


@pytest.mark.parametrize("body", [
    "```\n/release rc 2.7\n```", "~~~console\n/release rc 2.7\n~~~", "    /release rc 2.7", "`/release rc 2.7`",
    "> /release rc 2.7", "> > /release rc 2.7", "<!-- /release rc 2.7 -->", "<!--\n/release rc 2.7\n-->",
    "say /release rc 2.7 when it is ready", "[/release rc 2.7](https://forge.example)", "# /release rc 2.7",
    "<details><summary>how</summary>\n\n```\n/release rc 2.7\n```\n</details>", "- `/release rc 2.7` makes one",
])  # fmt: skip
def test_pain_21_nothing_is_done_for_a_command_in_code_a_quote_a_hidden_comment_or_a_link(body):
    assert reads(body) == []
    assert reads(f"{body}\n\n/release rc 2.7") == [AskCandidate(L27)], "and what comes after it is heard"


@pytest.mark.parametrize("body", [
    "/release rc 2.7", "/release rc 2.7 ", "   /release rc 2.7\r\n", "/Release RC v2.7", "/release\trc\trelease/2.7",
    "Please:\r\n\r\n/release   rc   V2.7\r\n\r\nThanks!",
])  # fmt: skip
def test_pain_22_space_case_and_line_ends_do_not_matter_nor_how_a_line_is_written(body):
    assert reads(body) == [AskCandidate(L27)]


@pytest.mark.parametrize("word", ["/backport", "/cherry-pick", "/cherrypick", "/Cherry-Pick"])
def test_pain_22_every_name_of_a_command_says_the_same(word):
    assert reads(f"{word} 2.7 release/2.6") == [PickOnto((L27, L26))]


def test_pain_22_what_cannot_be_read_is_answered_with_the_nearest_that_can():
    [unknown] = reads("/release rx 2.7")
    assert isinstance(unknown, UnknownVerb)
    assert "did you mean `/release rc`?" in render_complaint(unknown)
    [said] = read_commands("/cherry-pick relase/2.7")
    assert isinstance(said.read, UnknownWord)
    assert "Did you mean `/backport 2.7`?" in render_complaint(said.read, said.verb, (L27, L26))
