"""The bot at work, as `relbot serve` and `relbot work` want it: connections, a worker, upkeep, and what tells of it.

It must never take a delivery by itself: who employs it may open a door for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from bot.app.connect import DECISIONS, connect
from bot.app.intake import Intake
from bot.app.keep import keep_up
from bot.app.listening import Server
from bot.app.monitor import Watching, monitored, watching
from bot.app.settings import Settings
from bot.app.tracing import start_tracing
from bot.app.work import Place, working


@dataclass(frozen=True, slots=True)
class Employed:
    """The way in for deliveries, what looks after it all, and where metrics are told, if they are."""

    intake: Intake
    watch: Watching
    monitor: Server | None

    @property
    def metrics(self) -> str | None:
        """The address of the metrics."""
        return f"http://{self.monitor.host}:{self.monitor.port}/metrics" if self.monitor else None


@contextmanager
def employ(settings: Settings, metrics: tuple[str, int] | None, environ: Mapping[str, str]) -> Iterator[Employed]:
    """The bot at work for as long as the block lasts. `UserError` when something that it needs cannot be used."""
    place = Place(settings.database, settings.directory)
    with ExitStack() as stack:
        stack.callback(start_tracing(environ))
        performer = stack.enter_context(closing(connect(settings)))
        intake, database, worker = stack.enter_context(working(place, performer, DECISIONS))
        stack.enter_context(closing(keep_up(settings, performer, intake, database)))
        watch = stack.enter_context(watching(place, worker.is_alive))
        yield Employed(intake, watch, stack.enter_context(monitored(metrics, watch)))
