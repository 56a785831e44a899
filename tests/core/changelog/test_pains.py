"""What people suffer from in other tools' notes, by the numbers of our own list of pains; each has a test here.

Numbers that are missing are about tags, flows and images, and stand beside those.
"""

from __future__ import annotations

import pytest

from bot.core.changelog.merge import is_marked, unmarked
from bot.core.changelog.view import render_all
from bot.core.changelog.write import write
from bot.tools.git import Git, processes_started
from bot.tools.log import read_commits, read_tags
from tests.core.changelog.playing import CASES, play, read_case
from tests.core.changelog.test_cases import shorten, written
from tests.tools.histories import History


def entries(name, **changes):
    played = play({**read_case(CASES / name), **changes})
    return [[entry.text for entry in one.entries] for one in played.notes]


def test_pain_01_a_candidate_has_notes_of_its_own_since_the_candidate_before():
    assert entries("pain_01_candidate_since_candidate") == [["in rc10"]]
    assert entries("pain_01_candidate_since_candidate", to="v2.7.1-rc9") == [["in rc9"]]
    assert entries("pain_01_candidate_since_candidate", to="v2.7.1-rc1") == [["in rc1"]]


def test_pain_04_a_finals_notes_span_all_its_candidates():
    assert entries("pain_04_final_notes_span_its_candidates") == [["in the first candidate", "in the second candidate"]]


def test_pain_05_the_notes_of_lines_that_release_in_turns_are_not_mixed():
    played = play(read_case(CASES / "pain_05_lines_are_not_mixed"))
    found = {one.title: [entry.text for entry in one.entries] for one in played.notes}
    assert found["2.6.2"] == ["2.6 once more"]
    assert found["2.7.1"] == ["2.7 goes on"]
    assert found["Unreleased"] == ["what comes next"]
    only = play({**read_case(CASES / "pain_05_lines_are_not_mixed"), "line": "2.6"})
    assert [one.title for one in only.notes if one.stage.released] == ["2.6.0", "2.6.1", "2.6.2"]


@pytest.mark.parametrize("dedupe", ["annotate", "omit"])
def test_pain_08_a_backport_is_neither_doubled_nor_missing(dedupe):
    case = {**read_case(CASES / "pain_08_backports_are_told_of_once"), "rules": {"dedupe": dedupe}}
    [notes] = play(case).notes
    doubled = {10, 11, 12}
    if dedupe == "annotate":
        assert {entry.numbers[0] for entry in notes.entries if entry.also_in == ("2.7.1",)} == doubled
    else:
        assert {left.numbers[0] for left in notes.left_out} == doubled
    assert {13, 14, 30} <= {entry.numbers[0] for entry in notes.entries if not entry.also_in}
    [patch] = play({**case, "to": "v2.7.1"}).notes  # where they were shipped first, they are told of
    assert len(patch.entries) == 3


def test_pain_09_commits_picked_without_a_pull_are_seen():
    assert entries("pain_09_picks_without_a_pull_are_seen") == [["by hand, without a pull", "Keep the old name"]]


def test_pain_10_the_base_is_found_by_version_and_never_by_nearness():
    [notes] = play(read_case(CASES / "pain_10_base_is_the_fork_of_the_line_before")).notes
    assert notes.base is not None
    assert notes.base.name == "v2.7.0"
    assert [entry.numbers for entry in notes.entries] == [(3,), (5,)]


def test_pain_11_hand_edits_survive_and_a_contradiction_is_reported():
    folder = CASES / "pain_11_hand_edits_are_kept"
    case = read_case(folder)
    text = written(folder, case).text
    case["overrides"] = {"1": "What the manager says now"}
    made = write(text, play(case).views)
    assert "- Reworded by a person (#1), by Ada\n" in made.text
    assert made.conflicts == ("- What the manager says now (#1), by Ada",)
    assert "What the manager says now" not in made.text


def test_pain_12_there_is_never_a_second_unreleased():
    case = read_case(CASES / "pain_12_unreleased_is_never_stacked")
    text = (CASES / "pain_12_unreleased_is_never_stacked" / "before.md").read_text()
    for _ in range(3):
        text = write(text, play(case).views).text
    assert text.lower().count("## unreleased") + text.lower().count("## [unreleased]") == 1
    assert text.count("one (#1)") == text.count("Written by hand.") == 1


