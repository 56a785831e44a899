"""The web server: takes signed deliveries, answers at once, and leaves the work to the runner.

It must never read a body before its size is known to be bearable, nor tell a sender more than an id when it fails.

`POST /hooks/github` and `POST /hooks/gitlab` take what the forges send, as far as there is a door for them;
`GET /healthz` says that the process answers, `GET /readyz` whether it can do its work. Every reply is JSON.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from flask import Flask, Request, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import EnvironHeaders, Headers
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    LengthRequired,
    RequestEntityTooLarge,
    ServiceUnavailable,
    Unauthorized,
)

from bot.app import meters
from bot.app.listening import CROWDED, RECEIVED
from bot.app.log import about, name_fault
from bot.app.tracing import span
from bot.core.errors import Fault
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


class Web(Flask):
    """The web application; it starts nothing by itself."""

    def __init__(self, doors: Doors) -> None:
        super().__init__("relbot")
        self._doors = doors

    def wants_body(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """Whether the body of a request will be read; `headers` are named as in a WSGI environment, without `HTTP_`."""
        forge = next((forge for forge in self._doors if path.lstrip("/") == f"hooks/{forge}"), None)
        if method != "POST" or forge is None:
            return False
        length = headers.get("CONTENT_LENGTH")
        try:
            _check_head(EnvironHeaders({f"HTTP_{name}": value for name, value in headers.items()}),
                        int(length) if length is not None else None, forge)  # fmt: skip
        except HTTPException:
            return False
        return True


def create_app(
    doors: Doors,
    runner: Handler,
    admits: Callable[[Repo], bool] = lambda _: True,
    troubles: Callable[[], Mapping[str, str]] = dict,
) -> Web:
    """The web application. Deliveries of repositories that it `admits` not are ignored.

    `troubles` are what keeps the bot from its work, by the name of the part.
    """
    app = Web(doors)
    app.register_error_handler(HTTPException, _answer_refusal)
    app.register_error_handler(Exception, _answer_fault)
    for forge, parse in doors.items():
        app.add_url_rule(f"/hooks/{forge}", forge, _door(forge, parse, runner, admits), methods=["POST"])
    add_health(app, troubles)
    return app


def add_health(app: Flask, troubles: Callable[[], Mapping[str, str]]) -> None:
    """`/healthz` and `/readyz`."""

    @app.get("/healthz")
    def tell_health() -> ResponseReturnValue:
        return {"status": "ok"}

    @app.get("/readyz")
    def tell_readiness() -> ResponseReturnValue:
        found = troubles()
        return ({"status": "not ready", "troubles": found}, 503) if found else {"status": "ready"}


def _door(
    forge: ForgeName, parse: Parse, runner: Handler, admits: Callable[[Repo], bool]
) -> Callable[[], ResponseReturnValue]:
    def take() -> ResponseReturnValue:
        since = float(request.environ.get(RECEIVED) or time.monotonic())
        name = _name(request.headers)
        with about(**({"delivery": name} if name else {})):
            try:
                _look_at(request, forge, time.monotonic() - since)
                result, answer = _take(parse(dict(request.headers), request.get_data(cache=False)), runner, admits)
            except HTTPException as refusal:
                meters.note_refusal(forge, _REASONS.get(refusal.code or 0, "other"))
                _log.warning("a delivery was refused: %s", refusal.description)
                raise
            except Exception as error:
                meters.note_refusal(forge, "fault")
                return _answer_fault(error)
            meters.note_delivery(forge, result, time.monotonic() - since)
            return answer

    return take


_REASONS = {400: "malformed", 401: "untrusted", 411: "no length", 413: "too large", 503: "crowded"}


def _name(headers: Headers) -> str:
    """What a delivery is called in the log, by whoever sent it."""
    return next((headers[name] for name in _NAMES if name in headers), "")[:100]


_NAMES = ("X-GitHub-Delivery", "Idempotency-Key", "webhook-id", "X-Gitlab-Event-UUID")


def _look_at(incoming: Request, forge: ForgeName, waited: float) -> None:
    """Refuse what needs no more than a look. Who has waited long already is not kept for as long again."""
    _check_head(incoming.headers, incoming.content_length, forge)
    if incoming.environ.get(CROWDED) or waited > _LONGEST_WAIT:
        raise ServiceUnavailable(
            "There is no room for this delivery now. Send it again later.", retry_after=_COME_AGAIN
        )  # fmt: skip


_LONGEST_WAIT = 2.0
"""Seconds in line. A forge hangs up after ten, and what waits may still have to wait for the database."""


def _take(
    parsed: Delivery | BadSignature | Malformed, runner: Handler, admits: Callable[[Repo], bool]
) -> tuple[str, ResponseReturnValue]:
    """What became of a delivery, in a word, and the answer to it."""
    match parsed:
        case BadSignature(reason):
            raise Unauthorized(reason)
        case Malformed(reason):
            raise BadRequest(reason)
        case Delivery(id, event):
            if isinstance(event, Ignored):
                return "ignored", ({"ignored": event.reason}, 202)
            if not admits(event.repo):
                why = f"{event.repo.path} belongs to none of the owners that this server is for"
                return "ignored", ({"ignored": why}, 202)
            return _hand_over(runner, id, event)


def _hand_over(runner: Handler, id: str, event: Event) -> tuple[str, ResponseReturnValue]:  # noqa: A002 - the delivery's
    """Taken, or not to be taken now: then the sender hears so, and sends it again or is asked for it."""
    try:
        with span("delivery", f"{event.repo.forge}:{id}", event=type(event).__name__, repository=event.repo.path):
            runner.handle(id, event)
    except Fault as fault:
        name = name_fault(fault)
        _log.error("a delivery could not be kept: %s", fault, extra={"fault": name})
        answer = {"error": "I cannot keep deliveries now. Send it again later.", "fault": name}
        return "not kept", (answer, 503, {"Retry-After": str(_COME_AGAIN)})
    return "taken", ({"delivery": id}, 202)


_COME_AGAIN = 60
"""Seconds."""


def _check_head(headers: Headers, length: int | None, forge: ForgeName) -> None:
    """Refuse everything that can be refused without the body."""
    if length is None:
        raise LengthRequired("Send the body with a Content-Length.")
    if length >= BODY_LIMIT:
        raise RequestEntityTooLarge(f"The body has {length} bytes; it must stay under {BODY_LIMIT}.")
    needed, proofs = _HEADERS[forge]
    for name in needed:
        if name not in headers:
            raise BadRequest(f"The header {name} is missing.")
    if not any(name in headers for name in proofs):
        raise Unauthorized(f"The header {' or '.join(proofs)} is missing: set a secret in the webhook's settings.")


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
