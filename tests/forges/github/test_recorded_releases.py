"""Tags, releases, checks and discussions as GitHub was recorded to answer them, told to the adapter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.core.actions import Missing
from bot.core.model import Release, Repo, Secret, Tag
from bot.forges.github import GitHub
from bot.forges.pacing import Manners
from tests.forges.canned import Canned, serving

_DATA = Path(__file__).parents[2] / "data"
SHA = "1" * 40
RELEASE = r"/repos/[^/]+/[^/]+/releases/(latest|tags/.+|\d+)"
MANNERS = Manners(2, waits=(), pace=None)


def recorded(file: str, path: str) -> Iterator[Any]:
    """The bodies of all answers to reads of such a path."""
    for line in (_DATA / file).read_text("utf-8").splitlines():
        one = json.loads(line)
        plain = str(one["path"]).partition("?")[0]
        if one["method"] == "GET" and one["status"] == 200 and re.fullmatch(path, plain):
            yield one["body"]


def test_every_recorded_answer_is_read() -> None:
    repo, count = Repo("github", 1, "o/r", "main"), 0
    with serving() as script:
        forge = GitHub(script.url, Secret("token"), manners=MANNERS)
        for body in recorded("recorded/github-rest.jsonl", r"/repos/[^/]+/[^/]+/tags"):
            script.answers.append(Canned(body=body))
            assert forge.tags.all(repo) == tuple(Tag(one["name"], one["commit"]["sha"]) for one in body)
            count += 1
        files = ("recorded/github-rest.jsonl", "recorded/github-octokit.jsonl")
        for body in (body for file in files for body in recorded(file, RELEASE)):
            script.answers.append(Canned(body=body))
            read = forge.releases.find(repo, body["tag_name"])
            texts = (body["tag_name"], body["name"] or "", body["body"] or "")
            assert read == Release(*texts, body["html_url"], body["draft"], body["prerelease"])
            count += 1
        for body in recorded("recorded/github-rest.jsonl", r"/repos/[^/]+/[^/]+/commits/[0-9a-f]+/check-runs"):
            script.answers += [Canned(body=body), Canned(body={"statuses": []})]
            found = forge.checks.of(repo, SHA)
            assert not isinstance(found, Missing)
            assert sorted(check.name for check in found) == sorted(run["name"] for run in body["check_runs"])
            count += 1
    assert count > 6
