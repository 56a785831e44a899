"""Drives a flow without a world: answers what it asks from a table and remembers everything that was asked."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from bot.core.actions import Action, Identify, Read, Write

R = TypeVar("R")

Answers = dict[type, Any]
"""An outcome per kind of action. A list is used up in order; a function is called with the action."""

AS_SENT: Answers = {Identify: lambda action: action.person}
"""The forge says of accounts what its webhooks say."""


def drive(flow: Generator[Any, Any, R], answers: Answers) -> tuple[R, list[Action]]:
    """Run a flow to its end; an action without an answer is a failure, and so is an answer left in a list."""
    waiting = {kind: list(answer) if isinstance(answer, list) else answer for kind, answer in answers.items()}
    asked: list[Action] = []
    outcome: Any = None
    while True:
        try:
            action = flow.send(outcome)
        except StopIteration as ended:
            left = {kind.__name__: rest for kind, rest in waiting.items() if isinstance(rest, list) and rest}
            assert not left, f"never asked for: {left}"
            return ended.value, asked
        asked.append(action)
        outcome = _answer(action, waiting)


def _answer(action: Action, waiting: Answers) -> Any:
    assert type(action) in waiting, f"unexpected: {action}"
    answer = waiting[type(action)]
    if isinstance(answer, list):
        assert answer, f"one too many: {action}"
        return answer.pop(0)
    return answer(action) if callable(answer) else answer


def kinds(asked: list[Action]) -> list[str]:
    """The names of what was asked, in order."""
    return [type(action).__name__ for action in asked]


def writes(asked: list[Action]) -> list[Action]:
    """The wishes among what was asked."""
    return [action for action in asked if isinstance(action, Write)]


def only(asked: list[Action], kind: type[R]) -> R:
    """The one action of a kind."""
    found = [action for action in asked if isinstance(action, kind)]
    assert len(found) == 1, f"{kind.__name__}: {len(found)}"
    return found[0]


def reads_only(asked: list[Action]) -> bool:
    """Whether nothing was wished for."""
    return all(isinstance(action, Read) for action in asked)
