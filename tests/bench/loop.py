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

from bot.core.model import ForgeName
from bot.sandbox import Sandbox
from bot.sandbox.exchanges import Exchange
from bot.tools.git import processes_started
from tests.app.whole import World
from tests.bench.repositories import git
from tests.bench.timing import Aim, Measured, Section, percentile

_LINE = "2.7"
_REMARKS = """\
The time runs from when the forge has the webhook to send until it answers “201” to the opened pull, on shared cores.
Calls and processes are those of the backport that took the most of them, its label and its comment included.
Look-ups are lists that are searched: who has set a label, whether the comment is there.
Labels, assignees and a milestone that are copied take a request more for each kind; these pulls have none."""


@dataclass(frozen=True, slots=True)
class Side:
    """One forge as it is measured: how its requests look, and the fewest of them that do what is promised."""

    kind: ForgeName
    title: str
    prefix: str
    opening: str
    merged: tuple[str, str]
    """The kind of webhook that starts it all, and what its `action` says."""
    look_ups: tuple[str, ...]
    fewest: tuple[str, ...]
    """One each: nothing is taken from the payload, whoever set the label is asked for, no comment is made twice."""
    remark: str = ""


GITHUB = Side(
    "github", "GitHub", "/repos/{owner}/{repo}", "POST /pulls", ("pull_request", "closed"), ("/events", "/comments"),
    ("GET /pulls/{pull_number}", "GET /issues/{issue_number}/events", "GET /collaborators/{username}/permission",
     "POST /pulls", "POST /issues/{issue_number}/labels", "GET /issues/{issue_number}/comments",
     "POST /issues/{issue_number}/comments"),
)  # fmt: skip
_REQUEST = "/merge_requests/{merge_request_iid}"
GITLAB = Side(
    "gitlab", "GitLab", "/api/v4/projects/{id}", "POST /merge_requests", ("Merge Request Hook", "merge"),
    ("/resource_label_events", "/notes"),
    (f"GET {_REQUEST}", f"GET {_REQUEST}/resource_label_events", "GET /members/all/{user_id}", "POST /merge_requests",
     f"PUT {_REQUEST}", f"GET {_REQUEST}/notes", f"POST {_REQUEST}/notes"),
    "GitLab's squash is a commit of its own under a merge commit, and to prove a merge takes some processes more.",
)  # fmt: skip


@dataclass
class Watcher:
    """Sees what the forge says and hears, with the time."""

    side: Side
    calls: list[str] = field(default_factory=list)
    closed_at: float = 0.0
    opened_at: float = 0.0

    def observe(self, exchange: Exchange) -> None:
        """Note an API request; the opening of the pull is the moment that is waited for."""
        self.calls.append(f"{exchange.method} {exchange.template.removeprefix(self.side.prefix)}")
        if self.calls[-1] == self.side.opening and exchange.status == 201:
            self.opened_at = time.perf_counter()

    def observe_event(self, event: str, payload: dict[str, Any]) -> None:
        """Note the webhook that starts it all."""
        action = payload.get("action") or payload.get("object_attributes", {}).get("action")
        if (event, action) == self.side.merged:
            self.closed_at = time.perf_counter()


@dataclass(frozen=True, slots=True)
class _Run:
    """What one backport took: seconds to the opened pull, API calls, git processes by subcommand."""

    seconds: float
    calls: Counter[str]
    processes: Counter[str]


def measure_loop(folder: Path, files: int, backports: int, side: Side = GITHUB) -> Section:
    """So many pulls, one after another: each is labelled, then merged, and the backport is waited for."""
    watcher = Watcher(side)
    with Sandbox(folder / f"forge-{side.kind}", side.kind, observer=watcher) as sandbox:
        world = World(sandbox, folder / f"bot-{side.kind}", side.kind)
        _fill(world, files)
        with world.running():
            _backport(world, watcher, 0)  # makes the mirror, fills the cache, asks once who the bot is
            runs = [_backport(world, watcher, n) for n in range(1, backports + 1)]
    return _section(side, files, runs)


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


def _section(side: Side, files: int, runs: Sequence[_Run]) -> Section:
    seconds = [run.seconds for run in runs]
    middle, high = percentile(seconds, 50) * 1000, percentile(seconds, 95) * 1000
    calls = max((run.calls for run in runs), key=lambda some: some.total())
    processes = max((run.processes for run in runs), key=lambda some: some.total())
    plain = _without_look_ups(side, calls)
    fewest = Counter(side.fewest)
    return Section(
        f"From webhook to opened pull, on {side.title}",
        f"The whole bot beside the sandbox forge over HTTP; a repository of {files:,} files, a warm mirror, "
        f"{len(runs)} squash-merged pulls one after another, each labelled for one line.",
        [
            Measured("p50", f"{middle:.0f} ms", "", middle, Aim("≤", 1000, "ms"), "ms"),
            Measured("p95", f"{high:.0f} ms", ""),
            Measured("API calls, look-ups left out : the fewest", str(plain), str(_without_look_ups(side, fewest)),
                     plain, Aim("≤", 6, ""), ""),
            Measured("API calls : the fewest", str(calls.total()), str(fewest.total()), calls.total(),
                     Aim("≤", 9, ""), ""),
            Measured("git processes", str(processes.total()), "", processes.total(), Aim("≤", 12, ""), ""),
        ],
        f"""{_REMARKS}
The calls: {_listed(calls)}.
More than the fewest: {_listed(calls - fewest) or "none"}. Plan and job each read what they act on: hours can lie \
between them. Where nothing has changed the forge answers “304”, which GitHub does not count.
The processes: {_listed(processes)}. {side.remark}""".rstrip(),
    )  # fmt: skip


def _without_look_ups(side: Side, calls: Counter[str]) -> int:
    return sum(count for name, count in calls.items() if not (name.startswith("GET") and name.endswith(side.look_ups)))


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} × `{name}`" if count > 1 else f"`{name}`" for name, count in sorted(counts.items()))
