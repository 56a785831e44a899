"""Generates a repository like PyTorch's for the changelog: one main branch, 28 lines with picks, 200 annotated tags.

It must never depend on chance: the same size and shape give the same repository. It is kept in the user's cache folder.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from tests.bench.repositories import git, quiet_environment

Shape = Literal["squash", "merge"]

LINES = [f"{major}.{minor}" for major in (1, 2) for minor in range(14)]
PICKS = 60
"""Of each line: 30 before its .0, 20 before its .1, 10 before its .2."""
TAGS = 200

_VERSION = 3
"""Of this generator; what an older one made is not used."""
_EPOCH = 1_500_000_000
_FILES = 2000
_PEOPLE = [f"{first} {last}" for first in ("Ada", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana", "Ivo", "Jo")
           for last in ("Adams", "Berg", "Costa", "Diaz", "Evans", "Fu", "Gray", "Holm", "Ito", "Jung",
                        "Klein", "Li", "Mora", "Novak", "Okafor", "Park", "Quist", "Rao", "Silva", "Tran")]  # fmt: skip
_AREAS = ("inductor", "dynamo", "cuda", "autograd", "distributed", "onnx", "quant", "jit", "mps", "export")
_VERBS = ("Fix", "Add", "Remove", "Refactor", "Speed up", "Support", "Deprecate", "Document", "Enable", "Guard")
_THINGS = ("graph breaks in", "the fallback of", "a race in", "dtype promotion of", "memory use of", "the stride of",
           "`torch.compile` for", "shape checks of", "the kernel of", "error messages of")  # fmt: skip
_NAMES = ("scaled_dot_product", "all_reduce", "layer_norm", "index_put", "conv2d", "softmax", "fused_adam", "einsum")
_KINDS = ("feat", "fix", "perf", "docs", "refactor", "test", "ci", "chore")
_BODY = """\
Summary:
{what} did not hold when the input was a view of a larger tensor, since the strides were taken from the base. This
computes them from the view, and adds a test that fails without the change. There is no change for contiguous inputs.

Test Plan: `python test/test_{area}.py -k test_{name}`, and the benchmarks of the area, which show no difference.

Pull Request resolved: https://forge.example/pytorch/pytorch/pull/{number}
Approved by: https://forge.example/{reviewer}
"""


def history(commits: int, shape: Shape = "squash", folder: Path | None = None) -> Path:
    """A bare repository of so many commits, made when it is not in the cache yet."""
    folder = folder or cache_folder()
    place = folder / f"history-{_VERSION}-{commits}-{shape}.git"
    if not place.exists():
        part = place.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        generate(part, commits, shape)
        part.rename(place)
    return place


def cache_folder() -> Path:
    """Where generated repositories and the tool that we are compared with are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "relbot-bench"


