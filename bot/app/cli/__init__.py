"""The command line: finds the command, runs it, and turns what comes out of it into an exit code.

It must never import a command that was not asked for: `relbot pick` answers before a web framework would have loaded.
A command is a module with `configure(parser)`, which adds its arguments, and `run(args)`, which returns an `Exit`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Protocol, cast

from bot import __version__
from bot.app.cli.output import Exit, printable
from bot.core.errors import Fault, UserError

COMMANDS = {
    "changelog": "the notes of a version, or the whole changelog",
    "demo": "the whole story on the sandbox forge, nothing else needed",
    "doctor": "what keeps the bot from working here, and how to mend it",
    "duplicates": "changes of one branch that are already on another, with evidence",
    "event": "handle one delivery without a server, or rehearse it",
    "explain": "why each thing did or did not happen to a pull",
    "hooks": "create or mend the webhook that a repository needs",
    "jobs": "the jobs and what became of them; do one again, or stop one",
    "labels": "create the labels that a repository needs",
    "pick": "pick commits onto a ref, in memory",
    "release": "what /release does in chat, from here; and adopt, for a project with releases",
    "serve": "take deliveries over HTTP and do what they ask for",
    "signer": "the process that has the signing key, and signs tags for the others",
    "status": "how the bot is, on one screen",
    "sweep": "find what a lost webhook would have started",
    "trace": "where a change has come out; what a version is made of",
    "version": "the next version of a line, and why",
    "work": "do what a server on the same database has taken",
}
"""What `relbot --help` lists; each command lives in the module of its name beside this one."""


class Command(Protocol):
    """What a command's module offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command (`argv` without the program's name; default: the process's own) and return its exit code."""
    _ready_streams()
    try:
        code = _dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; without this the interpreter would complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.BROKEN_PIPE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except UserError as error:
        return _complain(str(error), Exit.USAGE)
    except Exception as error:
        if _is_unknown_token(error):
            return _complain(str(error), Exit.USAGE)
        return _report_fault(error)
    return code


def _is_unknown_token(error: Exception) -> bool:
    """Whether a forge knows no such token: that is set up wrong, and does not pass."""
    from bot.forges.wire_fault import WireFault  # takes its time to load, and few commands ask a forge

    return isinstance(error, WireFault) and error.status == 401


def _ready_streams() -> None:
    """With standard output or error closed, or a terminal that knows few letters, a command still does its work."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - for as long as the process lasts
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _dispatch(argv: list[str]) -> int:
    """Read the arguments with the parser of the named command only, and run it."""
    wanted = next((word for word in argv if not word.startswith("-")), None)
    if wanted is not None and wanted not in COMMANDS:
        raise UserError(f"There is no command {wanted!r}.{_nearest(wanted)} `relbot --help` lists the commands.")
    module = cast("Command", importlib.import_module(f"{__name__}.{wanted}")) if wanted else None
    try:
        args = _parser(wanted, module).parse_args(argv)
    except SystemExit as ended:  # how argparse ends after --help, and after wrong usage
        return int(ended.code or 0)
    if module is None:
        raise UserError("No command was given. `relbot --help` lists the commands.")
    return module.run(args)


def _parser(wanted: str | None, module: Command | None) -> argparse.ArgumentParser:
    listing = "commands:\n" + "\n".join(f"  {name:<12}{summary}" for name, summary in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="relbot",
        description="A release bot for PyTorch projects.",
        epilog=f"{listing}\n\n`relbot COMMAND --help` says more about one of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"relbot {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", help="one of those below")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == wanted and module is not None:
            command.add_argument("--json", action="store_true", help="print JSON instead of text")
            module.configure(command)
    return parser


def _nearest(word: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, COMMANDS, n=1)
    return f" Did you mean `{close[0]}`?" if close else ""


def _complain(message: str, code: Exit) -> Exit:
    from bot.app.log import redact

    sys.stderr.write(f"relbot: {printable(redact(message))}\n")
    return code


def _report_fault(error: Exception) -> Exit:
    """Say what went wrong under an id that can be quoted; where it went wrong only to those who ask for it."""
    from bot.app.log import name_fault

    name = name_fault(error)
    if os.environ.get("RELBOT_DEBUG") == "1":
        from traceback import format_exception

        return _complain("".join(format_exception(error)), Exit.FAULT)
    what = _tell(error)
    return _complain(f"fault {name}: {what}\n(RELBOT_DEBUG=1 shows where it happened)", Exit.FAULT)


def _tell(error: Exception) -> str:
    if isinstance(error, Fault):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = str(error.filename) if error.filename else "A file or an output"
        return f"{where} cannot be used: {error.strerror}. Check its rights, and that the disk has room."
    return f"{type(error).__name__}: {error}"
