"""Reads what GitLab says when it does not do what it was asked: why, for how long, and what the operator can do.

It must never show more of an answer than a short clean line: what it says may have been written by anybody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

import requests

from bot.core.actions import Refused
from bot.forges.wire_fault import WireFault, one_clean_line


def explain(what: str, answer: requests.Response, wait: float | None) -> WireFault:
    """The fault that a refusal becomes; `wait` is how long GitLab wants to be left alone, if that is why."""
    said = _words_of(answer.text)
    message = f"GitLab answered {answer.status_code} to {what}" + (f": {said}." if said else ".")
    if wait is not None:
        message += f" It wants to be left alone for {wait:.0f} s."
    elif advice := _advice(answer.status_code):
        message += f" {advice}"
    return WireFault(message, status=answer.status_code, said=said, retry_after=wait)


def refused(fault: WireFault, opening: str, role: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (400, 403, 404, 422):
        raise fault
    step = f"Give the bot's token the scope api and the role {role} there, or let somebody run this who has both."
    return Refused(f"{opening}: {fault.said or fault}", step)


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_busy(answer: requests.Response) -> bool:
    """Whether this is about having asked too much. GitLab says 429; what stands before it may say 403 or 503."""
    return answer.status_code == 429 or (answer.status_code in (403, 503) and "retry-after" in answer.headers)


def asked_rest(headers: Mapping[str, str], today: float) -> float | None:
    """Seconds, from Retry-After, which may be a number or a date; None when it is neither."""
    after = headers.get("retry-after", "")
    if (number := _number(after)) is not None:
        return number
    moment = _moment(after)
    return None if moment is None else max(moment - _date_of(headers, today), 0) + 1


def rest_until_reset(headers: Mapping[str, str], today: float) -> float | None:
    """Seconds until there are requests again, from any answer that says that this one was the last; else None."""
    reset = _number(headers.get("ratelimit-reset", ""))
    if reset is None or headers.get("ratelimit-remaining") != "0":
        return None
    return max(reset - _date_of(headers, today), 0) + 1


def _date_of(headers: Mapping[str, str], today: float) -> float:
    # GitLab's own clock where the answer tells it, since ours may be wrong.
    moment = _moment(headers.get("date", ""))
    return today if moment is None else moment


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _words_of(text: str) -> str:
    """What the body of a refusal says: a text, a list of them, or a list for each field."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, dict):
        return ""
    words = [word for name in ("message", "error", "error_description") for word in _each(body.get(name))]
    return one_clean_line("; ".join(word.strip().rstrip(".") for word in words))


def _each(said: object, depth: int = 3) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, list) and depth:
        for one in said:
            yield from _each(one, depth - 1)
    elif isinstance(said, dict) and depth:
        for field, one in said.items():
            for word in _each(one, depth - 1):
                yield word if field == "base" else f"{field} {word}"


def _advice(status: int) -> str:
    """The next step for whoever runs the bot."""
    match status:
        case 401:
            return "Check the token that the bot was given: it may have expired."
        case 403:
            return "Check that the bot's token has the scope api, and its account the role Developer in this project."
        case _ if 300 <= status < 400:
            return "Check the address of GitLab in the settings: the server answers at another one."
        case _:
            return ""
