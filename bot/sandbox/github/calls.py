"""One API request as a route sees it, and the table row that says which route answers what.

It never does anything to the forge.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.forge import Forge
from bot.sandbox.github.shapes import View
from bot.sandbox.refusals import Refusal, not_found
from bot.sandbox.state import Issue, Repository, User

T = TypeVar("T")
_PAGE_SIZE, _LARGEST_PAGE = 30, 100
_KINDS = {str: "a string", int: "an integer", bool: "a boolean", list: "an array", dict: "an object"}


@dataclass(frozen=True)
class Call:
    """A request, understood: the account that asks, the arguments out of the path, the parsed body."""

    forge: Forge
    view: View
    arguments: Mapping[str, str | int]
    query: Mapping[str, str]
    body: object
    asker: User | None
    found: Repository | None
    rest: str
    """The path behind the repository, or the whole path where there is none."""

    @property
    def actor(self) -> str:
        """The login of the account that asks. Refused when nobody does."""
        if self.asker is None:
            raise Refusal(401, "Requires authentication")
        return self.asker.login

    @property
    def repository(self) -> Repository:
        if self.found is None:
            raise not_found()
        return self.found

    @property
    def issue(self) -> Issue:
        """The issue or pull that the path names."""
        number = self.arguments.get("issue_number") or self.arguments.get("pull_number")
        issue = self.repository.issues.get(int(number or 0))
        if issue is None or ("pull_number" in self.arguments and issue.pull is None):
            raise not_found()
        return issue

    def word(self, name: str) -> str:
        """An argument out of the path."""
        return str(self.arguments[name])

    def number(self, name: str) -> int:
        return int(self.arguments[name])

    @property
    def fields(self) -> Json:
        """The body as an object; none at all counts as an empty one."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise Refusal(422, "Invalid request.\n\nThe body is not an object.")
        return self.body

    def field(self, name: str, kind: type[T]) -> T | None:
        """A field of the body, None when it is absent or null. Refused when it is of another type."""
        value = self.fields.get(name)
        if value is None or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
            return value
        raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {json.dumps(value)} is not {_KINDS[kind]}.")

    def needed(self, name: str, kind: type[T]) -> T:
        """A field that has to be there."""
        value = self.field(name, kind)
        if value is None:
            raise Refusal(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return value

    def strings(self, name: str) -> list[str] | None:
        """A field that is a list of strings."""
        values = self.field(name, list)
        if values is not None and not all(isinstance(value, str) for value in values):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', not every item is a string.")
        return values

    def pages(self, items: Sequence[T], show: Callable[[T], Json]) -> Reply:
        """The page of a list that was asked for, and the links to the others: those name the repository by its id."""
        size = min(max(_number(self.query.get("per_page"), _PAGE_SIZE), 1), _LARGEST_PAGE)
        page = max(_number(self.query.get("page"), 1), 1)
        last = max(-(-len(items) // size), 1)
        root = f"/repositories/{self.found.id}" if self.found else ""
        links = []
        for rel, number, useful in (("prev", page - 1, page > 1), ("next", page + 1, page < last),
                                    ("last", last, page < last), ("first", 1, page > 1)):
            if useful:
                query = urlencode({**self.query, "page": number})
                links.append(f'<{self.view.api}{root}{self.rest}?{query}>; rel="{rel}"')
        shown = [show(item) for item in items[(page - 1) * size : page * size]]
        return Reply(200, shown, {"Link": ", ".join(links)} if links else {})


@dataclass(frozen=True)
class Route:
    """Which function answers a method and a path; `template` is the one of GitHub's published description."""

    method: str
    template: str
    answer: Callable[[Call], Reply]
    role: str = "read"
    """What the asker must be able to do in the repository."""


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise
