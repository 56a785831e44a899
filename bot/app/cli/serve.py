"""`relbot serve`: the web server with a worker inside.

It must never answer for a delivery that it has not kept. Told to stop it ends what it has in hand, and leaves the rest
to whoever comes next.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, write_json
from bot.app.cli.stopping import add_metrics, find_monitor, leave, on_stop
from bot.core.errors import UserError

if TYPE_CHECKING:
    from bot.app.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.add_argument("--host", help="listen here instead of where the settings say")
    parser.add_argument("--port", type=int, help="0 takes any free port")
    add_metrics(parser)
    parser.epilog = (
        "Deliveries go to POST /hooks/github and /hooks/gitlab. Ctrl-C or SIGTERM stops it once what is at hand has "
        "ended, after 40 seconds at most, and a second one at once; whatever waits goes on at the next start."
    )


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from bot.app.log import start_logging
    from bot.app.settings import load

    settings = load(args.settings, os.environ)
    start_logging(as_json=settings.server.log == "json")
    host = settings.server.host if args.host is None else args.host
    if not host.strip():  # to the system that is every address of the machine
        raise UserError("--host names no address. Give one, such as 127.0.0.1, or 0.0.0.0 for all of them.")
    port = settings.server.port if args.port is None else args.port
    monitor = find_monitor(settings.server, args.metrics)
    _serve(settings, (host, port), monitor, as_json=args.json)
    return leave(Exit.DONE)


def _serve(settings: Settings, address: tuple[str, int], monitor: tuple[str, int] | None, *, as_json: bool) -> None:
    from bot.app.connect import open_doors
    from bot.app.employ import employ
    from bot.app.listening import listen
    from bot.app.server import create_app

    doors = open_doors(settings)
    with employ(settings, monitor, os.environ) as bot:
        server = listen(create_app(doors, bot.intake, settings.server.admits, bot.watch.health.troubles), *address)
        on_stop(server.shutdown)
        for forge in doors:
            _announce(f"http://{server.host}:{server.port}/hooks/{forge}", as_json=as_json)
        if bot.metrics:
            _announce(bot.metrics, "metrics", as_json=as_json)
        server.serve_forever()


def _announce(url: str, what: str = "listening", *, as_json: bool) -> None:
    if as_json:
        write_json({what: url})
    else:
        sys.stdout.write(f"Listening for deliveries at {url}\n" if what == "listening" else f"Metrics are at {url}\n")
        sys.stdout.flush()
