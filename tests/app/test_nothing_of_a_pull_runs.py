"""What a pull can carry is data: nothing in it is run, looked up or sent for, whatever git makes of it elsewhere."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import closing

import pytest

from bot.sandbox import Sandbox
from tests.app.whole import REPO, START, World, op

TRAPS = {
    ".gitattributes": "* filter=evil diff=evil merge=evil\n*.py filter=lfs diff=lfs merge=lfs -text\n*.c merge=ours\n",
    ".gitconfig": "[core]\n\tfsmonitor = {canary}\n\thooksPath = hooks\n\tsshCommand = {canary}\n"
                  '[filter "evil"]\n\tsmudge = {canary}\n',
    ".lfsconfig": "[lfs]\n\turl = {address}\n\tx = 1\n[lfs \"customtransfer.x\"]\n\tpath = {canary}\n",
    ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = {address}/x.git\n\tupdate = !{canary}\n'
                   '[submodule "y"]\n\tpath = y\n\turl = ext::sh -c {canary}\n\tbranch = --upload-pack={canary}\n',
    "hooks/pre-commit": "#!/bin/sh\n{canary}\n",
    "hooks/reference-transaction": "#!/bin/sh\n{canary}\n",
    ".githooks/post-checkout": "#!/bin/sh\n{canary}\n",
    "config": "[core]\n\tfsmonitor = {canary}\n\n[gpg]\n\tprogram = {canary}\n[credential]\n\thelper = !{canary}\n",
    "objects/info/alternates": "{canary}\n/etc\n",
    "info/attributes": "* merge=evil filter=evil\n",
    "HEAD": "ref: refs/heads/main\n",
    ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - {id: x, entry: {canary}, language: system}\n",
    "conftest.py": "import os\nos.system('{canary}')\n",
    "setup.py": "import os\nos.system('{canary}')\n",
    "sitecustomize.py": "import os\nos.system('{canary}')\n",
    "kit/__init__.py": "import os\nos.system('{canary}')\n",
    "Makefile": "all:\n\t{canary}\n$(shell {canary})\n",
    ".github/workflows/x.yml": "on: push\njobs:\n  x:\n    runs-on: x\n    steps:\n    - run: {canary}\n",
    ".gitlab-ci.yml": "x:\n  script: {canary}\n",
    ".envrc": "{canary}\n",
    "big.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 5\n",
}  # fmt: skip
"""Files that some program somewhere obeys. `{canary}` leaves a trace when it runs, `{address}` when it is called."""


def armed(program, address):
    """The traps, with the canary in them."""
    return {name: text.replace("{canary}", str(program)).replace("{address}", address) for name, text in TRAPS.items()}


@pytest.fixture
def canary(tmp_path):
    """A program that tells when it has run, and a server that tells when it was called."""
    ran, program = tmp_path / "ran", tmp_path / "canary"
    program.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{ran}'\n")
    program.chmod(0o755)
    calls: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def listen():
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    calls.append(connection.recv(200))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield program, address, lambda: (ran.exists() and ran.read_text(), calls)
        over.set()
        listener.join(5)


@pytest.fixture(params=["github", "gitlab"])
def world(request, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(here))
    with Sandbox(tmp_path / "forge", request.param) as sandbox:
        world = World(sandbox, tmp_path / "bot", request.param)
        with world.running():
            yield world
        assert not sandbox.crashes
    assert list(here.iterdir()) == [], "nothing is written to where the bot was started, or to its home"


def test_a_pull_full_of_traps_is_picked_and_springs_none_of_them(world, canary):
    program, address, sprung = canary
    filled = armed(program, address)
    clean = world.land({**filled, "kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/2.7", "backport/2.8")
    world.settle()
    picked = world.file(f"backport/2.7/{clean}", ".gitmodules")
    assert str(program) in picked, "the traps have been carried over, as the data that they are"
    assert sprung() == (False, [])


@pytest.mark.parametrize("world", ["github"], indirect=True)
def test_traps_on_the_line_and_a_conflict_spring_nothing_either(world, canary):
    program, address, sprung = canary
    filled = armed(program, address)
    for branch in ("main", "release/2.7"):
        world.forge.commit(REPO, branch, filled, "Lay them", by="mona")
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(3, "x - 3")}, "Differ", by="mona")
    number = world.land({"kit/ops.py": op(3, "x * 3"), "README.md": "Another.\n"}, "Multiply", "backport/2.7")
    world.settle()
    assert "backport-conflict/2.7" in world.labels(number)
    assert sprung() == (False, [])


def test_the_canary_can_tell(canary):
    program, address, sprung = canary
    os.system(str(program))
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as connection:
        connection.sendall(b"x")
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    assert all(sprung())
    assert START
