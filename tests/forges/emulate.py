"""The contract of GitHub against a server that others wrote: npm `emulate`, where Node and the package are there.

It must never fail a build: what that server is known to do otherwise than GitHub is listed here, and expected.

    python -m tests.forges.emulate
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pytest
import requests

from bot.core.model import Person, Repo, Role, Secret
from bot.forges.github import AppKey, GitHub
from bot.forges.pacing import Manners
from tests.forges.contract import Bench, Busy, ForgeContract, Held, NotYet, Trouble, Verb
from tests.forges.github.installed import key_pair

VERSION = "0.12.2"
OLDEST_NODE = (22, 15)
APP, INSTALLATION = "4711", 100
PEOPLE = ("ada", "grace", "mallory", "bob")
RIGHTS = {
    "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "checks": "write",
    "statuses": "write", "members": "read",
}  # fmt: skip
_ACCEPTS = "it opens a second pull of the same branches, and pulls of branches that are not there; GitHub answers 422"
_NO_ISSUE = "its pulls cannot be asked for as issues, as GitHub's can"
DIFFERENCES = {
    "test_a_pull_is_opened_once_and_then_found": _ACCEPTS,
    "test_a_branch_that_the_forge_does_not_come_to_know_is_a_fault_that_may_pass": _ACCEPTS,
    "test_a_commit_belongs_to_the_pull_that_brought_it_and_to_none_before": "it knows no pulls of a commit",
    "test_a_pull_is_dressed_in_labels_assignees_and_milestone_however_often": _NO_ISSUE,
    "test_dressing_adds_to_the_labels_that_others_have_put_on": _NO_ISSUE,
    "test_dressing_leaves_the_labels_that_others_have_put_on_since_the_opening": _NO_ISSUE,
    "test_one_who_cannot_be_assigned_spoils_neither_labels_nor_milestone": _NO_ISSUE,
    "test_labellings_tell_who_put_on_each_label_last_and_how_often": "its pulls have no events",
    "test_a_reaction_is_left_once": "it has no reactions",
}
"""Tests that are expected to fail, each with what the emulator does otherwise than GitHub."""


@cache
def find_emulator() -> tuple[str, ...] | str:
    """The command that starts it; or a sentence that says what is missing. `EMULATE` may name the package's folder."""
    node = os.environ.get("NODE") or shutil.which("node")
    if node is None:
        return "there is no node"
    said = subprocess.run((node, "--version"), capture_output=True, text=True, check=False, timeout=20).stdout
    version = tuple(int(word) for word in said.strip().removeprefix("v").split(".")[:2] if word.isdigit())
    if version < OLDEST_NODE:
        return f"node is {said.strip() or 'broken'}, and 22.15 or newer is needed"
    folder = Path(os.environ.get("EMULATE") or "node_modules/emulate")
    if not (folder / "package.json").exists():
        return f"there is no {folder}: npm install emulate@{VERSION}"
    found = json.loads((folder / "package.json").read_text())["version"]
    if found != VERSION:
        return f"{folder} is version {found}, and this is for {VERSION}"
    return (node, str(folder / "dist" / "index.js"))


