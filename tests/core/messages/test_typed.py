"""What chat would have somebody say, at a command line."""

from __future__ import annotations

import pytest

from bot.core.messages.typed import as_typed


@pytest.mark.parametrize(("said", "typed"), [
    ("Make one: /release rc 2.7", "Make one: relbot release rc 2.7"),
    ("take them in with /release rc 2.7, or leave them out with /release final 2.7 rc=1",
     "take them in with relbot release rc 2.7, or leave them out with relbot release final 2.7 --rc 1"),
    ("begins: /release cut 2.6 from=BRANCH-OR-COMMIT", "begins: relbot release cut 2.6 --from BRANCH-OR-COMMIT"),
    ("comes out: `/release rc 2.7`.", "comes out: `relbot release rc 2.7`."),
    ("Then say `/release retry`, and I go on.", "Then run the same again, and I go on."),
    ("say /release unhold 2.7", "say /release unhold 2.7"), ("It has rc=1, rc=2.", "It has rc=1, rc=2."),
])  # fmt: skip
def test_what_the_program_has_too_is_told_as_it_is_typed(said, typed):
    assert as_typed(said) == typed
