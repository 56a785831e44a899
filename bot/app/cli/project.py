"""What commands on a local repository share: the policy of its default branch, and where a line's branch may be.

It must never load what checks a policy where there is none: a command starts twice as fast without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.core.policy import Policy
    from bot.core.revisions import Line
    from bot.tools.local import LocalRepository

_BRANCHES = ("refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master", "HEAD")
_POLICIES = (".github/relbot.toml", ".gitlab/relbot.toml")
_LINE_BRANCHES = ("release/{line}", "release/v{line}", "release/v{line}.0")


@dataclass(frozen=True, slots=True)
class Found:
    """The policy, None where there is no file, and the default branch, None where there is not even that."""

    policy: Policy | None
    default: str | None


def find_policy(local: LocalRepository) -> Found:
    """Read the policy of the default branch. `UserError` when it is wrong: then nothing of it is in force."""
    asked = [f"{branch}:{path}" for branch in _BRANCHES for path in ("", *_POLICIES)]
    answers = local.read(asked)
    at = next((n for n in range(0, len(asked), 3) if answers[n] is not None), None)
    if at is None:
        return Found(None, None)
    files = zip(asked[at + 1 : at + 3], answers[at + 1 : at + 3], strict=True)
    policy = next((_read_policy(name, content) for name, content in files if content is not None), None)
    return Found(policy, _BRANCHES[at // 3])


def _read_policy(name: str, content: bytes) -> Policy:
    from bot.core.errors import UserError
    from bot.core.policy import PolicyErrors, parse

    read = parse(name, content.decode(errors="replace"))
    if isinstance(read, PolicyErrors):
        first = read.errors[0]
        raise UserError(f"{name} is not in force: line {first.line}: {first.message}. Mend it, and run me again.")
    return read


def read_line(word: str) -> Line:
    """A line as it was typed; a `UserError` when it is none."""
    from bot.core.errors import UserError
    from bot.core.revisions import Line

    line = Line.parse(word)
    if line is None:
        raise UserError(f"{word!r} is not a line such as 2.7. Name one with --line X.Y.")
    return line


def refs_of_line(policy: Policy | None, line: Line) -> list[str]:
    """The refs that may be a line's branch, the likeliest first."""
    branches = (*((policy.lines.branch,) if policy else ()), *_LINE_BRANCHES)
    named = dict.fromkeys(branch.replace("{line}", str(line)) for branch in branches)
    return [f"refs/{place}/{branch}" for branch in named for place in ("heads", "remotes/origin")]


def line_of_name(policy: Policy | None, branch: str) -> Line | None:
    """The line whose branch has this name; None where it is no line's."""
    if policy is not None:
        from bot.core.lines import line_of_branch

        return line_of_branch(policy, branch)
    from bot.core.model import Line

    if not branch.startswith("release/"):
        return None
    return Line.parse(branch) or (Line.parse(branch.removesuffix(".0")) if branch.startswith("release/v") else None)
