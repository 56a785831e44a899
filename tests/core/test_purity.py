"""The core knows no forge and does nothing by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "bot" / "core"
SOURCES = sorted(CORE.rglob("*.py"))
BANNED = {"io", "os", "pathlib", "random", "secrets", "shutil", "socket", "subprocess", "sys", "time", "uuid"}


def names(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(CORE)))
def test_no_forge_is_named_but_where_forges_get_their_names(source: Path) -> None:
    text = source.read_text()
    if source.name == "model.py":
        text = text.replace('ForgeName = Literal["github", "gitlab"]', "")
    assert "github" not in text.lower()
    assert "gitlab" not in text.lower()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(CORE)))
def test_nothing_that_touches_the_world_is_imported(source: Path) -> None:
    tree = ast.parse(source.read_text())
    assert not {name.split(".")[0] for name in names(tree)} & BANNED
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"open", "print", "input", "eval", "exec"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_is_small_and_says_what_it_never_does(source: Path) -> None:
    text = source.read_text()
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))
