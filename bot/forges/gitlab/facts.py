"""What merge requests say of themselves, many in one request.

It must never write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.issues import PullFacts
from bot.core.model import Repo
from bot.forges.fields import Fields
from bot.forges.gitlab.connection import Connection
from bot.forges.gitlab.reading import read_person, reading
from bot.forges.gitlab.wire import PAGE


def facts_of(connection: Connection, repo: Repo, numbers: tuple[int, ...]) -> dict[int, PullFacts]:
    """A request for a hundred merge requests. Whether an author is a bot is not said here."""
    wanted = list(dict.fromkeys(number for number in numbers if number > 0))
    project, found = connection.client.projects.get(repo.id, lazy=True), dict[int, PullFacts]()
    with reading(f"what pulls of {repo.path} say"):
        for start in range(0, len(wanted), PAGE):
            batch = wanted[start : start + PAGE]
            listed = project.mergerequests.list(iterator=True, scope="all", state="all", iids=batch)
            found |= {one.number: one for each in listed if (one := _read(each.attributes)).number in batch}
    return found


def _read(attributes: Mapping[str, Any]) -> PullFacts:
    found = Fields("", dict(attributes))
    return PullFacts(
        number=found.number("iid"),
        title=found.text("title"),
        body=found.text("description") if found.has("description") else "",
        url=found.text("web_url"),
        author=read_person(found, "author"),
        labels=found.texts("labels"),
        milestone=found.fields("milestone").text("title") if found.has("milestone") else None,
        merged=found.says("state", "merged"),
    )
