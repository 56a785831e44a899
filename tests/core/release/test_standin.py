"""The tracker that another account keeps: whose word counts for somebody who releases in person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import GetRole, Missing
from bot.core.issues import FindLabelled, GetIssue, Issue, Item, Items
from bot.core.model import Branch, Role
from bot.core.release.standin import find_tracker_of_others
from bot.core.release.tracker import Account, HoldRow, Shown, View, marker_of, render_tracker
from tests.core.driving import drive
from tests.core.values import ADA, APP, BOB, L27, L210, REPO, TIP27

VIEW = View(L27, Branch("release/2.7", TIP27), "2.7.1", None, (), (), (), (), ())
PLAIN = render_tracker(VIEW, Account(notes={"12": "By hand"}))
TOLD = render_tracker(VIEW, Account(shown=Shown(closed=("conflicts",), tag="v2.7.0")))
HELD = render_tracker(VIEW, Account(holds=(HoldRow(by="bob", reason="waits", at=1),)))


def issue(number, body, author=APP):
    return Issue(number, "Release 2.7", body, "", author, is_open=True)


def find(*issues, role=Role.NONE, line=L27):
    listed = Items(tuple(Item(each.number, "issue", each.title, "") for each in issues))
    by_number = {each.number: each for each in issues}
    world = {
        FindLabelled: listed, GetIssue: lambda action: by_number[action.number],
        GetRole: lambda action: Role.WRITE if action.person == BOB else role,
    }  # fmt: skip
    found, asked = drive(find_tracker_of_others(REPO, marker_of(line)), world)
    assert asked[0].closed, "a tracker that somebody has closed holds its line, as in chat"
    return found.number if found else None


@pytest.mark.parametrize(("author", "counts"), [(APP, True), (BOB, True), (ADA, False)])
def test_the_word_of_an_account_counts_that_may_write(author, counts):
    assert (find(issue(9, HELD, author)) == 9) is counts


def test_of_several_the_one_counts_that_holds_the_line_else_the_oldest():
    assert find(issue(9, PLAIN), issue(11, HELD), issue(12, PLAIN)) == 11
    assert find(issue(12, PLAIN), issue(9, PLAIN)) == 9
    assert find(issue(9, TOLD), issue(11, HELD)) == 11, "what people were told is no hold"
    assert find(issue(9, PLAIN), issue(11, HELD.replace('"holds"', '"hold"'))) == 11, "what cannot be read holds"


def test_another_lines_tracker_a_pull_and_what_the_forge_does_not_tell_are_none():
    assert find(issue(9, HELD), line=L210) is None
    world = {FindLabelled: Items((Item(9, "pull", "", ""),))}
    assert drive(find_tracker_of_others(REPO, marker_of(L27)), world)[0] is None
    assert drive(find_tracker_of_others(REPO, marker_of(L27)), {FindLabelled: Missing("the repository")})[0] is None
    gone = {FindLabelled: Items((Item(9, "issue", "", ""),)), GetIssue: Missing("the issue")}
    assert drive(find_tracker_of_others(REPO, marker_of(L27)), gone)[0] is None


def test_the_issue_is_handed_on_as_it_is():
    listed = Items((Item(9, "issue", "", ""),))
    world = {FindLabelled: listed, GetIssue: issue(9, HELD)}
    found, _ = drive(find_tracker_of_others(REPO, marker_of(L27)), world)
    assert found == replace(issue(9, HELD), is_mine=False)
