"""A line's tracker is generated, keeps what people wrote, and hides what is known nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.issues import Item
from bot.core.model import Branch, Tag
from bot.core.release.gates import Gate
from bot.core.release.tracker import (
    MAX_BODY,
    NOTES,
    Account,
    HoldRow,
    View,
    marker_of,
    notes_of,
    read_account,
    render_tracker,
)
from tests.core.values import L27, TIP27

ITEM = Item(31, "pull", "[2.7] Fix", "https://forge.example/acme/torchlet/pull/31")
VIEW = View(
    line=L27, branch=Branch("release/2.7", TIP27), version="2.7.1", final=Tag("v2.7.0", "1" * 40),
    candidates=(Tag("v2.7.1-rc1", "2" * 40),), included=("Fix the kernel (#12)",),
    pending=(ITEM,), missing=(),
    gates=(Gate("checks", "waits", "build did not end"), Gate("holds", "closed", "it is held", "say unhold")),
)  # fmt: skip
HELD = Account(holds=(HoldRow(by="ada", reason="waits for --> @cuda <b>", at=1_700_000_000),), notes={"12": None})


def test_what_is_hidden_is_read_back_whatever_stands_in_it():
    body = render_tracker(VIEW, HELD)
    assert read_account(body) == HELD
    assert body.startswith(marker_of(L27))
    assert body.count("-->") == 3  # two hidden lines and the marker of the notes


def test_what_people_wrote_is_kept_to_the_letter_through_any_number_of_renderings():
    first = render_tracker(VIEW, HELD)
    assert first.endswith(f"{NOTES}\n")
    written = f"{first}\nAsk the CUDA team.\n\n- [ ] docs\n  "
    again = render_tracker(replace(VIEW, included=()), Account(), written)
    assert again.endswith("\nAsk the CUDA team.\n\n- [ ] docs\n  ")
    assert render_tracker(replace(VIEW, included=()), Account(), again) == again
    assert notes_of(again.replace("\n", "\r\n")) == notes_of(again)


def test_where_people_deleted_the_marker_nothing_that_is_shown_is_lost():
    written = render_tracker(VIEW, HELD).replace(NOTES, "and this is mine")
    again = render_tracker(VIEW, HELD, written)
    assert "and this is mine" in notes_of(again)
    assert render_tracker(VIEW, HELD, again) == again
    assert again.count(marker_of(L27)) == 1


def test_what_people_write_below_is_never_taken_for_what_is_hidden():
    forged = render_tracker(VIEW, Account()).replace("<!-- relbot:line {} -->\n", "")
    forged += render_tracker(VIEW, HELD)
    assert read_account(forged) is None


@pytest.mark.parametrize("hidden", ["{", '{"version":2}', '{"holds":[{"by":"<b>","reason":"x","at":1}]}', '{"more":1}'])
def test_what_does_not_fit_counts_as_absent(hidden):
    assert read_account(f"<!-- relbot:line {hidden} -->\n{NOTES}\n") is None


def test_it_shows_gates_candidates_and_pulls_and_breaks_foreign_text():
    body = render_tracker(VIEW, HELD)
    for shown in (
        "⏳ checks | build did not end |", "⛔ holds | it is held: say unhold |", "v2.7.1-rc1 (222", "v2.7.0",
        "- Fix the kernel (#12)", "[#31](https://", "ada: waits for --\\> @\u200bcuda \\<b\\>",
    ):  # fmt: skip
        assert shown in body


def test_a_very_long_line_is_cut_and_the_notes_stay():
    view = replace(VIEW, pending=(replace(ITEM, title="x" * 90),) * 500, included=("y" * 4000,) * 60)
    before = f"{NOTES}\n" + "z" * 20_000
    body = render_tracker(view, HELD, before)
    assert len(body) <= MAX_BODY
    assert body.endswith("z" * 20_000)
    assert "more lines" in body
