"""`python -m tests.chaos.hostile [--count N]`: hostile names and texts through the whole bot, on both forges.

It must never judge by the bot's own word: processes are overheard where Python starts them, files are looked for on the
disk, and what was written is read on the forge.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.core.model import ForgeName
from bot.sandbox import PullWish, Sandbox
from bot.sandbox.bare import Bare
from bot.sandbox.refusals import Refusal
from bot.sandbox.state import Issue
from tests.app.whole import REPO, START, World
from tests.chaos.overheard import Expected, find_faults

STRINGS: dict[str, list[Any]] = tomllib.loads(Path(__file__).with_name("hostile.toml").read_text(encoding="utf-8"))
CANARY = "pwned"
LINES = ("2.7", "2.8")
Tree = dict[tuple[bytes, ...], bytes]


@dataclass
class Findings:
    """What was done, and everything that should not have happened."""

    strings: set[str] = field(default_factory=set)
    pulls: int = 0
    comments: int = 0
    processes: int = 0
    refused: int = 0  # names that git or a forge does not take
    faults: list[str] = field(default_factory=list)


# ── what is started ──────────────────────────────────────────────────────────────────────────────────────────────────

_heard: list[list[list[str]]] = []


def _overhear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _heard:
        return
    if event == "subprocess.Popen":
        _heard[-1].append([os.fsdecode(word) for word in arguments[1]])
    elif event in {"os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn"}:
        _heard[-1].append([event, repr(arguments)[:200]])


sys.addaudithook(_overhear)


@contextmanager
def overhearing() -> Iterator[list[list[str]]]:
    """The arguments of every process that this one starts meanwhile: the sandbox's git among them."""
    _heard.append([])
    try:
        yield _heard[-1]
    finally:
        _heard.pop()


def shape_of(arguments: list[str]) -> tuple[str, ...]:
    """What a process is told to do: its program, subcommand and options, without names, numbers and ids."""
    words = arguments[arguments.index("git") :] if "git" in arguments else arguments
    end = next((at for at, word in enumerate(words) if word in {"--end-of-options", "--"}), len(words))
    kept = [words[0], *(word for word in words[1:end] if word.startswith("-"))]
    program = next((word for word in words[1:] if not word.startswith("-")), "")
    return (program, *sorted({re.sub(r"=.*|[0-9]+", "", word, flags=re.DOTALL) for word in kept}))


# ── a world of such names ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Visit:
    """What one pull carries."""

    title: str
    body: str
    branch: str
    label: str
    said: str
    author: str
    message: str
    path: tuple[str, ...]


