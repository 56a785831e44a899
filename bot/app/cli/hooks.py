"""`relbot hooks sync`: creates the webhook of a repository with exactly the events the bot reads, or mends it.

It must never touch a webhook that sends elsewhere.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys

from bot.app.cli.output import Exit, printable, waiting, write_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("what", choices=("sync",), help="create the webhook, or mend it")
    parser.add_argument("--repository", metavar="R", help="the repository, as owner/name")
    parser.add_argument("--url", help="where the server is (default: `url` under [server] in the settings)")
    parser.add_argument("--renew-secret", action="store_true", help="set the secret anew, though there is one")
    parser.add_argument("--dry-run", action="store_true", help="tell what is wrong, and change nothing")
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.epilog = (
        "The secret is the first webhook secret of the settings. It is set where the webhook has none, or where the "
        "server has turned the last delivery away. Exit code 3 when nothing was wrong."
    )


def run(args: argparse.Namespace) -> int:
    """Create or mend the webhook, and tell what was done."""
    from bot.app.equip import hook_address, hook_wish, sync_hook
    from bot.app.log import start_logging
    from bot.app.places import find_place
    from bot.app.settings import load
    from bot.core.actions import Refused

    start_logging(logging.WARNING, traces=False)
    settings = load(args.settings, os.environ)
    with waiting("asking the forge", as_json=args.json):
        place = find_place(settings, args.repository)
        url = hook_address(settings, place.repo.forge, args.url)
        wish = hook_wish(settings, place.repo.forge, url, renew=args.renew_secret)
        ready = sync_hook(place, wish, rehearse=args.dry_run)
    if isinstance(ready, Refused):
        _tell(args, url, refused=str(ready))
        return Exit.REFUSED
    _tell(args, url, changes=ready.changes)
    return Exit.DONE if ready.changes else Exit.NOTHING


def _tell(args: argparse.Namespace, url: str, *, changes: tuple[str, ...] = (), refused: str | None = None) -> None:
    if args.json:
        write_json({"webhook": url, "changes": changes, "refused": refused, "rehearsed": args.dry_run})
    elif refused:
        sys.stderr.write(f"relbot: {printable(refused)}\n")
    elif changes:
        would = "would be" if args.dry_run else "was"
        sys.stdout.write("".join(f"The webhook to {url} {would} {printable(change)}.\n" for change in changes))
    else:
        sys.stdout.write(f"The webhook to {url} is as it should be.\n")
