"""`relbot demo`: the whole story on the sandbox forge, nothing else needed.

It never reaches anything but the loopback address, and leaves nothing behind.
"""

from __future__ import annotations

import argparse

from bot.app.cli.output import Exit


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--exit", action="store_true", help="end when the story is told, instead of serving on")


def run(args: argparse.Namespace) -> int:
    """Tell the story, then keep the forge and the bot running until Ctrl-C."""
    from bot.app.cli.demo.play import play

    play(keep_serving=not args.exit, as_json=args.json)
    return Exit.DONE
