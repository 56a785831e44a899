"""The delivery's name stands on every line that is logged about it, from the door to the end of its jobs."""

from __future__ import annotations

import json
import logging

import pytest

from bot.app.log import JsonLine
from tests.app.whole import World, op

pytestmark = [pytest.mark.xdist_group("log_whole"), pytest.mark.filterwarnings("ignore::ResourceWarning")]


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.setFormatter(JsonLine())
        self.lines = []

    def emit(self, record):
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def kept(monkeypatch):
    handler, logger = Kept(), logging.getLogger("bot")
    logger.addHandler(handler)
    monkeypatch.setattr(logger, "level", logging.INFO)
    yield handler
    logger.removeHandler(handler)


def test_every_line_of_a_whole_run_names_its_delivery(sandbox, tmp_path, kept):
    world = World(sandbox, tmp_path / "bot")
    world.database = f"sqlite:///{tmp_path}/relbot.sqlite"
    with world.running():
        number = world.land({"kit/ops.py": op(3, "x + 3.0")}, "Make op 3 a float", "backport/2.7")
        world.settle()
    known = {delivery.id for delivery in world.forge.deliveries.all}
    ours = [line for line in kept.lines if line["from"].startswith("bot.app")]
    assert {line.get("delivery") for line in ours} <= known
    [ended] = {line["delivery"] for line in ours if line.get("outcome") == "opened"}
    about = [line["message"] for line in ours if line["delivery"] == ended]
    assert {"planned", "starts", "ended"} <= set(about), about
    assert world.pulls_onto("release/2.7"), number
