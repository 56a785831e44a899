"""One API request and its answer, for whoever checks them, and what the APIs of both forges do alike over HTTP.

It never knows what is asked for or answered.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Request, Response

from bot.sandbox.faults import Journal
from bot.sandbox.state import User

Json = dict[str, Any]
_UNKNOWN = 501


@dataclass(frozen=True)
class Exchange:
    """One API request and the forge's own answer, for whoever checks them against what is published or recorded."""

    method: str
    template: str
    request: object
    status: int
    answer: object


class Observer(Protocol):
    """Whoever wants to see what the sandbox says and hears, while it happens."""

    def observe(self, exchange: Exchange) -> None:
        """One API request of a known route, and its answer."""

    def observe_event(self, event: str, payload: Json) -> None:
        """One webhook, once for every hook that gets it."""


Answer = tuple[Response, str, Exchange | None]
"""What goes back, the operation for the journal, and the exchange to check, if there is one."""


class Api(Protocol):
    """The API of one kind of forge."""

    def answer(self, request: Request) -> Answer:
        """Answer a request, whatever it asks for."""

    def asker(self, request: Request) -> User | None:
        """The account whose token came with the request, None without one. Refused when the token is wrong."""


@dataclass(frozen=True)
class Reply:
    """An answer; `body` of None is an empty one, a `str` or bytes is sent as it is."""

    status: int
    body: Json | list[Json] | list[str] | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def respond(request: Request, reply: Reply, common: Mapping[str, str]) -> Response:
    """The answer as it goes over the wire, with the headers that all have in common, and not modified if it is not."""
    headers = {**common, **reply.headers}
    if reply.body is None:
        return Response(b"", reply.status, dict(reply.headers))
    if isinstance(reply.body, bytes):
        return Response(reply.body, reply.status, headers, content_type="text/plain; charset=utf-8")
    text = json.dumps(reply.body, separators=(",", ":")).encode()
    response = Response(text, reply.status, headers, content_type="application/json; charset=utf-8")
    if request.method == "GET" and reply.status == 200:
        response.set_etag(hashlib.sha256(text).hexdigest(), weak=True)
        response.make_conditional(request)
        # It adds a date, and so does the server.
        del response.headers["Date"]
    return response


def refuse_unknown(journal: Journal, request: Request, failed: HTTPException) -> Answer:
    """Refuse a route that the sandbox does not have, in a way that cannot be taken for the real forge's answer."""
    known = "the path, but not this method" if isinstance(failed, MethodNotAllowed) else "no such path"
    what = f"{request.method} {request.path}"
    journal.unknown.append(what)
    request.get_data()
    body = {"message": f"The sandbox forge does not offer {what}: it has {known}."}
    return Response(json.dumps(body), _UNKNOWN, content_type="application/json"), "unknown", None


def basic_password(value: str) -> str:
    """The password out of the credentials of Basic authentication; empty when they are none."""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
