"""What counts as withdrawn, and that the names which move are a function of tags and marks."""

from __future__ import annotations

import pytest

from bot.core.model import Line, Release
from bot.core.release.marks import is_withdrawn, marker_of, pointers_of, withdrawn_of
from bot.core.tagging import TagFound
from bot.core.versions import Version
from tests.core.values import L27


def release(tag="v2.7.1", title="v2.7.1", body="Notes."):
    return Release(tag, title, body, "")


@pytest.mark.parametrize(("shown", "withdrawn"), [
    (release(), False),
    (release(title="v2.7.1 [YANKED]"), True),
    (release(title="[yanked] by hand"), True),
    (release(body=f"{marker_of('v2.7.1')}\nwas withdrawn"), True),
    (release(body=f"{marker_of('v2.7.0')}\ncopied from the one before"), False),
    (release(body="It was [YANKED] from a branch"), False),
])  # fmt: skip
def test_title_or_marker_withdraw_and_a_copied_text_does_not(shown, withdrawn):
    assert is_withdrawn(shown) is withdrawn


def test_pointers_pass_over_what_is_withdrawn():
    tags = [TagFound(name, "a" * 40, "b" * 40) for name in ("v2.7.0", "v2.7.1", "v2.7.2-rc1", "v2.8.0", "nightly")]
    shown = [release(), release("v2.8.0", "v2.8.0 [YANKED]"), release("untagged", "[YANKED]")]
    assert withdrawn_of(shown) == {Version(Line(2, 8), 0)}
    assert pointers_of(tags, shown)["latest"] == Version(L27, 1)
    assert pointers_of(tags, ())["latest"] == Version(Line(2, 8), 0)