def visits(count: int | None = None) -> list[Visit]:
    """So many pulls that every string is used for all it can be; or `count` of them, from all over the list."""
    texts, refs, paths = STRINGS["texts"], STRINGS["refs"], STRINGS["paths"]
    whole = [
        Visit(
            *(texts[(at + shift) % len(texts)] for shift in (0, 31)), refs[at % len(refs)],
            *(texts[(at + shift) % len(texts)] for shift in (53, 71, 97, 113)), tuple(paths[at % len(paths)]),
        )
        for at in range(len(texts))
    ]  # fmt: skip
    return whole if count is None else [whole[at * len(whole) // count] for at in range(count)]


def harmless(title: str = "Make it fit", body: str = "Why.") -> Visit:
    """What everything else is compared with."""
    return Visit(title, body, "topic", "bug", "Thanks.", "Ada", title, ("kit", "fit.py"))


HARMLESS = (
    harmless(),
    harmless('Revert "Make it fit"', "This reverts commit 0123456789012345678901234567890123456789."),
    harmless("Make it fit again", "Backport of #1"),
    harmless("Make it fit", "(cherry picked from commit 0123456789012345678901234567890123456789)"),
)


class Stage:
    """One project with a conflict waiting on 2.7 at every path, and the bot that looks after it."""

    def __init__(self, sandbox: Sandbox, folder: Path, kind: ForgeName, planned: list[Visit]) -> None:
        self.world = World(sandbox, folder, kind)
        self.bare: Bare = sandbox.git(REPO)
        self.own: set[str] = set()  # refs that people have made
        self.tree: Tree = {
            tuple(part.encode() for part in name.split("/")): text.encode() for name, text in START.items()
        }
        own = {_encoded(visit.path): b"one\n" for visit in planned}
        self.tree |= own
        for branch, text in (("main", b"one\n"), ("release/2.7", b"line\n"), ("release/2.8", b"one\n")):
            tree = {**self.tree, **dict.fromkeys(own, text)}
            self._move(branch, _commit(self.bare, tree, self.bare.branch(branch), ("Mona", "Be ready")))

    def refs(self, names: Sequence[str]) -> int:
        """Branches and tags of these names; how many git takes."""
        made = 0
        for name in names:
            if self.bare.valid_ref(f"refs/heads/{name}"):
                for kind in ("heads", "tags"):
                    done = self.bare.attempt("update-ref", f"refs/{kind}/{name}", self.bare.branch("main") or "")
                    made += done.returncode == 0
        self.own |= set(self.bare.refs())
        return made

    def receive(self, visit: Visit, at: int) -> int | None:
        """The pull, what is said on it, its labels, and its merge. None where the forge refuses such a pull."""
        self.tree[_encoded(visit.path)] = f"two {at}\n".encode()
        name = visit.branch if self.bare.valid_ref(f"refs/heads/{visit.branch}") else "topic"
        branch = f"{name}-{at}" if self.bare.branch(name) else name
        commit = _commit(self.bare, self.tree, self.bare.branch("main"), (visit.author, visit.message))
        self._move(branch, commit)
        forge = self.world.forge
        number = forge.open_pull(REPO, PullWish(visit.title, branch, "main", visit.body), by="ada")
        with suppress(Refusal):
            # No label holds a comma on GitLab; the stage would let it through.
            forge.label(REPO, number, visit.label[:40].replace(",", ""), by="mona")
        forge.comment(REPO, number, visit.said, by="rita")
        forge.label(REPO, number, *(f"backport/{line}" for line in LINES), by="mona")
        forge.merge_pull(REPO, number, "squash", by="mona")
        forge.comment(REPO, number, f"/backport {visit.said}", by="mona")
        forge.comment(REPO, number, f"/release {visit.title}", by="rita")
        return number

    def settle(self) -> None:
        """Wait for the bot; for longer than it waits where a forge wants to be left alone."""
        for _ in range(5):
            with suppress(AssertionError):
                self.world.settle()
                return
        self.world.settle()

    def _move(self, branch: str, commit: str) -> None:
        self.bare.run("update-ref", f"refs/heads/{branch}", commit)
        self.own.add(f"refs/heads/{branch}")


def _encoded(path: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in path)


def _commit(bare: Bare, files: Tree, parent: str | None, words: tuple[str, str]) -> str:
    """A commit as a hostile client makes it: trees with names that no checkout would take."""
    author = re.sub(r"[<>\n\0]", "", words[0]) or "x"
    who = f"{author} <ada@example.org> 1790000000 +0000"
    head = [
        f"tree {_tree(bare, files)}",
        *([f"parent {parent}"] if parent else []),
        f"author {who}",
        f"committer {who}",
    ]
    text = "\n".join((*head, "", words[1].replace("\0", ""), "")).encode()
    return bare.run("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=text).strip()


def _tree(bare: Bare, files: Tree) -> str:
    below: dict[bytes, Tree] = {}
    entries: list[tuple[bytes, bytes, str]] = []
    for path, content in files.items():
        if len(path) > 1:
            below.setdefault(path[0], {})[path[1:]] = content
        else:
            entries.append((path[0], b"100644", bare.run("hash-object", "-w", "--stdin", stdin=content).strip()))
    entries += [(name, b"40000", _tree(bare, inside)) for name, inside in below.items()]
    entries.sort(key=lambda each: each[0] + b"/" * (each[1] == b"40000"))
    raw = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(sha) for name, mode, sha in entries)
    return bare.run("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw).strip()


# ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────────


def judge(stage: Stage, kind: ForgeName, findings: Findings) -> None:
    """Read all that the bot has written on the forge."""
    repository = stage.world.forge.find(REPO)
    numbers = frozenset(repository.issues)
    expected = Expected(frozenset({"mona", "ada"}), numbers, f"{stage.world.forge.url}/")
    for issue in repository.issues.values():
        where = f"{kind} #{issue.number}"
        said = [comment.body for comment in issue.comments if comment.user == "relbot"]
        findings.comments += len(said)
        written = [*said, *([issue.body or ""] if issue.user == "relbot" else [])]
        findings.faults += [f"{where}: {fault}" for body in written for fault in find_faults(body, expected)]
        findings.faults += [f"{where}: its title is {issue.title!r}" for _ in [0] if not _is_fair_title(issue)]
        findings.faults += [f"{where}: the label {name!r}" for name in issue.labels if not _is_fair_label(issue, name)]
    made = set(stage.bare.refs()) - stage.own
    fair = re.compile(r"refs/(heads/backport/2\.[78]/\d+|(pull|merge-requests)/\d+/\w+|keep-around/.*|pipelines/.*)")
    findings.faults += [f"{kind}: the ref {name!r}" for name in sorted(made) if not fair.fullmatch(name)]


def _is_fair_title(issue: Issue) -> bool:
    if issue.user != "relbot":
        return True
    return issue.title.isprintable() and issue.title.startswith(("[2.", "Draft: [2.")) and len(issue.title) <= 255


def _is_fair_label(issue: Issue, name: str) -> bool:
    ours = re.fullmatch(r"(?:backport|backport-open|backported|backport-conflict|backport-present)/2\.[78]", name)
    return (
        bool(ours)
        or issue.user != "relbot"
        # GitLab takes what is blank around a name away
        or name.strip() in {text[:40].replace(",", "").strip() for text in STRINGS["texts"]} | {"bug"}
    )


def find_canaries(folders: Sequence[Path]) -> list[str]:
    """Files that a command in one of the strings would have made."""
    return [
        str(Path(at, name).relative_to(folder))
        for folder in folders
        for at, inner, names in os.walk(folder)
        for name in (*inner, *names)
        if name.startswith(CANARY) and "refs" not in Path(at).parts and "logs" not in Path(at).parts
    ]  # fmt: skip


@contextmanager
def away_from_home(folder: Path) -> Iterator[tuple[Path, ...]]:
    """Empty folders as home, as the current one and for what is temporary: nothing should lie there afterwards."""
    places = tuple(folder / name for name in ("home", "here"))
    for place in places:
        place.mkdir(parents=True)
    cwd, home = Path.cwd(), os.environ.get("HOME")
    os.environ["HOME"] = str(places[0])
    os.chdir(places[1])
    try:
        yield places
    finally:
        os.chdir(cwd)
        if home is not None:
            os.environ["HOME"] = home


def usual_shapes(kind: ForgeName, folder: Path, plain: Sequence[Visit]) -> set[tuple[str, ...]]:
    """What is started for harmless pulls, on a project like the others."""
    with Sandbox(folder / "usual-forge", kind) as sandbox, overhearing() as heard:
        stage = Stage(sandbox, folder / "usual-bot", kind, [harmless()])
        with stage.world.running():
            for at, visit in enumerate(plain):
                stage.receive(visit, at)
                if at % 2:  # what has landed, and what others have landed upon, is asked about in other ways
                    stage.settle()
            _set_policy(stage, 'backport.title = "[{line}] {title}"\n')
            stage.receive(harmless(), len(plain))
    return {shape_of(arguments) for arguments in heard}


def _set_policy(stage: Stage, text: str) -> None:
    folder = ".gitlab" if stage.world.kind == "gitlab" else ".github"
    stage.tree[(folder.encode(), b"relbot.toml")] = text.encode()
    main = _commit(stage.bare, stage.tree, stage.bare.branch("main"), ("Mona", "Lay down the policy"))
    stage.bare.run("update-ref", "refs/heads/main", main)


def attack(kind: ForgeName, folder: Path, findings: Findings, strings: tuple[list[Visit], list[str]]) -> None:
    """Take some visits and policies through one forge."""
    planned, policies = strings
    with away_from_home(folder) as places:
        usual = usual_shapes(kind, folder, HARMLESS if len(planned) > 3 else HARMLESS[:2])
        with Sandbox(folder / "forge", kind) as sandbox, overhearing() as heard:
            stage = Stage(sandbox, folder / "bot", kind, [*planned, *(harmless() for _ in policies)])
            _play(stage, planned, policies, findings)
            findings.faults += [f"{kind}: {crash}" for crash in sandbox.crashes]
        started = [
            arguments for arguments in heard if arguments[:2] != ["git", "--git-dir"]
        ]  # so the sandbox starts it
        shapes = {shape_of(arguments): arguments for arguments in started}
        findings.processes += len(started)
        findings.faults += [f"{kind}: it started {shapes[shape]}" for shape in shapes if shape not in usual]
        findings.faults += [f"{kind}: the file {name}" for name in find_canaries([folder])]
        findings.faults += [f"{kind}: the file {each}" for place in places for each in place.rglob("*")]
        made = [each.name for each in (folder / "bot").iterdir()]
        findings.faults += [f"{kind}: {name} is new" for name in made if not re.fullmatch(r"[a-z0-9.-]+", name)]


def _play(stage: Stage, planned: list[Visit], policies: list[str], findings: Findings) -> None:
    made = stage.refs(STRINGS["refs"])
    findings.refused += 2 * len(STRINGS["refs"]) - made
    with stage.world.running():
        for at, visit in enumerate(planned):
            _receive(stage, visit, at, findings)
            findings.strings |= {visit.title, visit.body, visit.branch, visit.label, visit.said, visit.author}
            findings.strings |= {visit.message, "/".join(visit.path)}
            if at % 10 == 9:
                stage.settle()
        stage.settle()
        for at, policy in enumerate(policies):
            _set_policy(stage, policy)
            _receive(stage, harmless(), len(planned) + at, findings)
            findings.strings.add(policy)
            stage.settle()
        stage.settle()
    judge(stage, stage.world.kind, findings)


def _receive(stage: Stage, visit: Visit, at: int, findings: Findings) -> None:
    try:
        findings.pulls += stage.receive(visit, at) is not None
    except Refusal as refusal:
        findings.refused += 1
        print(f"  refused by the forge: {refusal} ({visit.branch[:40]!r}, {visit.path[:3]!r})", file=sys.stderr)


def run(short: bool) -> bool:
    """All strings on both forges, or some: whether nothing happened that should not."""
    return show(assault(12 if short else None))


AT_A_TIME = 40
"""Pulls of one project: a forge of its own for the next ones starts with its limits on requests unspent."""


def assault(count: int | None = None, kinds: Sequence[ForgeName] = ("github", "gitlab")) -> Findings:
    """Each forge with all of it, or with so many pulls and some policies."""
    findings, planned, policies = Findings(), visits(count), STRINGS["policies"]
    if count is not None:
        policies = policies[:: max(1, len(policies) * 3 // max(count, 3))]
    rounds = [(planned[at : at + AT_A_TIME], []) for at in range(0, len(planned), AT_A_TIME)]
    rounds += [([], policies[at : at + AT_A_TIME // 2]) for at in range(0, len(policies), AT_A_TIME // 2)]
    for kind in kinds:
        for strings in rounds:
            with tempfile.TemporaryDirectory(prefix="relbot-hostile-") as folder:
                attack(kind, Path(folder), findings, strings)
            print(f"  {kind}: {findings.pulls} pulls so far, {len(findings.faults)} findings", file=sys.stderr)
    return findings


def show(findings: Findings) -> bool:
    """Print what was done and what was found."""
    print(
        f"{len(findings.strings)} strings in {findings.pulls} pulls and on {findings.comments} comments of the bot, "
        f"{findings.processes} processes; {findings.refused} names refused by git or the forge; "
        f"{len(findings.faults)} findings"
    )
    for fault in findings.faults[:40]:
        print("  ", fault[:400])
    return not findings.faults and findings.comments > 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.hostile", description=__doc__.split(":", 1)[1])
    parser.add_argument("--forge", choices=("github", "gitlab"), help="one of the two")
    parser.add_argument("--count", type=int, help="so many pulls on each forge, instead of one for every text")
    args = parser.parse_args(arguments)
    began = time.monotonic()
    good = show(assault(args.count, (args.forge,) if args.forge else ("github", "gitlab")))
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
