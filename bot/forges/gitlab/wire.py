"""The one place where requests to GitLab leave the program: paced, counted, read strictly, explained when they fail.

It must never send a write twice, since a lost answer may have been acted upon, and never follow a redirect, since the
token would travel along.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests

from bot.forges.answers import Answers, Remembered, may_get_successor
from bot.forges.gitlab.refusing import asked_rest, explain, is_busy, rest_until_reset
from bot.forges.pacing import Manners, Pacer
from bot.forges.tally import note_answer
from bot.forges.wire_fault import WireFault

PAGE = 100
"""How many items of a list are asked for at a time."""
_REPEATABLE = frozenset({"GET", "HEAD"})


class Wire(requests.Session):
    """python-gitlab's session with our own manners: what it asks for comes through `send`, and no other way.

    A session keeps state for the request that is under way, so each thread needs a wire of its own.
    """

    def __init__(self, api: str, manners: Manners, pacer: Pacer, answers: Answers, count: Callable[[], None]) -> None:
        """`api` starts every address that may be asked; `count` is called for every request that is sent."""
        super().__init__()
        self._api = api
        self._manners = manners
        self._pacer = pacer
        self._answers = answers
        self._count = count

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as inherited
        """A 2xx answer that holds JSON, or nothing. Reads are repeated while the trouble can pass; else `WireFault`."""
        write = request.method not in _REPEATABLE
        for wait in () if write else self._manners.waits:
            try:
                return self._send_once(request, kwargs, write=write)
            except WireFault as fault:
                if not fault.passing or (fault.retry_after or 0) > self._pacer.patience:
                    raise
            self._manners.clock.sleep(wait)
        return self._send_once(request, kwargs, write=write)

    def _send_once(
        self, request: requests.PreparedRequest, options: dict[str, Any], *, write: bool
    ) -> requests.Response:
        # Without its parameters, which may quote strangers.
        what = f"{request.method} {urlsplit(request.url or '').path}"
        # A list says where its next page is, and the token goes there.
        if not (request.url or "").startswith(f"{self._api}/"):
            raise WireFault(f"GitLab's answer leads to another server, for {what}.", status=None)
        known = self._recall(request)
        self._pacer.await_turn(write=write)
        self._count()
        try:
            answer = super().send(request, **{**options, "allow_redirects": False})
        except requests.RequestException as error:
            note_answer("gitlab", None, None)
            site = urlsplit(self._api).netloc
            raise WireFault(
                f"GitLab did not answer {what} ({type(error).__name__}). Check that {site} can be reached.", status=None
            ) from error
        note_answer("gitlab", answer.status_code, answer.headers.get("ratelimit-remaining"))
        wait = self._heed(answer)
        if known and answer.status_code == 304:
            return _as_before(answer, known)
        if not 200 <= answer.status_code < 300:
            raise explain(what, answer, wait)
        data = _read(what, answer)
        if request.method == "GET" and "next" not in answer.links and not may_get_successor(data, PAGE):
            self._answers.keep(request.url or "", Remembered(answer.headers.get("etag", ""), answer.text))
        return answer

    def _recall(self, request: requests.PreparedRequest) -> Remembered | None:
        """The last answer to the same question; the request then asks whether it still holds."""
        known = self._answers.recall(request.url or "") if request.method == "GET" else None
        request.headers.pop("If-None-Match", None)  # of an attempt before this one
        if known:
            request.headers["If-None-Match"] = known.tag
        return known

    def _heed(self, answer: requests.Response) -> float | None:
        """Leave GitLab alone for as long as it wants; the seconds if that is why it did not do what was asked."""
        today = self._manners.clock.today()
        spent = rest_until_reset(answer.headers, today)
        if spent is not None:
            self._pacer.rest(spent)
        if not is_busy(answer):
            return None
        wait = spent if (asked := asked_rest(answer.headers, today)) is None else asked
        if wait is None:
            return self._pacer.back_off()
        self._pacer.rest(wait)
        return wait


def _as_before(answer: requests.Response, known: Remembered) -> requests.Response:
    """What “not modified” stands for."""
    whole = requests.Response()
    whole.status_code, whole.encoding, whole.raw = 200, "utf-8", BytesIO(known.text.encode())
    whole.url, whole.request, whole.headers = answer.url, answer.request, answer.headers.copy()
    whole.headers["content-type"] = "application/json"
    return whole


def _read(what: str, answer: requests.Response) -> object:
    """Nothing but whole JSON counts: a login page or a cut answer would reach python-gitlab as if it were data."""
    if answer.status_code == 204 and not answer.content:
        return None
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        data = answer.json() if kind == "application/json" else None
    except (ValueError, RecursionError) as error:
        raise WireFault(f"GitLab's answer to {what} is not whole.", status=None) from error
    if not isinstance(data, dict | list):
        raise WireFault(f"GitLab's answer to {what} is neither an object nor a list.", status=None)
    return data
