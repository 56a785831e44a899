"""`relbot work`: a worker without a web server, beside others on one database.

It must never take a delivery: it only does what others have taken.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading

from bot.app.cli.output import Exit, write_json
from bot.app.cli.stopping import add_metrics, find_monitor, leave, on_stop


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    add_metrics(parser)
    parser.epilog = (
        "Wants PostgreSQL when it runs on another machine than the server. Ctrl-C or SIGTERM stops it once the jobs at "
        "hand have ended."
    )


def run(args: argparse.Namespace) -> int:
    """Work until told to stop."""
    from bot.app.employ import employ
    from bot.app.log import start_logging
    from bot.app.settings import load

    settings, told = load(args.settings, os.environ), threading.Event()
    start_logging(as_json=settings.server.log == "json")
    with employ(settings, find_monitor(settings.server, args.metrics), os.environ) as bot:
        on_stop(told.set)
        _announce(bot.metrics, as_json=args.json)
        told.wait()
    return leave(Exit.DONE)


def _announce(metrics: str | None, *, as_json: bool) -> None:
    if as_json:
        write_json({"working": True})
        if metrics:
            write_json({"metrics": metrics})
    else:
        sys.stdout.write("Working. Ctrl-C stops it.\n" + (f"Metrics are at {metrics}\n" if metrics else ""))
        sys.stdout.flush()
