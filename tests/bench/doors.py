"""One web server in a process of its own, for the bench: `python -m tests.bench.doors KIND FOLDER [DATABASE]`.

It must never be more than the bot's own application under one server or another; what is measured is measured outside.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import sys
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from bot.app.durable import Queue
from bot.app.intake import Intake
from bot.app.listening import listen
from bot.app.runner import Decisions
from bot.app.server import Web, create_app
from bot.app.store.database import Database
from bot.app.store.spool import Spool
from bot.app.work import Place, at_work
from bot.core.actions import EnsureComment, FindComment, GetPull, ask
from bot.core.jobs import Backport, Plan, Report
from bot.core.model import Comment, Line, Person, Secret
from bot.forges.github_hooks import parse

KEY = Secret("k" * 32)
_ADA = Person(1, "ada")
_BURN = 40_000_000
"""Bytes hashed for each pull that is read: a worker that computes as hard as a pick does."""


class Bare(Web):
    """Flask alone: the body is read, and nothing is done with it."""

    def __init__(self) -> None:
        super().__init__({})

        @self.post("/hooks/github")
        def take() -> Any:
            from flask import request

            request.get_data(cache=False)
            return {"delivery": "x"}, 202

    def wants_body(self, *_: object) -> bool:
        return True


def plan(event: Any) -> Any:
    """A job for each delivery."""
    yield from ask(GetPull(event.repo, event.number))
    line = Line.parse("2.7")
    assert line is not None
    return Plan((Backport(event.repo, event.number, line, _ADA),))


def flow_of(job: Any) -> Any:
    """A question and two writes."""
    found = yield from ask(FindComment(job.repo, job.number, "marker"))
    for text in ("one", "two"):
        yield from ask(EnsureComment(job.repo, job.number, "marker", text, found and found.id))
    return Report(job, "opened", "opened")


def perform(action: Any) -> Any:
    """What costs time; hashing lets other threads run, as git does."""
    if isinstance(action, GetPull):
        hashlib.sha256(bytes(_BURN)).digest()
        return None
    return Comment(5, _ADA, getattr(action, "body", ""))


def make_app() -> Flask:
    """The bot's application with its intake, for servers that start processes of their own."""
    database = Database(os.environ["BENCH_DATABASE"], 2)
    database.prepare()
    queue = Queue(database)
    queue.prepare()
    spool = Spool(Path(os.environ["BENCH_FOLDER"]) / "spool")
    return create_app({"github": partial(parse, secrets=(KEY,))}, Intake(database, queue, spool))


def serve(kind: str, folder: Path) -> None:
    """Until SIGTERM; the port is printed when there is somebody behind it."""
    match kind:
        case "gunicorn":
            _gunicorn()
        case "granian":
            _granian()
        case "werkzeug":
            _werkzeug()
        case _:
            _ours(kind, folder)


def _ours(kind: str, folder: Path) -> None:
    with ExitStack() as stack:
        if kind == "bare":
            web: Web = Bare()
        elif kind == "busy":
            place = Place(Secret(os.environ["BENCH_DATABASE"]), folder)
            intake, _ = stack.enter_context(at_work(place, perform, Decisions(plan, flow_of)))
            web = create_app({"github": partial(parse, secrets=(KEY,))}, intake)
        else:
            web = make_app()  # type: ignore[assignment]
        server = listen(web, "127.0.0.1", 0)
        signal.signal(signal.SIGTERM, lambda *_: server.shutdown())
        _tell(server.port)
        server.serve_forever()
    os._exit(0)  # whatever a worker has in hand is of no interest


def _werkzeug() -> None:
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, make_app(), threaded=True)
    _tell(server.port)
    server.serve_forever()


def _gunicorn() -> None:
    from gunicorn.app.base import BaseApplication

    port = _free_port()

    class Carrier(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            told = {"bind": f"127.0.0.1:{port}", "workers": 1, "worker_class": "gthread", "threads": 8,
                    "worker_connections": 1000, "timeout": 60, "keepalive": 5, "loglevel": "error",
                    "post_worker_init": lambda _: _tell(port)}  # fmt: skip
            for name, value in told.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return make_app()

    Carrier().run()


def _granian() -> None:
    from granian import Granian

    port = _free_port()
    server = Granian("tests.bench.doors:make_app", "127.0.0.1", port, interface="wsgi", workers=1, factory=True,
                     blocking_threads=8, log_enabled=False)  # fmt: skip
    server.on_startup(lambda: _tell(port))
    server.serve()


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])


def _tell(port: int) -> None:
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    import logging

    logging.basicConfig(level=logging.ERROR)
    for chatty in ("werkzeug", "bot"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    os.environ["BENCH_FOLDER"] = sys.argv[2]
    os.environ["BENCH_DATABASE"] = sys.argv[3] if len(sys.argv) > 3 else f"sqlite:///{sys.argv[2]}/relbot.sqlite"
    serve(sys.argv[1], Path(sys.argv[2]))
