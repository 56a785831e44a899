"""`python -m tests.chaos.oversized [--short]`: pulls that are too large, through the whole bot.

It must never fail because something was slow; it fails when the bot broke down or wrote what a forge would refuse.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bot.sandbox import PullWish, Sandbox
from bot.sandbox.bare import Bare
from tests.app.whole import REPO, World
from tests.chaos.overheard import LONGEST

MEGABYTE = 1_000_000


def sizes(short: bool) -> dict[str, tuple[dict[str, bytes], bool]]:
    """What each pull changes, and whether the line differs in all of it."""
    part = 10 if short else 1
    return {
        "5,000 files": ({f"many/{n % 97}/{n}.py": b"one\n" for n in range(5_000 // part)}, False),
        "a file of 50 MB": ({"large.bin": bytes(range(256)) * (50 * MEGABYTE // 256 // part)}, False),
        "a line of 1 MB": ({"line.txt": b"x" * (MEGABYTE // part)}, False),
        "10,000 conflicts": ({f"clash/{n % 97}/{n}.py": b"one\n" for n in range(10_000 // part)}, True),
        "a conflict in a line of 1 MB": ({"clash.txt": b"y" * (MEGABYTE // part)}, True),
        "a path of 4,000 characters": ({"/".join(["d" * 200] * 20): b"one\n"}, True),
    }


def write(bare: Bare, branch: str, files: dict[str, bytes], start: str) -> None:
    """One commit with all of these on a branch, in one process."""
    parts = [
        f"commit refs/heads/{branch}\ncommitter Ada <ada@example.org> 1790000000 +0000\ndata 4\nMany\nfrom {start}\n"
    ]
    stream = [part.encode() for part in parts]
    for name, content in files.items():
        stream += [f"M 100644 inline {name}\ndata {len(content)}\n".encode(), content, b"\n"]
    bare.run("fast-import", "--quiet", "--force", stdin=b"".join(stream))


def attempt(world: World, what: str, files: dict[str, bytes], clashes: bool) -> list[str]:
    """Land it, ask for it on the line, and tell what became of it; the answer is what is wrong."""
    bare, branch = world.forge.git(REPO), "topic-" + "".join(c for c in what if c.isalnum())
    main = bare.branch("main") or ""
    write(bare, branch, files, main)
    if clashes:
        write(bare, "release/2.7", dict.fromkeys(files, b"line's\n"), bare.branch("release/2.7") or "")
    began = time.monotonic()
    number = world.forge.open_pull(REPO, PullWish(what, branch, "main", "Why."), by="ada")
    world.forge.label(REPO, number, "backport/2.7", by="mona")
    world.forge.merge_pull(REPO, number, "squash", by="mona")
    world.settle()
    took, labels, said = time.monotonic() - began, world.labels(number), world.said_on(number)
    bodies = [*said, *(pull.body or "" for pull in world.pulls_onto("release/2.7"))]
    longest = max(map(len, bodies), default=0)
    state = next((name for name in labels if name not in {"backport/2.7"}), "none")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    print(f"{what:30} {state:24} {took:6.1f} s   longest text {longest:6,}   peak so far {peak:5,} MB")
    expected = "backport-conflict/2.7" if clashes else "backport-open/2.7"
    return [
        *([f"{what}: {state} instead of {expected}: {said}"] if expected not in labels else []),
        *([f"{what}: a text of {longest} characters"] if longest > LONGEST else []),
    ]


def run(short: bool) -> bool:
    """Every size in turn: whether the bot did as with any other pull."""
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="relbot-oversized-") as folder, Sandbox(Path(folder, "forge")) as sandbox:
        world = World(sandbox, Path(folder, "bot"))
        with world.running():
            for what, (files, clashes) in sizes(short).items():
                faults += attempt(world, what, files, clashes)
    for fault in faults:
        print("  ", fault[:600])
    return not faults


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.oversized", description=__doc__.split(":", 1)[1])
    parser.add_argument("--short", action="store_true", help="a tenth of each size")
    return 0 if run(parser.parse_args(arguments).short) else 1


if __name__ == "__main__":
    sys.exit(main())
