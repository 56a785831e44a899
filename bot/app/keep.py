"""Puts together what is done every so often, out of the settings.

It must never be needed for a delivery to be handled: without it the bot does what it is told of, and nothing else.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from bot.app.connect import open_repository_settings
from bot.app.equip import hook_address, hook_wish
from bot.app.intake import Intake
from bot.app.perform import Performer
from bot.app.settings import Settings
from bot.app.store.database import Database
from bot.app.sweep import Hooks, Sweeper, Wanted
from bot.app.upkeep import DAY, FORGET, RETRY, SWEEP, Keeping, Task, Upkeep, forget, retry, sweep
from bot.core.errors import UserError
from bot.core.model import ForgeName
from bot.core.setup import HookWish

HOUR = 3600.0


def open_sweeper(settings: Settings, performer: Performer, intake: Intake, database: Database) -> Sweeper:
    """A sweeper of everything that the settings name; webhooks are looked after where the server's address is known."""
    hooks: dict[ForgeName, Hooks] = {}
    if settings.server.url:
        for forge, on_forge in open_repository_settings(settings).items():
            url = hook_address(settings, forge, None)
            hooks[forge] = Hooks(on_forge, url, _wish(settings, forge, url))
    return Sweeper(database, intake, performer.forges, performer, hooks)


def _wish(settings: Settings, forge: ForgeName, url: str) -> HookWish | None:
    """What a webhook should be like; None for a command that was given no secrets."""
    with suppress(UserError):
        return hook_wish(settings, forge, url)
    return None


def what_to_sweep(settings: Settings, only: str | None = None, since: int | None = None) -> Wanted:
    """The repositories of the owners that the settings name; where they name none, those that have sent something."""
    memory = int((settings.upkeep.keep_days - 1) * DAY)  # less a day: the forge's clock is another one
    return Wanted(settings.server.admits, bool(settings.server.owners), only, since, memory)


def keep_up(settings: Settings, performer: Performer, intake: Intake, database: Database) -> Upkeep:
    """Sweeping, trying again and forgetting, until it is closed."""
    kept = settings.upkeep
    keeping = Keeping(words=min(kept.keep_words_days, kept.keep_days), keys=kept.keep_days, audit=kept.keep_audit_days)
    tasks = [
        Task(RETRY, HOUR / 6, partial(retry, database, intake.queue)),
        Task(FORGET, HOUR, partial(forget, database, intake.queue, keeping)),
    ]
    if kept.sweep_minutes:
        sweeper = open_sweeper(settings, performer, intake, database)
        wanted = what_to_sweep(settings)
        tasks.insert(0, Task(SWEEP, kept.sweep_minutes * 60.0, partial(sweep, sweeper, wanted)))
    return Upkeep(database, tasks)
