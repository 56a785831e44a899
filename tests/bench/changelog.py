"""The changelog of a large repository, beside bare `git log` and git-cliff: `python -m tests.bench.changelog`.

It must never hide the start of Python: whole processes are measured, and the work alone in rows of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console

from bot.core.changelog.compose import Asked, compose, plan_one, stage_of
from bot.core.changelog.graph import Graph
from bot.core.changelog.rules import Rules
from bot.core.changelog.tags import marks_of
from bot.core.changelog.view import Addresses, render_all, show
from bot.tools.git import Git
from bot.tools.log import read_commits, read_tags
from tests.bench.release_history import Shape, cache_folder, history
from tests.bench.report import machine, render
from tests.bench.report import show as show_section
from tests.bench.repositories import quiet_environment
from tests.bench.timing import Aim, Measured, Section, stopwatch

CLIFF = "git-cliff>=2.10,<3"
_CLIFF_RULES = '[git]\nconventional_commits = true\nfilter_unconventional = false\ntag_pattern = "v[0-9].*"\n'
_FORMAT = "--format=%H%n%P%n%T%n%an <%ae>%n%at%n%ct%n%B"
_CLIFF_RUNS = 2
"""It takes long, and its figures do not vary."""
_PATCH = "v2.7.1"
_MINOR = "v2.7.0"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many commits the repositories have, and how often each thing is measured."""

    growth: tuple[int, ...]
    """The last one is that of every other row, too."""
    repeats: int
    cliff: bool = True


