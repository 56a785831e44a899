"""The ledger survives inside a comment, and nothing that people do to the comment can break the bot."""

from __future__ import annotations

import json

import pytest

from bot.core.ledger import (
    MAX_ROWS,
    Ledger,
    Row,
    Stop,
    hide,
    read_state_label,
    recover,
    reveal,
    safe_login,
    safe_url,
    state_label,
    states_of,
)
from bot.core.model import Line
from tests.core.values import L26, L27, L210, ONE, TWO

STOP = Stop(
    paths=(("a --> <!-- b", "modify/delete"),),
    more=2,
    stopped_at=ONE,
    commits=(ONE, TWO),
    mainline=None,
    base="main",
    onto="release/2.7",
    head="backport/2.7/12",
    asked_by="ada",
)
FULL = Ledger().with_row(L27, Row(state="conflict", stop=STOP, note="--> } --> {")).with_row(L26, Row(state="open"))


def test_what_is_hidden_is_revealed_wherever_it_stands() -> None:
    assert reveal(f"before\r\n{hide(FULL)}\r\nafter") == FULL


def test_what_is_hidden_cannot_end_its_comment() -> None:
    inside = hide(FULL).removeprefix("<!-- relbot:state ").removesuffix(" -->")
    assert not set("<>") & set(inside)
    assert "--" not in inside
    assert "\n" not in inside


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no state here",
        "<!-- relbot:state {} garbage -->",
        '<!-- relbot:state {"rows": -->',
        '<!-- relbot:state {"version": 2} -->',
        '<!-- relbot:state {"rows": {"2.7": {"state": "great"}}} -->',
        '<!-- relbot:state {"rows": {"2.x": {"state": "open"}}} -->',
        '<!-- relbot:state {"rows": {"2.7": {"state": "open", "extra": 1}}} -->',
        '<!-- relbot:state {"rows": {"2.7": {"state": "open", "pull": "31"}}} -->',
        '<!-- relbot:state {"rows": {"2.7": {"state": "open", "url": "javascript:alert(1)"}}} -->',
        '<!-- relbot:state {"rows": {"2.7": {"state": "open", "url": "https://x/) [y"}}} -->',
        '<!-- relbot:state {"rows": {"2.7": {"state": "open", "commit": "abc"}}} -->',
        '<!-- relbot:state {"rows": {"2.7": {"state": "open", "note": "' + "x" * 2000 + '"}}} -->',
        '<!-- relbot:state {"rows": ' + '{"2.7": ' * 50_000 + " -->",
        '<!-- relbot:state {"rows": '
        + json.dumps({f"2.{n}": {"state": "open"} for n in range(MAX_ROWS + 1)})
        + "} -->",
    ],
)
def test_what_does_not_fit_counts_as_absent(text: str) -> None:
    assert reveal(text) is None


def test_an_empty_state_is_a_ledger() -> None:
    assert reveal("<!-- relbot:state {} -->") == Ledger()


def test_the_newest_line_comes_first() -> None:
    ledger = FULL.with_row(L210, Row(state="present"))
    assert [line for line, _ in ledger.lines()] == [L210, L27, L26]


def test_a_lost_ledger_is_recovered_from_the_labels() -> None:
    labels = ("bug", "backport/2.7", "backport-open/2.7", "backported/2.6", "backport-open/x")
    assert recover(labels) == Ledger().with_row(L27, Row(state="open")).with_row(L26, Row(state="backported"))
    assert len(recover(f"backported/2.{n}" for n in range(MAX_ROWS + 5)).rows) == MAX_ROWS


def test_labels_tell_the_state_of_their_own_line_only() -> None:
    labels = ("backport-open/2.1", "backported/2.10", "backport-conflict/2.1")
    assert states_of(labels, Line(2, 1)) == ("open", "conflict")
    assert states_of(labels, Line(2, 14)) == ()


@pytest.mark.parametrize("state", ["open", "backported", "conflict", "present"])
def test_a_state_label_can_be_read_back(state: str) -> None:
    label = state_label(state, L210)  # type: ignore[arg-type]
    assert read_state_label(label) == (state, L210)
    assert read_state_label(label.replace("2.10", "v2.10")) is None, "not what the bot writes"


def test_only_plain_addresses_and_names_are_kept() -> None:
    assert safe_url("https://forge.example/a/b/pull/12") == "https://forge.example/a/b/pull/12"
    for url in ("", "javascript:x", "https://x/)", "https://x/ y", "https://x/\n", "https://x/|", "//x/y", "https://x/<"):
        assert safe_url(url) is None
    assert safe_login("ada-1.b_c") == "ada-1.b_c"
    for login in ("", "-ada", "ada lovelace", "ada\n", "mergebot[bot]", "@ada"):
        assert safe_login(login) is None
