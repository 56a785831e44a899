"""What both forges' stories of finished, closed and reverted backports share."""

from __future__ import annotations

from bot.sandbox import PullWish
from tests.app.whole import REPO, START, World, op

FIX = {"kit/ops.py": op(3, "x + 3.0")}
UNFIX = {"kit/ops.py": START["kit/ops.py"]}
DIFFERENT = {"kit/ops.py": op(3, "x + 33")}
BY_HAND = {"kit/ops.py": op(3, "x + 33.0")}


def land(world: World, *labels: str, method: str = "squash") -> int:
    """A fix that is merged with these labels, and what the bot makes of it."""
    number = world.land(FIX, "Make op 3 a float", *labels, method=method)
    world.settle()
    return number


def land_in_conflict(world: World, method: str = "squash") -> int:
    """The same, where the line differs."""
    world.forge.commit(REPO, "release/2.7", DIFFERENT, "Differ on the line", by="mona")
    number = land(world, "backport/2.7", method=method)
    assert "backport-conflict/2.7" in world.labels(number)
    return number


def the_backport(world: World, number: int, line: str = "2.7") -> int:
    """The number of the only pull that carries a change to a line."""
    head = f"backport/{line}/{number}"
    [found] = [pull for pull in world.pulls_onto(f"release/{line}") if pull.part.head_ref == head]
    return found.number


def merge(world: World, number: int, method: str = "squash") -> None:
    world.forge.merge_pull(REPO, number, method, by="mona")
    world.settle()


def push(world: World, files: dict[str, str], message: str) -> str:
    """A commit by hand on the line."""
    made = world.forge.commit(REPO, "release/2.7", files, message, by="mona")
    world.settle()
    return made


def carry_by_hand(world: World, number: int, sign: str) -> int:
    """A pull of a branch of any name with a body that says whose backport it is."""
    world.forge.branch(REPO, "hand", "release/2.7", by="mona")
    world.forge.commit(REPO, "hand", BY_HAND, "Float for 2.7", by="mona")
    wish = PullWish("Float for 2.7", "hand", "release/2.7", body=f"Backport of {sign}{number}, with other numbers.")
    opened = world.forge.open_pull(REPO, wish, by="mona")
    world.settle()
    return opened


def stack(world: World, lower: str, upper: str) -> tuple[int, int]:
    """A pull on a pull, both onto main; each is merged its own way, and the upper one is to be backported."""
    for branch, base, name in (("lower", "main", "one"), ("upper", "lower", "two")):
        world.forge.branch(REPO, branch, base, by="ada")
        world.forge.commit(REPO, branch, {f"{name}.py": f"{name.upper()} = 1\n"}, f"Add {name}", by="ada")
    pulls = [world.forge.open_pull(REPO, PullWish(f"Add {name}", branch, "main", body=""), by="ada")
             for branch, name in (("lower", "one"), ("upper", "two"))]  # fmt: skip
    world.forge.merge_pull(REPO, pulls[0], lower, by="mona")
    world.forge.label(REPO, pulls[1], "backport/2.7", by="mona")
    merge(world, pulls[1], upper)
    return pulls[0], pulls[1]


def files_of_backport(world: World, number: int) -> list[str]:
    """The files that a backport changes."""
    changed = world.forge.git(REPO).run("diff", "--name-only", f"release/2.7...backport/2.7/{number}")
    return changed.split()


def state(world: World, number: int) -> set[str]:
    """The labels that the bot keeps."""
    return {label for label in world.labels(number) if label.startswith(("backport-", "backported"))}
