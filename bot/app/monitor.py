"""A second, private address for whoever watches the bot: `/metrics`, `/healthz` and `/readyz`.

It must never be where the forges send to: what it tells is for the operator, so it has an address of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from flask import Response

from bot.app.listening import Bounds, Server, listen
from bot.app.server import Web, add_health

_FEW = Bounds(threads=2, connections=50, waiting=20, head=5, idle=60, stop=1)


def create_monitor(render: Callable[[], bytes], troubles: Callable[[], Mapping[str, str]]) -> Web:
    """The application; `render` makes the metrics."""
    app = Web({})
    add_health(app, troubles)

    @app.get("/metrics")
    def tell_metrics() -> Response:
        return Response(render(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return app


@contextmanager
def watched(
    address: tuple[str, int] | None, render: Callable[[], bytes], troubles: Callable[[], Mapping[str, str]]
) -> Iterator[Server | None]:
    """Answer there for as long as the block lasts; nothing without an address. `UserError` when it is taken."""
    if address is None:
        yield None
        return
    server = listen(create_monitor(render, troubles), *address, _FEW, "Choose another with --metrics.")
    thread = threading.Thread(target=server.serve_forever, name="monitor", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(5)
