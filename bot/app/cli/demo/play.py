"""Plays the story: starts the forge and the bot, lets people merge, and shows what the bot makes of it.

It never fakes an answer: every pull, comment and label is read back from the forge.
"""

from __future__ import annotations

import logging
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bot.app.cli.demo.people import Desk, People, sandbox_forge
from bot.app.cli.demo.show import Show
from bot.app.cli.demo.story import FINALE, HISTORY, PEOPLE, REPOSITORY, SCENES, Finale, Scene
from bot.app.connect import DECISIONS, connect, open_doors
from bot.app.listening import listen
from bot.app.runner import Runner, Started
from bot.app.server import create_app
from bot.app.settings import Settings, load
from bot.core.events import Event
from bot.core.jobs import Report

_SECRET = "a secret of the demo's own"  # noqa: S105 - it guards a loopback forge that lives as long as the demo


@dataclass
class Watched:
    """The runner, with a note of what it was handed and when, and of when each job ended."""

    runner: Runner
    started: list[tuple[float, Future[Started]]]
    ended: dict[str, float] = field(default_factory=dict)

    def handle(self, delivery: str, event: Event) -> object:
        """Pass an event on to the runner."""
        run = self.runner.handle(delivery, event)
        self.started.append((time.monotonic(), run))
        run.add_done_callback(self._watch_jobs)
        return run

    def _watch_jobs(self, run: Future[Started]) -> None:
        if run.exception() is None:
            for job, future in zip(run.result().plan.jobs, run.result().runs, strict=True):
                future.add_done_callback(partial(self._note_end, job.key))

    def _note_end(self, key: str, _: Future[Report]) -> None:
        self.ended.setdefault(key, time.monotonic())


def play(*, keep_serving: bool, as_json: bool) -> None:
    """Tell the whole story; with `keep_serving` wait for Ctrl-C at its end."""
    logging.disable(logging.CRITICAL)  # the show says what happens, and a fault ends it with one line
    show = Show(as_json=as_json)
    with tempfile.TemporaryDirectory(prefix="relbot-demo-") as name, sandbox_forge(Path(name)) as url:
        people = _set_stage(url)
        grace = Desk(Path(name), people, "grace")
        Desk(Path(name), people, "ada").publish(HISTORY)
        with _bot(Path(name), people) as watched:
            show.opening(people, HISTORY)
            for scene in SCENES:
                _act(scene, (people, grace), watched, show)
            _release(FINALE, people, watched, show)
            show.closing(people, FINALE.tag)
            if keep_serving:
                show.serving(people)
                threading.Event().wait()


def _set_stage(url: str) -> People:
    people = People(url, REPOSITORY)
    people.control("repositories", path=REPOSITORY)
    for login, role in PEOPLE.items():
        people.join(login, role)
    people.join("relbot[bot]", "maintain", bot=True)
    return people


@contextmanager
def _bot(directory: Path, people: People) -> Iterator[Watched]:
    """The bot as `relbot serve` runs it, with a webhook of the repository pointing at it."""
    settings = _settings(directory, people)
    with closing(connect(settings)) as performer, closing(Runner(performer, DECISIONS)) as runner:
        watched = Watched(runner, [])
        server = listen(create_app(open_doors(settings), watched), "127.0.0.1", 0)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        hook = {"url": f"http://127.0.0.1:{server.port}/hooks/github", "content_type": "json", "secret": _SECRET}
        people.ask("ada", "POST", "/hooks", {"name": "web", "config": hook, "events": ["*"]})
        try:
            yield watched
        finally:
            server.shutdown()
            thread.join(10)


def _settings(directory: Path, people: People) -> Settings:
    file = directory / "server.toml"
    file.write_text(
        f'[data]\ndirectory = "{directory / "data"}"\n[github]\napi = "{people.url}"\nclone_base = "{people.url}"\n'
        'paced = false\n[bot]\nname = "relbot"\nemail = "relbot@example.org"\n'
    )
    return load(str(file), {"GITHUB_TOKEN": people.tokens["relbot[bot]"], "RELBOT_WEBHOOK_SECRET": _SECRET})


