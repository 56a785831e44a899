"""`relbot work`: a worker without a web server, beside others on one database.

It must never take a delivery: it only does what others have taken.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from contextlib import closing, suppress

from bot.app.cli.output import Exit, write_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.epilog = (
        "Wants PostgreSQL when it runs on another machine than the server. Ctrl-C or SIGTERM stops it once the jobs at "
        "hand have ended."
    )


def run(args: argparse.Namespace) -> int:
    """Work until told to stop."""
    from bot.app.connect import DECISIONS, connect
    from bot.app.keep import keep_up
    from bot.app.log import start_logging
    from bot.app.settings import load
    from bot.app.work import Place, at_work

    settings = load(args.settings, os.environ)
    start_logging()
    place = Place(settings.database, settings.directory)
    with closing(connect(settings)) as performer, at_work(place, performer, DECISIONS) as (intake, database):
        keeping = keep_up(settings, performer, intake, database)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if args.json:
            write_json({"working": True})
        else:
            sys.stdout.write("Working. Ctrl-C stops it.\n")
            sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        keeping.close()
    return Exit.DONE
