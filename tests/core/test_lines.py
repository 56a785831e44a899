"""Labels, branches and words mean the line they name, and no other."""

from __future__ import annotations

import pytest

from bot.core.lines import (
    All,
    NoBranch,
    Skip,
    TwoBranches,
    backport_branch,
    branches_of,
    find_branch,
    known_lines,
    label_lines,
    label_of,
    line_of_branch,
    line_of_label,
    read_backport_branch,
    sync_patterns,
)
from bot.core.model import Branch, Line
from bot.core.policy import Policy, parse
from tests.core.values import L26, L27, L210

DEFAULT = Policy()
L21 = Line(2, 1)
L214 = Line(2, 14)


def a_policy(text: str) -> Policy:
    read = parse("p", text)
    assert isinstance(read, Policy), read
    return read


def branches(*names: str) -> tuple[Branch, ...]:
    return tuple(Branch(name, "1" * 40) for name in names)


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("backport/2.7", L27),
        ("backport/v2.7", L27),
        ("backport/release/2.7", L27),
        ("backport/release/v2.7", L27),
        ("backport/release/v2.7.0", L27),
        ("Backport/V2.7", L27),
        ("backport/2.1", L21),
        ("backport/2.10", L210),
        ("backport/2.14", L214),
        ("backport/all", All()),
        ("backport/ALL", All()),
        ("backport/skip-2.7", Skip(L27)),
        ("backport/skip-v2.10", Skip(L210)),
        ("backport/", None),
        ("backport", None),
        ("backport/2", None),
        ("backport/2.7.1", None),
        ("backport/02.7", None),
        ("backport/2.7 ", L27),
        ("backport/skip-all", None),
        ("backport/2.x", None),
        ("backport-open/2.7", None),
        ("backported/2.7", None),
        ("xbackport/2.7", None),
        ("backport/２.７", None),
        ("", None),
    ],
)
def test_a_label_means_one_line_or_nothing(label: str, meaning: object) -> None:
    assert line_of_label(DEFAULT, label) == meaning


def test_a_label_template_may_have_text_behind_the_line() -> None:
    policy = a_policy('backport.label = "needs {line} backport"')
    assert line_of_label(policy, "needs 2.7 backport") == L27
    assert line_of_label(policy, "needs all backport") == All()
    assert line_of_label(policy, "needs 2.7") is None
    assert line_of_label(policy, "needs backport") is None
    assert label_of(policy, L27) == "needs 2.7 backport"


def test_each_line_is_asked_for_by_its_labels_the_newest_line_first() -> None:
    wished = label_lines(DEFAULT, ("backport/2.7", "bug", "backport/v2.7", "backport/2.10"), ())
    assert list(wished.items()) == [(L210, ("backport/2.10",)), (L27, ("backport/2.7", "backport/v2.7"))]


def test_all_is_the_newest_two_lines_with_a_branch() -> None:
    assert list(label_lines(DEFAULT, ("backport/all",), (L26, L210, L27))) == [L210, L27]


def test_all_is_what_the_policy_supports_where_it_says_so() -> None:
    policy = a_policy('lines.supported = ["2.6", "2.1"]')
    assert list(label_lines(policy, ("backport/all",), (L210, L27))) == [L26, L21]


def test_skip_takes_a_line_out_of_all_but_not_out_of_its_own_label() -> None:
    labels = ("backport/skip-2.7", "backport/all")
    assert list(label_lines(DEFAULT, labels, (L27, L26))) == [L26]
    assert list(label_lines(DEFAULT, (*labels, "backport/2.7"), (L27, L26))) == [L27, L26]


def test_a_lines_own_label_stands_before_all() -> None:
    assert label_lines(DEFAULT, ("backport/all", "backport/2.7"), (L27,)) == {L27: ("backport/2.7", "backport/all")}


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("release/{line}", ("release/2.7", "release/v2.7", "release/v2.7.0")),
        ("release/v{line}", ("release/v2.7", "release/2.7", "release/v2.7.0")),
        ("rel-{line}-x", ("rel-2.7-x", "rel-v2.7-x", "rel-v2.7.0-x")),
        ("v{line}", ("v2.7", "2.7", "v2.7.0")),
        ("dev{line}", ("dev2.7", "devv2.7", "devv2.7.0")),
    ],
)
def test_the_branch_of_a_line_has_three_spellings(template: str, names: tuple[str, ...]) -> None:
    policy = a_policy(f'lines.branch = "{template}"')
    assert branches_of(policy, L27) == names
    assert [line_of_branch(policy, name) for name in names] == [L27, L27, L27]


@pytest.mark.parametrize(
    "name", ["release/2.7.0", "release/2.7.1", "release/v2.7.1", "xrelease/2.7", "release/2.7x", "main", "release/ 2.7"]
)
def test_other_branches_are_no_lines(name: str) -> None:
    assert line_of_branch(DEFAULT, name) is None


def test_the_mirror_is_asked_for_what_the_template_can_make() -> None:
    assert sync_patterns(DEFAULT) == ("release/*",)
    assert sync_patterns(a_policy('lines.branch = "release/v{line}"')) == ("release/*",)
    assert sync_patterns(a_policy('lines.branch = "rel-{line}-x"')) == ("rel-*-x",)


def test_a_backports_branch_can_be_read_back() -> None:
    for policy in (DEFAULT, a_policy('backport.branch = "bp/{number}/to-{line}"')):
        assert read_backport_branch(policy, backport_branch(policy, L210, 12)) == (L210, 12)
    assert backport_branch(DEFAULT, L27, 12) == "backport/2.7/12"


@pytest.mark.parametrize(
    "name", ["backport/2.7/012", "backport/2.7/", "backport/2.7/12x", "x/backport/2.7/12", "backport/v2.7/12", "main"]
)
def test_other_branches_are_no_backports(name: str) -> None:
    assert read_backport_branch(DEFAULT, name) is None


def test_a_branch_is_found_in_any_of_its_spellings() -> None:
    for name in ("release/2.7", "release/v2.7", "release/v2.7.0"):
        assert find_branch(DEFAULT, L27, branches("main", name, "release/2.70")) == Branch(name, "1" * 40)


def test_two_spellings_at_once_are_refused_with_both_names() -> None:
    found = find_branch(DEFAULT, L27, branches("release/2.7", "release/v2.7"))
    assert found == TwoBranches(("release/2.7", "release/v2.7"))


def test_a_missing_line_names_the_nearest_ones() -> None:
    there = branches("release/2.1", "release/2.9", "release/2.10", "release/2.14", "release/1.13", "main")
    assert find_branch(DEFAULT, Line(2, 12), there) == NoBranch((L214, L210, Line(2, 9)))
    assert find_branch(DEFAULT, L27, branches("main")) == NoBranch(())


def test_lines_are_known_by_their_branches_the_newest_first() -> None:
    names = branches("release/2.9", "main", "release/v2.10", "release/2.10", "feature/2.8")
    assert known_lines(DEFAULT, names) == (L210, Line(2, 9))
