"""One connection to GitLab for any number of threads: gives each a client of its own, and counts what goes through.

It must never let python-gitlab wait, repeat or follow by its own rules: that is the wire's business alone.
"""

from __future__ import annotations

import threading

import gitlab
import requests

from bot.core.errors import UserError
from bot.core.model import Secret
from bot.forges.answers import Answers
from bot.forges.gitlab.wire import PAGE, Wire
from bot.forges.pacing import Clock, Manners, Pacers
from bot.forges.tally import count_call


class Connection:
    """Requests to one GitLab in the name of one account."""

    def __init__(self, base_url: str, token: Secret, manners: Manners) -> None:
        """`UserError` when the address or the token cannot be used."""
        self.calls = 0
        self._base_url = base_url
        self._api = _api_of(base_url)
        self._token = _sendable(token)
        self._manners = manners
        self._pacer = Pacers(manners).of(f"the account of the GitLab token at {base_url}")
        self._answers = Answers()
        self._counting = threading.Lock()
        self._of_thread = threading.local()

    @property
    def client(self) -> gitlab.Gitlab:
        """This thread's client."""
        client: gitlab.Gitlab | None = getattr(self._of_thread, "client", None)
        if client is None:
            client = self._of_thread.client = gitlab.Gitlab(
                self._base_url,
                # As a bearer token it may be of any kind: personal, of a project, of a group, of OAuth.
                oauth_token=self._token.reveal(),
                timeout=self._manners.timeout,
                per_page=PAGE,
                user_agent="relbot",
                keep_base_url=True,
                session=Wire(self._api, self._manners, self._pacer, self._answers, self._count),
            )
        return client

    @property
    def clock(self) -> Clock:
        """What it waits by."""
        return self._manners.clock

    def _count(self) -> None:
        count_call()
        with self._counting:
            self.calls += 1


def _api_of(base_url: str) -> str:
    """The address of the API, spelt as it will be in requests."""
    try:
        prepared = requests.Request("GET", f"{base_url}/api/v4").prepare().url
    except requests.RequestException:
        prepared = None
    if prepared is None or not prepared.startswith(("http://", "https://")):
        raise UserError(f"“{base_url}” is not the address of a GitLab. Give it as https://gitlab.example.org.")
    return prepared


def _sendable(token: Secret) -> Secret:
    text = token.reveal()
    # What cannot be sent would be quoted whole by the library that refuses to.
    if not text or not all("!" <= letter <= "~" for letter in text):
        raise UserError("The GitLab token is empty or holds characters that no token has. Copy it once more.")
    return token
