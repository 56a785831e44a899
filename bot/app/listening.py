"""Carries the web application over HTTP: waitress in this process, with a bound on everything that a sender can use up.

It must never let a slow, large or numerous sender keep an honest one waiting: whoever is too much is refused at once.

What can be refused by its head alone is handed to the application without its body, which is not read; so is what comes
when too many requests wait (`CROWDED` in the environment): the application says in its own words why. docs/serving.md
has the measurements that chose waitress.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from socket import AF_INET, AF_INET6, SHUT_WR, create_server, socket
from typing import Any, Protocol

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from bot.core.errors import UserError

CROWDED = "relbot.crowded"
"""In a request's environment: there is no room for it now."""
RECEIVED = "relbot.received"
"""In a request's environment: when all of it was there (of `time.monotonic`)."""

_SMALL = 256_000
"""Bytes of a body that is let in without being counted: the number of connections bounds those."""
_LINGER = 5.0
"""Seconds for which the rest of a body that nobody reads is thrown away, so that its sender gets to see the answer."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much at a time, and for how long (seconds).

    `connections` stays well under the 1,024 files that a process may usually open. `waiting` requests stand in line for
    the `threads`; `bodies` is how many bytes of large bodies may be under way: 32 of the largest.
    """

    threads: int = 8
    connections: int = 800
    waiting: int = 128
    bodies: int = 32 * 25_000_000
    head: float = 15
    body: float = 60
    idle: float = 30
    stop: float = 10