def _act(scene: Scene, cast: tuple[People, Desk], watched: Watched, show: Show) -> None:
    """One scene: a pull is opened, labelled and merged; then whatever follows; then what the bot did."""
    people, grace = cast
    show.scene(scene)
    wish = {"title": scene.title, "head": scene.branch, "base": "main", "body": f"{scene.explanation}"}
    number = int(people.ask(scene.by, "POST", "/pulls", wish)["number"])
    if scene.labels:
        people.ask(scene.by, "POST", f"/issues/{number}/labels", {"labels": list(scene.labels)})
    _rest(people, watched)
    began = len(watched.started)
    merged = _merge(scene, number, people)
    labels = " and ".join(f"`{label}`" for label in scene.labels)
    show.deed(scene.by, _MERGED[scene.method], number, f"with {labels}" if labels else "")
    for who, what, words in scene.then:
        _rest(people, watched)
        _follow(grace, people, (who, what, words), (number, merged))
        show.deed(who, _FOLLOWED[what], number, f"{_LINKS[what]}`{words}`")
    _rest(people, watched)
    show.reports(_outcomes(watched, began))


def _release(finale: Finale, people: People, watched: Watched, show: Show) -> None:
    """The last scene: what is open goes in, and the line is released by some words."""
    show.scene(finale)
    numbers = [pull["number"] for pull in people.ask(finale.by, "GET", f"/pulls?base={finale.branch}&direction=asc")]
    for number in numbers:
        people.ask(finale.by, "PUT", f"/pulls/{number}/merge", {"merge_method": "squash"})
    show.deed(finale.by, "merges", numbers[0], f"and {', '.join(f'#{number}' for number in numbers[1:])}")
    last, code = numbers[-1], ""
    for words in finale.words:
        _rest(people, watched)
        began = len(watched.started)
        watched.ended.clear()  # a wish that is confirmed is the same job, begun again
        said = words.format(code=code)
        people.ask(finale.by, "POST", f"/issues/{last}/comments", {"body": said})
        show.deed(finale.by, "says on", last, f"`{said}`")
        _rest(people, watched)
        show.reports(_outcomes(watched, began))
        code = _find_code(people, last)


def _find_code(people: People, number: int) -> str:
    """What the bot wants to hear, as everybody can read it there; empty where it waits for nothing."""
    answers = (str(comment["body"]) for comment in people.ask("ada", "GET", f"/issues/{number}/comments?per_page=100"))
    return next((found[1] for answer in answers if (found := _CODE.search(answer))), "")


_CODE = re.compile(r"`/release confirm ([0-9a-f-]+)`")
_MERGED = {"squash": "squashes", "merge": "merges", "rebase": "rebases", "landed": "lets the robot land"}
_FOLLOWED = {"label": "labels", "comment": "says on", "pick": "picks by hand"}
_LINKS = {"label": "", "comment": "", "pick": "onto "}


def _merge(scene: Scene, number: int, people: People) -> str:
    if scene.method == "landed":
        return str(people.control("landings", path=REPOSITORY, number=number, by=scene.by)["sha"])
    return str(people.ask(scene.by, "PUT", f"/pulls/{number}/merge", {"merge_method": scene.method})["sha"])


def _follow(grace: Desk, people: People, deed: tuple[str, str, str], pull: tuple[int, str]) -> None:
    who, what, words = deed
    number, merged = pull
    match what:
        case "label":
            people.ask(who, "POST", f"/issues/{number}/labels", {"labels": [words]})
        case "comment":
            people.ask(who, "POST", f"/issues/{number}/comments", {"body": words})
        case _:
            grace.pick(merged, words)


def _rest(people: People, watched: Watched) -> None:
    """Wait until every webhook has been answered and every job has ended, and nothing new came of it."""
    seen = -1
    for _ in range(600):
        deliveries: list[dict[str, Any]] = people.look("deliveries")
        quiet = all(delivery["statuses"] for delivery in deliveries) and watched.runner.drain(0.01)
        if quiet and seen == len(deliveries):
            return
        seen = len(deliveries) if quiet else -1
        time.sleep(0.03)


def _outcomes(watched: Watched, since: int) -> list[tuple[Report, float]]:
    """Each job's report with the seconds from its delivery's arrival to its end, once."""
    found: dict[str, tuple[Report, float]] = {}
    for arrived, run in watched.started[since:]:
        for job in run.result().runs:
            report = job.result()
            found.setdefault(report.job.key, (report, watched.ended.get(report.job.key, arrived) - arrived))
    return list(found.values())
