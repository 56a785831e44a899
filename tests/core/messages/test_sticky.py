"""The status comment: a row per line, a recipe where one is needed, never too long, never a command."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest
from markdown_it import MarkdownIt

from bot.core.commands import read_commands
from bot.core.ledger import MAX_PATHS, Ledger, Row, State, Stop, reveal
from bot.core.messages.sticky import MAX_BODY, STATUS_MARKER, render_status
from bot.core.model import Line
from tests.core.messages.test_recipe import a_stop
from tests.core.values import L26, L27, LANDED

URL = "https://forge.example/acme/torchlet/pull/31"


def rows_of(body: str) -> list[list[str]]:
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    cells = [token.content for opening, token in pairwise(tokens) if opening.type == "td_open"]
    return [cells[n : n + 3] for n in range(0, len(cells), 3)]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (Row(state="open", onto="release/2.7", pull=31, url=URL), f"[#31]({URL}) onto release/2.7 waits for review."),
        (Row(state="open"), "A pull waits for review."),
        (Row(state="backported", commit=LANDED), f"The change is on the line, as {LANDED}."),
        (Row(state="backported", pull=31), "The change is on the line, by #31."),
        (Row(state="present", commit=LANDED), f"The change is on the line already, as {LANDED}; I did nothing."),
        (Row(state="conflict", onto="x"), "The pick onto x stops at a conflict; I resolve none by myself."),
        (Row(state="closed", pull=31), "#31 was closed without being merged."),
        (Row(state="refused", note="Line 2.7 has no branch."), "Line 2.7 has no branch."),
    ],
)
def test_a_row_says_how_a_line_stands(row: Row, told: str) -> None:
    assert rows_of(render_status(Ledger().with_row(L27, row))) == [["2.7", row.state, told]]


def test_every_state_has_a_row() -> None:
    for state in get_args(State):
        assert len(rows_of(render_status(Ledger().with_row(L27, Row(state=state))))) == 1


def test_the_comment_carries_its_marker_and_its_ledger() -> None:
    ledger = Ledger().with_row(L27, Row(state="open")).with_row(L26, Row(state="conflict", stop=a_stop()))
    body = render_status(ledger)
    assert body.startswith(STATUS_MARKER)
    assert reveal(body) == ledger
    assert [row[0] for row in rows_of(body)] == ["2.7", "2.6"]


def test_a_conflict_names_its_paths_and_the_one_who_asked() -> None:
    paths = (("a|`b.py", "modify/delete"), ("<!-- c -->", "contents"))
    stop = a_stop(paths=paths, more=3, asked_by="ada", alike=LANDED)
    body = render_status(Ledger().with_row(L27, Row(state="conflict", stop=stop)))
    assert "### 2.7: a conflict to resolve" in body
    assert "@ada, this one needs a person: git stops at " in body
    assert "- ``a|`b.py`` (modify/delete)" in body
    assert "- and 3 more" in body
    assert f"look at {LANDED}" in body


def test_a_conflict_points_to_its_recipe_and_leaves_out_what_it_does_not_know() -> None:
    body = render_status(Ledger().with_row(L27, Row(state="conflict", stop=a_stop(stopped_at=None))))
    assert "by myself. See below." in body
    assert "This one needs a person: git stops with conflicts in" in body
    assert "more" not in body


def test_a_recipe_is_shown_only_where_there_still_is_a_conflict() -> None:
    assert "cherry-pick" not in render_status(Ledger().with_row(L27, Row(state="backported", stop=a_stop())))


def test_a_hostile_note_stays_in_its_cell() -> None:
    note = "a | b\n/backport 2.7\n<!-- x --> @ada [l](https://x)"
    [[_, _, told]] = rows_of(render_status(Ledger().with_row(L27, Row(state="refused", note=note))))
    assert "@ada" not in told
    assert "<!-- x" not in told


def test_a_comment_that_would_be_too_long_gives_up_its_recipes_and_keeps_its_rows() -> None:
    long = Stop(**{**dict(a_stop()), "commits": tuple(f"{n:040x}" for n in range(300))})
    wide = tuple((f"{n}/" + "x" * 290, "contents") for n in range(MAX_PATHS))
    ledger = Ledger()
    for minor in range(8):
        ledger = ledger.with_row(Line(2, minor), Row(state="conflict", stop=long.model_copy(update={"paths": wide})))
    body = render_status(ledger)
    assert len(body) <= MAX_BODY
    assert len(rows_of(body)) == 8
    assert "too long to be shown" in body
    assert body.count("### ") >= 1
    assert reveal(body) is not None


def test_the_bot_does_not_talk_to_itself() -> None:
    ledger = Ledger().with_row(L27, Row(state="conflict", stop=a_stop(), note="/backport 2.7"))
    assert read_commands(render_status(ledger)) == ()
