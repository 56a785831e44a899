"""Answers are useful, escaped, and never commands themselves."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from bot.core.commands import (
    TABLE,
    Incomplete,
    NotBuilt,
    TooMany,
    UnknownVerb,
    UnknownWord,
    find_verb,
    read_commands,
)
from bot.core.jobs import Backport, Overview, Settle
from bot.core.messages import chat, refusals
from bot.core.messages.again import render_retry
from bot.core.messages.lines import render_lines
from bot.core.model import Person
from bot.core.policy import PolicyErrors
from bot.core.retry import Redo
from bot.core.tables import Mistake
from tests.core.values import ADA, L26, L27, REPO, a_pull

EVIL = "`@ada`|<!--x--> [a](https://evil.example)"
ERRORS = PolicyErrors("p.toml", tuple(Mistake(n, EVIL, EVIL) for n in range(1, 13)))

FAILED = Backport(REPO, 12, L27, ADA)
BACKPORT = find_verb("/backport", "")

ANSWERS = [
    chat.render_help(),
    chat.render_ping(),
    chat.render_edit_hint(),
    chat.render_no_lines(),
    chat.render_too_early(["backport/2.7", "backport/2.6"]),
    chat.render_no_permission(Person(1, EVIL), TABLE),
    chat.render_missing_lines((L27, L26), ()),
    chat.render_policy_errors(ERRORS),
    chat.render_complaint(UnknownVerb("/release", EVIL, None)),
    chat.render_complaint(UnknownWord(EVIL), BACKPORT, (L27,)),
    chat.render_complaint(UnknownWord("zzz"), BACKPORT, (L27, L26)),
    chat.render_complaint(UnknownWord("zzz"), TABLE[-1]),
    chat.render_complaint(Incomplete("reason"), TABLE[-1]),
    chat.render_complaint(Incomplete("LINE"), BACKPORT),
    chat.render_complaint(UnknownWord("zzz")),
    chat.render_complaint(NotBuilt("/release rc")),
    chat.render_complaint(TooMany(10, "commands in a comment")),
    render_retry(Redo()),
    render_retry(Redo((Settle(REPO, 12, L27, EVIL),), (L26,), (Overview(REPO, 12, 1, (L27,)),), (FAILED,))),
    render_lines((), (), ()),
    render_lines((), (L27, L26), (L26,)),
]


@pytest.mark.parametrize("text", ANSWERS)
def test_no_answer_is_a_command_or_starts_a_line_like_one(text: str) -> None:
    assert read_commands(text) == ()
    assert not [line for line in text.splitlines() if line.lstrip().startswith("/")]


@pytest.mark.parametrize("text", ANSWERS)
def test_no_answer_repeats_hostile_text_unescaped(text: str) -> None:
    assert "<!--x" not in text
    children = [child for token in MarkdownIt().parse(text) for child in token.children or []]
    assert {child.type for child in children} <= {"text", "code_inline", "softbreak"}
    assert "@ada" not in "".join(child.content for child in children if child.type == "text")


def test_help_shows_every_verb_that_exists_and_none_that_does_not() -> None:
    text = chat.render_help()
    for verb in TABLE:
        shown = chat.usage(verb).replace("|", r"\|")
        assert (f"| `{shown}` |" in text) is verb.built
    assert "--with-prerequisites" not in text, "an argument that arrives later is not offered"


def test_what_is_not_built_yet_is_answered_with_what_is() -> None:
    text = chat.render_complaint(NotBuilt("/release rc"))
    assert text.startswith("`/release rc` is not there yet, so I did nothing.")
    assert all(f"`{chat.usage(verb)}`" in text for verb in TABLE if verb.built)


def test_every_row_of_the_help_has_the_cells_of_its_head() -> None:
    table = "\n".join(line for line in chat.render_help().splitlines() if line.startswith("|"))
    shown = MarkdownIt().enable("table").render(table)
    assert shown.count("<tr>") == 1 + sum(verb.built for verb in TABLE)
    assert "<code>/release status [LINE|all]</code>" in shown
    assert all(row.count("<td>") == 4 for row in shown.split("<tr>")[2:])
    assert "<td></td>" not in shown


def test_a_verb_that_is_code_or_a_link_is_not_shown_as_a_box() -> None:
    [said] = read_commands("/release `retry`")
    assert isinstance(said.read, UnknownVerb)
    text = chat.render_complaint(said.read)
    assert text == "I do not know code, a link or markup in a command. `/release help` lists what I can do."


def test_a_denial_names_what_was_asked_for_and_what_it_takes() -> None:
    verbs = [verb for verb in TABLE if verb.said in ("/backport", "/release rc", "/release final")]
    text = chat.render_no_permission(ADA, [*verbs, *verbs])
    assert "`/backport` takes write access" in text
    assert "`/release rc`, `/release final` takes a release manager" in text


@pytest.mark.parametrize(
    ("name", "whole", "plain"),
    [
        ("notes", '/release notes LINE 123="…"', '/release notes LINE 123="…"'),
        ("final", "/release final LINE [rc=N]", "/release final LINE [rc=N]"),
        ("ping", "/release ping", "/release ping"),
    ],
)
def test_usage_reads_as_the_contract_does(name: str, whole: str, plain: str) -> None:
    verb = find_verb("/release", name)
    assert verb is not None
    assert (chat.usage(verb, whole=True), chat.usage(verb)) == (whole, plain)


def test_many_mistakes_in_a_policy_are_counted() -> None:
    assert "- and 2 more" in chat.render_policy_errors(ERRORS)
    assert " more" not in chat.render_policy_errors(PolicyErrors("p.toml", ERRORS.errors[:10]))


def test_code_in_a_command_is_named_without_repeating_it() -> None:
    [said] = read_commands("/backport `2.7`")
    assert isinstance(said.read, UnknownWord)
    text = chat.render_complaint(said.read, said.verb, (L27,))
    assert text.startswith("I did nothing for code, a link or markup in a command")
    assert "\ufffc" not in text


@pytest.mark.parametrize(
    "refusal",
    [
        refusals.broken_policy(ERRORS, "backport/2.7"),
        refusals.not_permitted(ADA, "backport/2.7"),
        refusals.no_branch(L27, "release/2.7", (), "backport/2.7"),
        refusals.two_branches(L27, ("a", "b"), "backport/2.7"),
        refusals.not_landed(a_pull(), "no commit"),
        refusals.foreign_branch("backport/2.7/12", "release/2.7", None, "backport/2.7"),
        refusals.restless_branch("release/2.7", 5, "backport/2.7"),
    ],
)
def test_every_refusal_names_a_next_step_in_one_line(refusal: refusals.Refusal) -> None:
    assert refusal.reason.endswith((".", "?", ")"))
    assert refusal.next_step.endswith(".")
    assert "\n" not in str(refusal)
    assert len(str(refusal)) < 1000
