"""`python -m bot.sandbox`: the sandbox forge as a process of its own, until it is told to stop.

It never listens to another machine.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from bot.sandbox.server import Sandbox


def main() -> int:
    """Serve until SIGINT or SIGTERM; says where in one JSON line once it is ready."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description="A loopback forge.")
    parser.add_argument("--directory", type=Path, required=True, help="where everything is kept, for the next time too")
    parser.add_argument("--kind", choices=("github", "gitlab"), default="github", help="whose face the forge has")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; a free one by default")
    parser.add_argument("--url", help="its address, where something in front of it has another")
    parser.add_argument("--ready-file", type=Path, help="where to write the JSON line instead of standard output")
    options = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    sandbox = Sandbox(options.directory, options.kind, port=options.port)
    sandbox.known_as = options.url and options.url.rstrip("/")
    with sandbox:
        line = json.dumps({"url": sandbox.url}) + "\n"
        if options.ready_file:
            draft = options.ready_file.with_suffix(".new")
            draft.write_text(line)
            draft.replace(options.ready_file)
        else:
            sys.stdout.write(line)
            sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
