"""One action as a step that is kept: what came of it as text, and the text read again after a crash.

It must never keep more than ids and short texts: an outcome that is larger is asked for once more.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.app.codec import Unreadable, decode, encode
from bot.app.log import name_fault, redact
from bot.core.actions import Action, Write
from bot.core.errors import Fault, UserError

MOST_KEPT = 64_000
"""Bytes of one outcome."""

_LACKING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})
_NO_ROOM = re.compile(r"no space left on device|disk quota exceeded|disk is full|disk I/O error", re.IGNORECASE)
"""What git and SQLite say of a full disk."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An action that was not performed. `name` is what the log has it under."""

    message: str
    is_users: bool
    passing: bool
    retry_after: float | None
    name: str
    answer: str | None = None
    """What to take for an outcome when it does not pass, in the codec's form."""

    def raise_again(self) -> None:
        """As it was raised when it happened."""
        if self.is_users:
            raise UserError(self.message)
        fault = Fault(self.message, passing=self.passing, retry_after=self.retry_after)
        fault.add_note(f"fault {self.name}")
        raise fault


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action."""

    value: Any


class TooLarge:
    """The outcome was not kept."""


def name_step(action: Action) -> str:
    """What a step is called: the same for the same question only, so that no outcome is taken for another's."""
    return f"{type(action).__name__} {hashlib.sha256(encode(action).encode()).hexdigest()[:16]}"


class Step:
    """One action, performed or remembered."""

    def __init__(self, perform: Callable[[Action], Any], action: Action) -> None:
        self._perform = perform
        self._action = action
        self._fresh: Outcome | None = None

    def run(self) -> str:
        """Perform the action; what came of it as text. Raises nothing that an action may raise."""
        try:
            self._fresh = Outcome(self._perform(self._action))
        except UserError as error:
            return _tell(Trouble(redact(str(error)), is_users=True, passing=False, retry_after=None, name=""))
        except Exception as error:
            return _tell(_explain(error, self._action))
        text = encode(self._fresh.value)
        if len(text) > MOST_KEPT:
            assert not isinstance(self._action, Write), "a write answers with ids"
            return '{"large":true}'
        return f'{{"outcome":{text}}}'

    def read(self, text: str) -> Outcome | Trouble:
        """What `run` has told, in this life of the process or an earlier one."""
        try:
            told = json.loads(text)
            if "trouble" in told:
                return Trouble(**told["trouble"])
            if self._fresh is not None:
                return self._fresh
            if "outcome" in told:
                return Outcome(decode(json.dumps(told["outcome"])))
        except (Unreadable, TypeError, ValueError) as error:
            _log.info("an outcome of another version is asked for again: %s", error)
        again = self.run()
        return self.read(again)


def _explain(error: Exception, action: Action) -> Trouble:
    passing, retry_after = _passes(error), error.retry_after if isinstance(error, Fault) else None
    name = name_fault(error)
    if not passing:
        _log.error("%s failed", type(action).__name__, exc_info=error, extra={"fault": name})
    message = redact(str(error) or type(error).__name__)
    answer = encode(error.answer) if isinstance(error, Fault) and error.answer is not None else None
    return Trouble(message, is_users=False, passing=passing, retry_after=retry_after, name=name, answer=answer)


def _passes(error: Exception) -> bool:
    """Whether it may be different the next time. What this machine lacks for a while is no fault of the work's."""
    if isinstance(error, Fault):
        return error.passing or bool(_NO_ROOM.search(str(error)))
    if isinstance(error, OSError):
        return error.errno in _LACKING
    return isinstance(error, MemoryError) or bool(_NO_ROOM.search(str(error)))


def _tell(trouble: Trouble) -> str:
    laid = {name: getattr(trouble, name) for name in Trouble.__slots__}
    return json.dumps({"trouble": laid})
