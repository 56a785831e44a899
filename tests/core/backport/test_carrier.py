"""What a person can write into a pull's body to say which change it carries, and what says nothing."""

from __future__ import annotations

import time

import pytest

from bot.core.backport.carrier import MAX_CARRIED, read_claims
from tests.core.values import REPO


@pytest.mark.parametrize(("body", "numbers"), [
    ("Backport of #12", (12,)),
    ("Why.\r\n\r\nThis is a manual backport of !12.\r\n", (12,)),
    ("- **Backport of** #12", (12,)),
    ("## Backport: #12", (12,)),
    ("Backports #12, #13 and acme/torchlet#14", (12, 13, 14)),
    ("backport of https://github.com/acme/torchlet/pull/12", (12,)),
    ("Backport of https://gitlab.example/acme/torchlet/-/merge_requests/12#note_3", (12,)),
    ("Backport of [#12](https://elsewhere.example)", (12,)),
    ("Backport of #12\nBackport of #13", (12, 13)),
])  # fmt: skip
def test_a_line_that_says_whose_backport_it_is_is_read(body: str, numbers: tuple[int, ...]) -> None:
    assert read_claims(REPO, body) == numbers


@pytest.mark.parametrize("body", [
    "", "#12", "See the backport of #12.", "Backport conflicts with #12", "Backport to 2.7", "Backport of #12abc",
    "> Backport of #12", "<!-- Backport of #12 -->", "<!--\nBackport of #12", "Backport of #0",
    "Backport of other/torchlet#12", "Backport of evil/acme/torchlet#12", "Backport of v2.7.12",
    "Backport of https://github.com/acme/torchlet2/pull/12",
])  # fmt: skip
def test_anything_else_says_nothing(body: str) -> None:
    assert read_claims(REPO, body) == ()


def test_a_hostile_body_costs_no_time_and_says_no_more_than_a_person_would() -> None:
    began = time.perf_counter()
    for body in ("<!--" * 16_000, "backport of " * 5_000, " " * 65_000, "Backport of " + "#1, " * 16_000):
        read_claims(REPO, body)
    assert time.perf_counter() - began < 2
    assert len(read_claims(REPO, "\n".join(f"Backport of #{n}" for n in range(1, 200)))) == MAX_CARRIED
