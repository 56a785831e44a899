"""The pages that are made out of the code are what `make docs` makes, and they say what they should."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bot.app.settings import File
from bot.core.commands import TABLE
from bot.core.messages.chat import usage
from bot.core.policy import MAX_GROUPS, Policy, parse
from bot.core.tables import sections_of
from tests.documents import PAGES, ROOT, explanations, render_chat_page, render_keys, render_schema

GOOD = [
    "",
    '[lines]\nsupported = ["2.7"]',
    '[lines]\nsupported = ["v2.7", "release/2.6", "Release/V0.10", " 2.5 "]',
    "[lines]\nsupported = []",
    '[lines]\nbranch = "rel-{line}"',
    '[lines]\nbranch = "2021/x/stable/#{line}"',
    '[lines]\nbranch = "{line}"',
    '[lines]\nbranch = "{line}lock"',
    f'[lines]\nbranch = "{"x" * 93}/{{line}}"',
    '[backport]\ndelivery = "push"\nsign_off = true',
    '[backport]\nlabel = "needs {line} backport, so ä"',
    f'[backport]\nlabel = "{"ä" * 34}{{line}}"',
    '[backport]\nbranch = "bp/{number}/to-{line}"',
    '[backport]\ntitle = "{title}{number} 1{line}"',
    f'[backport]\ntitle = "{"x" * 94}{{line}}"',
    '[people]\napps = ["x", "any name at all"]\nmanagers = ["acme/release"]',
    f'[people]\nmanagers = {["@acme/sub/leads"] * MAX_GROUPS}',
    '[changelog]\nfile = "docs/notes and more.md"\npaths = ["src/**", "*.py"]',
    '[changelog]\nlabels = { "any at all" = "Fixed", x = "none" }',
    '[deploy]\nrepository = "acme/sub/infra"\nfiles = ["envs/prod.yaml: tag: {version}", "v.txt"]\nevent = "v_1.x-y"',
    '[deploy]\naccept = ["acme/torchkit"]',
]
BAD = [
    '[lines]\nsuported = ["2.7"]',
    '[lines]\nsupported = "2.7"',
    "[lines]\nsupported = [2.7]",
    '[backport]\ndelivery = "mail"',
    '[backport]\nsign_off = "yes"',
    "[people]\napps = 3",
    "[people]\napps = [3]",
    "[people]\nmanagers = [3]",
    "[backports]\n",
    "[[backport]]\n",
    "backport = 3",
    "[lines]\nbranch = 1",
    f"people.managers = {[f'acme/team-{n}' for n in range(MAX_GROUPS + 1)]}",
]
BAD_TEXTS = {
    "lines.supported": ("x", "", "2", "2.7.1", "02.7", "2.7\n2.6", "main/2.7", "2.٣"),
    "lines.branch": (
        "", "release", "release/2.7", "{line}/{line}", "{}/{line}", "{{line}}", "{line}{", "{title}/{line}", "1{line}",
        "{line}.x", "-{line}", "/{line}", "#{line}", "a b/{line}", "a..b/{line}", "a//{line}", "a/.b/{line}", "{line}/",
        "x/{line}/y.lock", "x.lock/{line}", "refs/heads/{line}", "a`b/{line}", "ä/{line}", "release/{line}\n",
        "x" * 94 + "/{line}",
    ),
    "backport.branch": (
        "bp/{line}", "bp/{number}", "bp/{line}{number}", "bp/{line}1{number}", "{line}/{number}/{number}",
    ),
    "backport.label": (
        "x", "", "{line}{line}", "1{line}", "{line}.", "{number}-{line}", "a\n{line}", "{line}\n", "x" * 35 + "{line}",
    ),
    "backport.title": (
        "{title}", "{line} {body}", "{line}{line}", "{line}\t", "{ti{line}tle}", "}{line}", "x" * 95 + "{line}",
    ),
    "changelog.file": ("", "/etc/passwd", "../x", "a/../b", "-x", "a\n", "x" * 201, "./x"),
    "changelog.paths": ("", ":(exclude)x", "/x", "-x", "a\n", "ä"),
    "deploy.files": ("", "../x", ".github/x: {version}", ".gitlab-ci.yml: {version}", "a: {version}@{digest}", "a: b"),
    "deploy.repository": ("", "acme", "/acme/x", "acme/", "acme/..", "acme//x", "a b/c", "acme/x\n", "ä/x", "-a/b"),
    "deploy.accept": ("", "acme", "acme/*", "https://x/y"),
    "deploy.event": ("", "a b", "-a", "a\n", "x" * 101),
    "people.managers": (
        "", "@", "a b", "a/../b", "a//b", "/a", "a/", "@@a", "ä", "a\n", "x" * 101, "a" + "/a" * 20,
    ),
}  # fmt: skip
LISTS = ("lines.supported", "people.managers", "changelog.paths", "deploy.files", "deploy.accept")
BAD += [
    f"{key} = {json.dumps([text] if key in LISTS else text)}" for key, texts in BAD_TEXTS.items() for text in texts
]
UNSAYABLE = {
    "one key wants another": '[deploy]\nrepository = "acme/infra"',
    "two keys are compared": '[lines]\nbranch = "backport/{line}"',
    "printable, beyond the control characters": '[backport]\nlabel = "a\u00a0{line}"',
    "printable, in a title": '[backport]\ntitle = "a\u2028{line}"',
    "the length of a line of the file": f'[people]\napps = ["{"x" * 1000}"]',
    "the length of the file": "#\n" * 40_000,
}
"""What the program refuses and no JSON Schema can."""


@pytest.mark.parametrize("path", PAGES)
def test_the_page_is_what_the_code_makes_it(path: str) -> None:
    assert (ROOT / path).read_text() == PAGES[path](), f"{path} is out of date: run `make docs`"


@pytest.mark.parametrize("section", sections_of(Policy).values(), ids=lambda model: model.__name__)
def test_every_key_of_the_policy_is_explained_in_a_sentence(section: type) -> None:
    said = explanations(section)
    assert said.keys() == section.model_fields.keys()
    assert all(text.endswith(".") for text in said.values())


SCHEMA = json.loads(render_schema())
VALIDATOR = Draft202012Validator(SCHEMA)


def verdicts(text: str) -> tuple[bool, bool]:
    """What the schema says of a policy, and what the program says."""
    return VALIDATOR.is_valid(tomllib.loads(text)), isinstance(parse("p", text), Policy)


@pytest.mark.parametrize(("text", "good"), [*((text, True) for text in GOOD), *((text, False) for text in BAD)])
def test_the_schema_takes_what_the_program_takes_and_refuses_what_it_refuses(text: str, good: bool) -> None:
    assert verdicts(text) == (good, good)


@pytest.mark.parametrize("rule", UNSAYABLE)
def test_what_no_schema_can_say_the_program_refuses_alone(rule: str) -> None:
    assert verdicts(UNSAYABLE[rule]) == (True, False)


PIECES = (
    "{line}", "{number}", "{title}", "{", "}", "x", "1", ".", "/", "-", "#", ".lock", "refs/", " ", "ä", "\n", "x" * 33,
)  # fmt: skip
TEMPLATES = ("lines.branch", "backport.branch", "backport.label", "backport.title")


@pytest.mark.parametrize("key", TEMPLATES)
@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
def test_both_read_a_template_alike(key: str, template: str) -> None:
    schema, program = verdicts(f"{key} = {json.dumps(template)}")
    assert schema is program


def test_the_schema_is_one_and_takes_its_own_defaults() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    keys = {name: SCHEMA["$defs"][model.__name__]["properties"] for name, model in sections_of(Policy).items()}
    assert all("description" in key for section in keys.values() for key in section.values())
    defaults = {
        name: {key: said["default"] for key, said in section.items() if "default" in said}
        for name, section in keys.items()
    }
    assert VALIDATOR.is_valid(defaults)
    assert Policy.model_validate(defaults, strict=False) == Policy()


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