FULL = Sizes((10_000, 30_000, 100_000), 5)
SHORT = Sizes((2_000, 6_000), 2)
TINY = Sizes((400,), 1, cliff=False)


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took."""

    seconds: float
    megabytes: float
    """The peak of the largest of its processes."""
    computing: float
    """Seconds of processor time, of all its processes: what other work on the machine hardly changes."""


def measure_changelog(sizes: Sizes, folder: Path) -> Section:
    """Everything that is promised about the changelog, as a table. Repositories are kept in `folder`."""
    commits = sizes.growth[-1]
    made: dict[str, float] = {}
    place = _history(folder, commits, "squash", made)
    merged = _history(folder, commits, "merge", made)
    with tempfile.TemporaryDirectory(prefix="relbot-bench-") as name:
        bench = _Bench(place, Path(name), sizes.repeats, install_cliff(folder) if sizes.cliff else None)
        rows = [bench.next_version(), *bench.one_section(), *bench.whole(), *bench.merges(merged)]
        rows += bench.growth({size: _history(folder, size, "squash", made) for size in sizes.growth})
    rows += [
        Measured(f"making {what}", f"{seconds:.0f} s", "", seconds, Aim("≤", 120, "s"), "s")
        for what, seconds in made.items()
    ]
    cliff = "" if bench.cliff else " git-cliff was not to be had here, so its column is empty."
    return Section(
        "Changelog",
        f"A repository of {commits:,} commits like PyTorch's: 28 lines with up to 60 picks each, 200 annotated tags, a "
        f"commit-graph. Median of {sizes.repeats}, in turns.{cliff}",
        rows,
        _REMARKS,
    )


_REMARKS = """\
Processor time is of all processes together, git's too: on a machine that does other work it says more than seconds.
“The other” is git-cliff where the row says so, and bare `git log` of the same commits and fields elsewhere.
A whole process of ours starts Python and GitPython first; what that takes alone stands in the row “of which”.
git-cliff reads what HEAD reaches, in which none of the lines' tags lie: its whole changelog is a single section, and \
ours has one for each final, with reverts cancelled and picks recognised.
Memory is the peak of the largest process; the `git log` beside ours maps the repository's pack, as its own row shows.
A merge-heavy history has a merge of one to three commits for each change.
"""


@dataclass
class _Bench:
    place: Path
    folder: Path
    repeats: int
    cliff: Path | None

    def next_version(self) -> Measured:
        command = [sys.executable, "-m", "bot", "version", "--repo", str(self.place), "next", "--line", "2.7"]
        return _row("the next version (of 2.7), whole process", self._median(lambda: _run(command)).seconds, None, 0.15)

    def one_section(self) -> list[Measured]:
        ours = self._median(lambda: _run(_relbot(self.place, "--to", _PATCH)))
        start = self._median(lambda: _run([sys.executable, "-c", "import argparse, git"]))
        minor = self._median(lambda: _run(_relbot(self.place, "--to", _MINOR)))
        log = self._median(lambda: _run(_log(self.place, f"v2.6.0..{_MINOR}")))
        cliff = self._cliff(f"v2.7.0..{_PATCH}")
        inside, inside_minor = self._inside(self.place, _PATCH), self._inside(self.place, _MINOR)
        return [
            _row("one section (2.7.1), whole process : git-cliff", ours.seconds, cliff, 0.2),
            Measured("of which the start of Python and GitPython", _shown(start.seconds), ""),
            _computing("processor time of the section : git-cliff's", ours, cliff),
            _row("one section (2.7.1), in a process that runs", inside, None, 0.2),
            _row("one section (2.7.0, with its part of main), whole process : `git log`", minor.seconds, log, 0.2),
            _row("one section (2.7.0), in a process that runs", inside_minor, None, 0.2),
        ]

    def whole(self) -> list[Measured]:
        ours = self._median(lambda: _run(_relbot(self.place, "--full")))
        log = self._median(lambda: _run(_log(self.place, "--all")))
        cliff, what = self._cliff(), "the whole changelog, whole process"
        peak, shown = ours.megabytes, f"{cliff.megabytes:.0f} MB" if cliff else ""
        return [
            _row(f"{what} : `git log`", ours.seconds, log, 3),
            _row(f"{what} : git-cliff", ours.seconds, cliff, 3),
            Measured("its memory : git-cliff's", f"{peak:.0f} MB", shown, peak, Aim("≤", 150, "MB"), "MB"),
            _computing("processor time of that : git-cliff's", ours, cliff),
            _computing("processor time of `git log` alone", None, log),
            Measured("memory of `git log` alone", "", f"{log.megabytes:.0f} MB"),
        ]  # fmt: skip

    def merges(self, place: Path) -> list[Measured]:
        pairs = [(_run(_relbot(place, "--full")), _run(_log(place, "--all"))) for _ in range(self.repeats)]
        ratio = median(ours.seconds / log.seconds for ours, log in pairs)
        ours, log = (median(pair[n].seconds for pair in pairs) for n in (0, 1))
        what = "merge-heavy, the whole changelog : `git log`"
        return [Measured(what, _shown(ours), _shown(log), ratio, Aim("≤", 4))]

    def growth(self, places: dict[int, Path]) -> list[Measured]:
        rows = []
        for size, place in places.items():
            whole, inside = self._whole(place), self._inside(place, _PATCH)
            what = f"{size:,} commits: the whole, and one section in a process that runs"
            ours = f"{_shown(whole)}, {_shown(inside)}"
            rows.append(Measured(what, ours, "", whole / size * 1e6, unit="µs a commit"))
        return rows

    def _cliff(self, *span: str) -> Run | None:
        if self.cliff is None:
            return None
        rules = self.folder / "cliff.toml"
        rules.write_text(_CLIFF_RULES)
        command = [str(self.cliff), "--config", str(rules), "--output", os.devnull, *span]
        runs = [_run(command, cwd=self.place) for _ in range(min(self.repeats, _CLIFF_RUNS))]
        return _middle(runs)

    def _whole(self, place: Path) -> float:
        return self._median(lambda: _run(_relbot(place, "--full"))).seconds

    def _inside(self, place: Path, tag: str) -> float:
        return median(stopwatch(lambda _: _in_process(place, tag)) for _ in range(self.repeats))

    def _median(self, work: Callable[[], Run]) -> Run:
        return _middle([work() for _ in range(self.repeats)])


def _middle(runs: Sequence[Run]) -> Run:
    seconds, computing = median(run.seconds for run in runs), median(run.computing for run in runs)
    return Run(seconds, max(run.megabytes for run in runs), computing)


def _row(what: str, seconds: float, other: Run | None, aim: float) -> Measured:
    return Measured(what, _shown(seconds), _shown(other.seconds) if other else "", seconds, Aim("≤", aim, "s"), "s")


def _computing(what: str, ours: Run | None, other: Run | None) -> Measured:
    shown = [_shown(run.computing) if run else "" for run in (ours, other)]
    return Measured(what, shown[0], shown[1])


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _history(folder: Path, commits: int, shape: Shape, made: dict[str, float]) -> Path:
    found: list[Path] = []
    seconds = stopwatch(lambda _: found.append(history(commits, shape, folder)))
    if seconds > 1:
        made[f"{commits:,} commits ({shape})"] = seconds
    return found[0]


def _relbot(place: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot", "changelog", "--repo", str(place), *arguments]


def _log(place: Path, span: str) -> list[str]:
    return ["git", f"--git-dir={place}", "log", "-z", _FORMAT, span]


def _run(command: Sequence[str], cwd: Path | None = None) -> Run:
    """Run a process to its end, with nothing to read its output."""
    usage: list[float] = []

    def work(_: int) -> None:
        with subprocess.Popen(
            command, cwd=cwd, env=quiet_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            usage.extend((used.ru_maxrss / 1024, used.ru_utime + used.ru_stime))
        assert process.returncode == 0, command

    return Run(stopwatch(work), *usage)


def _in_process(place: Path, tag: str) -> str:
    """What the command does, without its start."""
    tools = Git(place)
    marks = marks_of(read_tags(tools))
    stage = stage_of(next(mark for mark in marks if mark.name == tag), marks)
    question = plan_one(stage, marks)
    graph = Graph(read_commits(tools, question.include, question.exclude))
    notes = compose(graph, Asked(question.stages))
    return render_all([show(one, Rules(), Addresses()) for one in notes])


def install_cliff(folder: Path) -> Path | None:
    """git-cliff from PATH, or in an environment of its own; None where it is not to be had."""
    if found := shutil.which("git-cliff"):
        return Path(found)
    home = folder / "git-cliff"
    program = home / "bin" / "git-cliff"
    if not program.exists():
        venv.create(home, with_pip=True)
        done = subprocess.run(
            [home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", CLIFF],
            capture_output=True, check=False, timeout=180,
        )  # fmt: skip
        if done.returncode or not program.exists():
            return None
    return program


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; with `--output`, keep the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.changelog", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--short", action="store_true", help="smaller and fewer: well under a minute")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the page here")
    args = parser.parse_args(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    with console.status("measuring the changelog"):
        section = measure_changelog(SHORT if args.short else FULL, cache_folder())
    show_section(console, section)
    console.print(machine())
    console.print(section.remarks)
    if args.output is not None:
        args.output.write_text(render([section]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
