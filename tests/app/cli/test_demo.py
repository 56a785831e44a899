"""The demo tells its story to the end, and what it claims on the way is true."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bot.app.cli.demo.story import PER_BATCH, TRAIN


@pytest.fixture(scope="module")
def reports() -> list[dict[str, str]]:
    """What became of each job, as `relbot demo --exit --json` prints it."""
    command = [sys.executable, "-m", "bot", "demo", "--exit", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def told(reports) -> dict[str, str]:
    """Outcome by backport."""
    return {":".join(r["job"].split(":")[3:]): r["outcome"] for r in reports if r["job"].startswith("backport:")}


def test_every_scene_ends_as_the_story_says(told):
    outcomes = sorted(outcome for outcome in told.values())
    assert outcomes == ["conflict", *["opened"] * 8, "present"], told


def test_the_conflict_is_the_one_on_the_oldest_line(told):
    assert [key.split(":")[1] for key, outcome in told.items() if outcome == "conflict"] == ["2.6"]


def test_the_line_is_released_and_the_final_is_the_commit_of_its_candidate(reports):
    released = [r for r in reports if r["job"].startswith(("rc:", "final:"))]
    assert [(r["job"].split(":")[0], r["outcome"]) for r in released] == [
        ("rc", "made"), ("final", "waiting"), ("final", "made"),
    ]  # fmt: skip
    candidate, _, final = (r["summary"].rstrip(".").split() for r in released)
    assert (candidate[0], final[0], final[-1]) == ("v2.8.0-rc1", "v2.8.0", candidate[-1])


def patch_id(tmp_path, mode, before, after):
    (tmp_path / "a").write_text(before)
    (tmp_path / "b").write_text(after)
    diff = subprocess.run(["git", "diff", "--no-index", "a", "b"], cwd=tmp_path, capture_output=True, check=False)
    named = diff.stdout.replace(b"a/a", b"a/f").replace(b"b/b", b"b/f")
    told = subprocess.run(["git", "patch-id", mode], input=named, capture_output=True, check=True)
    return told.stdout.split()[0]


def test_the_twin_has_the_same_stable_patch_id_and_does_the_opposite(tmp_path):
    there, back = (PER_BATCH, TRAIN), (TRAIN, PER_BATCH)
    assert PER_BATCH != TRAIN
    assert patch_id(tmp_path, "--stable", *there) == patch_id(tmp_path, "--stable", *back)
    assert patch_id(tmp_path, "--verbatim", *there) != patch_id(tmp_path, "--verbatim", *back)
