"""Tags are read as people have written them, and nothing else is taken for a version."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bot.core.model import Tag
from bot.core.versions import Released, Version, last_of, read_tag
from tests.core.values import L27, L210


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("v2.7.0", "2.7.0"), ("2.7.0", "2.7.0"), ("v2.7", "2.7.0"), ("v2.7.1-rc3", "2.7.1-rc3"),
        ("v2.7.1-rc.3", "2.7.1-rc3"), ("v2.7.1rc3", "2.7.1-rc3"), ("v2.7.1-RC3", "2.7.1-rc3"), ("V2.7.0", "2.7.0"),
        ("PyTorch-CUDA-v2.8-rc1", "2.8.0-rc1"), ("v0.0.0", "0.0.0"), ("v2.7.0-rc0", "2.7.0-rc0"),
    ],
)  # fmt: skip
def test_what_projects_have_written_is_read(name: str, read: str) -> None:
    assert str(read_tag(name)) == read


@pytest.mark.parametrize(
    "name",
    [
        "", "v2", "v2.7.0.1", "v2.7.0-rc", "v2.7.0-beta1", "v2.7.0-rc1-fix", "v2.7.0+cu118", "v2.7.0.post1", "v2.07.0",
        "orig/release/2.7", "orig/v2.7", "ciflow/trunk/1234", "nightly-2.7.0", "v2.7.0 ", "v2.7.0\n", "xv2.7.0",
        "v٢.7.0", "v2.7.1234567890", "release-v2.7.0-rc1-rc2",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_version_is_none(name: str) -> None:
    assert read_tag(name) is None


def test_versions_are_ordered_by_number_and_a_final_follows_its_candidates() -> None:
    names = ["v2.6.9", "v2.7.0-rc1", "v2.7.0-rc9", "v2.7.0-rc10", "v2.7.0", "v2.7.1-rc1", "v2.7.1", "v2.10.0"]
    versions = [version for name in names if (version := read_tag(name))]
    assert len(versions) == len(names)
    assert all(one < other and not other < one for one, other in pairwise(versions))


def test_the_last_candidate_and_the_last_final_of_a_line_are_found_in_any_order() -> None:
    tags = [Tag(name, "a" * 40) for name in ("v2.7.1-rc10", "v2.10.0", "v2.7.0", "v2.7.1-rc9", "nightly", "v2.1.0")]
    for order in (tags, tags[::-1]):
        found = last_of(L27, order)
        assert (found.candidate and found.candidate.name, found.final and found.final.name) == ("v2.7.1-rc10", "v2.7.0")
    assert last_of(L210, tags) == Released(None, tags[1])
    assert Version(L27, 1, 10) == read_tag("2.7.1-rc.10")
