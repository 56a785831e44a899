"""Makes a small repository with backports of every class, and records them as plain `git cherry-pick` does them.

It must never use any of the bot's own code: it is what the bot is measured against.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.replay.rows import Class, Row, write_rows

REPO = "made/small"
LINES = ("release/1.0", "release/2.0")
_BINARY = bytes(range(256)) * 8

Act = Callable[[Path, int], None]


@dataclass
class Desk:
    """A work tree in which people edit, commit and pick; each commit is a minute later than the one before."""

    folder: Path
    clock: Iterator[int] = field(default_factory=lambda: count(1_700_000_000, 60))
    author: str = "Ada"

    def git(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
        """Run git without anybody's configuration. Raises when the exit status is not in `ok`."""
        when = f"{next(self.clock)} +0000"
        people = {f"GIT_{role}_EMAIL": f"{name.lower()}@example.org" for role, name in self._names()}
        names = {f"GIT_{role}_NAME": name for role, name in self._names()}
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")}, **people, **names,
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true",
            "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when,
        }  # fmt: skip
        done = subprocess.run(["git", *arguments], cwd=self.folder, env=environ, capture_output=True, check=False)
        if done.returncode not in ok:
            raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def commit(self, title: str, *options: str) -> str:
        """Commit everything that is in the work tree, and answer the id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", title, *options)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    @property
    def tree(self) -> str:
        return self.git("rev-parse", "HEAD^{tree}")

    def _names(self) -> tuple[tuple[str, str], ...]:
        return ("AUTHOR", self.author), ("COMMITTER", "Rel")


@dataclass(frozen=True)
class Case:
    """What happens to files of its own on main and on the lines, and what people then do with the pick."""

    name: str
    before: Act
    change: Act
    diverge: Act | None = None
    by_hand: str = ""
    """`adapt`, `revert`, `squash` (with the next change), `merge` (main merges it), `leave` (never picked)."""


def build(folder: Path) -> Path:
    """Make `folder/small` and answer the file of its rows, in the form of `picks.tsv`."""
    made = folder / "small"
    made.mkdir()
    desk = Desk(made)
    desk.git("init", "--quiet", "--initial-branch=main")
    numbered = list(enumerate(CASES, 1))
    for n, case in numbered:
        case.before(made, n)
    desk.commit("Begin")
    for line in LINES:
        desk.git("branch", line)
    origins = {n: _change_main(desk, n, case) for n, case in numbered}
    desk.git("clone", "--quiet", "--no-hardlinks", str(made), str(folder / "people"))
    people = Desk(folder / "people", desk.clock)
    rows = [row for line in LINES for row in _backport_all(people, line, numbered, origins)]
    people.git("push", "--quiet", str(made), *LINES)
    write_rows(folder / "picks.tsv", rows)
    return folder / "picks.tsv"


def _change_main(desk: Desk, n: int, case: Case) -> str:
    desk.author = f"Author{n}"
    title = f"Change {case.name} in part {n} (#{n})"
    if case.by_hand == "merge":
        desk.git("switch", "--quiet", "--create", f"side{n}")
        case.change(desk.folder, n)
        desk.commit(f"Work on {n}")
        (desk.folder / f"more{n}.txt").write_text("the merge brings both\n")
        desk.commit(f"Further work on {n}")
        desk.git("switch", "--quiet", "main")
        desk.git("merge", "--quiet", "--no-ff", "-m", title, f"side{n}")
        return desk.head
    case.change(desk.folder, n)
    origin = desk.commit(title)
    if case.name == "reverted on main":
        desk.author = "Eve"
        desk.git("revert", "--no-edit", origin)
    return origin


def _backport_all(
    desk: Desk, line: str, numbered: list[tuple[int, Case]], origins: dict[int, str],
) -> Iterator[Row]:  # fmt: skip
    desk.git("switch", "--quiet", line)
    for n, case in numbered:
        if case.diverge:
            case.diverge(desk.folder, n)
    desk.author = "Lin"
    desk.commit("Keep the line as its users know it")
    for n, case in numbered:
        if case.by_hand != "leave":
            together = (origins[n - 1], origins[n]) if case.by_hand == "squash" else (origins[n],)
            yield _backport(desk, (line, n, case), together)


def _backport(desk: Desk, which: tuple[str, int, Case], origins: tuple[str, ...]) -> Row:
    """Pick as people do, and record what git made of it before they went on."""
    line, n, case = which
    onto = desk.head
    merge = case.by_hand == "merge"
    tree, conflicts = "", 0
    for origin in origins:
        desk.git("cherry-pick", *(["-m", "1"] if merge else []), origin, ok=(0, 1))
        conflicts = len(desk.git("diff", "--name-only", "--diff-filter=U").splitlines())
        if conflicts:
            _resolve(desk)
        elif (desk.folder / ".git" / "CHERRY_PICK_HEAD").exists():
            desk.git("commit", "--quiet", "--allow-empty", "--no-edit")
        tree = desk.tree
    unchanged = tree == desk.git("rev-parse", f"{onto}^{{tree}}")
    recorded: Class = "conflict" if conflicts else "clean-empty" if unchanged else "exact"
    if case.by_hand == "adapt":
        (desk.folder / f"note{n}.txt").write_text("what the line needs besides\n")
        desk.git("add", "--all")
        recorded = "clean-different"
    if len(origins) > 1:
        desk.git("reset", "--soft", onto)
        desk.git("commit", "--quiet", "-m", f"Backport two changes\n\n* First (#{n - 1})\n\n* Second (#{n})")
    else:
        title = desk.git("show", "--no-patch", "--format=%s", origins[0])
        desk.git("commit", "--quiet", "--amend", "--allow-empty", "-m", f"[{line[-3:]}] {title} (#{n + 500})")
    backport = desk.head
    if case.by_hand == "revert":
        desk.git("revert", "--no-edit", backport)
    return Row(REPO, line, backport, onto, origins, recorded, None if conflicts else tree, conflicts,
               case.by_hand == "revert", merge)  # fmt: skip


def _resolve(desk: Desk) -> None:
    """Whatever people would write there: one more file stands for it, and the line's own side for the rest."""
    (desk.folder / f"resolved{len(desk.head)}.txt").write_text(f"decided at {desk.head}\n")
    for path in desk.git("diff", "--name-only", "--diff-filter=U").splitlines():
        if desk.git("ls-files", "--stage", "--", path).count("\n") == 2:
            desk.git("checkout", "--ours", "--", path)
        else:
            desk.git("rm", "--quiet", "--", path)
    desk.git("add", "--all")
    desk.git("commit", "--quiet", "--allow-empty", "--no-edit")


