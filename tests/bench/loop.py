"""From webhook to opened pull: the whole bot beside the sandbox forge, on a repository with thousands of files.

It must never count what the forge does for itself: the sandbox's own git processes are none of the bot's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.sandbox import Sandbox
from bot.sandbox.exchanges import Exchange
from bot.tools.git import processes_started
from tests.app.whole import World
from tests.bench.repositories import git
from tests.bench.timing import Aim, Measured, Section, percentile

_LINE = "2.7"
_LOOK_UPS = ("/events", "/comments")
_REMARKS = """\
The time runs from when the forge has the webhook to send until it answers “201” to the opened pull, on shared cores.
Calls and processes are those of the backport that took the most of them, its label and its comment included.
Look-ups are lists that are searched: who has set a label, whether the comment is there."""


@dataclass
class Watcher:
    """Sees what the forge says and hears, with the time."""

    calls: list[str] = field(default_factory=list)
    closed_at: float = 0.0
    opened_at: float = 0.0

    def observe(self, exchange: Exchange) -> None:
        """Note an API request; `POST …/pulls` is the moment that is waited for."""
        self.calls.append(f"{exchange.method} {exchange.template.removeprefix('/repos/{owner}/{repo}')}")
        if self.calls[-1] == "POST /pulls" and exchange.status == 201:
            self.opened_at = time.perf_counter()

    def observe_event(self, event: str, payload: dict[str, Any]) -> None:
        """Note the webhook that starts it all."""
        if event == "pull_request" and payload["action"] == "closed":
            self.closed_at = time.perf_counter()


@dataclass(frozen=True, slots=True)
class _Run:
    """What one backport took: seconds to the opened pull, API calls, git processes by subcommand."""

    seconds: float
    calls: Counter[str]
    processes: Counter[str]


def measure_loop(folder: Path, files: int, backports: int) -> Section:
    """So many pulls, one after another: each is labelled, then merged, and the backport is waited for."""
    watcher = Watcher()
    with Sandbox(folder / "forge", observer=watcher) as sandbox:
        world = World(sandbox, folder / "bot")
        _fill(world, files)
        with world.running():
            _backport(world, watcher, 0)  # makes the mirror, fills the cache, asks once who the bot is
            runs = [_backport(world, watcher, n) for n in range(1, backports + 1)]
    return _section(files, runs)


def _fill(world: World, files: int) -> None:
    """Put the files on main and on the lines behind the forge's back, as one commit on each."""
    bare = world.forge.git(world.repository).path
    body = "".join(f"value_{n} = {n}\n" for n in range(120))
    stream = []
    for branch in ("main", f"release/{_LINE}", "release/2.8"):
        tip = git(bare, "rev-parse", f"refs/heads/{branch}")
        who = "committer Ada <ada@example.org> 1700000000 +0000"
        stream.append(f"commit refs/heads/{branch}\n{who}\ndata 4\nGrow\nfrom {tip}\n")
        stream += [f"M 100644 inline kit/part{n // 100}/file{n}.py\ndata {len(body) + 9}\n# {n:06}\n{body}\n"
                   for n in range(files)]  # fmt: skip
    git(bare, "fast-import", "--quiet", stdin="".join(stream).encode())


def _backport(world: World, watcher: Watcher, n: int) -> _Run:
    change = {f"kit/part{n % 50}/new{n}.py": f"NEW = {n}\n", f"kit/part{n % 50}/more{n}.py": f"MORE = {n}\n"}
    number = world.propose((change, f"Add part {n}"))
    world.forge.label(world.repository, number, f"backport/v{_LINE}", by="mona")
    world.settle()
    watcher.calls.clear()
    before = processes_started()
    world.forge.merge_pull(world.repository, number, "squash", by="mona")
    world.settle()
    assert len(world.pulls_onto(f"release/{_LINE}")) == n + 1, "a backport is missing"
    return _Run(watcher.opened_at - watcher.closed_at, Counter(watcher.calls), processes_started() - before)


def _section(files: int, runs: Sequence[_Run]) -> Section:
    seconds = [run.seconds for run in runs]
    middle, high = percentile(seconds, 50) * 1000, percentile(seconds, 95) * 1000
    calls = max((run.calls for run in runs), key=lambda some: some.total())
    processes = max((run.processes for run in runs), key=lambda some: some.total())
    plain = sum(count for name, count in calls.items() if not (name.startswith("GET") and name.endswith(_LOOK_UPS)))
    return Section(
        "From webhook to opened pull",
        f"The whole bot beside the sandbox forge over HTTP; a repository of {files:,} files, a warm mirror, "
        f"{len(runs)} squash-merged pulls one after another, each labelled for one line.",
        [
            Measured("p50", f"{middle:.0f} ms", "", middle, Aim("≤", 1000, "ms"), "ms"),
            Measured("p95", f"{high:.0f} ms", ""),
            Measured("API calls, look-ups left out", str(plain), "", plain, Aim("≤", 6, ""), ""),
            Measured("API calls", str(calls.total()), "", calls.total(), Aim("≤", 9, ""), ""),
            Measured("git processes", str(processes.total()), "", processes.total(), Aim("≤", 12, ""), ""),
        ],
        f"""{_REMARKS}
The calls: {_listed(calls)}.
The processes: {_listed(processes)}.""",
    )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} × `{name}`" if count > 1 else f"`{name}`" for name, count in sorted(counts.items()))
