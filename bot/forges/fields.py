"""Strict readers for JSON that a forge has sent, in a webhook or as an answer.

It must never let a value through that is not what its reader promises, and never know which forge sent it.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import NoReturn


class UnreadableError(Exception):
    """Something is not there or not what it should be; the text names it and may be shown to the sender."""


OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)


def read_json(body: bytes) -> Fields:
    """The JSON object that a body is."""
    try:
        parsed: object = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise UnreadableError("the body is nested too deeply") from None
    except ValueError:
        raise UnreadableError("the body is not JSON in UTF-8") from None
    return Fields("", parsed)


def _refuse_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity, which are not JSON and compare in surprising ways.
    raise ValueError(name)


class Fields:
    """One JSON object and the way to it, so that a complaint can say which field is meant."""

    def __init__(self, name: str, value: object) -> None:
        if not isinstance(value, dict):
            raise UnreadableError(f"{name or 'the body'} is not a JSON object")
        self._prefix = f"{name}." if name else ""
        self._fields: dict[str, object] = value

    def names(self) -> tuple[str, ...]:
        """The names of all fields."""
        return tuple(self._fields)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._fields.get(name) is not None

    def says(self, name: str, value: str | bool | int) -> bool:
        """Whether the field has exactly this value; anything else, and nothing at all, is a no."""
        found = self._fields.get(name)
        return type(found) is type(value) and found == value

    def fields(self, name: str) -> Fields:
        """The object in a field."""
        return Fields(self._prefix + name, self._fields.get(name))

    def each(self, name: str) -> list[Fields]:
        """The objects of the list in a field."""
        value = self._fields.get(name)
        if not isinstance(value, list):
            raise UnreadableError(f"{self._prefix}{name} is not a list")
        return [Fields(f"{self._prefix}{name}[{index}]", one) for index, one in enumerate(value)]

    def text(self, name: str) -> str:
        """The text in a field."""
        value = self._fields.get(name)
        # A lone surrogate is legal in JSON and cannot be written to a log, a database or a forge afterwards.
        if not isinstance(value, str) or not _encodable(value):
            raise UnreadableError(f"{self._prefix}{name} is not text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """The list of texts in a field."""
        value = self._fields.get(name)
        if not isinstance(value, list) or not all(isinstance(one, str) and _encodable(one) for one in value):
            raise UnreadableError(f"{self._prefix}{name} is not a list of texts")
        return tuple(value)

    def matching(self, name: str, pattern: re.Pattern[str]) -> str:
        """The text in a field, all of which fits the pattern."""
        value = self.text(name)
        if not pattern.fullmatch(value):
            raise UnreadableError(f"{self._prefix}{name} does not look like one")
        return value

    def number(self, name: str) -> int:
        """The number in a field, from 1 to what a database can hold."""
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
            raise UnreadableError(f"{self._prefix}{name} is not a positive number")
        return value

    def moment(self, name: str) -> int:
        """The time in a field, in seconds since the epoch; 0 where there is none, or none that can be read."""
        value = self._fields.get(name)
        return _seconds(value) if isinstance(value, str) else 0


def _seconds(text: str) -> int:
    try:
        found = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
        return max(0, int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()))
    except (ValueError, OverflowError):
        return 0


def _encodable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