# ── what happens to the files of each case ───────────────────────────────────────────────────────────────────────────


def _text(folder: Path, n: int) -> None:
    (folder / f"part{n}.txt").write_text("".join(f"part {n}, line {i}\n" for i in range(60)))


def _edit(at: int, word: str) -> Act:
    def edit(folder: Path, n: int) -> None:
        path = folder / f"part{n}.txt"
        lines = path.read_bytes().splitlines(keepends=True)
        end = b"\r\n" if lines[at].endswith(b"\r\n") else b"\n"
        lines[at] = f"{word} of {n}".encode() + end
        path.write_bytes(b"".join(lines))

    return edit


def _both(*acts: Act) -> Act:
    def all_of_them(folder: Path, n: int) -> None:
        for act in acts:
            act(folder, n)

    return all_of_them


def _nothing(folder: Path, n: int) -> None:
    """No file of its own yet."""


def _crlf(folder: Path, n: int) -> None:
    (folder / f"part{n}.txt").write_bytes(b"".join(b"part %d, line %d\r\n" % (n, i) for i in range(60)))


def _binary(folder: Path, n: int) -> None:
    (folder / f"part{n}.txt").write_bytes(_BINARY)


def _binary_change(folder: Path, n: int) -> None:
    (folder / f"part{n}.txt").write_bytes(_BINARY[::-1])


def _rename(folder: Path, n: int) -> None:
    (folder / "moved").mkdir(exist_ok=True)
    (folder / f"part{n}.txt").rename(folder / "moved" / f"part{n}.txt")


def _mode(folder: Path, n: int) -> None:
    (folder / f"part{n}.txt").chmod(0o755)


def _link(folder: Path, n: int) -> None:
    (folder / f"link{n}").symlink_to(f"part{n}.txt")


def _delete(folder: Path, n: int) -> None:
    (folder / f"part{n}.txt").unlink()


def _indent(spaces: int) -> Act:
    def indent(folder: Path, n: int) -> None:
        _edit(30, " " * spaces + "return")(folder, n)

    return indent


CASES = (
    Case("a line", _text, _edit(10, "edited")),
    Case("a line beside the line's own", _text, _edit(10, "edited"), _edit(50, "kept")),
    Case("a line that the line changed too", _text, _edit(10, "edited"), _edit(10, "kept")),
    Case("a line of a file that the line has not", _text, _edit(10, "edited"), _delete),
    Case("a line as the line did already", _text, _edit(10, "edited"), _edit(10, "edited")),
    Case("a new file", _nothing, _text),
    Case("a removed file", _text, _delete),
    Case("a removed file that the line changed", _text, _delete, _edit(10, "kept")),
    Case("a renamed file", _text, _both(_edit(10, "edited"), _rename), _edit(50, "kept")),
    Case("CRLF", _crlf, _edit(10, "edited")),
    Case("a mode", _text, _mode, _edit(50, "kept")),
    Case("a link", _text, _link),
    Case("a binary file", _binary, _binary_change),
    Case("more than the line takes", _text, _edit(10, "edited"), by_hand="adapt"),
    Case("the first of two", _text, _edit(10, "edited"), by_hand="leave"),
    Case("the second of two", _text, _edit(10, "edited"), by_hand="squash"),
    Case("by a merge", _text, _edit(10, "edited"), by_hand="merge"),
    Case("reverted on the line", _text, _edit(10, "edited"), by_hand="revert"),
    Case("reverted on main", _text, _edit(10, "edited")),
    Case("an indentation", _text, _indent(4)),
    Case("the twin's indentation", _text, _indent(8), by_hand="leave"),
)
