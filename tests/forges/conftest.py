"""Somebody who takes webhooks. The contract suites are no test modules by name, so pytest is told of them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from tests.forges.listening import Answering

pytest.register_assert_rewrite(
    "tests.forges.contract", "tests.forges.history_contract", "tests.forges.settings_contract",
    "tests.forges.tags_contract", "tests.forges.work_contract", "tests.forges.deploy_contract", "tests.forges.boards",
)  # fmt: skip


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of a server that takes webhooks."""
    Answering.status = 202
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(5)
