"""The replay on a small generated corpus, checked by the same code that checks the real one.

It must never need a clone of anything.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.tools.local import LocalRepository
from tests.replay import corpus
from tests.replay.__main__ import main
from tests.replay.alike import Blind, Finding, measure, score
from tests.replay.picking import compare, replay
from tests.replay.rows import RECORDED, Row, find_clone, read_rows, write_rows


@pytest.fixture(scope="module")
def picks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpus.build(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def findings(picks: Path) -> list[Finding]:
    with (
        LocalRepository(picks.parent / "small") as local,
        closing(Blind(picks.parent / "cache.sqlite", local.git)) as patch_ids,
    ):
        return list(measure(local, patch_ids, read_rows(picks)))


def test_the_corpus_holds_dozens_of_backports_of_every_class(picks: Path) -> None:
    counts = Counter(row.recorded for row in read_rows(picks))
    assert set(counts) == {"exact", "clean-different", "clean-empty", "conflict"}
    assert sum(counts.values()) >= 36


def test_the_command_picks_as_git_cherry_pick_did(picks: Path) -> None:
    rows = read_rows(picks)
    assert replay(corpus.REPO, picks.parent / "small", rows).disagreements == ()


def test_a_record_that_is_not_so_is_told(picks: Path) -> None:
    rows = read_rows(picks)
    clean = next(i for i, row in enumerate(rows) if row.recorded == "exact")
    stopped = next(i for i, row in enumerate(rows) if row.recorded == "conflict")
    rows[clean] = replace(rows[clean], tree="0" * 40)
    rows[stopped] = replace(rows[stopped], recorded="exact", tree="0" * 40)
    told = replay(corpus.REPO, picks.parent / "small", rows).disagreements
    assert [each.row for each in told] == sorted((rows[clean], rows[stopped]), key=rows.index)


def test_a_tree_count_and_outcome_are_each_compared() -> None:
    row = Row("o/n", "b", "1" * 40, "2" * 40, ("3" * 40,), "conflict", None, 2, reverted=False)
    answer = json.loads('{"outcome": "conflict", "tree": null, "conflicts": [{}, {}], "message": null}')
    assert compare(row, answer) is None
    assert compare(row, answer | {"conflicts": [{}]}) == "2 conflicting paths were recorded, and there are 1"
    assert "outcome is picked" in (compare(row, answer | {"outcome": "picked"}) or "")


def test_every_known_duplicate_is_found_and_none_is_another_change(findings: list[Finding]) -> None:
    everything = score(findings, full=True)
    assert everything.found == everything.known >= 36
    assert everything.wrong == 0
    assert not any(f.applied_twice for f in findings)


def test_what_looks_alike_and_is_not_there_is_not_called_present(findings: list[Finding]) -> None:
    present = [f.commit.title for f in findings if f.full is not None]
    assert not [title for title in present if "twin's indentation" in title]
    assert not [title for title in present if title.startswith("Revert")]
    assert not [title for title in present if "reverted on the line" in title]


def test_the_whole_replay_runs_on_it_and_is_content(picks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--repos", str(picks.parent), "--picks", str(picks)]) == 0
    assert "made/small: picks" in capsys.readouterr().out


def test_without_the_clones_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--repos", str(tmp_path)]) == 0
    assert "Lightning-AI/pytorch-lightning, pytorch/xla" in capsys.readouterr().out


def test_the_recorded_rows_read_whole() -> None:
    rows = read_rows(RECORDED)
    assert len(rows) == 2291
    assert Counter(row.recorded for row in rows) == {
        "exact": 1547, "conflict": 673, "clean-different": 70, "clean-empty": 1,
    }  # fmt: skip
    assert all((row.tree is None) == (row.recorded == "conflict") for row in rows)


def test_rows_survive_writing_and_reading(tmp_path: Path, picks: Path) -> None:
    rows = read_rows(picks)
    write_rows(tmp_path / "again.tsv", rows)
    assert read_rows(tmp_path / "again.tsv") == rows


@pytest.mark.parametrize("place", ["name", "name.git", "owner/name", "owner/name.git", "owner+name/repo"])
def test_a_clone_is_found_under_its_usual_names(tmp_path: Path, place: str) -> None:
    (tmp_path / place / ".git" / "objects").mkdir(parents=True)
    (tmp_path / place / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert find_clone(tmp_path, "owner/name") == tmp_path / place
    assert find_clone(tmp_path, "owner/other") is None
