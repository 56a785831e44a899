"""Tags, releases, checks and discussions as GitLab was recorded to answer them, told to the adapter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.core.actions import Missing
from bot.core.model import Release, Repo, Secret, Tag
from bot.forges.gitlab import GitLab
from bot.forges.pacing import Manners
from tests.forges.canned import Canned, serving

_DATA = Path(__file__).parents[2] / "data"
SHA = "1" * 40
MANNERS = Manners(2, waits=(), pace=None)


def recorded(file: str, path: str) -> Iterator[Any]:
    """The bodies of all answers to reads of such a path."""
    for line in (_DATA / file).read_text("utf-8").splitlines():
        one = json.loads(line)
        plain = str(one["path"]).partition("?")[0]
        if one["method"] == "GET" and one["status"] == 200 and re.fullmatch(path, plain):
            yield one["body"]


def test_every_recorded_answer_is_read() -> None:
    repo, count, project = Repo("gitlab", 1, "o/r", "main"), 0, r"/api/v4/projects/[^/]+"
    file = "gitlab/rest-exchanges.jsonl"
    with serving() as script:
        forge = GitLab(script.url, Secret("token"), manners=MANNERS)
        for body in recorded(file, rf"{project}/repository/tags"):
            script.answers.append(Canned(body=body))
            assert forge.tags.all(repo) == tuple(Tag(one["name"], one["commit"]["id"]) for one in body)
            count += 1
        for body in recorded(file, rf"{project}/releases"):
            for one in body:
                script.answers.append(Canned(body=one))
                texts = (one["tag_name"], one["name"], one["description"] or "")
                assert forge.releases.find(repo, one["tag_name"]) == Release(*texts, one["_links"]["self"])
                count += 1
        for body in recorded(file, rf"{project}/repository/commits/[0-9a-f]+/statuses"):
            script.answers += [Canned(body=body), Canned(body=[])]
            found, said = forge.checks.of(repo, SHA), {(one["name"], one["ref"]): one for one in reversed(body)}
            assert not isinstance(found, Missing)
            assert {check.name for check in found} == {name for name, _ in said}
            count += 1
        for body in recorded(file, rf"{project}/repository/commits/[0-9a-f]+/discussions"):
            script.answers.append(Canned(body=body))
            assert forge.threads.unresolved(repo, 1) == 0
            count += 1
    assert count > 6
