"""A server that gives the answers it was handed, in order, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Canned:
    """One answer. `cut` promises more bytes than are sent, `drop` hangs up instead, `delay` is seconds, `kind` what
    the body says it is.
    """

    status: int = 200
    body: object = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0
    cut: bool = False
    drop: bool = False
    kind: str = "application/json; charset=utf-8"

    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: object


@dataclass
class Script:
    """Where the server is, what it will still answer, and what it was asked so far."""

    url: str
    answers: list[Canned]
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; without this the second waits 40 ms for the first to be acknowledged.
    disable_nagle_algorithm = True
    timeout = 10
    script: Script

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_file = self.headers.get("Content-Type") == "application/octet-stream"
        content = (body if is_file else json.loads(body)) if body else None
        self.script.asked.append(Asked(self.command, self.path, dict(self.headers), content))
        answer = self.script.answers.pop(0) if self.script.answers else Canned(500, {"message": "nothing left to say"})
        self.script.over.wait(answer.delay)
        if answer.drop or answer.cut:
            self.close_connection = True
        if answer.drop:
            return
        payload = answer.payload()
        self.send_response_only(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(payload) + 50 * answer.cut))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 - the names of the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has hung up is part of the tests."""


@contextmanager
def serving(*answers: Canned) -> Iterator[Script]:
    """Serve `answers` on a free port for as long as the context lasts."""
    script = Script("", list(answers))
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"script": script}))
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