class Emulator:
    """A running emulator; its people have their own names as tokens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.numbers = count(1)

    def ask(self, method: str, path: str, body: object = None, *, by: str = "ada") -> Any:
        headers = {"Authorization": f"token {by}-token"}
        answer = requests.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=10)
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json() if answer.text else None


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    command = find_emulator()
    if isinstance(command, str):
        pytest.skip(command)
    folder = tmp_path_factory.mktemp("emulate")
    app = {
        "app_id": int(APP), "slug": "relbot", "name": "relbot", "permissions": RIGHTS, "events": [],
        "private_key": key_pair()[0],
        "installations": [{"installation_id": INSTALLATION, "account": "ada", "repository_selection": "all"}],
    }  # fmt: skip
    seed = {
        "tokens": {f"{login}-token": {"login": login, "scopes": ["repo", "user"]} for login in PEOPLE},
        "github": {"users": [{"login": login} for login in PEOPLE], "apps": [app]},
    }
    (folder / "seed.json").write_text(json.dumps(seed))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = (*command, "start", "--service", "github", "--port", str(port), "--seed", str(folder / "seed.json"))
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen((*start, "--base-url", url), cwd=folder, stdout=log, stderr=log)
        try:
            _await(url, server, folder / "log")
            yield Emulator(url)
        finally:
            server.terminate()
            server.wait(10)


def _await(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(100):
        if server.poll() is not None:
            break
        try:
            requests.get(f"{url}/rate_limit", timeout=1)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the emulator did not start:\n{log.read_text()}")


class EmulatorBench(Bench):
    """A repository of its own for every test; the bot comes as a GitHub App."""

    login = "relbot[bot]"

    def __init__(self, emulator: Emulator) -> None:
        self._ask = emulator.ask
        made = self._ask("POST", "/user/repos", {"name": f"tensors-{next(emulator.numbers)}", "auto_init": True})
        self.path = made["full_name"]
        self.repo = Repo("github", made["id"], self.path, made["default_branch"])
        self._root = f"/repos/{self.path}"
        self._make_branch("release/2.7", "main")
        manners = Manners(timeout=10, waits=(0.05, 0.1), pace=None)
        self.forge = GitHub(emulator.url, AppKey(APP, Secret(key_pair()[0])), manners=manners)
        self.token = self.forge.clone_access(self.repo).password
        self.branch("backport/2.7/1")

    def _make_branch(self, name: str, start: str) -> None:
        self._ask("POST", f"{self._root}/git/refs", {"ref": f"refs/heads/{name}", "sha": self.tip(start)})

    def branch(self, name: str, *, ahead: bool = True) -> None:
        self._make_branch(name, "release/2.7")
        if ahead:
            wish = {"message": f"change {name}", "content": b64encode(name.encode()).decode(), "branch": name}
            self._ask("PUT", f"{self._root}/contents/loader-{len(name)}.py", wish)

    def pull(self, head: str, base: str, *, by: str = "ada") -> int:
        wish = {"title": "by hand", "head": head, "base": base}
        return int(self._ask("POST", f"{self._root}/pulls", wish, by=by)["number"])

    def merge(self, number: int, *, by: str) -> str:
        return str(self._ask("PUT", f"{self._root}/pulls/{number}/merge", {}, by=by)["sha"])

    def close(self, number: int, *, by: str) -> None:
        self._ask("PATCH", f"{self._root}/pulls/{number}", {"state": "closed"}, by=by)

    def label(self, number: int, name: str, *, by: str) -> None:
        self._ask("POST", f"{self._root}/issues/{number}/labels", {"labels": [name]}, by="ada")

    def unlabel(self, number: int, name: str, *, by: str) -> None:
        self._ask("DELETE", f"{self._root}/issues/{number}/labels/{requests.utils.quote(name, safe='')}", by="ada")

    def comment(self, number: int, body: str, *, by: str) -> int:
        return int(self._ask("POST", f"{self._root}/issues/{number}/comments", {"body": body}, by=by)["id"])

    def delete_comment(self, number: int, comment: int) -> None:
        self._ask("DELETE", f"{self._root}/issues/comments/{comment}")

    def milestone(self, title: str) -> int:
        return int(self._ask("POST", f"{self._root}/milestones", {"title": title})["number"])

    def person(self, login: str) -> Person:
        found = self._ask("GET", f"/users/{login.replace('[bot]', '%5Bbot%5D')}")
        return Person(found["id"], found["login"], is_bot=found["type"] == "Bot")

    def held(self) -> list[Held]:
        pulls = self._ask("GET", f"{self._root}/pulls?state=all&sort=created&direction=asc&per_page=100")
        return [
            Held(
                one["number"], one["head"]["ref"], one["base"]["ref"], one["title"], one["body"] or "", one["draft"],
                tuple(label["name"] for label in one["labels"]), tuple(who["login"] for who in one["assignees"]),
                one["milestone"] and one["milestone"]["number"],
            )
            for one in pulls
        ]  # fmt: skip

    def comments(self, number: int) -> list[tuple[str, str]]:
        ask = f"{self._root}/issues/{number}/comments?per_page=100"
        found = self._ask("GET", ask) + self._ask("GET", f"{ask}&page=2")
        return [(one["user"]["login"], one["body"]) for one in found]

    def tip(self, branch: str) -> str:
        return str(self._ask("GET", f"{self._root}/git/ref/heads/{branch}")["object"]["sha"])

    def reports(self, sha: str) -> list[tuple[str, str, str]]:
        runs = self._ask("GET", f"{self._root}/commits/{sha}/check-runs?filter=all")["check_runs"]
        found = [(one["name"], one["conclusion"] or "pending", one["output"]["title"]) for one in runs]
        return sorted(found)

    # ── what it cannot do, or does not tell ──────────────────────────────────────────────────────────────────────────

    def fork_pull(self, head: str, base: str, *, by: str) -> NoReturn:
        pytest.skip("the emulator's forks have no branches of their own")

    def delete_fork(self, by: str) -> NoReturn:
        pytest.skip("the emulator's forks have no branches of their own")

    def reactions(self, number: int) -> NoReturn:
        pytest.skip("the emulator has no reactions")

    def grant(self, login: str, role: Role) -> NoReturn:
        pytest.skip("the emulator has invitations, and nobody to accept them")

    def team(self, name: str, *logins: str) -> NoReturn:
        pytest.skip("the emulator's teams need an organization for each test")

    def move(self) -> NoReturn:
        pytest.skip("the emulator does not redirect renamed repositories")

    def fail(self, verb: Verb, trouble: Trouble | Busy | NotYet, times: int = 1) -> NoReturn:
        pytest.skip("the emulator does not fail on demand")

    def not_yet(self, times: int) -> NoReturn:
        pytest.skip("the emulator does not fail on demand")

    def forward(self, seconds: float) -> NoReturn:
        pytest.skip("the emulator has no clock to put forward")

    def asked(self) -> NoReturn:
        pytest.skip("the emulator keeps no journal")


class TestEmulated(ForgeContract):
    """The contract, as far as the emulator goes."""

    @pytest.fixture
    def bench(self, emulator: Emulator, request: pytest.FixtureRequest) -> EmulatorBench:
        if reason := DIFFERENCES.get(request.node.originalname):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        return EmulatorBench(emulator)


def main() -> int:
    """Run, and say so; 0 where the emulator is not there."""
    missing = find_emulator()
    if isinstance(missing, str):
        print(f"The emulator is left out: {missing}.")
        return 0
    # In a process of its own: pytest has to see the contract's modules before anybody has imported them.
    command = (sys.executable, "-m", "pytest", "-q", "-rsxX", "-p", "no:cacheprovider", __file__)
    return subprocess.run(command, check=False, timeout=300).returncode


if __name__ == "__main__":
    sys.exit(main())
