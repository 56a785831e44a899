"""The list of deliveries stands still for whoever reads it, while others add to it."""

from __future__ import annotations

from bot.sandbox.deliveries import Deliveries
from bot.sandbox.faces import Letter
from bot.sandbox.state import Hook


def test_a_delivery_sent_while_the_list_is_read_does_not_disturb_the_reader():
    deliveries = Deliveries()
    deliveries.hold()
    hook = Hook(1, "http://127.0.0.1:9/", "s", ["*"], 0)
    for number in range(3):
        deliveries.send(hook, Letter(str(number), "push", b"{}", {}))
    seen = []
    for delivery in deliveries.all:
        deliveries.send(hook, Letter(f"later {delivery.id}", "push", b"{}", {}))
        seen.append(delivery.id)
    deliveries.stop()
    assert seen == ["0", "1", "2"]
    assert len(deliveries.all) == 6
