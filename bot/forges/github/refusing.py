"""Reads what GitHub says when it does not do what it was asked: why, for how long, and what the operator can do.

It must never show more of an answer than a short clean line: what it says may have been written by anybody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from github.Requester import Requester

from bot.core.actions import Refused
from bot.forges.wire_fault import WireFault, one_clean_line


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the names of the headers are in lower case."""

    status: int
    headers: dict[str, Any]
    text: str


def explain(what: str, answer: Answer, wait: float | None) -> WireFault:
    """The fault that a refusal becomes; `wait` is how long GitHub wants to be left alone, if that is why."""
    said = _words_of(answer.text)
    message = f"GitHub answered {answer.status} to {what}" + (f": {said}." if said else ".")
    if wait is not None:
        message += f" It wants to be left alone for {wait:.0f} s."
    elif advice := _advice(answer):
        message += f" {advice}"
    return WireFault(message, status=answer.status, said=said, retry_after=wait)


def refused(fault: WireFault, opening: str, permission: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (403, 404, 422):
        raise fault
    step = f"Give the bot's token the permission {permission}, or let somebody run this who has it."
    return Refused(f"{opening}: {fault.reason}", step)


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_busy(answer: Answer) -> bool:
    """Whether this is about having asked too much; GitHub uses 403 and 429 for it."""
    match answer.status:
        case 429:
            return True
        case 503:
            return asked_rest(answer) is not None
        case 403:
            exhausted = str(answer.headers.get("x-ratelimit-remaining")) == "0"
            # PyGithub knows the sentences by the full stop at their end.
            told = Requester.isRateLimitError(f"{_words_of(answer.text)}.")
            return exhausted or told or asked_rest(answer) is not None
        case _:
            return False


def asked_rest(answer: Answer) -> float | None:
    """Seconds, from Retry-After; None when it is not there or is not a number."""
    return _number(answer.headers.get("retry-after"))


def rest_until_reset(answer: Answer, today: float) -> float | None:
    """Seconds until there are requests again, from any answer that says that this one was the last; else None.

    Counted from GitHub's own clock where the answer tells it, since ours may be wrong.
    """
    reset = _number(answer.headers.get("x-ratelimit-reset"))
    if reset is None or str(answer.headers.get("x-ratelimit-remaining")) != "0":
        return None
    return max(reset - _date_of(answer, today), 0) + 1


def _date_of(answer: Answer, today: float) -> float:
    try:
        return parsedate_to_datetime(str(answer.headers.get("date"))).timestamp()
    except (ValueError, OverflowError):
        return today


def _number(header: object) -> float | None:
    text = str(header)
    return float(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _words_of(text: str) -> str:
    """What the body of a refusal says."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    words = [body.get("message"), *(map(_words_of_error, errors) if isinstance(errors, list) else ())]
    return one_clean_line("; ".join(word.strip().rstrip(".") for word in words if isinstance(word, str)))


def _words_of_error(error: object) -> str | None:
    if isinstance(error, str):
        return error
    if not isinstance(error, dict):
        return None
    if isinstance(error.get("message"), str):
        return str(error["message"])
    return " ".join(str(error[name]) for name in ("resource", "field", "code") if name in error)


def _advice(answer: Answer) -> str:
    """The next step for whoever runs the bot."""
    wanted = str(answer.headers.get("x-accepted-github-permissions", ""))
    match answer.status:
        case 401:
            return "Check the token that the bot was given: it may have expired."
        case 403 if wanted and wanted.isprintable():
            return f"Give the bot's token the permission {wanted[:100]}."
        case 403:
            return "Check that the bot's token may write pull requests, issues and contents of this repository."
        case status if 300 <= status < 400:
            return "The repository was renamed or moved; the next event will carry its new name."
        case _:
            return ""
