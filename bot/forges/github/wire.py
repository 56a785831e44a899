"""The one place where requests to GitHub leave the program: paced, counted, read strictly, explained when they fail.

It must never send a write twice: whether a lost answer was acted upon is for the caller to find out. Nor may it send
anything, and the token with it, anywhere but to the server that the settings name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from github import Auth, GithubException
from github.Requester import Requester

from bot.core.model import Secret
from bot.forges.answers import Answers, Remembered, may_get_successor
from bot.forges.github.refusing import Answer, asked_rest, explain, is_busy, rest_until_reset
from bot.forges.pacing import Manners, Pacer
from bot.forges.tally import note_answer
from bot.forges.wire_fault import WireFault

_REPEATABLE = frozenset({"GET", "HEAD"})
_PAGE = 100
_WORDLESS = frozenset({202, 204})
"""What is accepted, to be done later, may be answered with nothing; so is what has no content."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request is sent with: a token that is good now, and the pacer of the account that it belongs to."""

    token: Secret
    pacer: Pacer
    scheme: str = "token"


class Access(Protocol):
    """Somebody that requests are sent in the name of."""

    def grant(self) -> Grant: ...
    def renew(self, refused: Secret) -> bool:
        """GitHub has turned this token away: whether `grant` will now hand out another one."""


@dataclass(frozen=True, slots=True)
class _File:
    """A body that is sent as it is."""

    content: bytes


@dataclass(frozen=True, slots=True)
class _Question:
    """One request, as it may be sent more than once. `url` holds the parameters already."""

    verb: str
    url: str
    headers: dict[str, str]
    body: object

    @property
    def what(self) -> str:
        """What it is called in messages: without parameters, which may quote strangers."""
        return f"{self.verb} {urlsplit(self.url).path}"


class _Bearer(Auth.Auth):
    """The token of the request that is being sent: PyGithub asks for it each time."""

    grant: Grant

    @property
    def token_type(self) -> str:
        return self.grant.scheme

    @property
    def token(self) -> str:
        return self.grant.token.reveal()