def test_pain_12_what_is_released_takes_over_the_hand_edits_of_unreleased():
    case = read_case(CASES / "pain_12_unreleased_is_never_stacked")
    text = write("", play(case).views).text.replace("- one (#1)", "- One, in better words (#1)")
    case["commit"][-1]["tag"] = "v2.8.0"
    made = write(text, play({**case, "to": "v2.8.0"}).views)
    assert made.conflicts == ()
    assert made.text.index("## [Unreleased]") < made.text.index("## [2.8.0]") < made.text.index("One, in better words")
    assert not is_marked(made.text[: made.text.index("## [2.8.0]")])


def test_pain_13_sections_of_two_lines_join_where_a_merge_conflicts(tmp_path):
    """Both lines wrote their section at the same place of the file. git cannot merge that; putting one in can."""
    base = "# Changelog\n\n## [2.6.0] - 2026-01-01\n\n### Fixed\n\n- begun\n"
    case = read_case(CASES / "pain_10_base_is_the_fork_of_the_line_before")
    newer = write(base, play(case).views).text
    older = write(base, play({**case, "to": "v2.7.1"}).views).text
    history = History(tmp_path / "r")
    history.commit("main", {"CHANGELOG.md": base})
    history.branch("release/2.7", "main")
    history.commit("main", {"CHANGELOG.md": newer})
    history.commit("release/2.7", {"CHANGELOG.md": older})
    assert history.run("merge-tree", "--write-tree", "main", "release/2.7").returncode == 1
    joined = write(newer, play({**case, "to": "v2.7.1"}).views)
    assert joined.conflicts == ()
    assert joined.text == write(older, play(case).views).text  # whichever comes first
    places = [joined.text.index(f"## [{version}]") for version in ("2.8.0", "2.7.1", "2.6.0")]
    assert places == sorted(places)


def test_pain_13_a_pick_touches_no_changelog():
    """Sections are made of commits when a version is, so a pick brings nothing along that could conflict."""
    assert entries("pain_09_picks_without_a_pull_are_seen") == [["by hand, without a pull", "Keep the old name"]]


def test_pain_14_no_title_makes_a_change_disappear():
    case = read_case(CASES / "pain_14_no_title_is_dropped")
    [notes] = play(case).notes
    told = len(notes.entries) + len(notes.left_out)
    assert told == len(case["commit"]) - 1  # all but the one that is tagged
    others = [entry.name for entry in notes.entries if entry.category == "Other"]
    assert [warning.split()[0] for warning in notes.warnings] == others
    assert [shorten(left) for left in notes.left_out] == case["expect"]["left_out"]


@pytest.mark.parametrize("versions", [3, 30])
def test_pain_18_git_is_asked_once_however_many_versions_there_are(tmp_path, versions):
    history = History(tmp_path / "r")
    for n in range(versions):
        history.commit("main", {"a": f"{n}\n"}, f"fix: {n} (#{n + 1})")
        history.git("tag", f"v1.{n}.0")
    git = Git(history.git_dir)
    before = processes_started()
    tags = read_tags(git)
    commits = list(read_commits(git, [tag.tag.sha for tag in tags]))
    assert (len(tags), len(commits)) == (versions, versions)
    assert dict(processes_started() - before) == {"for-each-ref": 1, "log": 1}


def test_pain_20_rc10_follows_rc9_and_2_10_follows_2_9():
    case = read_case(CASES / "pain_20_versions_are_in_order")
    text = unmarked(write("", play(case).views).text)
    places = [text.index(f"## [{version}]") for version in ("2.10.0", "2.9.10", "2.9.9", "2.9.0")]
    assert places == sorted(places)
    [notes] = play({**case, "full": False, "to": "v2.9.9-rc10"}).notes
    assert notes.base is not None
    assert notes.base.name == "v2.9.9-rc9"
    assert render_all(play({**case, "full": False, "to": "v2.9.10"}).views).startswith("## [2.9.10] - ")


def test_pain_20_a_final_that_brings_nothing_has_its_date_all_the_same():
    case = read_case(CASES / "pain_20_versions_are_in_order")
    for full in (True, False):
        found = {view.title: view.date for view in play({**case, "full": full, "to": "v2.9.9"}).views}
        assert found["2.9.9"] == "2026-01-02"
