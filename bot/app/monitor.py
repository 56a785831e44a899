"""A second, private address for whoever watches the bot: `/metrics`, `/healthz` and `/readyz`.

It must never be where the forges send to: what it tells is for the operator, so it has an address of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from flask import Response

from bot.app import meters
from bot.app.health import Health, checks_of
from bot.app.listening import Bounds, Server, listen
from bot.app.server import Web, add_health
from bot.app.store.database import Database
from bot.app.store.spool import Spool
from bot.app.work import Place

_FEW = Bounds(threads=2, connections=50, waiting=20, head=5, idle=60, stop=1)


def create_monitor(render: Callable[[], bytes], troubles: Callable[[], Mapping[str, str]]) -> Web:
    """The application; `render` makes the metrics."""
    app = Web({})
    add_health(app, troubles)

    @app.get("/metrics")
    def tell_metrics() -> Response:
        return Response(render(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return app


@dataclass(frozen=True, slots=True)
class Watching:
    """What there is to be told about one process that is at work."""

    health: Health
    backlog: meters.Backlog

    def render(self) -> bytes:
        """The metrics."""
        return meters.render(self.backlog)


@contextmanager
def watching(place: Place, works: Callable[[], bool]) -> Iterator[Watching]:
    """Looks at a place with connections of its own and little patience; `works`: whether the worker is alive."""
    with closing(Database(place.database.reveal(), _PATIENCE)) as database:
        spool = Spool(place.directory / "spool")
        checks = checks_of(database, place.directory, works)
        yield Watching(Health(checks), meters.Backlog(database, spool.__len__))


_PATIENCE = 1.0


@contextmanager
def monitored(address: tuple[str, int] | None, watch: Watching) -> Iterator[Server | None]:
    """Answer there for as long as the block lasts; nothing without an address. `UserError` when it is taken."""
    if address is None:
        yield None
        return
    app = create_monitor(watch.render, watch.health.troubles)
    server = listen(app, *address, _FEW, "Choose another with --metrics, or with `metrics` under [server].")
    thread = threading.Thread(target=server.serve_forever, name="monitor", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(5)
