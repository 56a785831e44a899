"""What a protection covers."""

from __future__ import annotations

import pytest

from bot.core.model import Protection


@pytest.mark.parametrize(("pattern", "covered", "not_covered"), [
    ("main", ("main",), ("main2", "a/main", "Main")),
    ("release/*", ("release/2.7", "release/"), ("release/2/7", "release")),
    ("release/**", ("release/2.7", "release/2/7"), ("released",)),
    ("v?.0", ("v2.0",), ("v.0", "v/.0", "v10.0")),
    ("v1.0+[a]", ("v1.0+[a]",), ("v1x0+[a]", "v1.00a")),
])
def test_a_pattern_covers_whole_names(pattern: str, covered: tuple[str, ...], not_covered: tuple[str, ...]) -> None:
    rule = Protection("branch", pattern)
    assert [name for name in (*covered, *not_covered) if rule.covers(name)] == list(covered)


def test_what_is_excluded_is_not_covered() -> None:
    rule = Protection("tag", "**", ("v0.*", "x"))
    assert [name for name in ("v1.0", "v0.1", "x", "a/x") if rule.covers(name)] == ["v1.0", "a/x"]
