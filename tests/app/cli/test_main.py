"""The command line's door: what it lists, what it refuses, and which exit code comes out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from subprocess import PIPE
from types import SimpleNamespace

import pytest

from bot.app import cli
from bot.app.cli.output import Exit, printable
from bot.app.store.database import Database
from bot.core.errors import Fault, UserError

RELBOT = (sys.executable, "-m", "bot")


def relbot(*arguments, **environment):
    environment = {**os.environ, **environment}
    command = [*RELBOT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment, check=False)


@pytest.fixture
def boom(monkeypatch):
    """Makes `relbot boom` run the given function."""

    def install(run):
        monkeypatch.setitem(cli.COMMANDS, "boom", "ends as the test wants")
        module = SimpleNamespace(configure=lambda parser: parser.add_argument("--loud", action="store_true"), run=run)
        monkeypatch.setitem(sys.modules, "bot.app.cli.boom", module)

    return install


def raising(error):
    def run(args):
        raise error

    return run


def test_help_lists_every_command_with_a_line():
    shown = relbot("--help")
    assert shown.returncode == 0
    for name, summary in cli.COMMANDS.items():
        assert f"\n  {name:<12}{summary}\n" in shown.stdout


@pytest.mark.parametrize("name", ["event", "pick", "serve"])
def test_every_command_has_help_and_json(name):
    shown = relbot(name, "--help")
    assert shown.returncode == 0
    assert "--json" in shown.stdout


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "No command was given"),
    (("pikc",), "There is no command 'pikc'. Did you mean `pick`?"),
    (("serve", "--prot", "80"), "unrecognized arguments: --prot"),
    (("serve", "--port", "x"), "invalid int value"),
    (("event",), "required: FILE"),
    (("--json", "event"), "required: FILE"),
])
def test_wrong_usage_is_code_2_and_says_what_is_wrong(arguments, said):
    shown = relbot(*arguments)
    assert shown.returncode == Exit.USAGE
    assert said in shown.stderr
    assert shown.stdout == ""
    assert "Traceback" not in shown.stderr


def test_the_version_is_told():
    assert relbot("--version").stdout.startswith("relbot 0.")


@pytest.mark.parametrize("code", list(Exit))
def test_a_command_s_code_is_the_exit_code(boom, code):
    boom(lambda args: code)
    assert cli.main(["boom"]) == code


def test_the_command_gets_its_arguments(boom):
    seen = []
    boom(lambda args: seen.append((args.loud, args.json)) or 0)
    assert cli.main(["boom", "--loud"]) == 0
    assert cli.main(["boom", "--json"]) == 0
    assert seen == [(True, False), (False, True)]


def test_a_user_error_is_shown_as_it_is_with_code_2(boom, capsys):
    boom(raising(UserError("There is no branch release/9.9. Create it first.")))
    assert cli.main(["boom"]) == Exit.USAGE
    assert capsys.readouterr().err == "relbot: There is no branch release/9.9. Create it first.\n"


def test_a_fault_is_shown_with_an_id_and_no_traceback(boom, capsys):
    boom(raising(Fault("GitHub said 500")))
    assert cli.main(["boom"]) == Exit.FAULT
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("relbot: fault ")
    assert "GitHub said 500" in shown.err
    assert "Traceback" not in shown.err


def test_a_traceback_is_shown_to_those_who_ask_for_it(boom, capsys, monkeypatch):
    monkeypatch.setenv("RELBOT_DEBUG", "1")
    boom(raising(ZeroDivisionError("by nothing")))
    assert cli.main(["boom"]) == Exit.FAULT
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "fault " in shown


def test_what_is_shown_holds_no_credential_and_no_escape_sequence(boom, capsys):
    boom(raising(RuntimeError("https://bot:hunter2@github.com \x1b[31mghp_abcdefghij0123456789")))
    assert cli.main(["boom"]) == Exit.FAULT
    shown = capsys.readouterr().err
    assert "hunter2" not in shown
    assert "abcdefghij" not in shown
    assert "\x1b" not in shown


def test_ctrl_c_is_code_130(boom):
    boom(raising(KeyboardInterrupt()))
    assert cli.main(["boom"]) == 130


def test_a_reader_that_goes_away_is_met_with_silence():
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen([*RELBOT, "--help"], stdout=PIPE, stderr=PIPE, env=environment) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == Exit.BROKEN_PIPE


def test_help_for_pick_loads_nothing_that_it_does_not_need():
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bot", "pick", "--help"], capture_output=True, text=True, timeout=30,
        check=True,
    )
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in shown.stderr.splitlines()}
    assert "argparse" in loaded
    assert not loaded & {"flask", "werkzeug", "github", "git", "pydantic", "rich", "requests", "markdown_it", "semver"}


def test_control_characters_are_escaped_and_letters_kept():
    assert printable("fix\x1b[2J ünï “ok”\n\u202e") == "fix\\x1b[2J ünï “ok”\n\\u202e"


def test_serve_stops_on_sigterm_and_says_where_it_listens(tmp_path):
    environment = {**os.environ, "GITHUB_TOKEN": "t0ken", "RELBOT_WEBHOOK_SECRET": "w" * 20, "HOME": str(tmp_path)}
    settings = tmp_path / "server.toml"
    settings.write_text("[upkeep]\nsweep_minutes = 0\n")
    command = [*RELBOT, "serve", "--settings", str(settings), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, env=environment) as process:
        try:
            first = process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert first.startswith('{"listening":"http://127.0.0.1:')
    assert (out, err, process.returncode) == ("", "", 0)


@pytest.mark.parametrize(("environment", "said"), [
    ({"GITHUB_TOKEN": ""}, "There is no GitHub token"),
    ({"GITHUB_TOKEN": "t0ken", "RELBOT_WEBHOOK_SECRET": ""}, "There is no webhook secret"),
    ({"RELBOT_SETTINGS": "/no/such.toml"}, "cannot be read"),
])
def test_serve_without_what_it_needs_is_code_2(environment, said):
    shown = relbot("serve", **environment)
    assert shown.returncode == Exit.USAGE
    assert said in shown.stderr


# ── where the output goes ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def looking(tmp_path):
    """A command that shows a table, with the environment it takes."""
    with closing(Database(f"sqlite:///{tmp_path}/relbot.sqlite")) as database:
        database.prepare()
    settings = tmp_path / "server.toml"
    settings.write_text(f'[data]\ndirectory = "{tmp_path}"\n')
    return [*RELBOT, "status", "--settings", str(settings)]


def test_a_reader_who_goes_away_from_a_table_is_no_fault(looking):
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as nobody_reads:
        ended = subprocess.run(looking, stdout=nobody_reads, stderr=PIPE, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (Exit.BROKEN_PIPE, "")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_with_its_output_closed_a_command_still_does_its_work(looking, words):
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *looking, *words]
    ended = subprocess.run(shell, stderr=PIPE, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said_in_words_and_without_the_name_of_an_exception(looking):
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(looking, stdout=full, stderr=PIPE, text=True, timeout=30, check=False)
    assert ended.returncode == Exit.FAULT
    assert "cannot be used: No space left on device. Check its rights, and that the disk has room." in ended.stderr
    assert "OSError" not in ended.stderr


def test_a_terminal_that_knows_few_letters_gets_the_others_in_escapes():
    shown = relbot("pick", "--help", PYTHONIOENCODING="ascii")
    assert (shown.returncode, "<sha>\", \\u2026]" in shown.stdout) == (0, True), shown
