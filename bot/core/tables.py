"""TOML text held against a model: it becomes that model, or mistakes that quote the lines they mean.

It must never guess, and never repeat what was set for a key that sounds like a credential's.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

MAX_BYTES = 64 * 1024
"""A file larger than this is refused unread."""

MAX_LINE = 1000
"""So is a longer line: the parser's time grows with the square of the dots in a key (16 s for 60 kB of them)."""

MAX_MISTAKES = 20
"""Mistakes that are explained: looking for the line of each of thousands would take a minute."""

Location = tuple[str, ...]
"""Where a key is: its section and its name, or one of them alone."""


class Table(BaseModel):
    """What every section of a file is: no unknown key, no value of another type, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


T = TypeVar("T", bound=Table)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong: the line (from 1), its text, and what is wrong with it."""

    line: int
    quote: str
    message: str


def read_table(model: type[T], text: str) -> T | tuple[Mistake, ...]:
    """The text as a `model`, or its mistakes in the order of their lines. Never raises."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return (Mistake(1, "", f"the file is larger than {MAX_BYTES // 1024} kB"),)
    long = next((number for number, line in enumerate(text.splitlines(), 1) if len(line) > MAX_LINE), None)
    if long:
        return (_mistake(text, long, f"the line is longer than {MAX_LINE} characters"),)
    try:
        return model.model_validate(tomllib.loads(text))
    except ValidationError as error:
        return _explain_all(model, text, error.errors(include_url=False, include_input=False))
    except RecursionError:
        return (_mistake(text, 1, "the values are nested too deeply"),)
    except ValueError as error:
        return (_mistake(text, _line_in(str(error)), f"this is not TOML: {error}"),)


def mistake_about(text: str, location: Location, message: str) -> Mistake:
    """A mistake that is found out by comparing several keys, quoted where one of them stands."""
    return _mistake(text, _find_line(text, location), message)


def sections_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The sections that a file of this model may have, by name; those that may be left out as well."""
    kinds = {name: (field.annotation, *get_args(field.annotation)) for name, field in model.model_fields.items()}
    return {
        name: kind for name, those in kinds.items() for kind in those
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    }  # fmt: skip


# ── saying what is wrong ─────────────────────────────────────────────────────────────────────────────────────────────


def _explain_all(model: type[BaseModel], text: str, details: list[ErrorDetails]) -> tuple[Mistake, ...]:
    """The first mistakes in the order of their lines, each thing once; how many more there are stands at the end."""
    found = list(dict.fromkeys(_explain(model, text, detail) for detail in details[:MAX_MISTAKES]))
    found.sort(key=lambda mistake: mistake.line)
    more = len(details) - MAX_MISTAKES
    return (*found, Mistake(found[-1].line, "…", f"{more} more mistakes are not listed")) if more > 0 else tuple(found)


def _explain(model: type[BaseModel], text: str, detail: ErrorDetails) -> Mistake:
    location = tuple(part for part in detail["loc"] if isinstance(part, str))[:2]
    unknown = detail["type"] == "extra_forbidden"
    return mistake_about(text, location, _unknown_key(model, location) if unknown else _wrong_value(location, detail))


def _unknown_key(model: type[BaseModel], location: Location) -> str:
    if len(location) == 1:
        return f"there is no section or key {_shown(location[0])}{nearest(location[0], model.model_fields)}"
    known = sections_of(model)[location[0]].model_fields
    return f"{_shown(location[1])} is not a key of [{location[0]}]{nearest(location[1], known)}"


def _shown(word: str) -> str:
    return "“" + "".join(c if c.isprintable() else "?" for c in word[:60]) + "”"


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean “this”?`, or what there is where nothing comes near."""
    names = list(known)
    near = difflib.get_close_matches(word[:60], names, n=1, cutoff=0.5)
    return f"; did you mean “{near[0]}”?" if near else f"; known are {', '.join(names)}"


_WANTED = {
    "literal_error": "{expected} is wanted",
    "bool_type": "true or false is wanted",
    "string_type": "a text in quotes is wanted",
    "path_type": "a text in quotes is wanted",
    "int_type": "a whole number is wanted",
    "less_than_equal": "a number up to {le} is wanted",
    "greater_than_equal": "a number from {ge} on is wanted",
    "tuple_type": "a list is wanted",
    "model_type": "a table of keys is wanted",
}


def _wrong_value(location: Location, detail: ErrorDetails) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    wanted = _WANTED.get(detail["type"], detail["msg"])
    for name in ("expected", "le", "ge"):
        wanted = wanted.replace(f"{{{name}}}", str(context.get(name)))
    return f"{'.'.join(location)}: {context.get('error', wanted)}"


# ── finding the line ─────────────────────────────────────────────────────────────────────────────────────────────────


def _mistake(text: str, line: int, message: str) -> Mistake:
    lines = text.splitlines()
    quote = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Mistake(line, _CREDENTIAL.sub(r"\1 = …", quote)[:120], message)


_CREDENTIAL = re.compile(r"""(?i)((?:token|secret|password|key)["']?)\s*=.*""")
"""What follows a key that sounds like a credential's: it was put there by mistake, and is not repeated."""


def _line_in(message: str) -> int:
    """The line that the TOML parser names in its message, 1 where it names none."""
    found = re.search(r"at line (\d+)", message)
    return int(found[1]) if found else 1


def _find_line(text: str, location: Location) -> int:
    """The line of a key or a section, as well as it can be told without a parser that keeps positions."""
    tests = _line_tests(location) if location else ()
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        section = header[1].strip().strip('"') if header else section
        if any(test(section, line) for test in tests):
            return number
    return 1


def _line_tests(location: Location) -> tuple[Callable[[str, str], bool], ...]:
    first = re.escape(location[0])
    opens = re.compile(rf"\s*\[\s*\"?{first}\"?\s*\]|\s*\"?{first}\"?\s*[=.]")
    if len(location) == 1:
        return (lambda _, line: opens.match(line) is not None,)
    key = re.escape(location[1])
    inside = re.compile(rf"\s*\"?{key}\"?\s*[=.]")
    inline = re.compile(rf"\s*\"?{first}\"?\s*(\.\s*\"?{key}\"?\s*=|=\s*\{{)")
    return (
        lambda section, line: section == location[0] and inside.match(line) is not None,
        lambda section, line: not section and inline.match(line) is not None,
    )
