"""Versions are counted from the tags that exist, each line by itself, and names that move follow from the set."""

from __future__ import annotations

import itertools
import random

import pytest

from bot.core.model import Line, Tag
from bot.core.numbering import (
    Next,
    NoVersion,
    Oversized,
    TagStyle,
    find_oversized,
    next_candidate,
    next_final,
    place_pointers,
)
from bot.core.versions import Version, read_tag
from tests.core.values import L27

L28 = Line(2, 8)


def tags(names):
    return [Tag(name, f"{n:040x}") for n, name in enumerate(names.split(), 1)]


def versions(names):
    return [version for name in names.split() if (version := read_tag(name))]


@pytest.mark.parametrize(("there", "candidate"), [
    ("", "v2.7.0-rc1"),
    ("v2.6.0 v2.6.1-rc4", "v2.7.0-rc1"),
    ("v2.7.0-rc1", "v2.7.0-rc2"),
    ("v2.7.0-rc1 v2.7.0-rc3", "v2.7.0-rc4"),
    ("v2.7.0-rc3 v2.7.0", "v2.7.1-rc1"),
    ("v2.7.0 v2.7.1-rc1 v2.7.1-rc2", "v2.7.1-rc3"),
    ("v2.7.1", "v2.7.2-rc1"),
    ("v2.7.0 v2.7.2-rc1", "v2.7.2-rc2"),
    ("v2.7.0-rc9 v2.7.0 v2.7.1 v2.8.0-rc1", "v2.7.2-rc1"),
    ("v2.70.0 v2.17.3-rc4 nightly v2.7", "v2.7.1-rc1"),
])  # fmt: skip
def test_the_next_candidate_follows_from_all_tags_of_the_line(there, candidate):
    for order in itertools.islice(itertools.permutations(tags(there)), 24):
        assert next_candidate(L27, order).tag == candidate


def test_pain_20_rc10_follows_rc9():
    there = tags(" ".join(f"v2.7.0-rc{n}" for n in range(1, 10)))
    assert next_candidate(L27, there).tag == "v2.7.0-rc10"
    assert next_candidate(L27, [*there, Tag("v2.7.0-rc10", "f" * 40)]).tag == "v2.7.0-rc11"


def test_pain_03_the_count_begins_anew_after_a_final():
    assert next_candidate(L27, tags("v2.7.0-rc1 v2.7.0-rc2 v2.7.0-rc3 v2.7.0")).tag == "v2.7.1-rc1"


def test_pain_06_an_old_line_goes_on_when_newer_ones_are_out():
    there = tags("v2.7.0 v2.7.1 v2.8.0-rc1 v2.8.0 v2.9.0")
    assert next_candidate(L27, there).tag == "v2.7.2-rc1"
    assert next_candidate(L28, there).tag == "v2.8.1-rc1"


@pytest.mark.parametrize(("there", "tag"), [
    ("2.7.0 2.7.1-rc1", "2.7.1-rc2"),
    ("v2.7.0-rc.1", "v2.7.0-rc.2"),
    ("v2.7.0rc1", "v2.7.0rc2"),
    ("v2.7.0-RC9", "v2.7.0-RC10"),
    ("PyTorch-CUDA-v2.7-rc1", "PyTorch-CUDA-v2.7.0-rc2"),
    ("v2.6.0-rc.3 v2.6.0", "v2.7.0-rc.1"),
    ("lib-v2.6.0", "lib-v2.7.0-rc1"),
    ("v2.7.0-rc.1 v2.7.0", "v2.7.1-rc.1"),
])  # fmt: skip
def test_tags_are_written_as_the_line_or_else_the_project_has_written_them(there, tag):
    assert next_candidate(L27, tags(there)).tag == tag


def test_the_policy_has_its_way_where_a_line_has_no_tag_yet():
    wanted = TagStyle("PyTorch-CUDA-v", "-rc.")
    assert next_candidate(L27, tags("v2.6.0"), wanted).tag == "PyTorch-CUDA-v2.7.0-rc.1"
    assert next_candidate(L27, tags("v2.6.0 v2.7.0-rc1"), wanted).tag == "v2.7.0-rc2"


def test_a_final_is_what_the_last_candidate_becomes():
    there = tags("v2.7.0 v2.7.1-rc9 v2.7.1-rc10")
    found = next_final(L27, there)
    assert isinstance(found, Next)
    assert (found.tag, found.candidate, found.final) == ("v2.7.1", there[2], there[0])
    assert found.why == "v2.7.1-rc10 becomes final after v2.7.0."


def test_an_earlier_candidate_can_be_chosen_and_one_that_is_not_there_cannot():
    there = tags("v2.7.0-rc1 v2.7.0-rc2")
    chosen = next_final(L27, there, 1)
    assert isinstance(chosen, Next) and chosen.candidate == there[0]
    assert next_final(L27, there, 3) == NoVersion("2.7.0 has no candidate rc3.", "It has rc=1, rc=2.")


@pytest.mark.parametrize(("there", "reason"), [
    ("", "2.7 has no candidate to promote: there is no tag."),
    ("v2.7.0-rc1 v2.7.0", "2.7 has no candidate to promote: v2.7.0 is the last tag."),
])  # fmt: skip
def test_nothing_is_promoted_twice_or_untested(there, reason):
    assert next_final(L27, tags(there)) == NoVersion(reason, "Make one: /release rc 2.7")


def test_pain_07_a_patch_of_an_old_line_moves_nothing_that_is_called_latest():
    before = place_pointers(versions("v2.7.0 v2.7.2 v2.8.0"))
    after = place_pointers(versions("v2.7.0 v2.7.2 v2.8.0 v2.7.3"))
    assert {name for name in after if after[name] != before.get(name)} == {"2.7", "2.7.3"}
    assert after["latest"] == after["2"] == Version(L28, 0)


def test_pointers_do_not_depend_on_the_order_of_events():
    names = versions("v1.9.0 v2.7.0 v2.7.1-rc1 v2.8.0 v2.10.0 v2.9.1 v3.0.0-rc1")
    wanted = place_pointers(names)
    assert {name: str(wanted[name]) for name in ("latest", "1", "2", "2.7")} == {
        "latest": "2.10.0", "1": "1.9.0", "2": "2.10.0", "2.7": "2.7.0",
    }  # fmt: skip
    assert "3" not in wanted
    for seed in range(20):
        random.Random(seed).shuffle(names)
        assert place_pointers(names) == wanted


def test_what_is_withdrawn_gives_its_names_back():
    pointers = place_pointers(versions("v2.7.0 v2.7.1 v2.8.0"), withdrawn=versions("v2.8.0 v2.7.1"))
    assert {name: str(version) for name, version in pointers.items()} == {
        "2.7.0": "2.7.0", "2.7": "2.7.0", "2": "2.7.0", "latest": "2.7.0",
    }  # fmt: skip


def test_a_patch_that_brings_a_feature_is_reported_with_the_commit_that_does():
    commits = [
        ("a" * 40, "[2.7] feat(ops): new kernel (#12) (#40)\n"), ("b" * 40, "fix: it (#13)\n"),
        ("c" * 40, "fix: it\n\nBREAKING CHANGE: the argument is gone\n"), ("d" * 40, "Some title"),
    ]  # fmt: skip
    assert find_oversized(Version(L27, 1, 1), commits) == (
        Oversized("a" * 40, "[2.7] feat(ops): new kernel (#12) (#40)", "a feature"),
        Oversized("c" * 40, "fix: it", "a breaking change"),
    )
    assert find_oversized(Version(L27, 0, 1), commits) == ()
