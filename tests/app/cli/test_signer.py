"""`relbot signer`, as an operator starts it: told what to sign with, where, and to stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.app.cli import main
from bot.app.cli.output import Exit
from bot.tools.signer import Declined, Signed, SocketSigner
from tests.tools.signer.test_rules import BODY, OURS
from tests.tools.signing_keys import PASSPHRASE, key_pair, needs


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="relbot-test-") as room:
        yield Path(room) / "socket"


@contextmanager
def running(*arguments, **more):
    """The command until the block ends; it has to end well then."""
    command = [sys.executable, "-m", "bot", "signer", "--json", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more) as process:
        try:
            assert process.stdout.readline(), process.stderr.read().decode()
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == Exit.DONE
        finally:
            process.kill()


@needs("ssh")
def test_it_signs_what_it_was_started_for_logs_it_and_stops_when_told(place):
    pair = key_pair("ssh", passphrase=PASSPHRASE)
    environment = {**os.environ, "WORDS": PASSPHRASE}
    what = ("--key", pair.place.path, "--passphrase-env", "WORDS", "--socket", place)
    rules = ("--repository", "github:acme/*", "--name", "v2.7.*")
    with running(*what, *rules, env=environment) as it:
        assert isinstance(SocketSigner(place).sign(OURS, BODY), Signed)
        assert isinstance(SocketSigner(place).sign("github:other/torchlet", BODY), Declined)
        log = it.stderr
        it.send_signal(signal.SIGTERM)
        lines = [json.loads(line) for line in log.read().splitlines()]
    assert [line["message"].split()[0] for line in lines] == ["signed", "declined:"]
    assert PASSPHRASE not in repr(lines)
    assert not place.exists()


@needs("ssh")
def test_it_takes_the_socket_that_systemd_has_opened_and_leaves_it_open(place):
    """As systemd hands it over: as file 3, with the number of the process in the environment."""
    start = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid()); "
             "os.execv(sys.executable, sys.argv[2:])")  # fmt: skip
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        command = [sys.executable, "-m", "bot", "signer", "--key", str(key_pair("ssh").place.path)]
        with subprocess.Popen(
            [sys.executable, "-c", start, str(listener.fileno()), *command], stdout=subprocess.PIPE,
            pass_fds=(listener.fileno(),), env={**os.environ, "LISTEN_FDS": "1"},
        ) as it:  # fmt: skip
            assert it.stdout.readline().startswith(b"Signing at")
            assert isinstance(SocketSigner(place).sign(OURS, BODY), Signed)
            it.send_signal(signal.SIGTERM)
            assert it.wait(20) == Exit.DONE
        with socket.socket(socket.AF_UNIX) as next_one:
            next_one.connect(str(place))  # waits for the next signer


def said(capsys, *arguments):
    code = main(["signer", *map(str, arguments)])
    return code, capsys.readouterr().err


@pytest.fixture
def as_it_was():
    """The command keeps others out of what it writes from now on, which here would be the tests after this one."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@needs("ssh")
def test_what_is_wrong_with_the_arguments_is_told(place, capsys, tmp_path, monkeypatch, as_it_was):
    key = key_pair("ssh").place.path
    (tmp_path / "none").mkdir()
    for arguments, word in (
        (("--socket", place), "--key"),
        (("--key", key), "--socket"),
        (("--key", tmp_path / "nothing", "--socket", place), "cannot be read"),
        (("--key", key, "--socket", place, "--passphrase-env", "NOT_SET_AT_ALL"), "is not set"),
        (("--key", key, "--socket", place, "--passphrase-file", tmp_path / "nothing"), "cannot be read"),
        (("--key", key, "--socket", tmp_path / "none"), "no socket"),
    ):
        code, words = said(capsys, *arguments)
        assert (code, word in words) == (Exit.USAGE, True), words
