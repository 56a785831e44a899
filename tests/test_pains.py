"""The page of pains: each of the 28 has a row, and each row a test that carries its number."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
LATER = {26, 27}
"""What comes with images and with branch hygiene; the page says so."""


def test_every_pain_has_a_test_that_carries_its_number():
    page = (ROOT / "docs/pains.md").read_text()
    rows = re.findall(r"^\| (\d+) \|.*\| (?:`([^`]+)::([^`]+)`)? ?\|$", page, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 29))
    for number, path, name in rows:
        if int(number) in LATER:
            assert not path
            continue
        assert re.search(rf"_{int(number):02}_", name), name
        assert f"def {name}(" in (ROOT / path).read_text(), f"pain {number}: {path} has no {name}"
