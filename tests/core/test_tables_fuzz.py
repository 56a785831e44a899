"""Hostile policy and settings files become what they say or a list of mistakes, in time that fits their length."""

from __future__ import annotations

import time
import tomllib
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.app.settings import File
from bot.app.settings import parse as parse_settings
from bot.core.errors import UserError
from bot.core.policy import Policy, PolicyErrors, parse
from bot.core.tables import MAX_BYTES, MAX_LINE, sections_of

SECTIONS = {**sections_of(Policy), **sections_of(File)}
KEYS = sorted({*SECTIONS, *(key for model in SECTIONS.values() for key in model.model_fields)})
WORDS = ("2.7", "release/{line}", "backport/{line}/{number}", "{line", "push", "https://x.test", "acme/all", "$(x)")
NAMES = st.sampled_from(KEYS) | st.text(max_size=8)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(WORDS)
VALUES = st.recursive(
    PLAIN, lambda part: st.lists(part, max_size=4) | st.dictionaries(NAMES, part, max_size=4), max_leaves=12
)
PIECES = (
    "[", "]", "[[", "]]", "=", ".", ",", "{", "}", '"', "'", '"""', "#", "\n", "\r\n", " ", "\\", "\\u0000", "\t",
    "true",
    "1979-05-27", "0x", "1e9", "inf", "\x00", "\u202e", "\ud800", *KEYS,
)  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join)


def as_toml(value: object) -> str:
    """The value as a file would hold it; None is a bare word, which no file may hold."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{as_toml(str(key))} = {as_toml(item)}" for key, item in value.items()) + "}"
        case list():
            return f"[{', '.join(map(as_toml, value))}]"
        case str():
            return '"' + "".join(c if c.isalnum() or c in "/{}. -$()" else f"\\U{ord(c):08x}" for c in value) + '"'
        case None:
            return "nothing"
        case _:
            return str(value)


def judge(text: str) -> None:
    """Both parsers take the text without raising; each mistake names a line that is there, and quotes it."""
    read = parse("p.toml", text)
    assert isinstance(read, Policy | PolicyErrors)
    if isinstance(read, PolicyErrors):
        lines = text.splitlines() or [""]
        assert read.errors
        for mistake in read.errors:
            assert 1 <= mistake.line <= len(lines)
            assert len(mistake.quote) <= 120
            assert len(mistake.message) < 2 * MAX_LINE
    else:
        tomllib.loads(text)
    with suppress(UserError):
        parse_settings(text, "s.toml")


@settings(max_examples=400, deadline=None)
@given(TEXT)
@example("[lines]\nbranch = ")
@example("a" + ".a" * (MAX_LINE // 2 + 1) + " = 1")
def test_any_text_is_a_file_or_a_list_of_mistakes(text: str) -> None:
    judge(text)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_value_under_any_key_is_taken_or_named(tables: dict[str, object]) -> None:
    judge("\n".join(f"{as_toml(key)} = {as_toml(value)}" for key, value in tables.items()))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(sections_of(Policy))), st.sampled_from(KEYS), VALUES)
def test_any_value_of_any_key_is_taken_or_quoted_with_its_line(section: str, key: str, value: object) -> None:
    text = f"# first\n[{section}]\n{key} = {as_toml(value)}\n"
    judge(text)
    read = parse("p.toml", text)
    if isinstance(read, PolicyErrors):
        assert {mistake.line for mistake in read.errors} <= {2, 3}, "an error about the section or the key"


PATTERNS = {
    "comments": lambda n: "# x\n" * (n // 4),
    "sections": lambda n: "".join(f"[a{i}]\n" for i in range(n // 8)),
    "keys": lambda n: "".join(f"k{i} = 1\n" for i in range(n // 10)),
    "dotted keys": lambda n: f"{'a.' * 400}b = 1\n" * max(1, n // 800),
    "nested lists": lambda n: "a = " + "[\n" * (n // 2),
    "long strings": lambda n: 'a = """' + "x\n" * (n // 2),
    "unknown keys of a section": lambda n: "[lines]\n" + "".join(f"branc{i} = 1\n" for i in range(n // 14)),
    "wrong values in a list": lambda n: "[people]\napps = [" + "1,\n" * (n // 3) + "]",
    "brackets": lambda n: "[\n" * (n // 2),
    "equal signs": lambda n: "=\n" * (n // 2),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_four_times_the_length_does_not_blow_up_inside_one_call_of_c(name: str) -> None:
    short, long = (PATTERNS[name](MAX_BYTES // part) for part in (8, 2))
    assert seconds(long) <= 60 * max(seconds(short), 0.004)


def seconds(text: str) -> float:
    """The processor's time, the best of two, for both parsers."""
    took = []
    for _ in range(2):
        began = time.process_time()
        judge(text)
        took.append(time.process_time() - began)
    return min(took)
