"""The commands with which a person finishes a pick by hand, ready to be pasted into bash.

It must never contain a name that bash could read as anything but itself.
"""

from __future__ import annotations

import shlex

from bot.core.ledger import Stop
from bot.core.messages.escape import code, fence

PICK_MARKER = "<!-- relbot:recipe:pick -->"
PUSH_MARKER = "<!-- relbot:recipe:push -->"
"""Each stands on the line above its fenced block, so that a script can find the block."""


def recipe(stop: Stop) -> str:
    """Two blocks, since git stops between them: the pick, and the push once the conflict is mended."""
    return f"""\
In a clone whose remote is `origin`, paste:

{PICK_MARKER}
{fence(pick_commands(stop), "bash")}

Where git stops, mend the files, `git add` them and run `git cherry-pick --continue` (`--skip` where git says that \
nothing is left of the pick), until it is through; `git cherry-pick --abort` takes you back. Then paste:

{PUSH_MARKER}
{fence(push_commands(stop), "bash")}

and open a pull from {code(stop.head)} onto {code(stop.onto)}. I keep the labels here up to date."""


def pick_commands(stop: Stop) -> str:
    """Fetch both branches, start the backport's branch at the line's tip and pick. Stops at the first failure."""
    options = ["-x"]
    if stop.sign_off:
        options.append("--signoff")
    if stop.mainline is not None:
        options += ["-m", str(stop.mainline)]
    commands = (
        ("git", "fetch", "origin", f"refs/heads/{stop.base}"),
        ("git", "fetch", "origin", f"refs/heads/{stop.onto}"),
        ("git", "switch", "--create", stop.head, "FETCH_HEAD"),
        ("git", "cherry-pick", *options, *stop.commits),
    )
    return " &&\n".join(shlex.join(command) for command in commands)


def push_commands(stop: Stop) -> str:
    """Push the backport's branch, if it is what is checked out, holds picks, and no pick is under way.

    `git commit` in the middle of several picks clears CHERRY_PICK_HEAD and leaves those that are still to come in the
    sequencer; a first block that stopped early leaves another branch, or this one at the line's tip.
    """
    head = shlex.quote(f"refs/heads/{stop.head}")
    other = shlex.quote(f"{stop.head} is not checked out: see where the first block stopped.")
    return f"""\
if [ "$(git symbolic-ref --quiet HEAD)" != {head} ]; then
  echo {other} >&2; false
elif [ -e "$(git rev-parse --git-path CHERRY_PICK_HEAD)" ] || [ -e "$(git rev-parse --git-path sequencer)" ]; then
  echo 'The pick is not through: git cherry-pick --continue, or --skip where nothing is left of it.' >&2; false
elif [ "$(git rev-parse HEAD)" = "$(git rev-parse FETCH_HEAD)" ]; then
  echo 'Nothing is picked yet: see where the first block stopped.' >&2; false
else
  {shlex.join(("git", "push", "origin", f"HEAD:refs/heads/{stop.head}"))}
fi"""
