"""One API request as a route of GitLab sees it, what it may refuse with, and the row that says which route answers.

It never does anything to the forge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.forge import Forge
from bot.sandbox.gitlab.shapes import Site
from bot.sandbox.refusals import Refusal
from bot.sandbox.state import Issue, Repository, User

T = TypeVar("T")
Words = str | list[str] | dict[str, list[str]]
_PAGE_SIZE, _LARGEST_PAGE = 20, 100
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


class Denial(Refusal):
    """A refusal whose words are GitLab's: one text, a list of them, or a list for each field."""

    def __init__(self, status: int, said: Words) -> None:
        super().__init__(status, str(said))
        self.said = said

    @property
    def body(self) -> Json:
        return {"message": self.said}


class Malformed(Denial):
    """A parameter that is missing or of the wrong kind: GitLab then says `error` instead of `message`."""

    def __init__(self, said: str) -> None:
        super().__init__(400, said)

    @property
    def body(self) -> Json:
        return {"error": self.said}


def missing(what: str = "") -> Denial:
    """The answer for what is not there, and for what the asker may not even know of."""
    return Denial(404, f"404 {what} Not Found" if what else "404 Not found")


def forbidden() -> Denial:
    return Denial(403, "403 Forbidden")


class Parameters:
    """What query and body say together; remembers which of it was asked for."""

    def __init__(self, given: Json) -> None:
        self.given = given
        self._read = {"id", "page", "per_page"}

    def get(self, name: str) -> object:
        """The value of a parameter, None when it is not there."""
        self._read |= {name, f"{name}[]"}
        return self.given.get(name, self.given.get(f"{name}[]"))

    def has(self, name: str) -> bool:
        self._read.add(name)
        return name in self.given

    def unread(self) -> list[str]:
        """What nobody has asked for."""
        return sorted(self.given.keys() - self._read)


@dataclass(frozen=True)
class Call:
    """A request, understood: the account that asks, the arguments out of the path, the parameters of query and body."""

    forge: Forge
    site: Site
    arguments: Mapping[str, str]
    parameters: Parameters
    query: Mapping[str, str]
    asker: User | None
    found: Repository | None
    path: str
    """The path as it was asked for, still quoted."""
    content: bytes = b""
    """The body, where it is a file and no parameters."""

    @property
    def actor(self) -> str:
        """The login of the account that asks. Refused when nobody does."""
        if self.asker is None:
            raise Denial(401, "401 Unauthorized")
        return self.asker.login

    @property
    def repository(self) -> Repository:
        if self.found is None:
            raise missing("Project")
        return self.found

    @property
    def issue(self) -> Issue:
        """The merge request that the path names, or the issue."""
        merge_request = "merge_request_iid" in self.arguments
        shelf = self.repository.issues if merge_request else self.repository.tickets
        issue = shelf.get(self.id("merge_request_iid" if merge_request else "issue_iid"))
        if issue is None:
            raise missing()
        return issue

    def id(self, name: str) -> int:
        """A number out of the path; -1 for what is none, which nothing has."""
        word = self.arguments[name]
        return int(word) if word.isascii() and word.isdigit() else -1

    def text(self, name: str) -> str | None:
        value = self.parameters.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Malformed(f"{name} is invalid")
        return str(value)

    def needed(self, name: str) -> str:
        """A text that has to be there."""
        value = self.text(name)
        if value is None:
            raise Malformed(f"{name} is missing")
        return value

    def number(self, name: str) -> int | None:
        value = self.text(name)
        if value is None or value == "":
            return None
        if not value.isascii() or not value.isdigit():
            raise Malformed(f"{name} is invalid")
        return int(value)

    def flag(self, name: str) -> bool | None:
        value = self.parameters.get(name)
        if value is None or isinstance(value, bool):
            return value
        if str(value).lower() not in _TRUTH:
            raise Malformed(f"{name} is invalid")
        return _TRUTH[str(value).lower()]

    def words(self, name: str) -> list[str] | None:
        """A list of texts, given as a list or with commas between them; an empty text is an empty list."""
        value = self.parameters.get(name)
        if value is None:
            return None
        items = value if isinstance(value, list) else str(value).split(",")
        return [word for item in items if (word := str(item).strip())]

    def choice(self, name: str, *allowed: str) -> str:
        """One of some words, the first of them when it is not given."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise Malformed(f"{name} does not have a valid value")
        return value or allowed[0]

    def pages(self, items: Sequence[T], show: Callable[[T], Json]) -> Reply:
        """The page of a list that was asked for; the headers say which one it is, the links repeat the whole query."""
        size = min(max(_number(self.query.get("per_page"), _PAGE_SIZE), 1), _LARGEST_PAGE)
        page, last = max(_number(self.query.get("page"), 1), 1), max(-(-len(items) // size), 1)
        around = {"prev": page - 1 if page > 1 else 0, "next": page + 1 if page < last else 0}
        links = []
        for rel, number in {**around, "first": 1, "last": last}.items():
            if number:
                query = urlencode({**self.query, "page": number, "per_page": size})
                links.append(f'<{self.site.web}{self.path}?{query}>; rel="{rel}"')
        shown = [show(item) for item in items[(page - 1) * size : page * size]]
        return Reply(200, shown, {
            "Link": ", ".join(links), "X-Page": str(page), "X-Per-Page": str(size), "X-Total": str(len(items)),
            "X-Total-Pages": str(last), "X-Next-Page": str(around["next"] or ""),
            "X-Prev-Page": str(around["prev"] or ""),
        })


@dataclass(frozen=True)
class Route:
    """Which function answers a method and a path below `/api/v4`."""

    method: str
    template: str
    answer: Callable[[Call], Reply]
    role: str = "read"
    """What the asker must be able to do in the project."""


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise
