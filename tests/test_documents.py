"""The pages that are made out of the code are what `make docs` makes, and they say what they should."""

from __future__ import annotations

import json
import tomllib

import pytest
from jsonschema import Draft202012Validator

from bot.app.settings import File
from bot.core.commands import TABLE
from bot.core.messages.chat import usage
from bot.core.policy import Policy, parse
from bot.core.tables import sections_of
from tests.documents import PAGES, ROOT, explanations, render_chat_page, render_keys, render_schema

GOOD = [
    "",
    '[lines]\nsupported = ["2.7"]',
    '[backport]\ndelivery = "push"\nsign_off = true',
    '[people]\napps = ["x"]\nmanagers = ["acme/release"]',
]
BAD = [
    '[lines]\nsuported = ["2.7"]',
    '[backport]\ndelivery = "mail"',
    "[people]\napps = 3",
    "[backports]\n",
    "[lines]\nbranch = 1",
]


@pytest.mark.parametrize("path", PAGES)
def test_the_page_is_what_the_code_makes_it(path: str) -> None:
    assert (ROOT / path).read_text() == PAGES[path](), f"{path} is out of date: run `make docs`"


@pytest.mark.parametrize("section", sections_of(Policy).values(), ids=lambda model: model.__name__)
def test_every_key_of_the_policy_is_explained_in_a_sentence(section: type) -> None:
    said = explanations(section)
    assert said.keys() == section.model_fields.keys()
    assert all(text.endswith(".") for text in said.values())


def test_the_schema_takes_what_the_program_takes_and_refuses_what_it_refuses() -> None:
    schema = json.loads(render_schema())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for text, good in [*((text, True) for text in GOOD), *((text, False) for text in BAD)]:
        assert validator.is_valid(tomllib.loads(text)) is good, text
        assert isinstance(parse("p", text), Policy) is good, text
    assert all("description" in key for model in schema["$defs"].values() for key in model["properties"].values())


def test_the_page_of_verbs_tells_what_is_there_from_what_arrives_later() -> None:
    there, later = render_chat_page().split("## What arrives later")
    for verb in TABLE:
        shown = f"`{usage(verb, whole=not verb.built)}`".replace("|", "\\|")
        assert (shown in there, shown in later) == (verb.built, not verb.built or bool(verb.later))
    assert "`--with-prerequisites`" in later


def test_a_pipe_in_a_cell_ends_no_cell() -> None:
    rows = [line for line in render_chat_page().splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}
    assert "| `port` | a number | `8080` |" in render_keys(File)
