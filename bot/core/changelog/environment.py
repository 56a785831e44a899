"""What a version wants of its surroundings, against the one before: its Python, and the packages that it depends on.

It must never take a file that it cannot read for one that wants nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.changelog.compose import Remark

PROJECT = "pyproject.toml"
MOST = 30
"""Remarks of one version; a project that changes more of them at once is another project."""

_LONGEST = 256 * 1024
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)\s*(.{0,200})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Environment:
    """What `[project]` of a `pyproject.toml` wants (PEP 621): the rest of each requirement, by its normalised name."""

    python: str = ""
    needs: Mapping[str, str] = field(default_factory=dict)


def read_environment(text: str | None) -> Environment | None:
    """What a file says; None where there is none, or it cannot be read."""
    if text is None or len(text) > _LONGEST:
        return None
    try:
        project = tomllib.loads(text).get("project")
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    if not isinstance(project, dict):
        return None
    python, listed = project.get("requires-python", ""), project.get("dependencies", [])
    needs = [_split(each) for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    found: dict[str, str] = {}
    for name, rest in needs:  # one package may be named once for each platform
        found[name] = f"{found[name]}, {rest}" if name in found else rest
    return Environment(python if isinstance(python, str) else "", found)


def compare_environments(old: Environment | None, new: Environment | None) -> tuple[Remark, ...]:
    """What is wanted otherwise than before; nothing where either is unknown."""
    if old is None or new is None:
        return ()
    said = []
    if old.python != new.python:
        said.append(f"Python {_shown(new.python)} is wanted, where {_shown(old.python)} was")
    for name in sorted({**old.needs, **new.needs}):
        before, after = old.needs.get(name), new.needs.get(name)
        if after is None:
            said.append(f"{name} is no longer needed")
        elif before is None:
            said.append(f"{name} {after}".strip() + " is needed now")
        elif before != after:
            said.append(f"{name} {_shown(after)} is wanted, where {_shown(before)} was")
    return tuple(Remark(text) for text in said[:MOST])


def _split(requirement: str) -> tuple[str, str]:
    """Name and rest (PEP 508); names that differ in case, dots, dashes and underscores are the same (PEP 503)."""
    found = _REQUIREMENT.fullmatch(requirement)
    if found is None:
        return requirement[:100], ""
    return re.sub(r"[-_.]+", "-", found[1]).lower(), " ".join(found[2].split())


def _shown(what: str) -> str:
    return what or "any version"
