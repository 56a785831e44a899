"""SECURITY.md says what is so: every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_file_that_is_named_exists():
    named = set(re.findall(r"`((?:tests|bot|docs)/[\w./-]+)`", PAGE)) | set(re.findall(r"\]\(([\w./-]+)\)", PAGE))
    assert len(named) > 20
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_test_that_is_named_is_in_the_file_before_it():
    found = re.findall(r"`(tests/[\w./]+\.py)`: `(test_\w+)`", PAGE)
    assert len(found) >= 6
    assert [pair for pair in found if f"def {pair[1]}(" not in (ROOT / pair[0]).read_text()] == []


def test_every_sort_of_forgery_that_is_named_is_tried():
    tried = (ROOT / "tests/chaos/altered.py").read_text()
    named = re.findall(r"“([^”]+)”", PAGE)
    assert named
    assert [name for name in named if f'"{name}"' not in tried] == []


def test_every_threat_has_a_test_that_shows_its_defence():
    table = PAGE.partition("## Threats")[2].partition("## Known limits")[0]
    rows = [line.split("|") for line in table.split("\n") if line.startswith("| ")][1:]
    assert len(rows) >= 20
    assert [row[1] for row in rows if "`tests/" not in row[3] and "`python -m tests" not in row[3]] == []
