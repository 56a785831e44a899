"""What people see when the bot itself breaks down."""

from __future__ import annotations

from dataclasses import replace

from bot.core.actions import EnsureComment, FindComment, GetPull, Missing, React
from bot.core.backport import apologise
from bot.core.ledger import Ledger, Row, hide, reveal
from bot.core.messages.sticky import STATUS_MARKER, render_status
from bot.core.model import Comment
from tests.core.driving import drive, kinds, only
from tests.core.values import ADA, L27, a_job, a_pull


def test_the_row_names_the_fault_and_the_way_on():
    _, asked = drive(apologise(a_job(), "fault 1a2b3c4d"), {GetPull: a_pull(), FindComment: None, EnsureComment: None})
    row = reveal(only(asked, EnsureComment).body).row(L27)
    assert row.state == "refused"
    assert "fault 1a2b3c4d" in row.note
    assert "take the label “backport/2.7” off and put it on again" in row.note


def test_the_comment_that_asked_gets_a_reaction():
    job = replace(a_job(), comment=7)
    _, asked = drive(apologise(job, "x"), {GetPull: a_pull(), FindComment: None, EnsureComment: None, React: None})
    assert only(asked, React).reaction == "confused"


def test_a_backport_that_is_open_stays_in_sight():
    known = Comment(1, ADA, render_status(Ledger().with_row(L27, Row(state="open", pull=31))))
    assert STATUS_MARKER in known.body
    assert hide(Ledger()) not in known.body
    _, asked = drive(apologise(a_job(), "fault x"), {GetPull: a_pull(), FindComment: known, EnsureComment: None})
    row = reveal(only(asked, EnsureComment).body).row(L27)
    assert (row.state, row.pull) == ("open", 31)
    assert "fault x" in row.note


def test_where_the_pull_cannot_be_seen_nothing_is_said():
    _, asked = drive(apologise(a_job(), "fault x"), {GetPull: Missing("#12")})
    assert kinds(asked) == ["GetPull"]
