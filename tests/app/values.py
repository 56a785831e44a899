"""Small values that the tests of the app share."""

from __future__ import annotations

from bot.core.actions import PickCommits
from bot.core.events import PullClosed
from bot.core.jobs import Backport, Report
from bot.core.model import Line, Person, Pull, Repo

REPO = Repo("github", 7, "acme/torchlet", "main")
ADA = Person(1, "ada")
PICK = PickCommits(REPO, ("a" * 40,), onto="b" * 40, committed_at=1_700_000_000)


def a_backport(number: int = 12, line: str = "2.7", generation: int = 0) -> Backport:
    parsed = Line.parse(line)
    assert parsed is not None
    return Backport(REPO, number, parsed, ADA, generation)


def a_report(job: Backport) -> Report:
    return Report(job, "opened", f"opened for {job.line}")


def a_closing(number: int = 12) -> PullClosed:
    return PullClosed(REPO, number, ADA)


def a_pull(number: int = 12) -> Pull:
    return Pull(
        number=number, title="Fix it", body="", url="", author=ADA, is_open=False, merged=True, merged_as="c" * 40,
        closed_at=1_700_000_000, base="main", base_sha="d" * 40, head="fix", head_sha="e" * 40, head_repo_id=7,
    )
