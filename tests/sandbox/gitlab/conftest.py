"""A small project on the sandbox's GitLab, and a bare client for its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from bot.sandbox import PullWish, Sandbox

PATH = "acme/vision/torchkit"
PROJECT = f"/projects/{quote(PATH, safe='')}"
Ask = Callable[..., requests.Response]
NOWHERE = "http://127.0.0.1:9/nobody"


@pytest.fixture
def lab(gitlab_sandbox: Sandbox) -> Sandbox:
    """A project in a subgroup with main and release/2.7; ada and relbot write, rita reads, mona maintains."""
    sandbox = gitlab_sandbox
    sandbox.create_repository(PATH)
    for login, role in (("ada", "write"), ("relbot", "write"), ("rita", "read"), ("mona", "maintain")):
        sandbox.add_user(login)
        sandbox.grant(PATH, login, role)
    sandbox.commit(PATH, "main", {"a.py": "one\ntwo\nthree\n", "docs/b.md": "text\n"}, "Start", by="ada")
    sandbox.branch(PATH, "release/2.7", "main", by="ada")
    return sandbox


@pytest.fixture
def ask(lab: Sandbox) -> Iterator[Ask]:
    """Send one request: `ask("GET", "/merge_requests", body=None, by="relbot")`, the path behind the project."""
    with requests.Session() as session:

        def send(method: str, path: str, body: object = None, *, by: str | None = "relbot", root: str = PROJECT):
            headers = {"PRIVATE-TOKEN": lab.token_for(by)} if by else {}
            return session.request(method, f"{lab.url}/api/v4{root}{path}", json=body, headers=headers, timeout=10)

        yield send


@pytest.fixture
def quiet(lab: Sandbox) -> Sandbox:
    """The same, with a webhook that keeps what it would send: nobody has to listen, and nothing is given up."""
    lab.add_hook(PATH, NOWHERE, "t0ken")
    lab.deliveries.hold()
    return lab


def push_topic(lab: Sandbox, name: str = "topic", files: dict[str, Any] | None = None, *, commits: int = 1) -> None:
    """A branch with commits of its own."""
    lab.branch(PATH, name, "main", by="ada")
    for count in range(1, commits + 1):
        content, message = files or {f"{name}{count}.py": f"{count}\n"}, f"Add {name} {count}\n\nWhy {count}."
        lab.commit(PATH, name, content, message, by="ada")


def open_topic(lab: Sandbox, name: str = "topic", files: dict[str, Any] | None = None, *, commits: int = 1) -> int:
    """The same with a merge request to main; answers its number."""
    push_topic(lab, name, files, commits=commits)
    return lab.open_pull(PATH, PullWish(f"Topic {name}", name, "main", "Body"), by="ada")


def told(lab: Sandbox) -> list[str]:
    """Event and action, or ref, of everything that was sent or waits to be."""
    found = []
    for delivery in lab.deliveries.all:
        payload = delivery.payload
        what = payload.get("object_attributes", {}).get("action", payload.get("ref", ""))
        found.append(f"{delivery.event} {what}")
    return found


def last(lab: Sandbox) -> dict[str, Any]:
    """The body of the webhook that was sent last, or waits to be."""
    return lab.deliveries.all[-1].payload
