"""A loopback git server over HTTP that can refuse, redirect and dawdle, and remembers what it was asked.

It must never listen to another machine or outlive its `with` block.
"""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tests.tools.histories import ENVIRONMENT


@dataclass(frozen=True)
class Asked:
    """One request: the path with its query, the credentials that came along (`user:password`), the status given."""

    path: str
    credentials: str | None
    status: int

    @property
    def is_fetch(self) -> bool:
        """Whether objects were asked for, and not only which refs there are."""
        return self.path.endswith("/git-upload-pack")


@dataclass
class GitServer:
    """Serves the bare repositories in a folder; the settings may be changed while it runs."""

    root: Path
    password: str | None = None
    """`user:password` that every request must carry."""
    status: int = 0
    """What to answer instead."""
    body: bytes = b"nothing to see here\n"
    kind: str = "text/plain"
    redirect: str | None = None
    """Where to send everybody who has (been allowed to) come in."""
    delay: float = 0.0
    lose_answers_to: str = ""
    """Do what is asked of paths that end so, and hang up instead of answering."""
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def fetches(self) -> int:
        return sum(asked.is_fetch and asked.status == 200 for asked in self.asked)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"settings": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    settings: GitServer
    timeout = 30

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        settings = self.settings
        sent = self.headers.get("Authorization", "").removeprefix("Basic ")
        credentials = base64.b64decode(sent).decode() if sent else None
        body = self._read_body()
        time.sleep(settings.delay)
        headers: dict[str, str] = {}
        if settings.password and credentials != settings.password:
            status, headers, answer = 401, {"WWW-Authenticate": 'Basic realm="git"'}, b"Authentication required\n"
        elif settings.status:
            status, headers, answer = settings.status, {"Content-Type": settings.kind}, settings.body
        elif settings.redirect:
            status, headers, answer = 302, {"Location": settings.redirect + self.path}, b""
        else:
            status, headers, answer = self._run_backend(body)
        settings.asked.append(Asked(self.path, credentials, status))
        if settings.lose_answers_to and self.path.endswith(settings.lose_answers_to):
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _run_backend(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, check=False, timeout=30,
            env={
                "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
                "HOME": ENVIRONMENT["HOME"], "GIT_PROJECT_ROOT": str(self.settings.root), "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "relbot",
                "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "REMOTE_ADDR": "127.0.0.1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
        )  # fmt: skip
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if line)
        return int(headers.pop("Status", "200").split()[0]), headers, answer
