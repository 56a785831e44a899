"""The people of the demo and the forge they work on: a sandbox in a process of its own, spoken to over HTTP.

It never reaches anything but the loopback address.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.app.cli.demo.story import Commit
from bot.core.errors import Fault
from bot.core.model import CloneAccess, Secret
from bot.tools.clone import Clone
from bot.tools.git import Git
from bot.tools.local import LocalRepository
from bot.tools.pick import Committer, Wish

_START = 1_767_225_600  # 2026-01-01; the story's commits are a day apart, so that every telling is the same


@contextmanager
def sandbox_forge(directory: Path) -> Iterator[str]:
    """A sandbox forge for as long as the block runs; gives its address."""
    ready = directory / "ready.json"
    command = [sys.executable, "-m", "bot.sandbox", "--directory", str(directory / "forge"), "--ready-file", str(ready)]
    with subprocess.Popen(command, start_new_session=True) as process:  # Ctrl-C is for the demo, which then ends it
        try:
            yield _address(process, ready)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[bytes], ready: Path) -> str:
    for _ in range(200):
        if ready.exists():
            return str(json.loads(ready.read_text())["url"])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise Fault("The sandbox forge did not start; `python -m bot.sandbox --directory DIR` shows why.")


class People:
    """Everybody on the forge, by login. Each acts with a token of their own."""

    def __init__(self, url: str, repository: str) -> None:
        self.url = url
        self.repository = repository
        self.tokens: dict[str, str] = {}

    def control(self, what: str, **wish: object) -> Any:  # noqa: ANN401 - JSON
        """Set the stage."""
        return self._send("POST", f"/_sandbox/{what}", wish)

    def look(self, what: str) -> Any:  # noqa: ANN401 - JSON
        """Ask the stage what happened."""
        return self._send("GET", f"/_sandbox/{what}")

    def join(self, login: str, role: str, *, bot: bool = False) -> None:
        """Make an account with a role in the repository."""
        self.tokens[login] = self.control("users", login=login, bot=bot)["token"]
        self.control("roles", path=self.repository, login=login, role=role)

    def ask(self, login: str, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """One request to the forge's API, below the repository, as somebody."""
        return self._send(method, f"/repos/{self.repository}{path}", body, self.tokens[login])

    def access(self, login: str) -> CloneAccess:
        """How somebody's git reaches the repository."""
        address = f"{self.url}/{self.repository}.git"
        return CloneAccess(address, "x-access-token", Secret(self.tokens[login]), "refs/pull/{number}/head")

    def _send(self, method: str, path: str, body: object = None, token: str | None = None) -> Any:  # noqa: ANN401
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"token {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None


class Desk:
    """A person's own clone: where the project's history is written, and where a pick is made by hand."""

    def __init__(self, directory: Path, people: People, login: str) -> None:
        self._clone = Clone(directory / f"desk-{login}", people.access(login))
        self._directory = directory / f"desk-{login}" / "work.git"
        self._url = people.access(login).url
        Git(self._directory).run("init", "--quiet", "--bare")
        self._git = self._clone.git(self._directory)

    def publish(self, history: Sequence[Commit]) -> None:
        """Write the history and push all of its branches at once."""
        marks: dict[str, str] = {}
        for number, commit in enumerate(history):
            sha = self._write(commit, _START + number * 86_400, marks)
            if commit.mark:
                marks[commit.mark] = sha
        self._git.run("push", "--quiet", self._url, "refs/heads/*:refs/heads/*")

    def pick(self, commit: str, branch: str) -> None:
        """Do by hand what the bot does: `git cherry-pick -x`, and push."""
        self._git.run("fetch", "--quiet", self._url, "+refs/heads/*:refs/heads/*")
        with LocalRepository(self._directory, Committer("grace", "grace@example.org")) as local:
            onto = next(local.expand([branch]))
            outcome = local.picker.pick([Wish(onto, (commit,))])[0]
            picked = getattr(outcome, "commit", onto)
            local.create("by-hand", picked, onto)
        self._git.run("push", "--quiet", self._url, f"refs/heads/by-hand:refs/heads/{branch}")
        self._git.run("update-ref", "-d", "refs/heads/by-hand")

    def _write(self, commit: Commit, when: int, marks: Mapping[str, str]) -> str:
        who = f"{commit.by} <{commit.by}@example.org> {when} +0000"
        message = commit.message.format(**marks) + "\n"
        start = f"from refs/heads/{commit.start or commit.branch}^0\n" if self._exists(commit) else ""
        lines = [f"commit refs/heads/{commit.branch}\ncommitter {who}\n{_data(message)}{start}"]
        lines += [f"M 100644 inline {path}\n{_data(text)}" for path, text in commit.files.items()]
        self._git.run("fast-import", "--quiet", "--date-format=raw", stdin="".join(lines).encode())
        return self._git.run("rev-parse", f"refs/heads/{commit.branch}").decode("ascii").strip()

    def _exists(self, commit: Commit) -> bool:
        ref = f"refs/heads/{commit.start or commit.branch}"
        return self._git.attempt("rev-parse", "--verify", "--quiet", ref).status == 0


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"
