"""Sweeps repositories: finds what nobody told the bot, takes it as if somebody had, and keeps what was seen.

It must never go back before what it has seen unless it is told to, nor spend more requests than it was given.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from bot.app.intake import Intake
from bot.app.log import about, name_fault
from bot.app.runner import Perform, drive
from bot.app.store import deliveries, journal, sightings
from bot.app.store.database import Database
from bot.core.actions import Missing, Refused
from bot.core.errors import Fault, UserError
from bot.core.events import CommentEdited, CommentPosted, Delivery
from bot.core.model import ForgeName, Repo
from bot.core.setup import Hook, HookReady, HookWish
from bot.core.sweep import OVERLAP, Seen, sweep
from bot.forges import Forge, RepositorySettings
from bot.forges.tally import tallying

LOOK_AT_HOOKS = 3600
"""Seconds between two looks at a repository's webhook and the deliveries that failed."""

MOST_SENT_AGAIN = 20
"""Deliveries of one repository that are asked for again in one sweep. Sweeping finds most of what they tell anyway."""

_ENOUGH = 50
"""Requests that one repository may cost at least: a round that is nearly at its end still ends what it began."""

_GIVES_UP = 3
"""Repositories in a row that fail for what passes, before the rest is left to the next round: a forge that hangs takes
a minute for each, and another one's wait as long.
"""

_COST_OF_A_PULL = 2
"""Requests that a pull may cost. With what one sweep cannot pay for it would never get done."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What came of one repository: pulls that something had happened to, what of it was news, what it cost."""

    repo: Repo
    touched: int = 0
    found: tuple[str, ...] = ()
    sent_again: int = 0
    calls: int = 0
    warnings: tuple[str, ...] = ()
    """What is wrong with the webhook, or why the repository could not be swept."""
    failed: bool = False
    is_passing: bool = False
    """Whether it failed for what may be the forge's trouble rather than its own."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """The way to the webhooks of a forge's repositories, the address that they have to send to, and what they should be
    like: with that, one that the forge has given up is switched on again.
    """

    settings: RepositorySettings
    url: str
    wish: HookWish | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a round of sweeps is to do. `since` goes back to that time (seconds since the epoch), whatever was seen."""

    admits: Callable[[Repo], bool] = lambda _: True
    strangers: bool = True
    """Whether repositories count that have never sent a delivery. A token can reach many that are none of the bot's
    business, and have labels that mean something to somebody else.
    """
    only: str | None = None
    since: int | None = None
    memory: int = 29 * 86_400
    """Seconds for which comments that were answered are known to be; older ones are left."""
    budget: int = 600
    """Requests of one round from each allowance that the forges grant (GitHub: 5,000 an hour or more); repositories
    that it does not reach come first in the next.
    """


