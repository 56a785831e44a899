"""What becomes of work that cannot go on: it is put off, left to another, or given up, and never just dropped.

It must never let the engine see trouble: that would take it for the work's end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from dbos import error as engine_error
from sqlalchemy.exc import SQLAlchemyError

from bot.app.durable.pacing import Pacing
from bot.app.log import redact
from bot.core.errors import Fault

_LOOK = 1.0
"""Seconds between two looks at whether the database is back."""

_log = logging.getLogger(__name__)


class Later(Exception):  # noqa: N818 - no error: the work goes back into the queue
    """The work cannot go on for so many seconds."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(f"later, in {seconds:.0f} s: {why}")
        self.seconds = seconds
        self.why = why


class Cancelled(BaseException):
    """An operator has stopped the job. No error, as below."""


class Superseded(BaseException):
    """Another worker has taken the repository over, and does this work now. No error: nothing that catches those is to
    keep it.
    """


class Closing(BaseException):
    """The process ends before this work could be put off: it stays begun, and the next process takes it up."""


NOT_THE_FLOWS = (Later, Superseded, engine_error.DBOSException, SQLAlchemyError)
"""What a flow cannot be blamed for: it goes through to whoever knows what to do about it."""


class Turns:
    """One piece of work after another, each on its own thread, until it is closed."""

    def __init__(self, pacing: Pacing) -> None:
        self._pacing = pacing
        self._closing = threading.Event()

    def close(self) -> None:
        """Wait for the database no longer: what cannot be put off now stays begun, for the next process."""
        self._closing.set()

    def do(self, again: Callable[[Later], None], work: Callable[[], None]) -> None:
        """Do the work, or see to it that it is done `again`: nothing ends here but what has come to its end."""
        try:
            work()
        except Later as later:
            self._see_to_it(partial(again, later))
        except engine_error.DBOSUnexpectedStepError as error:
            _log.info("it starts again from its first action: %s", error)
            self._see_to_it(partial(again, Later(0, str(error))))
        except Superseded:
            # By its own successor, which may have ended it by then, or else by other work in the repository.
            _log.warning("another worker has taken this over")
            self._see_to_it(partial(again, Later(self._pacing.first, "another worker has taken this over")))
        except Cancelled:
            _log.info("it was cancelled, and ends here")
        except (Fault, SQLAlchemyError) as error:
            said = redact(str(error))
            _log.warning("the database is in trouble, it starts again from its first action: %s", said)
            self._see_to_it(partial(again, Later(self._pacing.poll, said)))

    def _see_to_it(self, put_off: Callable[[], None]) -> None:
        """Put work off, however long the database is away: the engine would take trouble here for the work's end."""
        while not self._closing.is_set():
            try:
                put_off()
            except (Fault, SQLAlchemyError) as error:
                _log.warning("the database does not take what is put off: %s", redact(str(error)))
                self._closing.wait(_LOOK)
            else:
                return
        raise Closing
