"""A signer in a thread of its own, with whatever key a test gives it."""

from __future__ import annotations

import tempfile
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from bot.tools.signer import SocketSigner
from bot.tools.signer.rules import Rules
from bot.tools.signer.service import Service, listen_at


@pytest.fixture
def place():
    """A path for a socket: those of pytest's own folders are too long for one."""
    with tempfile.TemporaryDirectory(prefix="relbot-test-") as room:
        yield Path(room) / "socket"


@pytest.fixture
def signing(place):
    """Start a signer with a key and rules; answers somebody who can ask it."""
    with ExitStack() as stack:

        def start(key, rules=None, deadline=10.0):
            service = Service(key, rules or Rules(), listen_at(place))
            thread = threading.Thread(target=service.serve)
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(service.stop)
            stack.enter_context(closing(key))
            return SocketSigner(place, deadline)

        yield start
