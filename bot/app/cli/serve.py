"""`relbot serve`: the web server with a worker inside.

It must never answer for a delivery that it has not kept. Told to stop it ends what it has in hand, and leaves the rest
to whoever comes next.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, write_json

if TYPE_CHECKING:
    from bot.app.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.add_argument("--host", help="listen here instead of where the settings say")
    parser.add_argument("--port", type=int, help="0 takes any free port")
    parser.epilog = (
        "Deliveries go to POST /hooks/github and /hooks/gitlab. Ctrl-C or SIGTERM stops it once the jobs at hand have "
        "ended; whatever waits goes on at the next start."
    )


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from bot.app.log import start_logging
    from bot.app.settings import load

    settings = load(args.settings, os.environ)
    start_logging()
    host = settings.server.host if args.host is None else args.host
    port = settings.server.port if args.port is None else args.port
    _serve(settings, (host, port), as_json=args.json)
    return Exit.DONE


def _serve(settings: Settings, address: tuple[str, int], *, as_json: bool) -> None:
    from bot.app.connect import DECISIONS, connect, open_doors
    from bot.app.keep import keep_up
    from bot.app.server import create_app, listen
    from bot.app.work import Place, at_work

    doors, place = open_doors(settings), Place(settings.database, settings.directory)
    with closing(connect(settings)) as performer, at_work(place, performer, DECISIONS) as (intake, database):
        keeping = keep_up(settings, performer, intake, database)
        server = listen(create_app(doors, intake, settings.server.admits), *address)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            for forge in doors:
                _announce(f"http://{server.host}:{server.port}/hooks/{forge}", as_json=as_json)
            server.serve_forever()
        server.server_close()
        keeping.close()


def _announce(url: str, *, as_json: bool) -> None:
    if as_json:
        write_json({"listening": url})
    else:
        sys.stdout.write(f"Listening for deliveries at {url}\n")
        sys.stdout.flush()
