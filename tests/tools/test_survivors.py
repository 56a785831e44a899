"""A program that is killed takes along the git processes that wait for a forge."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.tools.survivors import Survivors

_PROGRAM = """
import sys
from pathlib import Path
from bot.tools.git import Git
process = Git(Path(sys.argv[1])).start("ls-remote", sys.argv[2])
print(process.pid, flush=True)
process.wait()
"""


@pytest.fixture
def silent_forge():
    """Somebody who takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/acme/kit.git"


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends(pid, seconds=20):
    end = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_running(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_git_that_waits_for_a_forge_ends_with_a_killed_program(tmp_path, silent_forge):
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(tmp_path), silent_forge], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    with program:
        child = int(program.stdout.readline())
        assert is_running(child)
        program.send_signal(signal.SIGKILL)
        program.wait()
        assert ends(child)


def test_what_has_ended_is_not_ended_again(tmp_path):
    minded = Survivors()
    others = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        minded.mind(others.pid)
        minded.forget(others.pid)
        os.close(minded._pipe)  # as when the program ends
        time.sleep(0.3)
        assert others.poll() is None
    finally:
        others.kill()
        others.wait()
