"""Runs the sandbox forge: a threaded HTTP server on the loopback address, in this process.

It never listens to another machine, and never outlives the `with` block or the process it was started in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from bot.sandbox.app import App
from bot.sandbox.bare import Bare
from bot.sandbox.deliveries import Deliveries, Delivery
from bot.sandbox.exchanges import Api, Observer
from bot.sandbox.faces import Face, Kind
from bot.sandbox.faults import Entry, Fault, Journal
from bot.sandbox.forge import Forge
from bot.sandbox.github.api import GitHubApi
from bot.sandbox.github.face import GitHubFace
from bot.sandbox.gitlab.api import GitLabApi
from bot.sandbox.gitlab.face import GitLabFace
from bot.sandbox.stage import Stage

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_KINDS: dict[Kind, tuple[Callable[[], Face], Callable[[Forge, Journal], Api]]] = {
    "github": (GitHubFace, GitHubApi), "gitlab": (GitLabFace, GitLabApi),
}


class _Handler(WSGIRequestHandler):
    # Head and body of an answer are two writes: without this the second waits 40 ms for the client's acknowledgement.
    disable_nagle_algorithm = True
    timeout = 60

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the name is werkzeug's
        """Say nothing: the journal has it."""


def _seen_from(url: str, app: WSGIApplication) -> WSGIApplication:
    """The application as it looks from where it has this address: answers hold addresses of their own."""
    outside = urlsplit(url)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return app(environ | {"wsgi.url_scheme": outside.scheme, "HTTP_HOST": outside.netloc}, start_response)

    return answer


class Sandbox(Stage):
    """A forge that runs while the `with` block does; what it holds stays in `directory` for the next one."""

    def __init__(
        self,
        directory: Path,
        kind: Kind = "github",
        *,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        observer: Observer | None = None,
    ) -> None:
        face, api = _KINDS[kind]
        super().__init__(Forge(directory, face(), Deliveries(observer), clock))
        journal = Journal()
        self.app = App(self.forge, api(self.forge, journal), journal, observer)
        self._port = port
        self.known_as: str | None = None
        """Its address where that is not the one it listens at: something stands in front of it. Read by `start`."""
        self._server: BaseWSGIServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1, or on the one that was asked for."""
        app = _seen_from(self.known_as, self.app) if self.known_as else self.app
        server = make_server("127.0.0.1", self._port, app, threaded=True, request_handler=_Handler)
        self._server, self.forge.url = server, self.known_as or f"http://127.0.0.1:{server.port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening and sending. The server keeps no connection open, so nothing reaches this forge any more."""
        self.forge.deliveries.stop()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        """Where the API is, and in front of `/owner/name.git` git; no slash at the end."""
        return self.forge.url

    @property
    def requests(self) -> list[Entry]:
        """Every API and git request so far."""
        return list(self.app.journal.entries)

    @property
    def unknown_routes(self) -> list[str]:
        """Method and path of every API request that the sandbox has no route for."""
        return self.app.journal.unknown

    @property
    def unread_parameters(self) -> list[str]:
        """Every parameter that a client believes in and the sandbox's GitLab knows nothing of."""
        return self.app.journal.unread

    @property
    def crashes(self) -> list[str]:
        """Tracebacks of mistakes of the sandbox itself."""
        return self.app.journal.crashes

    @property
    def deliveries(self) -> Deliveries:
        return self.forge.deliveries

    def delivered(self, event: str) -> list[Delivery]:
        """The webhooks of one event, in order."""
        return [delivery for delivery in self.forge.deliveries.all if delivery.event == event]

    def fail(self, fault: Fault) -> None:
        """Ask for a failure."""
        self.app.faults.add(fault)

    def git(self, path: str) -> Bare:
        """The bare repository itself, to look into."""
        return self.forge.bare(self.find(path))

    def clone_url(self, path: str) -> str:
        return f"{self.url}/{path}.git"
