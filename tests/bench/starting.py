"""How long the command takes to start, beside the interpreter and the library that it cannot do without.

It must never measure the compiling of source: the first start of all is thrown away.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from tests.bench.picking import Ground
from tests.bench.timing import Aim, Measured, Section, milliseconds, stopwatch


def measure_start(ground: Ground, times: int) -> Section:
    """Start each command so many times, in turns."""
    pick = ["-m", "bot", "pick", "--repo", str(ground.bare), "--onto", ground.tip, ground.origins[0]]
    commands = {
        "python -c pass": ["-c", "pass"],
        'python -c "import git"': ["-c", "import git"],
        "relbot pick --help": ["-m", "bot", "pick", "--help"],
        "relbot pick --json, one commit": [*pick, "--json"],
        "relbot pick, one commit, as a table": pick,
    }
    environ = _environment(ground.folder / "bytecode")
    took: dict[str, list[float]] = {name: [] for name in commands}
    for round_ in range(times + 1):
        for name, arguments in commands.items():
            seconds = stopwatch(lambda _: _start(arguments, environ))  # noqa: B023 - called at once
            if round_:
                took[name].append(seconds)
    rows = []
    for name, some in took.items():
        aim = Aim("≤", 150, "ms") if name.startswith("relbot") else None
        rows.append(Measured(name, milliseconds(some), "", median(some) * 1000, aim, "ms"))
    return Section(
        "Start of the command",
        f"Wall time of the whole process, the median of {times}, bytecode cached as an installed command has it.",
        rows,
        "GitPython, which every git process is spawned through, is the largest part: see the second row.",
    )


def _start(arguments: list[str], environ: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, *arguments], env=environ, capture_output=True, check=False)
    assert done.returncode in (0, 3, 4), done.stderr


def _environment(bytecode: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(bytecode)}
