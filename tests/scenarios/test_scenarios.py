"""Plays the scenario files of this folder: events on a world on paper, and what the bot is expected to make of them.

A file has `about`, the world (`branches`, `policy`, `roles`, the original `[pull]`, which is #12), and `[[step]]`s. A
step changes the world (`label`, `unlabel`, `pull`, `pull-31`, `picks`, `evidence`, `landed`, `origins`,
`taken-back`, `branches`), then an `event` by somebody happens, and `expect` says what must follow: `jobs`, `reports`,
`labels`, `rows`, `reactions`, `says`, `notes`, `pulls`. What `expect` does not name is not checked. Adding a case needs
no code.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.core.actions import Origins
from bot.core.events import CommentEdited, CommentPosted, Event, PullClosed, PullLabelled, PullOpened, PushedTo
from bot.core.jobs import Answer, Backport, Job, Settle
from bot.core.model import Pull
from bot.core.wishes import KeepTracker
from tests.scenarios.paper import REPO, SOURCE, Paper, person

FILES = sorted(Path(__file__).parent.glob("*.toml"))
STEP_KEYS = {
    "label", "unlabel", "pull", "pull-31", "picks", "evidence", "landed", "origins", "taken-back", "branches", "event",
    "by",
}  # fmt: skip
EXPECTED = {"jobs", "reports", "labels", "rows", "reactions", "says", "notes", "pulls"}


def a_world(scenario: dict[str, Any]) -> Paper:
    original = {
        "number": 12, "title": "Fix the fused optimizer", "body": "", "url": "https://forge.example/12",
        "author": person("bob"), "is_open": False, "merged": True, "merged_as": SOURCE, "closed_at": 1_700_000_000,
        "base": "main", "base_sha": "d" * 40, "head": "fix", "head_sha": "e" * 40, "head_repo_id": 99,
        **scenario.get("pull", {}),
    }  # fmt: skip
    branches = {name: f"{n + 1}".zfill(40) for n, name in enumerate(scenario["branches"])}
    return Paper(branches, scenario.get("policy"), scenario.get("roles", {}), {12: Pull(**original)})


def change_world(world: Paper, step: dict[str, Any]) -> None:
    unknown = step.keys() - STEP_KEYS - {"expect"}
    assert not unknown, f"a step has no {unknown}"
    by = step.get("by", "ada")
    for label in step.get("label", []):
        world.put_label(label, by)
    for label in step.get("unlabel", []):
        world.change_pull(12, labels=tuple(other for other in world.pulls[12].labels if other != label))
    world.change_pull(12, **step.get("pull", {}))
    if "pull-31" in step:
        world.change_pull(31, **step["pull-31"])
    world.picks.update(step.get("picks", {}))
    world.evidence.update(step.get("evidence", {}))
    world.landed = step.get("landed", world.landed)
    world.origins = tuple(Origins(sha, (number,)) for number, sha in step.get("origins", []))
    world.taken_back.update(step.get("taken-back", {}))
    world.branches.update(step.get("branches", {}))


def an_event(step: dict[str, Any], number: int) -> Event:
    who = person(step.get("by", "ada"))
    kind, _, rest = step["event"].partition(" ")
    match kind:
        case "closed":
            return PullClosed(REPO, int(rest or 12), who)
        case "opened" | "reopened":
            return PullOpened(REPO, int(rest), who, "release/2.7", "", again=kind == "reopened")
        case "labelled":
            return PullLabelled(REPO, 12, (rest,), who)
        case "says":
            return CommentPosted(REPO, 12, 500 + number, who, rest)
        case "edits":
            return CommentEdited(REPO, 12, 500 + number, who, rest)
        case "pushes":
            return PushedTo(REPO, rest, "a" * 40, "b" * 40, who)
        case _:
            raise AssertionError(step["event"])


def told(job: Job) -> str:
    match job:
        case Backport():
            again = f" again {job.generation}" if job.generation else ""
            return f"backport {job.line} for {job.actor.login}{again}"
        case Settle():
            by = f" by #{job.pull}" if job.pull else ""
            return f"settle {job.number} on {job.line}{by}"
        case Answer():
            return f"answer {job.reaction}"
        case KeepTracker():
            return f"keep the tracker of {job.line}"


def play(world: Paper, step: dict[str, Any], number: int) -> dict[str, Any]:
    """What came of a step, under the names that `expect` uses."""
    change_world(world, step)
    world.reactions.clear()
    planned, reports = world.handle(an_event(step, number))
    answers = [job.text or "" for job in planned.jobs if isinstance(job, Answer)]
    pulls = [pull for number, pull in sorted(world.pulls.items()) if number > 12]
    return {
        "jobs": [told(job) for job in planned.jobs],
        "reports": [report.outcome for report in reports],
        "labels": sorted(world.pulls[12].labels),
        "rows": {str(line): row.state for line, row in world.ledger().lines()},
        "reactions": list(world.reactions),
        "says": "\n".join([*answers, *(row.note for _, row in world.ledger().lines())]),
        "notes": "\n".join(planned.notes),
        "pulls": [f"{pull.head} -> {pull.base}{' draft' if pull.draft else ''}" for pull in pulls],
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_scenario_plays_as_written(file: Path) -> None:
    scenario = tomllib.loads(file.read_text())
    assert scenario["about"].endswith(".")
    world = a_world(scenario)
    for number, step in enumerate(scenario["step"], 1):
        happened = play(world, step, number)
        assert step["expect"].keys() <= EXPECTED
        for name, expected in step["expect"].items():
            found = happened[name]
            where = f"step {number}, {name}"
            if name in ("says", "notes"):
                assert expected in found, where
            else:
                assert found == (sorted(expected) if name == "labels" else expected), where


def test_there_are_scenarios() -> None:
    assert len(FILES) >= 10
