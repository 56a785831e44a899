"""The web server: takes signed deliveries, answers at once, and leaves the work to the runner.

It must never read a body before its size is known to be bearable, nor tell a sender more than an id when it fails.

`POST /hooks/github` and `POST /hooks/gitlab` take what the forges send, as far as there is a door for them;
`GET /healthz` says that the process answers. Every reply is JSON.
For now werkzeug's threaded server carries this; which one carries it for good is a later choice, by measurement.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from socket import AF_INET, AF_INET6, create_server
from typing import Protocol

from flask import Flask, Request, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, HTTPException, LengthRequired, RequestEntityTooLarge, Unauthorized
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from bot.app.log import name_fault
from bot.core.errors import Fault, UserError
from bot.core.events import BadSignature, Delivery, Event, Ignored, Malformed
from bot.core.model import ForgeName, Repo

BODY_LIMIT = 26_000_000
"""Bytes a body must stay under; GitHub caps its deliveries at 25 MB."""

_log = logging.getLogger(__name__)


class Parse(Protocol):
    """A forge's hook parser with its secrets filled in."""

    def __call__(self, headers: Mapping[str, str], body: bytes) -> Delivery | BadSignature | Malformed: ...


class Handler(Protocol):
    """What the server needs of whoever takes events: that they are safe when `handle` returns.

    It raises a `Fault` when they are not.
    """

    def handle(self, delivery: str, event: Event) -> object: ...


Doors = Mapping[ForgeName, Parse]
"""The forges that deliveries are taken from."""


def create_app(doors: Doors, runner: Handler, admits: Callable[[Repo], bool] = lambda _: True) -> Flask:
    """The web application; it starts nothing by itself. Deliveries of repositories that it `admits` not are ignored."""
    app = Flask("relbot")
    app.register_error_handler(HTTPException, _answer_refusal)
    app.register_error_handler(Exception, _answer_fault)
    for forge, parse in doors.items():
        app.add_url_rule(f"/hooks/{forge}", forge, _door(forge, parse, runner, admits), methods=["POST"])

    @app.get("/healthz")
    def tell_health() -> ResponseReturnValue:
        return {"status": "ok"}

    return app


def _door(
    forge: ForgeName, parse: Parse, runner: Handler, admits: Callable[[Repo], bool]
) -> Callable[[], ResponseReturnValue]:
    def take() -> ResponseReturnValue:
        parsed = parse(dict(request.headers), _read_body(request, forge))
        match parsed:
            case BadSignature(reason):
                _log.warning("a delivery was refused: %s", reason)
                raise Unauthorized(reason)
            case Malformed(reason):
                _log.warning("a delivery cannot be read: %s", reason)
                raise BadRequest(reason)
            case Delivery(id, event):
                if isinstance(event, Ignored):
                    return {"ignored": event.reason}, 202
                if not admits(event.repo):
                    return {"ignored": f"{event.repo.path} belongs to none of the owners that this server is for"}, 202
                return _hand_over(runner, id, event)

    return take


def _hand_over(runner: Handler, id: str, event: Event) -> ResponseReturnValue:  # noqa: A002 - the delivery's
    """Taken, or not to be taken now: then the sender hears so, and sends it again or is asked for it."""
    try:
        runner.handle(id, event)
    except Fault as fault:
        name = name_fault(fault)
        _log.error("a delivery could not be kept: %s", fault, extra={"fault": name})
        answer = {"error": "I cannot keep deliveries now. Send it again later.", "fault": name}
        return answer, 503, {"Retry-After": "60"}
    return {"delivery": id}, 202


def listen(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """A server bound to its port (0: any free one, see `port`), ready for `serve_forever`."""
    try:
        bound = create_server((host, port), family=AF_INET6 if ":" in host else AF_INET, backlog=128)
    except OSError as error:
        raise UserError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. Choose another with --host and --port."
        ) from error
    with bound:
        return make_server(host, port, app, threaded=True, request_handler=_Connection, fd=bound.fileno())


class _Connection(WSGIRequestHandler):
    timeout = 30
    """Seconds a silent sender may keep a thread."""
    disable_nagle_algorithm = True
    """Head and body of an answer are two writes: the second must not wait for the first one's acknowledgement."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the name that werkzeug gives it
        logging.getLogger("relbot.http").log(logging.WARNING if type == "error" else logging.DEBUG, message, *args)


def _read_body(incoming: Request, forge: ForgeName) -> bytes:
    """The raw body, after everything that can be refused without it."""
    if incoming.content_length is None:
        raise LengthRequired("Send the body with a Content-Length.")
    if incoming.content_length >= BODY_LIMIT:
        raise RequestEntityTooLarge(f"The body has {incoming.content_length} bytes; it must stay under {BODY_LIMIT}.")
    needed, proofs = _HEADERS[forge]
    for name in needed:
        if name not in incoming.headers:
            raise BadRequest(f"The header {name} is missing.")
    if not any(name in incoming.headers for name in proofs):
        raise Unauthorized(f"The header {' or '.join(proofs)} is missing: set a secret in the webhook's settings.")
    return incoming.get_data(cache=False)


_HEADERS: dict[ForgeName, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "github": (("X-GitHub-Event", "X-GitHub-Delivery"), ("X-Hub-Signature-256",)),
    "gitlab": (("X-Gitlab-Event",), ("X-Gitlab-Token", "webhook-signature")),
}
"""Of each forge, the headers that a delivery has, and those of which one has to prove where it comes from."""


def _answer_refusal(error: HTTPException) -> ResponseReturnValue:
    headers = [(name, value) for name, value in error.get_headers() if name != "Content-Type"]
    return {"error": error.description}, error.code or 500, headers


def _answer_fault(error: Exception) -> ResponseReturnValue:
    name = name_fault(error)
    _log.error("fault", exc_info=error, extra={"fault": name})
    return {"error": "Something went wrong here; the log has it under this id.", "fault": name}, 500
