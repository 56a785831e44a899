"""Facts are cut to what notes read of them: shorter, and the same notes."""

from __future__ import annotations

import pytest

from bot.core.changelog.facts import facts_for_notes, pulls_of
from bot.core.changelog.told import read_note
from bot.core.issues import PullFacts
from bot.core.model import Person
from bot.core.titles import breaking_notes

ADA = Person(5, "ada")
BODIES = [
    "", "Why.", "Why.\n```release-note\nIt is faster\n  and smaller.\n```\nMore.", "```release-note\nNONE\n```",
    "````release-note\nUse ```x``` here\n````", "~~~ release-notes\n``` x\n~~~\n", "```release-note\n\n```",
    "Text\n\nBREAKING CHANGE: it is gone\nfor good\n\nBREAKING-CHANGE: and so is this", "```release-note\nnever closed",
    "```release-note\n`````\nBREAKING CHANGE: inside\n```", "<!-- ```release-note\nhidden\n``` -->\nx",
]  # fmt: skip


def facts(body, number=21):
    return PullFacts(number, "title", body, "https://forge.example/21", ADA, ("bug",), "2.7.1", True, "MEMBER")


@pytest.mark.parametrize("body", BODIES)
def test_what_is_kept_of_a_body_says_the_same(body):
    [cut] = facts_for_notes([facts(body)])
    assert (read_note(cut.body), breaking_notes(cut.body)) == (read_note(body), breaking_notes(body))
    assert facts_for_notes([cut]) == (cut,)
    assert "Why." not in cut.body


def test_a_huge_body_leaves_a_short_one_and_what_notes_do_not_read_goes():
    body = "x" * 60_000 + f"\n```release-note\n{'y' * 60_000}\n```\n" + "BREAKING CHANGE: z\n\n" * 1000
    [cut] = facts_for_notes([facts(body)])
    assert len(cut.body) < 3000
    assert read_note(cut.body) == "y" * 2500
    assert (cut.url, cut.milestone, cut.association) == ("", None, "")
    assert (cut.title, cut.labels, cut.author, cut.merged) == ("title", ("bug",), ADA, True)


def test_they_come_in_the_order_of_numbers_whatever_order_they_were_asked_in():
    given = [facts("", number) for number in (9, 3, 5)]
    assert [one.number for one in facts_for_notes(given)] == [3, 5, 9]
    assert facts_for_notes(given) == facts_for_notes(reversed(given))
    assert pulls_of(facts_for_notes(given))[3].author == ADA
