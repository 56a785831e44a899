"""The kill matrix: the bot is killed at every named point of every story, and the end is that of an undisturbed run.

It must never count a point as survived that was not reached.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.core.model import ForgeName
from tests.app.whole import REPO
from tests.chaos.ground import DatabaseKind, Ground, grounds, processes_about, wait_until
from tests.chaos.result import Result, Say
from tests.chaos.shape import differences, shape_of
from tests.chaos.stories import STORIES, Story

_OF_A_KIND = 2


@dataclass
class Tally:
    """What came of the kills of one story on one ground."""

    points: int = 0
    killed: int = 0
    missed: list[str] = field(default_factory=list)
    """Points that a run did not come to: what is at work at once comes in many orders."""
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)


def tell(ground: Ground, story: Story) -> tuple[list[str], list[str]]:
    """Tell a story without disturbing it, twice; the points that it passes, and the shape at its end."""
    ground.begin_life()
    number = story.prepare(ground.stage)
    ground.settle()
    ground.sandbox.deliveries.hold()
    ground.clock.tick()
    story.act(ground.stage, number)
    ground.keep()
    shapes = []
    log = ground.live_folder / "bot" / "points"
    for _ in range(2):
        ground.restore()
        log.unlink(missing_ok=True)
        ground.begin_life()
        ground.send_kept()
        ground.settle()
        shapes.append(shape_of(ground.sandbox, REPO))
    assert shapes[0] == shapes[1], f"{story.name}: undisturbed, it ends in two ways: {differences(*shapes)}"
    assert any(story.seen in line for line in shapes[0]), f"{story.name} was not told: {shapes[0]}"
    wrong = ground.check(failed=1)
    assert not wrong, wrong
    return list(dict.fromkeys(log.read_text().splitlines())), shapes[0]


def kill_at(
    ground: Ground, point: str, wanted: list[str], versions: tuple[bool, bool] = (False, False)
) -> tuple[bool, list[str]]:
    """One disturbed run; whether the bot died where it was to, and what is wrong in the end.

    `versions` says which of the two lives is that of a newer program.
    """
    ground.restore()
    ground.begin_life(point, newer=versions[0])
    ground.send_kept()
    reached = not ground.settle(may_die=True)
    if reached:
        ground.begin_life(newer=versions[1])
        ground.send_again()
        ground.settle()
    wrong = differences(wanted, shape_of(ground.sandbox, REPO)) + ground.check(failed=1)
    ground.end_life()
    try:
        wait_until(lambda: not processes_about(ground.live_folder), "git processes end with the bot", 5)
    except AssertionError:
        wrong += [f"left running: {each}" for each in processes_about(ground.live_folder)]
    return reached, wrong


def disturb(ground: Ground, story: Story, chance: random.Random, most: int | None, say: Say) -> Tally:
    """Kill the bot at every point of a story, or at `most` of them."""
    began = time.monotonic()
    points, wanted = tell(ground, story)
    tally = Tally(len(points))
    wanted_points = chosen(points, most, chance)
    for n, point in enumerate(wanted_points):
        try:
            reached, wrong = kill_at(ground, point, wanted)
        except AssertionError as stuck:
            reached, wrong = True, [str(stuck)[:3000]]
        if reached:
            tally.killed += 1
            tally.kinds[point.split(" #")[0]] += 1
        else:
            tally.missed.append(point)
        where = f"{ground.kind}, {ground.database_kind}, {story.name}, killed {point}"
        tally.wrong += [f"{where}: {each}" for each in wrong]
        cell = f"{ground.kind} {ground.database_kind} {story.name}"
        say(f"{cell}: {n + 1} of {len(wanted_points)}, {len(tally.wrong)} wrong")
    tally.seconds = time.monotonic() - began
    return tally


def chosen(points: Sequence[str], most: int | None, chance: random.Random) -> list[str]:
    """Every point of every action, of git, and of commits to the journal and the audit; of the other commits, which
    repeat themselves with each delivery, some of each kind. Or `most` of all points."""
    if most is not None:
        return chance.sample(points, min(most, len(points)))
    own = [point for point in points if " commit " not in point or re.search("relbot_(jobs|audit)", point)]
    kinds: dict[str, list[str]] = {}
    for point in points:
        if point not in own:
            kinds.setdefault(point.split(" #")[0], []).append(point)
    return own + [point for each in kinds.values() for point in chance.sample(each, min(_OF_A_KIND, len(each)))]


Cell = tuple[ForgeName, DatabaseKind, Story]


def cells(stories: Iterable[Story], server: str | None) -> list[Cell]:
    """Every story on every forge and every database."""
    databases: list[DatabaseKind] = ["sqlite", "postgresql"] if server else ["sqlite"]
    kinds: list[ForgeName] = ["github", "gitlab"]
    return [(kind, database, story) for story in stories for kind in kinds for database in databases
            if story.only in ("", kind)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How many kills in all, spread over so many cells; None is every point of every cell.

    `part` is which of how many parts of the cells: all of them are some hours.
    """

    kills: int | None = None
    cells: int = 4
    part: tuple[int, int] = (1, 1)
    story: str = ""
    """How the names of the stories begin that are told; all of them when empty."""


def run(folder: Path, server: str | None, chance: random.Random, say: Say, size: Size) -> Result:
    """The matrix, or a sample of it."""
    result = Result()
    number, of = size.part
    stories = [story for story in STORIES if story.name.startswith(size.story)]
    wanted, most = cells(stories, server)[number - 1 :: of], None
    if size.kills is not None:
        wanted, most = chance.sample(wanted, min(size.cells, len(wanted))), size.kills // size.cells
    killed = points = 0
    for kind, database, story in wanted:
        with grounds(folder, kind, database, server) as ground:
            tally = disturb(ground, story, chance, most, say)
        killed, points = killed + tally.killed, points + tally.points
        result.troubles += tally.wrong
        result.note(f"{story.name}, {kind}, {database}", f"{tally.killed} kills of {tally.points} points, "
                    f"{len(tally.missed)} not reached, {tally.seconds:.0f} s")  # fmt: skip
    result.hold(f"killed at a named point (of {points}), and the end differs from that of an undisturbed run",
                f"{len(result.troubles)} of {killed}", met=killed > 0 and not result.troubles)  # fmt: skip
    return result
