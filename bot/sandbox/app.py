"""The forge's front door: tells API, git and control requests apart, fails on demand, keeps the journal.

It never answers an API request itself: the API of the forge's kind does.
"""

from __future__ import annotations

import json
import socket
import time
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from bot.sandbox.exchanges import Answer, Api, Observer
from bot.sandbox.faults import Entry, Fault, Faults, Journal
from bot.sandbox.forge import Forge
from bot.sandbox.git_http import challenge, is_git, serve_git, service_of
from bot.sandbox.refusals import Refusal
from bot.sandbox.routes_control import answer_control

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_CRASHED = 500


class App:
    """The WSGI application over one forge and its API."""

    def __init__(self, forge: Forge, api: Api, journal: Journal, observer: Observer | None = None) -> None:
        self.forge = forge
        self.faults = Faults()
        self.journal = journal
        self._api = api
        self._observer = observer

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if request.path.startswith("/_sandbox/"):
            return answer_control(self.forge, self.faults, self.journal, request)(environ, start_response)
        fault = self.faults.take(request.method, request.path, git=is_git(request.path))
        if fault and not fault.after:
            time.sleep(fault.delay)
        response = self._answer(request, fault)
        if fault and fault.after:
            time.sleep(fault.delay)
        if fault and fault.drop:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return response(environ, start_response)

    def _answer(self, request: Request, fault: Fault | None) -> Response:
        git = is_git(request.path)
        if fault and not fault.after and (fault.status or fault.drop):
            request.get_data()
            response, operation, observed = _invent(fault), "fault", None
        else:
            response, operation, observed = self._serve(request, self._answer_git if git else self._api.answer)
        if fault and fault.after and fault.status:
            response = _invent(fault)
        if fault and fault.cut:
            response.set_data(response.get_data()[: len(response.get_data()) // 2])
        status = 0 if fault and fault.drop else response.status_code
        kind = "git" if git else "api"
        self.journal.entries.append(Entry(kind, request.method, request.path, operation, status))
        if observed and self._observer:
            self._observer.observe(observed)
        return response

    def _serve(self, request: Request, answer: Callable[[Request], Answer]) -> Answer:
        try:
            return answer(request)
        except Exception:  # a mistake of the sandbox itself: it is told to whoever runs it, and never hidden
            self.journal.crashes.append(traceback.format_exc())
            return Response(self.journal.crashes[-1], _CRASHED, content_type="text/plain"), "crash", None

    def _answer_git(self, request: Request) -> Answer:
        try:
            response = serve_git(self.forge, request, self._api.asker(request))
        except Refusal as refusal:
            response = challenge(self.forge, refusal.message)
        return response, service_of(request.path), None


def _invent(fault: Fault) -> Response:
    text = fault.body if isinstance(fault.body, str) else json.dumps(fault.body if fault.body is not None else {})
    kind = "text/html" if isinstance(fault.body, str) else "application/json"
    return Response(text, fault.status or 502, fault.headers, content_type=kind)
