"""A small project on the sandbox forge, a bare client for its API, and something that listens to webhooks."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.sandbox import PullWish, Sandbox

REPO = "acme/torchkit"
ROOT = f"/repos/{REPO}"
Ask = Callable[..., requests.Response]


@pytest.fixture
def kit(sandbox: Sandbox) -> Sandbox:
    """`acme/torchkit` with main and release/2.7; ada and relbot write, rita reads, mona maintains."""
    sandbox.create_repository(REPO)
    for login, role in (("ada", "write"), ("relbot", "write"), ("rita", "read"), ("mona", "maintain")):
        sandbox.add_user(login)
        sandbox.grant(REPO, login, role)
    sandbox.commit(REPO, "main", {"a.py": "one\ntwo\nthree\n", "docs/b.md": "text\n"}, "Start", by="ada")
    sandbox.branch(REPO, "release/2.7", "main", by="ada")
    return sandbox


@pytest.fixture
def ask(kit: Sandbox) -> Iterator[Ask]:
    """Send one request: `ask("GET", "/pulls", body=None, by="relbot")`, the path behind the repository."""
    with requests.Session() as session:

        def send(
            method: str, path: str, body: object = None, *, by: str | None = "relbot", root: str = ROOT,
            follow: bool = True,
        ):
            headers = {"Authorization": f"token {kit.token_for(by)}"} if by else {}
            url = f"{kit.url}{root}{path}"
            sent = {"json": body}
            if isinstance(body, bytes):
                headers["Content-Type"], sent = "application/octet-stream", {"data": body}
            return session.request(method, url, **sent, headers=headers, timeout=10, allow_redirects=follow)

        yield send


def open_topic(kit: Sandbox, name: str = "topic", files: dict[str, Any] | None = None, *, commits: int = 1) -> int:
    """A branch with commits of its own and a pull of it to main; answers the pull's number."""
    kit.branch(REPO, name, "main", by="ada")
    for count in range(1, commits + 1):
        content, message = files or {f"{name}{count}.py": f"{count}\n"}, f"Add {name} {count}\n\nWhy {count}."
        kit.commit(REPO, name, content, message, by="ada")
    return kit.open_pull(REPO, PullWish(f"Topic {name}", name, "main", "Body"), by="ada")


def git(*arguments: str, cwd: Path, ok: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a real git as a client would, without anybody's configuration."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
        "GIT_AUTHOR_NAME": "C", "GIT_AUTHOR_EMAIL": "c@example.org", "GIT_COMMITTER_NAME": "C",
        "GIT_COMMITTER_EMAIL": "c@example.org",
    }
    done = subprocess.run(
        ("git", *arguments), cwd=cwd, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode == 0) is ok, done.stderr
    return done


def remote(kit: Sandbox, login: str, path: str = REPO) -> str:
    """The address of a repository with an account's token in it."""
    return kit.clone_url(path).replace("://", f"://x-access-token:{kit.token_for(login)}@")


@dataclass
class Receiver:
    """What has arrived, as (headers, body); `answer` is the status that the sender gets."""

    url: str
    answer: int = 202
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        return [headers["X-GitHub-Event"] for headers, _ in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A listener for webhooks."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.received.append((dict(self.headers.items()), body))
            self.send_response(listener.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener = Receiver(f"http://127.0.0.1:{server.server_port}/hook?x=1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield listener
    server.shutdown()
    thread.join()
    server.server_close()