class Web(Protocol):
    """A WSGI application that can tell by a request's head whether it would read the body."""

    def __call__(self, environ: Any, start_response: Any, /) -> Any: ...  # noqa: ANN401 - of WSGI
    def wants_body(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """`headers` are named as in a WSGI environment, without `HTTP_`."""


class _Request(HTTPRequestParser):
    """A request that comes in. `unread`: its body is left where it is; `crowded`: there was no room for it."""

    def __init__(self, server: Server, adj: Adjustments) -> None:
        super().__init__(adj)
        self._server = server
        self._reserved = 0
        self.began = time.time()
        self.received_at = 0.0
        self.unread = False
        self.crowded = False

    def received(self, data: bytes) -> int:
        """What follows the head of a refused request is no request of its own."""
        consumed = int(super().received(data))
        return len(data) if self.unread else consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Decide by the head alone what becomes of the body."""
        try:
            super().parse_header(header_plus)
        except ValueError:  # a number too long for Python
            raise ParsingError("Content-Length is invalid") from None
        if self.chunked:
            self.headers.pop("CONTENT_LENGTH", None)  # both were sent: no length that could be trusted
        elif self.content_length == 0:
            return
        if not self._server.web.wants_body(self.command, self.path, self.headers):
            self._leave_body()
        elif not self._reserve():
            self.crowded = True
            self._leave_body()

    def close(self) -> None:
        """The request is answered, or its sender has gone."""
        super().close()
        self._server.in_flight -= self._reserved
        self._reserved = 0

    def _reserve(self) -> bool:
        """Make room for the body. Only the thread of the connections counts up; another may count down meanwhile."""
        size = self.content_length if self.content_length > _SMALL else 0
        with self._server.counting:
            if size and self._server.in_flight + size > self._server.bounds.bodies:
                return False
            self._server.in_flight += size
        self._reserved = size
        return True

    def _leave_body(self) -> None:
        self.unread = True
        self.body_rcv = None
        self.content_length = 0
        self.chunked = False
        self.expect_continue = False
        self.headers["CONNECTION"] = "close"


class _Task(WSGITask):
    """One request with its answer."""

    def get_environment(self) -> dict[str, Any]:
        """The environment, with what is known of the request here."""
        environ: dict[str, Any] = super().get_environment()
        environ[RECEIVED] = self.request.received_at
        environ[CROWDED] = self.request.crowded
        return environ


class _Refusal(ErrorTask):
    """The answer to what is no HTTP; waitress itself would give it as text."""

    def execute(self) -> None:
        """Write the answer."""
        error = self.request.error
        body = json.dumps({"error": f"{error.reason}: {error.body}."}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    """One connection. Whatever its sender is about to do, there is a moment by which it has to be done."""

    task_class = _Task
    error_task_class = _Refusal
    close_when_flushed: bool = False
    request: _Request | None

    def __init__(self, server: Server, connection: socket, *rest: Any, **named: Any) -> None:  # noqa: ANN401 - as inherited
        super().__init__(server, connection, *rest, **named)
        self.parser_class = partial(_Request, server)
        self.was_served = False
        self._unread = False
        self._lingers_since = 0.0

    def is_in_hand(self) -> bool:
        """Whether a request of it is being answered."""
        return bool(self.requests)

    def is_at_rest(self) -> bool:
        """Whether nobody waits for anything here."""
        return not (self.requests or self.request or self.total_outbufs_len or self._lingers_since)

    def is_late(self, now: float) -> bool:
        """Whether its sender has had its time."""
        bounds, request = self.server.bounds, self.request
        if self.requests:
            return False
        if self._lingers_since:
            return now > self._lingers_since + _LINGER
        if request is None or self.total_outbufs_len:
            allowed = bounds.idle if self.was_served else bounds.head
            return bool(now > self.last_activity + allowed)
        return bool(now > request.began + (bounds.body if request.headers_finished else bounds.head))

    def note_served(self, request: _Request) -> None:
        """A request is whole."""
        self.was_served = True
        self._unread = self._unread or request.unread
        request.received_at = time.monotonic()

    def readable(self) -> bool:
        """What is thrown away has to be read all the same."""
        return bool(self._lingers_since and not self.will_close) or bool(super().readable())

    def received(self, data: bytes) -> bool:
        """Take what came, unless nobody wants it any more."""
        return True if self._lingers_since else bool(super().received(data))

    def handle_write(self) -> None:
        """Send; where a body was left unread, close in two halves: closing at once would take the answer back."""
        if self.close_when_flushed and self._unread and not self.will_close:
            self._flush_exception(self._flush_some)
            if not (self.total_outbufs_len or self.will_close):
                self.close_when_flushed = False
                self._lingers_since = time.time()
                self.socket.shutdown(SHUT_WR)
                return
        super().handle_write()

    def handle_close(self) -> None:
        """Let go of what half a request has taken up."""
        request, self.request = self.request, None
        if request is not None:
            request.close()
        super().handle_close()


class Server(TcpWSGIServer):
    """A server bound to its port. `serve_forever` runs it until another thread or a signal calls `shutdown`."""

    channel_class = _Channel

    def __init__(self, web: Web, bound: socket, bounds: Bounds) -> None:
        self.web = web
        self.bounds = bounds
        self.in_flight = 0
        self.counting = threading.Lock()
        self._stopping = threading.Event()
        self._closing = threading.RLock()  # `shutdown` may interrupt, in a signal's handler, who holds it
        self._closed = False
        self._porter = _threads(1)
        options = Adjustments(
            threads=bounds.threads, connection_limit=2 * bounds.connections, backlog=1024, ident="",
            channel_timeout=10**9, max_request_header_size=32_768, asyncore_use_poll=True,
            log_socket_errors=False, clear_untrusted_proxy_headers=True,
        )  # fmt: skip
        self._between = options.cleanup_interval = min(1.0, bounds.head / 4)
        place = (bound.family, bound.type, bound.proto, bound.getsockname())
        super().__init__(web, {}, True, bound, _threads(bounds.threads), options, sockinfo=place, bind_socket=False)

    @property
    def host(self) -> str:
        """The address it is bound to."""
        return str(self.effective_host)

    @property
    def port(self) -> int:
        """The port it is bound to."""
        return int(self.effective_port)

    def serve_forever(self) -> None:
        """Serve until `shutdown`, then take nothing more, answer what is under way, and return."""
        while not self._stopping.is_set():
            self._turn(self._between if self.active_channels else 30.0)
        self._let_nobody_in()
        end = time.monotonic() + self.bounds.stop
        while self.active_channels and time.monotonic() < end:
            for channel in list(self.active_channels.values()):
                if channel.is_at_rest():
                    channel.handle_close()
            self._turn(0.05)
        self.task_dispatcher.shutdown(timeout=1)
        self._porter.shutdown(timeout=1)
        with self._closing:
            self._closed = True
            wasyncore.close_all(self._map)

    def shutdown(self) -> None:
        """Have `serve_forever` come to an end. May be called from a signal's handler."""
        self._stopping.set()
        self.pull_trigger()

    def pull_trigger(self) -> None:
        """Wake the loop, unless it has ended: what it was woken through is closed then, or by now another's file."""
        with self._closing:
            if not self._closed:
                super().pull_trigger()

    def add_task(self, channel: _Channel) -> None:
        """A request is whole: into the line, or straight to the door when the line is long or it was refused."""
        request = channel.requests[0]
        channel.note_served(request)
        if len(self.task_dispatcher.queue) >= self.bounds.waiting:
            request.crowded = True
        (self._porter if request.crowded or request.unread else self.task_dispatcher).add_task(channel)

    def handle_accept(self) -> None:
        """Let somebody in; when the house is full, in the place of whoever has been the longest without a request."""
        if len(self.active_channels) >= self.bounds.connections:
            waiting = [channel for channel in self.active_channels.values() if not channel.is_in_hand()]
            if waiting:
                min(waiting, key=lambda one: (one.was_served, one.creation_time)).handle_close()
        super().handle_accept()

    def maintenance(self, now: float) -> None:
        """Close the connections of those who have had their time."""
        for channel in self.active_channels.values():
            if channel.is_late(now):
                channel.will_close = True

    def _turn(self, seconds: float) -> None:
        wasyncore.poll2(seconds, self._map)

    def _let_nobody_in(self) -> None:
        self.accepting = False
        wasyncore.dispatcher.close(self)


def listen(
    web: Web, host: str, port: int, bounds: Bounds | None = None, advice: str = "Choose another with --host and --port."
) -> Server:
    """A server bound to its port (0: any free one, see `port`), ready for `serve_forever`.

    `UserError`, which ends with the `advice`, when it cannot be bound.
    """
    try:
        bound = create_server((host, port), family=AF_INET6 if ":" in host else AF_INET, backlog=1024)
    except (OSError, OverflowError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or error
        raise UserError(f"Cannot listen on {host} port {port}: {str(said).rstrip('.')}. {advice}") from error
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every request that has to wait
    return Server(web, bound, bounds or Bounds())


def _threads(count: int) -> ThreadedTaskDispatcher:
    made = ThreadedTaskDispatcher()
    made.set_thread_count(count)
    return made
