"""`relbot signer`: the process that has the signing key, and does nothing but sign tags.

It must never read the settings of the bot: it has no use for a token, and the bot none for its key.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, write_json
from bot.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.core.model import Secret


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--socket", type=Path, metavar="PATH", help="where to listen (default: what systemd opened)")
    parser.add_argument("--format", choices=("ssh", "gpg"), default="ssh", help="the kind of key (default: ssh)")
    parser.add_argument("--key", type=Path, required=True, metavar="PATH", help="the private key: a file; for ssh also "
                        "a .pub whose other half ssh-agent has, for gpg also a home of gpg's")  # fmt: skip
    parser.add_argument("--user", metavar="ID", help="which of several keys in a home of gpg's")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--passphrase-file", type=Path, metavar="FILE", help="the file with the key's passphrase")
    words.add_argument("--passphrase-env", metavar="NAME", help="the environment variable with it")
    parser.add_argument("--repository", action="append", default=[], metavar="FORGE:OWNER/NAME",
                        help="sign for these only; * stands for a part")  # fmt: skip
    parser.add_argument("--name", action="append", default=[], metavar="PATTERN",
                        help="sign tags of these names only, such as v2.7.*")  # fmt: skip
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    parser.epilog = "The settings of the bot name the socket under [signing]. Ctrl-C or SIGTERM stops it."


def run(args: argparse.Namespace) -> int:
    """Sign until told to stop."""
    import resource

    from bot.app.cli.stopping import on_stop
    from bot.app.log import start_logging
    from bot.tools.signer.keys import KeyPlace, open_key
    from bot.tools.signer.rules import Rules
    from bot.tools.signer.service import Service, inherited, listen_at

    start_logging(as_json=args.json)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the memory of this process goes nowhere
    rules = Rules(tuple(args.repository), tuple(args.name))
    with closing(open_key(KeyPlace(args.format, args.key, _passphrase(args), args.user))) as key:
        listener = listen_at(args.socket) if args.socket else inherited()
        if listener is None:
            raise UserError("I do not know where to listen. Name a place with --socket PATH.")
        service = Service(key, rules, listener)
        on_stop(service.stop)
        if args.until_eof:
            threading.Thread(target=_await_eof, args=(service.stop,), daemon=True).start()
        _announce(args)
        service.serve()
        if args.socket:
            with suppress(OSError):
                args.socket.unlink()
                if args.until_eof:
                    args.socket.parent.rmdir()  # made for this signer, by who may have been killed
    return Exit.DONE


def _passphrase(args: argparse.Namespace) -> Secret | None:
    from bot.app.log import hide
    from bot.core.model import Secret

    value = ""
    if args.passphrase_file:
        try:
            value = args.passphrase_file.read_text()
        except (OSError, ValueError) as error:
            raise UserError(f"The passphrase in {args.passphrase_file} cannot be read: {error}. Check it.") from None
    elif args.passphrase_env:
        value = os.environ.pop(args.passphrase_env, "")
        if not value:
            raise UserError(f"The environment variable {args.passphrase_env} is not set. Set it to the passphrase.")
    if not (value := value.rstrip("\r\n")):
        return None
    hide(secret := Secret(value))
    return secret


def _await_eof(stop: Callable[[], None]) -> None:
    with suppress(OSError, ValueError):
        while sys.stdin.buffer.read(4096):
            pass
    stop()


def _announce(args: argparse.Namespace) -> None:
    where = str(args.socket or "the socket of systemd")
    if args.json:
        write_json({"signing": where})
    else:
        sys.stdout.write(f"Signing at {where}\n")
        sys.stdout.flush()
