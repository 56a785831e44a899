"""Some repositories that people work in, and what has to be true of them once the bot has done all of it.

It must never change anything in the bot's name.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

from bot.app.store import audit, deliveries, journal
from bot.app.store.database import Database
from bot.app.work import is_idle
from bot.core.errors import Fault
from bot.core.model import ForgeName
from bot.sandbox import PullWish, Sandbox
from bot.sandbox.deliveries import Delivery
from tests.chaos.command import SECRET
from tests.chaos.ground import free_port, wait_until

LINE = "2.7"
_START = {"kit/ops.py": "".join(f"def op_{n}(x):\n    return x + {n}\n\n" for n in range(20))}


class Town:
    """A forge with a few repositories, whose webhooks go to one address."""

    def __init__(self, folder: Path, kind: ForgeName, repositories: int) -> None:
        self.kind = kind
        self.sandbox = Sandbox(folder / "forge", kind)
        self.sandbox.deliveries._all = deque()  # all of them: what was acknowledged is held against it
        self.sandbox.start()
        self.port = free_port()
        self.names = [f"acme/kit{n}" for n in range(repositories)]
        self.merged: list[tuple[str, int]] = []
        self._made = 0
        for login in ("ada", "mona", "relbot"):
            self.sandbox.add_user(login)
        for name in self.names:
            self._found(name)

    def _found(self, name: str) -> None:
        self.sandbox.create_repository(name)
        for login, role in (("ada", "write"), ("mona", "maintain"), ("relbot", "write")):
            self.sandbox.grant(name, login, role)
        self.sandbox.commit(name, "main", dict(_START), "Start", by="ada")
        self.sandbox.branch(name, f"release/{LINE}", "main", by="mona")

    def listen(self) -> None:
        """Have every repository send its webhooks."""
        for name in self.names:
            self.sandbox.add_hook(name, f"http://127.0.0.1:{self.port}/hooks/{self.kind}", SECRET)

    def forgive(self) -> None:
        """GitLab turns its back on who was away; here it does not, so that more is sent."""
        for name in self.names:
            for hook in self.sandbox.find(name).hooks.values():
                hook.failures, hook.disabled_until = 0, None

    def merge_one(self, name: str | None = None) -> tuple[str, int]:
        """A pull that is opened, labelled and merged; where, and its number."""
        self._made += 1
        name = name or self.names[self._made % len(self.names)]
        branch = f"ada-{self._made}"
        self.sandbox.branch(name, branch, "main", by="ada")
        files = {f"kit/part_{self._made}.py": f"PART = {self._made}\n"}
        self.sandbox.commit(name, branch, dict(files), f"Add part {self._made}", by="ada")
        number = self.sandbox.open_pull(name, PullWish(f"Add part {self._made}", branch, "main", body="Why."), by="ada")
        self.sandbox.label(name, number, f"backport/{LINE}", by="mona")
        self.sandbox.merge_pull(name, number, "squash", by="mona")
        self.merged.append((name, number))
        return name, number

    # ── what is true ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def sent(self) -> list[Delivery]:
        return self.sandbox.deliveries.all

    def acknowledged(self) -> list[Delivery]:
        """Everything that was answered 202, and was not only ignored."""
        return [each for each in self.sent if 202 in each.statuses]

    def settle(self, database: Database, patience: float) -> None:
        """Wait until nothing is under way."""
        seen = [-1]

        def is_still() -> bool:
            before, seen[0] = seen[0], len(self.sent)
            try:
                return self.sandbox.deliveries.drain(1) and before == len(self.sent) and is_idle(database)
            except Fault:
                return False

        wait_until(is_still, "nothing is under way", patience)
        wait_until(is_still, "nothing is under way", patience)

    def send_again(self) -> int:
        """Ask for what nobody has answered well; how much it was."""
        missed = [each for each in self.sent if not each.statuses or each.statuses[-1] != 202]
        for each in missed:
            self.sandbox.deliveries.redeliver(each.id)
        return len(missed)

    def lost(self, database: Database) -> list[str]:
        """Deliveries that were answered 202 and of which the bot knows nothing, or that it has not planned."""
        with database.begin() as connection:
            rows = connection.exec_driver_sql("SELECT key, state FROM relbot_inbox").all()
        states = {str(row[0]): str(row[1]) for row in rows}
        wanted = {f"{self.kind}:{_id(each)}": each for each in self.acknowledged() if self._matters(each)}
        return [f"{key} ({each.event}) is {states.get(key, 'not there')}" for key, each in wanted.items()
                if states.get(key) != "planned"]  # fmt: skip

    def _matters(self, delivery: Delivery) -> bool:
        """The bot keeps only what concerns it; a merge always does."""
        text = delivery.body
        return b'"action":"closed"' in text or b'"action":"merge"' in text

    def wrong(self, database: Database, merged: list[tuple[str, int]] | None = None) -> list[str]:
        """What is not as it has to be: one branch, one pull and one comment for each merge, and a sound database."""
        found = []
        for name, number in self.merged if merged is None else merged:
            head = f"backport/{LINE}/{number}"
            issues = self.sandbox.find(name).issues
            pulls = [each.number for each in issues.values() if each.pull and each.pull.head_ref == head]
            said = [each for each in issues[number].comments if each.user == "relbot" and not each.system]
            if len(pulls) != 1 or len(said) != 1:
                found.append(f"{name}#{number}: {len(pulls)} pulls, {len(said)} comments")
        with database.begin() as connection:
            failed = [job.summary for job in journal.find(connection, journal.Wanted(state="failed"))]
            if (number := audit.verify(connection)) is not None:
                found.append(f"the audit's entry {number} does not follow from the one before")
            if deliveries.waiting(connection)[0] or journal.waiting(connection):
                found.append("work is left waiting")
        return found + [f"a job failed: {each}" for each in failed] + self.sandbox.crashes

    def close(self) -> None:
        """End the forge."""
        with suppress(OSError):
            self.sandbox.stop()


def _id(delivery: Delivery) -> str:
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    return headers.get("x-github-delivery") or headers.get("idempotency-key") or headers.get("x-gitlab-event-uuid", "")


class People(threading.Thread):
    """Somebody who merges so many pulls, one every so many seconds."""

    def __init__(self, town: Town, merges: int, pause: float) -> None:
        super().__init__(daemon=True)
        self.town, self.merges, self.pause = town, merges, pause
        self.ended = threading.Event()

    def run(self) -> None:
        for _ in range(self.merges):
            if self.ended.wait(self.pause):
                return
            self.town.merge_one()
