"""The durable engine: what was taken is planned, what was planned is done, whatever ends the process in between.

It must never let the engine's ways out of this module: nobody else imports it, and what is kept is text of our own.

A delivery is planned by one workflow, each job of the plan is another; their steps are the actions that the flows ask
for. After a crash the flow runs again and is handed the outcomes that were kept, as long as it asks the same questions;
when it does not (the program is another, or something too large to keep has changed) it starts again from its first
action, which is harmless since every write says what should be true. All work in one repository is done in turn.
"""

from bot.app.durable.pacing import Pacing
from bot.app.durable.queue import Queue
from bot.app.durable.worker import Worker

__all__ = ["Pacing", "Queue", "Worker"]
