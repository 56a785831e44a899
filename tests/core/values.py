"""Values that the tests of the core share; each takes what a test is about and fills in the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.core.actions import Conflict, ConflictPath, Partial, Picked, Present, Step, Synced
from bot.core.jobs import Backport
from bot.core.model import Branch, Change, Commit, Evidence, Line, Person, Pull, Repo

REPO = Repo("github", 7, "acme/torchlet", "main")
ADA = Person(1, "ada")
BOB = Person(2, "bob")
APP = Person(3, "mergebot[bot]", is_bot=True)

L27 = Line(2, 7)
L26 = Line(2, 6)
L210 = Line(2, 10)

ONE = "1" * 40
TWO = "2" * 40
TIP27 = "7" * 40
TIP26 = "6" * 40
MOVED = "8" * 40
NEW = "a" * 40
LANDED = "c" * 40
TREE = "f" * 40

POLICY_PATH = ".forge/relbot.toml"


def a_pull(**changes: Any) -> Pull:
    """A merged pull of a fork, #12."""
    pull = Pull(
        number=12,
        title="Fix the fused optimizer",
        body="It was wrong.",
        url="https://forge.example/acme/torchlet/pull/12",
        author=BOB,
        is_open=False,
        merged=True,
        merged_as=ONE,
        closed_at=1_700_000_000,
        base="main",
        base_sha="d" * 40,
        head="fix",
        head_sha="e" * 40,
        head_repo_id=99,
    )
    return replace(pull, **changes)


def a_backport_pull(**changes: Any) -> Pull:
    """The pull that carries #12 to 2.7, #31, open."""
    return a_pull(
        **{
            "number": 31,
            "title": "[2.7] Fix the fused optimizer (#12)",
            "url": "https://forge.example/acme/torchlet/pull/31",
            "is_open": True,
            "merged": False,
            "merged_as": None,
            "closed_at": None,
            "base": "release/2.7",
            "head": "backport/2.7/12",
            "head_repo_id": REPO.id,
            **changes,
        }
    )


def a_commit(sha: str = ONE, title: str = "Fix the fused optimizer") -> Commit:
    return Commit(sha, ("0" * 40,), TREE, "Bob <bob@example.org>", 1_699_999_999, f"{title}\n\nBody.\n")


def a_change(*commits: Commit, **changes: Any) -> Change:
    change = Change(12, "Fix the fused optimizer", commits or (a_commit(),), "squash", "The merge adds one commit.")
    return replace(change, **changes)


def a_job(line: Line = L27, **changes: Any) -> Backport:
    return replace(Backport(REPO, 12, line, ADA), **changes)


def synced(*names: str, policy: str | None = None) -> Synced:
    """A fetch that found these branches (2.7 and 2.6 when none are named) and this policy text."""
    tips = {"release/2.7": TIP27, "release/2.6": TIP26}
    branches = tuple(Branch(name, tips.get(name, "9" * 40)) for name in names or ("main", *tips))
    return Synced(branches, (POLICY_PATH, policy) if policy is not None else None)


def picked(*sources: str, onto: str = TIP27) -> Picked:
    steps = tuple(Step(source, NEW, "picked") for source in sources or (ONE,))
    return Picked(onto, NEW, TREE, steps)


def partial(there: str, applied: str) -> Partial:
    return Partial(TIP27, NEW, TREE, (Step(there, None, "present"), Step(applied, NEW, "picked")))


def present(*sources: str) -> Present:
    return Present(TIP27, TREE, tuple(Step(source, None, "present") for source in sources or (ONE,)))


def conflict(*paths: str) -> Conflict:
    found = tuple(ConflictPath(path, "contents") for path in paths or ("optim/fused.py",))
    return Conflict(TIP27, found, (Step(ONE, None, "conflict"),))


def certain(sha: str = ONE, kind: str = "trailer", present_as: str | None = LANDED) -> Evidence:
    return Evidence(kind, sha, present_as, certain=True, score=1.0)  # type: ignore[arg-type]


def similar(sha: str = ONE) -> Evidence:
    return Evidence("similar", sha, LANDED, certain=False, score=0.8)
