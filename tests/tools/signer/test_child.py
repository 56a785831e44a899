"""A signer that is started beside the bot: it has the key, the bot has not, and they end together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.errors import UserError
from bot.tools.signer import Declined, Signed
from bot.tools.signer.child import KeyFiles, OwnSigner
from tests.tools.signer.test_rules import BODY, OURS
from tests.tools.signing_keys import PASSPHRASE, key_pair, needs

pytestmark = needs("ssh")


@pytest.fixture
def files(tmp_path):
    pair = key_pair("ssh", passphrase=PASSPHRASE)
    (tmp_path / "words").write_text(f"{PASSPHRASE}\n")
    return KeyFiles("ssh", pair.place.path, tmp_path / "words")


def gone(pid, patience=20):
    """Whether a process ends within some time."""
    end = time.monotonic() + patience
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


def test_it_starts_when_it_is_wanted_comes_back_when_it_has_died_and_leaves_nothing(files, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "a-token-of-the-forge")
    with closing(OwnSigner(files)) as signer:
        assert signer._process is None
        assert isinstance(signer.sign(OURS, BODY), Signed)
        assert isinstance(signer.sign(OURS, BODY[:-1]), Declined)
        first, room = signer._process, Path(signer._room.name)
        for what in ("environ", "cmdline"):
            told = Path(f"/proc/{first.pid}/{what}").read_bytes().decode(errors="replace")
            assert PASSPHRASE not in told
            assert "a-token-of-the-forge" not in told
        first.kill()
        first.wait(20)  # its threads may hold the socket open for a moment longer than it lives
        assert isinstance(signer.probe(), Signed)
        assert signer._process.pid != first.pid
        assert not room.exists()
        second, room = signer._process.pid, Path(signer._room.name)
    assert gone(second)
    assert not room.exists()


def test_it_ends_with_the_bot_even_when_that_is_killed(files, tmp_path):
    (tmp_path / "victim.py").write_text(
        "import os, sys\nfrom pathlib import Path\nfrom bot.tools.signer.child import KeyFiles, OwnSigner\n"
        "signer = OwnSigner(KeyFiles('ssh', Path(sys.argv[1]), Path(sys.argv[2])))\nsigner.probe()\n"
        "print(signer._process.pid, signer._room.name, flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, tmp_path / "victim.py", files.key, files.passphrase]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as bot:
        signer, room = bot.stdout.readline().decode().split()
        assert Path(f"/proc/{signer}").exists()
        assert Path(room).is_dir()
        bot.send_signal(signal.SIGKILL)
        assert gone(signer)
        assert not Path(room).exists()


def test_why_it_did_not_start_is_told(files, tmp_path):
    files.passphrase.write_text("a wrong one\n")
    with closing(OwnSigner(files)) as signer, pytest.raises(UserError, match="does not sign") as caught:
        signer.probe()
    assert "a wrong one" not in str(caught.value)
