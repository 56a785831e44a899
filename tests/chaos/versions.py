"""Upgrade and rollback: what one version of the program was killed in, another one ends, and the other way round.

It must never let the two versions ask the same questions in the same order.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.chaos.ground import DatabaseKind, grounds
from tests.chaos.matrix import kill_at, tell
from tests.chaos.result import Result, Say
from tests.chaos.stories import STORIES

_TOLD = ("two lines", "asked in chat")
_FEW = 16
"""Kills below which one story has to do: telling each costs as much as some kills."""


def run(folder: Path, server: str | None, chance: random.Random, say: Say, kills: int) -> Result:
    """So many kills in all, over both databases and both directions: jobs wait, are begun, and are done at each."""
    result = Result()
    databases: list[DatabaseKind] = ["sqlite", "postgresql"] if server else ["sqlite"]
    stories = [story for story in STORIES if story.name in _TOLD][: 1 if kills < _FEW else None]
    each = max(1, kills // (len(databases) * len(stories) * 2))
    killed = 0
    for database in databases:
        for story in stories:
            with grounds(folder, "github", database, server) as ground:
                points, wanted = tell(ground, story)
                for versions in ((False, True), (True, False)):
                    for point in chance.sample(points, min(each, len(points))):
                        say(f"{database}, {story.name}, {'upgrade' if versions[1] else 'rollback'}: {point}")
                        try:
                            reached, wrong = kill_at(ground, point, wanted, versions)
                        except AssertionError as stuck:
                            reached, wrong = True, [str(stuck)[:3000]]
                        killed += reached
                        where = f"{database}, {story.name}, {'upgrade' if versions[1] else 'rollback'} at {point}"
                        result.troubles += [f"{where}: {each}" for each in wrong]
    result.hold("killed in one version, and not ended right by the other", f"{len(result.troubles)} of {killed}",
                met=killed > 0 and not result.troubles)  # fmt: skip
    return result
