"""A loopback forge on real git repositories, for the demo, the tests and trying things out.

It never imports anything else of the bot, and nothing of the bot imports it: it is started as `python -m bot.sandbox`.
"""

from bot.sandbox.exchanges import Exchange
from bot.sandbox.faces import PullWish
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox

__all__ = ["Exchange", "Fault", "PullWish", "Sandbox"]
