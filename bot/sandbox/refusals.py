"""What the forge says no with: GitHub's status, words and error codes as one exception.

It never decides anything: the code that finds the reason raises the refusal.
"""

from __future__ import annotations

from typing import Any

_DOCUMENTATION = "https://docs.github.com/rest"
_REPEATED = (401, 403, 404)
"""These repeat their status, as the newest recorded one does; of others this is neither recorded nor described."""


class Refusal(Exception):  # noqa: N818 - it reads as what happened
    """An answer of 4xx. `errors` is the list that goes with "Validation Failed"."""

    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that GitHub answers with."""
        errors = {} if self.errors is None else {"errors": self.errors}
        repeated = {"status": str(self.status)} if self.status in _REPEATED else {}
        return {"message": self.message, **errors, "documentation_url": _DOCUMENTATION, **repeated}


def not_found(message: str = "Not Found") -> Refusal:
    """The answer for what is not there, and for what the asker may not even know of."""
    return Refusal(404, message)


def invalid(resource: str, field: str, code: str = "invalid") -> Refusal:
    """A field that is wrong (`invalid`), absent (`missing_field`) or taken (`already_exists`)."""
    return Refusal(422, "Validation Failed", [{"resource": resource, "field": field, "code": code}])


def unacceptable(resource: str, message: str, field: str | None = None) -> Refusal:
    """A wish that is well-formed and still impossible, in GitHub's words; `field` is where it is about one."""
    place = {} if field is None else {"field": field}
    return Refusal(422, "Validation Failed", [{"resource": resource, "code": "custom", **place, "message": message}])
