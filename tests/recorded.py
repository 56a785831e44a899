"""Reads what api.github.com was recorded to answer: single exchanges, scenarios, errors, and those of the sessions.

It never changes what was said; only addresses can be led to a server of the tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from tests.forges.canned import Canned
from tests.sessions import Recorded, load, names

_DATA = Path(__file__).parent / "data" / "recorded"
_FILES = ("github-rest.jsonl", "github-octokit.jsonl", "github-errors.jsonl")
_API = "https://api.github.com"


@cache
def exchanges() -> tuple[Recorded, ...]:
    """The exchanges that were recorded one by one."""
    return tuple(_read(line) for name in _FILES for line in _lines(name))


@cache
def scenario(name: str) -> tuple[Recorded, ...]:
    """The exchanges of one scenario, in order."""
    return tuple(_read(line) for line in _lines("github-octokit.jsonl") if line["scenario"] == name)


@cache
def exchanges_of_sessions() -> tuple[Recorded, ...]:
    """The exchanges of the whole sessions of another bot."""
    return tuple(one for name in names() for one in load(name).exchanges)


def answers(method: str, pattern: str, among: Iterable[Recorded] | None = None) -> list[Recorded]:
    """What GitHub answered when it did what it was asked; `pattern` is a whole path without its parameters."""
    return [
        one for one in (exchanges() if among is None else among)
        if one.method == method and one.status < 300 and re.fullmatch(pattern, one.path.partition("?")[0])
    ]  # fmt: skip


@cache
def refusals() -> tuple[Recorded, ...]:
    """Every answer by which GitHub did not do what it was asked, in each way of saying so once."""
    found: dict[str, Recorded] = {}
    for one in (*exchanges(), *exchanges_of_sessions()):
        if one.status >= 300:
            said = {name: one.answer[name] for name in ("message", "errors") if name in (one.answer or {})}
            found.setdefault(json.dumps([one.status, said], sort_keys=True), one)
    return tuple(found.values())


def name_of(recorded: Recorded) -> str:
    """What a test about it is called."""
    return f"{recorded.status} {recorded.method} {recorded.path[-50:]}"


def replay(recorded: Recorded, server: str) -> Canned:
    """The recorded answer, with `server` in the place of GitHub's API in all its addresses."""
    headers = tuple((name, str(value).replace(_API, server)) for name, value in recorded.headers.items()
                    if name.lower() != "content-type")
    body = b"" if recorded.answer is None else json.dumps(recorded.answer).replace(_API, server).encode()
    return Canned(recorded.status, body, headers)


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_DATA / name).read_text("utf-8").splitlines()]


def _read(line: dict[str, Any]) -> Recorded:
    # What had no body was recorded with an empty text.
    request, answer = line.get("request_body") or None, line["body"] if line["body"] != "" else None
    return Recorded(line["method"], line["path"], request, line["status"], line["headers"], answer)
