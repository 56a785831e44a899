"""Who starts processes, and what: each place is known, and has a reason."""

from __future__ import annotations

import ast
from pathlib import Path

BOT = Path(__file__).parents[2] / "bot"
STARTS = {
    "tools/git.py": "git, and nothing else",
    "tools/survivors.py": "a listener that ends git when the bot was killed",
    "tools/signer/keys.py": "ssh-keygen and gpg, in the process that has the key",
    "tools/signer/child.py": "that process, where it does not run as a service",
    "app/cli/demo/people.py": "the sandbox forge of the demo",
}
SANDBOX = "sandbox/"
"""An island: it runs git as a forge does."""

BANNED = ("subprocess", "multiprocessing", "pty", "system", "popen", "posix_spawn", "fork", "exec", "spawn")


def starts(source: Path) -> bool:
    """Whether a module has a way to start a process: a module for that, or a call that needs none."""
    names: set[str] = set()
    text = source.read_text()
    for node in ast.walk(ast.parse(text)) if any(word in text for word in BANNED) else ():
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            names.add(node.attr)
    return any(name.startswith(BANNED) for name in names)


def test_a_process_is_started_only_where_it_is_known_what_for():
    found = {str(path.relative_to(BOT)) for path in BOT.rglob("*.py") if starts(path)}
    assert {name for name in found if not name.startswith(SANDBOX)} == set(STARTS)
