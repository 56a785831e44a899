"""One look at a repository: its policy and its branches, which every plan and every job starts from.

It must never let a broken policy file pass for none: the errors travel with the defaults that stand in for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import Planning, Sync, Synced, ask
from bot.core.lines import known_lines, sync_patterns
from bot.core.model import Branch, Line, Repo
from bot.core.policy import Policy, PolicyErrors, parse


@dataclass(frozen=True, slots=True)
class Survey:
    """What a fetch showed. With `errors`, `policy` holds the defaults, good for an answer and nothing more."""

    policy: Policy
    branches: tuple[Branch, ...]
    errors: PolicyErrors | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines that have a branch, the newest first."""
        return known_lines(self.policy, self.branches)


def take_survey(repo: Repo, number: int | None = None) -> Planning[Survey]:
    """Fetch, read the policy of the default branch, and fetch again where it names other branches than the default."""
    first = sync_patterns(Policy())
    synced = yield from ask(Sync(repo, first, number))
    read = read_policy(synced)
    if isinstance(read, PolicyErrors):
        return Survey(Policy(), synced.branches, read)
    wanted = sync_patterns(read)
    if wanted != first:
        synced = yield from ask(Sync(repo, wanted, number))
    return Survey(read, synced.branches)


def read_policy(synced: Synced) -> Policy | PolicyErrors:
    """The policy that a fetch has brought; the defaults where there is no file."""
    return parse(*synced.policy) if synced.policy else Policy()
