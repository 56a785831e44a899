"""Brings a recorded session with the real GitHub back to life on the sandbox forge, our bot in the other one's place.

Repository, accounts, pulls and comments keep their recorded numbers, branches their names and commits their ids (as
far as `sessions_commits` can make them again). It must never hand the bot what the recorded bot made: its backports
are left out of the world, though the webhooks that tell of them are delivered.

What differs from the recording, since our bot has a policy and knows lines as X.Y:
- `.github/relbot.toml` stands on top of the session's default branch, as a commit of its own that moves along with it;
- the branch `feature/one` is called `stable/#3.2`;
- the command is `/backport 3.1 3.2`, and not the recorded bot's name with names of branches;
- a few commits have another id, because GitHub's signature or a file's content was not recorded.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from bot.sandbox import Sandbox
from bot.sandbox.state import Comment, Entry, Issue, Label, PullPart
from tests.app.sessions_commits import OTHER_BOTS_REFS, rebuild
from tests.app.whole import HOOK_SECRET, Watched
from tests.sessions import Session, Webhook

REPO = "mergifyio-testing/functional-testing-repo"
NEWER_IDS = 4_000_000_000
"""What the sandbox numbers itself comes after everything that was recorded."""
POLICY = """\
[lines]
branch = "{stem}{{line}}"
[backport]
label = "{label}{{line}}"
[people]
apps = ["mergify-test"]
"""


class Replay(Watched):
    """One session. `webhooks` are the recorded ones, in order, with the ids of the rebuilt commits."""

    def __init__(self, sandbox: Sandbox, directory: Path, session: Session) -> None:
        super().__init__(sandbox, directory, REPO)
        self.session = session
        hooks = [webhook.payload for webhook in session.webhooks]
        self.main = Counter(payload["repository"]["default_branch"] for payload in hooks).most_common(1)[0][0]
        self._make_accounts(hooks)
        self._make_repositories(hooks)
        self.git = sandbox.git(REPO)
        self.rebuilt = rebuild(session, self.git)
        self.webhooks = [self._translate(webhook) for webhook in session.webhooks]

    # ── the stage ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _make_accounts(self, payloads: list[dict[str, Any]]) -> None:
        for account in find_all(payloads, "login", "id", "type"):
            kind = account["type"] if account["type"] in {"Bot", "Organization"} else "User"
            self.forge.forge.add_user(account["login"], kind).id = account["id"]
        self.forge.add_user("relbot")

    def _make_repositories(self, payloads: list[dict[str, Any]]) -> None:
        known = {shown["full_name"]: shown["id"] for shown in find_all(payloads, "full_name", "id")}
        for path, number in sorted(known.items(), key=lambda item: item[1]):
            self.forge.forge.world.next_id = number
            made = REPO if path == REPO else self.forge.fork(REPO, path.split("/")[0])
            if path == REPO:
                self.forge.create_repository(REPO, "master")
            assert self.forge.find(made).id == number
        self.forge.forge.world.next_id = NEWER_IDS
        self.forge.commit(REPO, "master", {"README": ""}, "The default branch between sessions", by="mergify-test1")
        self.forge.grant(REPO, "relbot", "write")

    def _translate(self, webhook: Webhook) -> Webhook:
        text = json.dumps(webhook.payload)
        prefix = self.main.removesuffix("master")
        for old, new in (
            (f"@mergifyio backport {prefix}stable/#3.1 {prefix}feature/one", "/backport 3.1 3.2"),
            ("feature/one", "stable/#3.2"),
            *self.rebuilt.items(),
        ):
            text = text.replace(old, new)
        return replace(webhook, payload=json.loads(text))

    @property
    def policy(self) -> str:
        """Lines and labels as the session names them."""
        told = json.dumps([webhook.payload for webhook in self.webhooks])
        stem = self.main.removesuffix("master") + ("stable/3.1" if "/stable/3.1" in told else "stable/#3.1")[:-3]
        return POLICY.format(stem=stem, label="backport-#" if "backport-#3.1" in told else "backport-")

    def line(self, line: str) -> str:
        """The name of a line's branch."""
        return f"{self.main.removesuffix('master')}stable/#{line}"

    # ── what happened ────────────────────────────────────────────────────────────────────────────────────────────────

    def happen(self, webhooks: Iterable[Webhook]) -> None:
        """Let be so what the webhooks tell."""
        with self.forge.forge.changing():
            for webhook in webhooks:
                self.forge.find(REPO).default_branch = webhook.payload["repository"]["default_branch"]
                self._enact(webhook.event, webhook.payload)

    def _enact(self, event: str, payload: dict[str, Any]) -> None:
        issues = self.forge.find(REPO).issues
        number = payload.get("number") or payload.get("issue", {}).get("number")
        match event, payload.get("action"):
            case "push", _ if not payload["ref"].startswith(OTHER_BOTS_REFS):
                self._move(payload["ref"].removeprefix("refs/heads/"), payload["after"])
            case "pull_request", "opened" if not is_other_bots(payload["pull_request"]):
                issues[number] = self._open(payload["pull_request"])
            case "pull_request", "labeled" | "unlabeled" | "closed" | "synchronize" as action if number in issues:
                self._change(issues[number], action, payload)
            case "issue_comment", "created" if number in issues:
                issues[number].comments.append(read_comment(payload["comment"]))

    def _move(self, branch: str, sha: str) -> None:
        """Set a branch; on the default branch our policy is the last commit, wherever that branch goes."""
        self.git.update_ref(f"refs/heads/{branch}", sha)
        if branch == self.main:
            self.forge.commit(REPO, branch, {".github/relbot.toml": self.policy}, "Policy", by="mergify-test1")

    def _open(self, shown: dict[str, Any]) -> Issue:
        base, head = shown["base"], shown["head"]
        self.git.update_ref(f"refs/pull/{shown['number']}/head", head["sha"])
        return Issue(
            shown["id"], shown["number"], shown["title"], shown["body"], shown["user"]["login"],
            seconds(shown["created_at"]), seconds(shown["updated_at"]),
            pull=PullPart(
                base["ref"], base["sha"], head["ref"], head["sha"], head["user"]["login"], head["repo"]["id"],
                shown["draft"],
            ),
        )

    def _change(self, issue: Issue, action: str, payload: dict[str, Any]) -> None:
        shown, part = payload["pull_request"], issue.pull
        assert part
        match action:
            case "labeled" | "unlabeled":
                label = payload["label"]
                labels = self.forge.find(REPO).labels
                labels.setdefault(label["name"].lower(), Label(label["id"], label["name"], label["color"]))
                issue.labels = [known["name"] for known in shown["labels"]]
                self._record(issue, action, payload["sender"]["login"], label["name"])
            case "synchronize":
                part.head_sha = shown["head"]["sha"]
                self.git.update_ref(f"refs/pull/{issue.number}/head", part.head_sha)
            case _:
                issue.state, issue.closed_at = "closed", seconds(shown["closed_at"])
                issue.closed_by = payload["sender"]["login"]
                self._record(issue, "closed", issue.closed_by)
                if shown["merged"]:
                    part.merged_at, part.merged_as = issue.closed_at, shown["merge_commit_sha"]
                    part.merged_by = shown["merged_by"]["login"]
                    self._move(part.base_ref, part.merged_as)

    def _record(self, issue: Issue, event: str, actor: str, subject: str | None = None) -> None:
        taken = self.forge.forge.world.take_id()
        issue.history.append(Entry(taken, event, actor, self.forge.forge.now(), subject))

    # ── what the bot is told ─────────────────────────────────────────────────────────────────────────────────────────

    def deliver(self, *webhooks: Webhook, at_once: int = 1) -> None:
        """Post webhooks to the bot; each must be answered 2xx."""
        with ThreadPoolExecutor(at_once) as senders:
            answers = list(senders.map(self._post, webhooks))
        assert {answer.status_code for answer in answers} <= {202}, [answer.text for answer in answers]

    def _post(self, webhook: Webhook) -> requests.Response:
        return requests.post(self.hook, webhook.body, headers=webhook.headers(HOOK_SECRET), timeout=20)

    # ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def backports(self) -> list[Issue]:
        """The pulls that our bot opened."""
        return [issue for issue in self.forge.find(REPO).issues.values() if issue.user == "relbot"]

    @property
    def written(self) -> dict[str, int]:
        """Every write that reached the forge, in words, with how often: nobody but our bot uses the API or pushes."""
        entries = [entry for entry in self.forge.requests if entry.method != "GET" and "upload" not in entry.operation]
        return dict(Counter(entry.operation.replace("/repos/{owner}/{repo}", "") for entry in entries))

    def brought_by(self, commit: str) -> tuple[str, str]:
        """Author and date, and what became of every path: the same for a pick that changes nothing of a commit."""
        change = self.git.run("diff-tree", "-r", "--root", "--no-commit-id", "--no-renames", commit)
        return self.git.run("show", "--no-patch", "--format=%an %ae %aI", commit), change


def is_other_bots(pull: dict[str, Any]) -> bool:
    """Whether the recorded bot made this pull."""
    return f"refs/heads/{pull['head']['ref']}".startswith(OTHER_BOTS_REFS)


def find_all(value: object, *keys: str) -> list[dict[str, Any]]:
    """Every object inside that has all of these keys."""
    if isinstance(value, dict):
        inner = [found for part in value.values() for found in find_all(part, *keys)]
        return [value, *inner] if all(key in value for key in keys) else inner
    return [found for part in value for found in find_all(part, *keys)] if isinstance(value, list) else []


def read_comment(shown: dict[str, Any]) -> Comment:
    at = seconds(shown["created_at"]), seconds(shown["updated_at"])
    return Comment(shown["id"], shown["user"]["login"], shown["body"], *at)


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