class Wire(Requester):
    """PyGithub's requester with our own manners. Lazy: an object is fetched when that is asked for, not before.

    PyGithub keeps the request that is under way in its connection, so each thread needs a wire of its own.
    """

    def __init__(
        self, base_url: str, manners: Manners, access: Access, answers: Answers, count: Callable[[], None]
    ) -> None:
        """`count` is called for every request that is sent."""
        self._bearer = _Bearer()
        super().__init__(
            auth=self._bearer,
            base_url=base_url,
            timeout=manners.timeout,
            user_agent="relbot",
            per_page=_PAGE,
            verify=True,
            # PyGithub's own repetition sends a POST again after a lost answer, and may sleep for an hour.
            retry=None,
            pool_size=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
            lazy=True,
            api_version="2022-11-28",
        )
        self._site = urlsplit(base_url).netloc
        self._manners = manners
        self._access = access
        self._answers = answers
        self._count = count

    def requestJsonAndCheck(  # noqa: N802, PLR0913, PLR0917 - PyGithub's signature: all its objects ask through here
        self,
        verb: str,
        url: str,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        input: Any | None = None,  # noqa: A002, ANN401
        follow_302_redirect: bool = False,  # noqa: ARG002 - only downloads need it, and the bot downloads nothing
    ) -> tuple[dict[str, Any], Any]:
        """Headers and JSON of a 2xx answer. Reads are repeated while the trouble can pass; else raises `WireFault`."""
        question = _Question(verb, Requester.add_parameters_to_url(url, parameters or {}), headers or {}, input)
        write = verb not in _REPEATABLE
        return self._ask(question, write=write, again=not write)

    def post_again(self, url: str, body: object, *, creates: bool) -> Any:  # noqa: ANN401 - JSON
        """POST what may be done twice, so it is repeated as reads are; what `creates` content is paced as writes are,
        though nobody should see it yet.
        """
        return self._ask(_Question("POST", url, {}, body), write=creates, again=True)[1]

    def upload(self, url: str, content: bytes) -> Any:  # noqa: ANN401 - JSON
        """Send a file to where GitHub takes files in, and to nowhere else."""
        if not _takes_files(self.base_url, url):
            raise WireFault("GitHub's answer leads to another server, for an upload.", status=301)
        return self._ask(_Question("POST", url, {}, _File(content)), write=True, again=False)[1]

    def _ask(self, question: _Question, *, write: bool, again: bool) -> tuple[dict[str, Any], Any]:
        for wait in self._manners.waits if again else ():
            grant = self._access.grant()
            try:
                return self._send(question, grant, write=write)
            except WireFault as fault:
                if not fault.passing or (fault.retry_after or 0) > grant.pacer.patience:
                    raise
            self._manners.clock.sleep(wait)
        return self._send(question, self._access.grant(), write=write)

    def _send(self, question: _Question, grant: Grant, *, write: bool) -> tuple[dict[str, Any], Any]:
        try:
            return self._send_once(question, grant, write=write)
        except WireFault as fault:
            # Nothing was done on a token that was turned away, so not even a write is sent twice by this.
            if fault.status != 401 or not self._access.renew(grant.token):
                raise
        return self._send_once(question, self._access.grant(), write=write)

    def _send_once(self, question: _Question, grant: Grant, *, write: bool) -> tuple[dict[str, Any], Any]:
        self._stay_here(question)
        known = self._answers.recall(question.url) if question.verb == "GET" else None
        grant.pacer.await_turn(write=write)
        self._bearer.grant = grant
        self._count()
        answer = self._exchange(question, known)
        note_answer("github", answer.status, answer.headers.get("x-ratelimit-remaining"))
        wait = self._heed(grant.pacer, answer)
        if known and answer.status == 304:
            return answer.headers, json.loads(known.text)
        if not 200 <= answer.status < 300:
            raise explain(question.what, answer, wait)
        if answer.text in ("", "null") and (question.verb == "DELETE" or answer.status in _WORDLESS):
            return answer.headers, None
        data = _read(question.what, answer.text)
        if question.verb == "GET":
            self._remember(question.url, answer, data)
        return answer.headers, data

    def _stay_here(self, question: _Question) -> None:
        """Answers hold addresses. PyGithub asks its own server for the path of each, and writes that behind the
        server's name: what has no path of its own, as `@host/x`, would make that another server's.
        """
        if not urlsplit(question.url).path.startswith("/"):
            raise WireFault(f"GitHub's answer leads to another server, for {question.what}.", status=301)

    def _exchange(self, question: _Question, known: Remembered | None) -> Answer:
        headers = {**question.headers, "If-None-Match": known.tag} if known else dict(question.headers)
        try:
            if isinstance(question.body, _File):
                return self._send_file(question.url, question.body)
            return Answer(*self.requestJson(question.verb, question.url, None, headers, question.body))
        except requests.RequestException as error:
            note_answer("github", None, None)
            raise WireFault(
                f"GitHub did not answer {question.what} ({type(error).__name__}). "
                f"Check that {self._site} can be reached.", status=None,
            ) from error  # fmt: skip
        except RuntimeError as error:
            # PyGithub's words for a redirect to another host, where the token must not go, or round in a circle.
            words = f"GitHub redirects {question.what} to where I do not follow ({error})."
            raise WireFault(f"{words} Check the API's address in the server's settings.", status=301) from error
        except ValueError as error:
            # So it calls headers that are no numbers.
            raise WireFault(f"GitHub's answer to {question.what} makes no sense ({error}).", status=None) from error

    def _send_file(self, url: str, file: _File) -> Answer:
        kind = {"Content-Type": "application/octet-stream"}
        try:
            headers, data = self.requestMemoryBlobAndCheck("POST", url, {}, kind, BytesIO(file.content))
        except GithubException as refused:
            return Answer(refused.status, dict(refused.headers or {}), json.dumps(refused.data))
        return Answer(201, headers, json.dumps(data))

    def _heed(self, pacer: Pacer, answer: Answer) -> float | None:
        """Leave GitHub alone for as long as it wants; the seconds if that is why it did not do what was asked."""
        spent = rest_until_reset(answer, self._manners.clock.today())
        if spent is not None:
            pacer.rest(spent)
        if not is_busy(answer):
            return None
        wait = spent if (asked := asked_rest(answer)) is None else asked
        if wait is None:
            return pacer.back_off()
        pacer.rest(wait)
        return wait

    def _remember(self, url: str, answer: Answer, data: object) -> None:
        if "link" not in answer.headers and not may_get_successor(data, _PAGE):
            self._answers.keep(url, Remembered(str(answer.headers.get("etag", "")), answer.text))


_UPLOADS = {"api.github.com": "uploads.github.com"}
"""Where files are taken in by another server than the API's; elsewhere it is the same one."""


def _takes_files(base_url: str, url: str) -> bool:
    base, asked = urlsplit(base_url), urlsplit(url)
    home = _UPLOADS.get(base.netloc, base.netloc)
    return (asked.scheme, asked.netloc) == (base.scheme, home) and asked.path.startswith("/")


def _read(what: str, text: str) -> dict[str, Any] | list[Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireFault(f"GitHub's answer to {what} is not whole.", status=None) from error
    if not isinstance(data, dict | list):
        raise WireFault(f"GitHub's answer to {what} is neither an object nor a list.", status=None)
    return data
