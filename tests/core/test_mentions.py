"""What a message says of other commits, and what it only quotes."""

from __future__ import annotations

import pytest

from bot.core.mentions import picked_from, reverted_title

ONE, TWO = "1" * 40, "2" * 40
FIRST, SECOND = f"(cherry picked from commit {ONE})", f"(cherry picked from commit {TWO})"


@pytest.mark.parametrize(("body", "named"), [
    (f"\n{FIRST}\n", (ONE,)),
    (f"\nWhy.\n\n{FIRST}\n{SECOND}\n", (ONE, TWO)),
    (f"\nWhy.\n{FIRST}\r\n", (ONE,)),
    (f"\n{FIRST}\nSigned-off-by: Ada <ada@example.org>\n\nCo-authored-by: Bob <bob@example.org>\n", (ONE,)),
    (f"\n{FIRST}\n\n# Conflicts:\n#\ta.py\n", (ONE,)),
    (f"\n{FIRST}\n\nConflicts:\n\ta.py\n", (ONE,)),
    (f"\n{FIRST}\n\nFixes #12\n\nSee merge request acme/torchlet!34\n", (ONE,)),
    (f"\n* One (#1)\n\nWhy.\n\n{FIRST}\n\n* Two (#2)\n\n{SECOND}\n\n---------\n\nReviewed-by: B\n", (ONE, TWO)),
    (f"\nThis undoes what came with\n\n{FIRST}\n\nand was never good.\n", ()),
    (f"\nThis is unlike\n{FIRST}\nwhich we left out.\n\n{SECOND}\n", (TWO,)),
    (f"\n{FIRST}\n\nhttps://example.org/why\n", ()),
    (f"\nas in {FIRST}\n", ()),
    (f"\n    {FIRST}\n", ()),
])  # fmt: skip
def test_a_trailer_counts_at_the_end_of_a_message_and_not_in_prose(body, named):
    assert picked_from(body) == named


@pytest.mark.parametrize(("title", "reverted"), [
    ('Revert "Fix it (#1)" (#2)', '"Fix it (#1)" (#2)'),
    ("revert: Fix it", "Fix it"),
    ("[2.7][optim] Reverted: Fix it", "Fix it"),
    ("Roll back Fix it", "Fix it"),
    ("undo Fix it", "Fix it"),
    ('Reapply "Fix it"', 'Revert "Fix it"'),
    ("Reverting", None),
    ("Reversion of it", None),
    ("Fix the revert: it fails", None),
    ("Backoutput", None),
    ("", None),
])  # fmt: skip
def test_the_words_of_a_revert(title, reverted):
    assert reverted_title(title) == reverted


def test_hostile_length_is_read_in_no_time():
    assert picked_from("x: " * 50_000 + "\n" * 50_000 + "(" * 50_000) == ()
    assert reverted_title("[a]" * 20_000 + "revert(" * 20_000) is None


@pytest.mark.parametrize("verb", ["revert", "reapply", "back out", "undo", "roll back", "[2.7] revert", "🤖 revert"])
def test_what_takes_back_does_so_in_any_case(verb):
    said = [reverted_title(f"{written} the thing") for written in (verb, verb.upper(), verb.capitalize())]
    assert said == ["Revert the thing" if verb == "reapply" else "the thing"] * 3
