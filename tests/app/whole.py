"""The whole bot beside a sandbox forge: webhooks come in over HTTP, and what it does shows on the forge."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from bot.app.connect import DECISIONS
from bot.app.durable import Pacing
from bot.app.listening import listen
from bot.app.perform import Performer
from bot.app.runner import Limits, Perform, Runner
from bot.app.server import Parse, create_app
from bot.app.work import Place, at_work, is_idle
from bot.core.events import Event
from bot.core.model import ForgeName, Secret
from bot.forges import Forge
from bot.forges.github import GitHub
from bot.forges.github_hooks import parse
from bot.forges.gitlab import GitLab
from bot.forges.gitlab_hooks import parse as parse_gitlab
from bot.forges.pacing import Manners
from bot.sandbox import PullWish, Sandbox
from bot.sandbox.state import Issue
from bot.tools.mirror import Mirrors
from bot.tools.pick import Committer

REPO = "acme/torchkit"
HOOK_SECRET = "hook-canary-5f1d"
PATIENCE = 30
DOORS: dict[ForgeName, Parse] = {
    "github": partial(parse, secrets=(Secret(HOOK_SECRET),)),
    "gitlab": lambda headers, body: parse_gitlab(headers, body, (Secret(HOOK_SECRET),), int(time.time())),
}
START = {
    "kit/ops.py": "".join(f"def op_{n}(x):\n    return x + {n}\n\n" for n in range(20)),
    "kit/scale.py": "def scale(x, by):\n    if by:\n        x = x * by\n    return x\n",
    "README.md": "A kit.\n",
}


def op(number: int, text: str) -> str:
    """`kit/ops.py` with one operation changed."""
    return START["kit/ops.py"].replace(f"return x + {number}\n", f"return {text}\n", 1)


class Durable:
    """The durable engine, to be waited for as the runner is."""

    def __init__(self, place: Place, perform: Perform) -> None:
        self._stack = ExitStack()
        self.intake, self.database = self._stack.enter_context(at_work(place, perform, DECISIONS, QUICK))
        self.handle = self.intake.handle

    def drain(self, timeout: float) -> bool:
        end = time.monotonic() + timeout
        while not is_idle(self.database):
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def close(self) -> None:
        self._stack.close()


QUICK = Pacing(poll=0.05, pauses=(0.01, 0.01, 0.01), first=0.1, longest=0.2, patience=20, stop=10)


class Watched:
    """The bot beside one repository of a sandbox forge, and what is seen of both."""

    database: str | None = None
    """The address of the durable engine's database; None runs the bot on threads of this process."""

    def __init__(self, sandbox: Sandbox, directory: Path, repository: str, kind: ForgeName = "github") -> None:
        self.forge = sandbox
        self.directory = directory
        self.repository = repository
        self.expected_faults = 0
        self.kind = kind

    def performer(self) -> Performer:
        token = Secret(self.forge.token_for("relbot"))
        manners = Manners(waits=(0.01, 0.02, 0.04), pace=None)
        forges: dict[ForgeName, Forge] = (
            {"gitlab": GitLab(self.forge.url, token, manners=manners)} if self.kind == "gitlab"
            else {"github": GitHub(self.forge.url, token, manners=manners)}
        )  # fmt: skip
        return Performer(forges, Mirrors(self.directory, Committer("relbot", "bot@example.org")))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the bot and send it the repository's webhooks."""
        with closing(self.performer()) as self.acting:
            self.runner = self._start()
            doors = {self.kind: DOORS[self.kind]}
            server = listen(create_app(doors, self), "127.0.0.1", 0)
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            self.hook = f"http://127.0.0.1:{server.port}/hooks/{self.kind}"
            self.forge.add_hook(self.repository, self.hook, HOOK_SECRET)
            try:
                yield
                self.settle()
            finally:
                self.forge.deliveries.stop()
                server.shutdown()
                thread.join(5)
                self.stop()

    def handle(self, delivery: str, event: Event) -> object:
        """What the server calls: the runner that is there now."""
        return self.runner.handle(delivery, event)

    def restart(self) -> None:
        """Put a new runner in the place of the old one: whatever that one remembered is gone."""
        self.stop()
        self.runner = self._start()

    def stop(self) -> None:
        """End the runner as the program would."""
        self.runner.close()

    def _start(self) -> Runner | Durable:
        if self.database:
            return Durable(Place(Secret(self.database), self.directory / "engine"), self.acting)
        return Runner(self.acting, DECISIONS, Limits(pauses=(0, 0, 0)))

    def settle(self) -> None:
        """Wait until no webhook is under way and nothing runs; what the bot writes sends webhooks of its own."""
        seen = -1
        while seen != len(self.forge.deliveries.all):
            seen = len(self.forge.deliveries.all)
            assert self.forge.deliveries.drain(PATIENCE)
            assert self.runner.drain(PATIENCE)

    # ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────────

    def issue(self, number: int) -> Issue:
        return self.forge.issue(self.repository, number)

    def labels(self, number: int) -> set[str]:
        return set(self.issue(number).labels)

    def pulls_onto(self, base: str) -> list[Issue]:
        issues = self.forge.find(self.repository).issues.values()
        return [issue for issue in issues if issue.pull and issue.pull.base_ref == base]

    def said_on(self, number: int) -> list[str]:
        """The bodies of the bot's comments."""
        return [comment.body for comment in self.issue(number).comments if comment.user == "relbot"]

    def file(self, revision: str, path: str) -> str:
        return self.forge.git(self.repository).run("show", f"{revision}:{path}")

    def log(self, revision: str, form: str = "%s") -> list[str]:
        return self.forge.git(self.repository).run("log", f"--format={form}", revision).split("\n")


class World(Watched):
    """A project with main, release/2.7 and release/2.8, its people, and the bot that looks after it."""

    def __init__(self, sandbox: Sandbox, directory: Path, kind: ForgeName = "github") -> None:
        super().__init__(sandbox, directory, REPO, kind)
        sandbox.create_repository(REPO)
        for login, role in (("ada", "write"), ("mona", "maintain"), ("rita", "read"), ("relbot", "write")):
            sandbox.add_user(login)
            sandbox.grant(REPO, login, role)
        sandbox.commit(REPO, "main", dict(START), "Start", by="ada")
        for line in ("2.7", "2.8"):
            sandbox.branch(REPO, f"release/{line}", "main", by="mona")
        sandbox.commit(REPO, "main", {"kit/new.py": "NEW = 1\n"}, "Go on after the lines were cut", by="ada")

    # ── what people do ───────────────────────────────────────────────────────────────────────────────────────────────

    def propose(self, *commits: tuple[dict[str, str], str], by: str = "ada", base: str = "main") -> int:
        """Open a pull whose branch has these commits (files, message), and answer its number."""
        branch = f"{by}-{len(self.forge.find(REPO).issues)}"
        self.forge.branch(REPO, branch, base, by=by)
        for files, message in commits:
            self.forge.commit(REPO, branch, files, message, by=by)
        return self.forge.open_pull(REPO, PullWish(commits[0][1], branch, base, body="Why."), by=by)

    def land(self, files: dict[str, str], title: str, *labels: str, method: str = "squash") -> int:
        """A pull with one commit, labelled and merged."""
        number = self.propose((files, title))
        self.forge.label(REPO, number, *labels, by="mona")
        self.forge.merge_pull(REPO, number, method, by="mona")
        return number