def generate(place: Path, commits: int, shape: Shape) -> None:
    """Make it, with packed refs and a commit-graph, as `git gc` leaves a repository."""
    git(place.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(place))
    with subprocess.Popen(
        ["git", "fast-import", "--quiet", "--force"], cwd=place, env=quiet_environment(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        _Story(process.stdin, process.stdout, commits, shape).tell()
        process.stdin.close()
    assert process.returncode == 0, "git fast-import failed"
    git(place, "pack-refs", "--all")
    git(place, "commit-graph", "write", "--reachable")


@dataclass(frozen=True, slots=True)
class _Told:
    """A change of main that others may pick or revert."""

    mark: int
    title: str
    number: int
    author: str


@dataclass
class _Line:
    name: str
    tip: int
    due: int
    """The commit of main at which the next pick happens."""
    step: int
    picked: int = 0
    extra: int = 0


@dataclass
class _Story:
    """The stream for `git fast-import` while it is written."""

    to: IO[bytes]
    answers: IO[bytes]
    commits: int
    shape: Shape
    chance: random.Random = field(default_factory=lambda: random.Random(27))
    mark: int = 0
    number: int = 1000
    main: int = 0
    recent: list[_Told] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)
    tags: int = 0

    def tell(self) -> None:
        """Main, with lines cut from it at even distances, each picked onto while main goes on."""
        own = self.commits - len(LINES) * self._picks
        spacing = own // (len(LINES) + 1)
        names = iter(LINES)
        while self.mark < self.commits - sum(self._picks - line.picked for line in self.lines):
            self._advance()
            if len(self.lines) < len(LINES) and self.main_commits >= spacing * (len(self.lines) + 1):
                step = max(1, spacing // (2 * self._picks))
                self.lines.append(_Line(next(names), self.main, self.main_commits + step, step))
            for line in self.lines:
                if line.picked < self._picks and self.main_commits >= line.due:
                    self._pick(line)
        for line in self.lines:
            while line.picked < self._picks:
                self._pick(line)
            self._branch(f"release/{line.name}", line.tip)

    @property
    def _picks(self) -> int:
        return min(PICKS, max(6, self.commits // 200))

    @property
    def main_commits(self) -> int:
        return self.mark - sum(line.picked for line in self.lines)

    def _advance(self) -> None:
        """One change of main: now and then the revert of a recent one."""
        self.number += self.chance.randint(1, 3)
        author = self.chance.choice(_PEOPLE)
        if self.recent and self.chance.random() < 0.03:
            told = self.recent.pop(self.chance.randrange(len(self.recent)))
            title = f'Revert "{told.title} (#{told.number})"'
            body = f"This reverts commit {self._sha(told.mark)}.\n\nReverted {told.number} because it broke trunk.\n"
            self.main = self._commit("main", author, f"{title} (#{self.number})\n\n{body}", self.main)
            return
        title, body = self._words()
        if self.shape == "merge" and self.main:
            side = self.main
            for n in range(self.chance.randint(1, 3)):
                side = self._commit("side", author, f"{title.split(' ')[0]} step {n}\n\n{body}", side)
            message = f"Merge pull request #{self.number} from {author.split()[0].lower()}/topic\n\n{title}\n"
            self.main = self._commit("main", author, message, self.main, side)
        else:
            self.main = self._commit("main", author, f"{title} (#{self.number})\n\n{body}", self.main)
        self.recent = [*self.recent[-40:], _Told(self.main, title, self.number, author)]

    def _words(self) -> tuple[str, str]:
        area, name = self.chance.choice(_AREAS), self.chance.choice(_NAMES)
        what = f"{self.chance.choice(_THINGS)} {name}"
        title = f"{self.chance.choice(_VERBS)} {what}"
        if self.chance.random() < 0.3:
            title = f"{self.chance.choice(_KINDS)}({area}): {title[0].lower()}{title[1:]}"
        elif self.chance.random() < 0.6:
            title = f"[{area}] {title}"
        reviewer = self.chance.choice(_PEOPLE).split()[1].lower()
        body = _BODY.format(what=what.capitalize(), area=area, name=name, number=self.number, reviewer=reviewer)
        if self.chance.random() < 0.01:
            body += f"\nBREAKING CHANGE: {name} no longer takes integers\n"
        return title, body

    def _pick(self, line: _Line) -> None:
        """A recent change of main, carried to a line by a pull of its own; tags fall where versions are done."""
        told = self.recent[self.chance.randrange(len(self.recent))]
        self.number += 1
        line.picked += 1
        line.due += line.step
        if line.picked % 4:
            title = f"{told.title} (#{told.number}) (#{self.number})"
            message = f"{title}\n\nA pick.\n\n(cherry picked from commit {self._sha(told.mark)})\n"
        else:
            message = f"[{line.name}] {told.title} (#{told.number}) (#{self.number})\n\nA pick.\n"
        line.tip = self._commit(f"release/{line.name}", told.author, message, line.tip)
        for name in self._tags_at(line):
            self._tag(f"v{line.name}{name}", line.tip)

    def _tags_at(self, line: _Line) -> tuple[str, ...]:
        """Seven tags for each line, and an eighth for the first few, which makes two hundred."""
        sixths = self._picks // 6
        names = {1: (".0-rc1",), 2: (".0-rc2",), 3: (".0-rc3", ".0"), 4: (".1-rc1",), 5: (".1",), 6: (".2",)}
        if line.picked % sixths:
            return ()
        found = names.get(line.picked // sixths, ())
        if found == (".2",) and LINES.index(line.name) < TAGS - 7 * len(LINES):
            found = (".2-rc1", ".2")
        return found

    def _commit(self, branch: str, author: str, message: str, *parents: int) -> int:
        self.mark += 1
        text = message.encode()
        first, last = author.lower().split()
        when = f"{author} <{first}.{last}@example.org> {_EPOCH + 300 * self.mark} +0000"
        head = f"commit refs/heads/{branch}\nmark :{self.mark}\nauthor {when}\ncommitter {when}\ndata {len(text)}\n"
        links = "".join(f"{'merge' if n else 'from'} :{parent}\n" for n, parent in enumerate(parents) if parent)
        file = self.chance.randrange(_FILES)
        body = f"{message[:40]}\n{self.mark}\n".encode()
        path = f"torch/{_AREAS[file % 10]}/part{file // 100}/file{file}.py"
        self.to.write(head.encode() + text + b"\n" + links.encode())
        self.to.write(f"M 100644 inline {path}\ndata {len(body)}\n".encode() + body + b"\n")
        return self.mark

    def _branch(self, name: str, mark: int) -> None:
        self.to.write(f"reset refs/heads/{name}\nfrom :{mark}\n\n".encode())

    def _tag(self, name: str, mark: int) -> None:
        self.tags += 1
        when = f"Rel Bot <bot@example.org> {_EPOCH + 300 * self.mark + 60} +0000"
        self.to.write(f"tag {name}\nfrom :{mark}\ntagger {when}\ndata {len(name)}\n{name}\n".encode())

    def _sha(self, mark: int) -> str:
        """The id that git gave a commit: messages name them."""
        self.to.write(f"get-mark :{mark}\n".encode())
        self.to.flush()
        return self.answers.readline().decode("ascii").strip()