class Sweeper:
    """Sweeps all repositories that the credentials reach, the longest unseen first."""

    def __init__(
        self, database: Database, intake: Intake, forges: Mapping[ForgeName, Forge], perform: Perform,
        hooks: Mapping[ForgeName, Hooks] | None = None,
    ) -> None:  # fmt: skip
        self._database = database
        self._intake = intake
        self._forges = forges
        self._perform = perform
        self._hooks = hooks or {}

    def sweep(self, wanted: Wanted) -> Iterator[Swept]:
        """Sweep one repository after another; each is told when it is done."""
        repos: list[Repo] = []
        with tallying() as listing:
            for name, forge in self._forges.items():
                before = listing.calls
                try:
                    repos += forge.history.repositories()
                except (Fault, UserError) as error:
                    calls = listing.calls - before
                    _log.warning("nothing on %s is swept: %s", name, error, extra={"fault": name_fault(error)})
                    yield Swept(Repo(name, 0, name, ""), calls=calls, warnings=(str(error),), failed=True)
        left: dict[tuple[str, str], int] = defaultdict(lambda: wanted.budget)
        passed_over: Counter[tuple[str, str]] = Counter()
        in_trouble: Counter[tuple[str, str]] = Counter()
        for repo in self._in_order(repos, wanted):
            allowance = repo.forge, self._forges[repo.forge].history.allowance_of(repo)
            if left[allowance] <= 0 or in_trouble[allowance] >= _GIVES_UP:
                passed_over[allowance] += 1
                continue
            swept = self._sweep(repo, wanted, max(left[allowance], _ENOUGH))
            left[allowance] -= swept.calls
            in_trouble[allowance] = in_trouble[allowance] + 1 if swept.is_passing else 0
            yield swept
        for (forge_name, owner), count in passed_over.items():
            over = left[forge_name, owner] <= 0
            why = "the requests of this round are used up" if over else "nothing can be had for now"
            _log.warning("%s: %s; %d more repositories come first in the next",
                         f"{forge_name} {owner}".strip(), why, count)  # fmt: skip

    def _in_order(self, repos: list[Repo], wanted: Wanted) -> list[Repo]:
        """Those that are wanted, of all forges together, the longest unseen first."""
        with self._database.begin() as connection:
            known, times = sightings.acquaintances(connection), sightings.times(connection)
        admitted = [repo for repo in repos if wanted.admits(repo)]
        if wanted.only is not None:
            named = wanted.only.lower()
            admitted = [repo for repo in admitted if named in (repo.path.lower(), f"{repo.forge}:{repo.path.lower()}")]
        elif not wanted.strangers:
            admitted = [repo for repo in admitted if deliveries.partition_of(repo) in known]
        return sorted(admitted, key=lambda repo: times.get(deliveries.partition_of(repo), 0.0))

    def _sweep(self, repo: Repo, wanted: Wanted, budget: int) -> Swept:
        """A repository that cannot be swept now is swept from where it was the next time, when its turn comes again."""
        with about(repository=repo.path), tallying(budget) as tally:
            try:
                swept = self._look(repo, wanted, budget)
            except (Fault, UserError) as error:
                level = logging.WARNING if isinstance(error, UserError) or error.passing else logging.ERROR
                _log.log(level, "it could not be swept: %s", error, extra={"fault": name_fault(error)})
                passing = isinstance(error, Fault) and error.passing
                swept = Swept(repo, warnings=(str(error),), failed=True, is_passing=passing)
            except Exception as error:  # whatever one repository holds, the others have their turn
                fault = name_fault(error)
                _log.exception("sweeping it broke down", extra={"fault": fault})
                swept = Swept(repo, warnings=(f"Sweeping it broke down: see {fault} in the log.",), failed=True)
            if swept.failed:
                with self._database.begin() as connection:
                    sightings.note_try(connection, repo, Seen(int(time.time())))
            return replace(swept, calls=tally.calls)

    def _look(self, repo: Repo, wanted: Wanted, budget: int) -> Swept:
        now = int(time.time())
        most = None if wanted.since is not None else budget // _COST_OF_A_PULL
        with self._database.begin() as connection:
            known = sightings.read(connection, repo)
        # Who sees a repository for the first time begins now: labels of years ago are not for this bot.
        seen = known.seen if known else Seen(now)
        if wanted.since is not None:
            seen = replace(seen, until=wanted.since, looked_at=seen.looked_at and 1, swept_at=0, behind=None)
        found = drive(sweep(repo, seen, now, now - wanted.memory, most), self._perform)
        if found.seen is None:
            return Swept(repo, warnings=("It is out of sight: archived, moved or gone.",), failed=True)
        news = tuple(delivery.id for delivery in found.deliveries if self._take(repo, delivery))
        swept, hook_at = Swept(repo, found.touched, news), known.hook_at if known else 0.0
        with self._database.begin() as connection:
            sightings.write(connection, repo, found.seen, hook_at)
        if repo.forge not in self._hooks or (now - hook_at < LOOK_AT_HOOKS and wanted.since is None):
            return swept
        # A delivery counts from when it was sent, by the forge's clock, and is listed once it was given up.
        looked = self._look_after_hook(repo, wanted.since or (int(hook_at) or now) - OVERLAP)
        if not looked.is_unfinished:
            with self._database.begin() as connection:
                sightings.write(connection, repo, found.seen, now)
        return replace(swept, sent_again=looked.sent_again, warnings=looked.warnings)

    def _take(self, repo: Repo, delivery: Delivery) -> bool:
        """Whether it is news. A comment that was answered is none, whatever has become of rights and text since."""
        if isinstance(delivery.event, CommentPosted | CommentEdited):
            with self._database.begin() as connection:
                if journal.is_answered(connection, repo, delivery.event.comment):
                    return False
        return self._intake.take_found(repo, delivery)

    # ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _look_after_hook(self, repo: Repo, since: int) -> _Looked:
        """Have what failed sent again, and see what is wrong with the webhook. Trouble with that fails no sweep."""
        try:
            return self._see_to_hook(repo, self._hooks[repo.forge], since)
        except (Fault, UserError) as error:
            _log.warning("its webhook could not be looked after: %s", error, extra={"fault": name_fault(error)})
            return _Looked(warnings=(str(error),), is_unfinished=isinstance(error, Fault) and error.passing)

    def _see_to_hook(self, repo: Repo, hooks: Hooks, since: int) -> _Looked:
        """One that the credential may not look after can still have deliveries that it may: those of an App."""
        hook = hooks.settings.find_hook(repo, hooks.url)
        if isinstance(hook, Missing):
            said = f"It has no webhook to {hooks.url}. `relbot hooks sync --repository {repo.path}` makes it."
            return _Looked(warnings=(said,))
        warnings = self._revive(repo, hook, hooks) if isinstance(hook, Hook) else ()
        # One tells whether deliveries get through again; what is turned away now would be so at every look.
        most = 1 if isinstance(hook, Hook) and hook.failing else MOST_SENT_AGAIN
        return replace(self._send_again(repo, hooks, since, most), warnings=warnings)

    def _revive(self, repo: Repo, hook: Hook, hooks: Hooks) -> tuple[str, ...]:
        """Switch a webhook on again that the forge has given up; what was wrong, and what is left to be done."""
        if hook.given_up and hooks.wish:
            ready = hooks.settings.ensure_hook(repo, hooks.wish)
            if isinstance(ready, HookReady):
                return tuple(f"Its webhook was {change}." for change in ready.changes)
        if hook.is_disabled:
            said = f"Its webhook is switched off. `relbot hooks sync --repository {repo.path}` switches it on."
            return (*hook.flaws, said)
        return hook.flaws

    def _send_again(self, repo: Repo, hooks: Hooks, since: int, most: int) -> _Looked:
        failed = hooks.settings.deliveries.failed(repo, hooks.url, since)
        if isinstance(failed, Missing | Refused):
            return _Looked()
        with self._database.begin() as connection:
            lost = [each for each in failed if not deliveries.knows(connection, f"{repo.forge}:{each.id}")]
        count = 0
        for each in lost[:most]:
            try:
                again = hooks.settings.deliveries.redeliver(repo, hooks.url, each)
            except Fault as fault:
                if not fault.passing:
                    raise
                _log.info("the rest is asked for at the next look: %s", fault)
                return _Looked(count, is_unfinished=True)
            count += again is None
        return _Looked(count, is_unfinished=len(lost) > most)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a look at a webhook came to. `is_unfinished` when there was more to be sent again than a forge grants."""

    sent_again: int = 0
    warnings: tuple[str, ...] = ()
    is_unfinished: bool = False
