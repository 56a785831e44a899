"""Values of the core as JSON text and back, for what has to outlive the process.

It must never write a secret, nor make a value out of text that does not say exactly what it is.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from itertools import chain
from types import ModuleType
from typing import Any

from bot.app.log import conceal
from bot.core import (
    actions,
    cutting,
    deploying,
    events,
    issues,
    jobs,
    model,
    numbering,
    picks,
    publishing,
    refs,
    standing,
    sweep,
    tagging,
    versions,
    wishes,
)


class Unreadable(Exception):  # noqa: N818 - said of the text, which is no error of ours
    """Text that another version of the program wrote, or nobody did."""


def encode(value: object) -> str:
    """The value as JSON in ASCII: every database keeps that, whatever a forge has put into names and titles.

    A credential that a forge has repeated to us is taken out.
    """
    return conceal(json.dumps(_lay_out(value), separators=(",", ":")))


def decode(text: str) -> Any:  # noqa: ANN401 - the text says what it is
    """The value that `encode` was given. Raises `Unreadable`."""
    try:
        return _build(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"{text[:100]!r} cannot be read: {error}") from error


def _lay_out(value: object) -> object:
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, Enum):
        return {"$": type(value).__name__, "name": value.name}
    if isinstance(value, int):
        return value
    if isinstance(value, tuple):
        return [_lay_out(each) for each in value]
    if isinstance(value, dict):
        return {"$": "dict", "items": [[_lay_out(key), _lay_out(each)] for key, each in value.items()]}
    if type(value) in _KINDS.values():
        laid = {field.name: _lay_out(getattr(value, field.name)) for field in fields(value)}  # type: ignore[arg-type]
        return {"$": type(value).__name__, **laid}
    raise TypeError(f"a {type(value).__name__} is not kept")


def _build(laid: object) -> object:
    if isinstance(laid, list):
        return tuple(_build(each) for each in laid)
    if not isinstance(laid, dict):
        return laid
    kind = laid.pop("$")
    if kind == "dict":
        return {_build(key): _build(each) for key, each in laid["items"]}
    made: Any = _KINDS[kind]
    if issubclass(made, Enum):
        return made[laid["name"]]
    known = {field.name for field in fields(made) if field.init}
    lacking = {f.name for f in fields(made) if f.default is MISSING and f.default_factory is MISSING} - laid.keys()
    if lacking or laid.keys() - known:
        raise TypeError(f"{kind} has other fields now")
    return made(**{name: _build(each) for name, each in laid.items()})


def _kinds(*modules: ModuleType) -> dict[str, type]:
    """Every dataclass and enumeration of these modules, but for what holds credentials."""
    every = chain.from_iterable(vars(module).values() for module in modules)
    kinds = {each for each in every if isinstance(each, type) and (is_dataclass(each) or issubclass(each, Enum))}
    return {each.__name__: each for each in kinds if each not in (model.Secret, model.CloneAccess)}


_KINDS = _kinds(
    model, picks, refs, actions, events, jobs, sweep, standing, tagging, issues, versions, numbering, publishing,
    wishes, deploying, cutting,
)
