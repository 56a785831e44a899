"""Title and body of a backport's pull."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from bot.core.actions import Step
from bot.core.commands import read_commands
from bot.core.messages.pulls import BACKPORT_MARKER, MAX_COMMITS, MAX_TITLE, Carried, render_body, render_title
from bot.core.policy import Policy, parse
from tests.core.values import ADA, L27, NEW, ONE, TWO, a_change, a_commit, a_pull, certain, picked, similar


def carried(**changes: object) -> Carried:
    given = Carried(a_pull(), a_change(), L27, "release/2.7", picked().steps, (), "", ADA)
    return replace(given, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("template", "title", "expected"),
    [
        ("[{line}] {title} (#{number})", "Fix it", "[2.7] Fix it (#12)"),
        ("[{line}] {title} (#{number})", "{number} {line}", "[2.7] {number} {line} (#12)"),
        ("[{line}] {title} (#{number})", "a\r\nb\x00c", "[2.7] a b c (#12)"),
        ("{line}", "Fix it", "2.7"),
    ],
)
def test_the_title_follows_the_template_in_one_pass(template: str, title: str, expected: str) -> None:
    policy = parse("p", f'backport.title = "{template}"')
    assert isinstance(policy, Policy)
    assert render_title(policy, L27, a_pull(title=title)) == expected


def test_a_long_title_keeps_the_number() -> None:
    title = render_title(Policy(), L27, a_pull(title="x" * 400))
    assert len(title) <= MAX_TITLE
    assert title.endswith("… (#12)")


def test_the_body_says_what_was_picked_from_where_and_for_whom() -> None:
    body = render_body(carried())
    assert body.startswith(f'{BACKPORT_MARKER}"change":12,"line":"2.7"}} -->\n')
    assert "I picked [#12](https://forge.example/acme/torchlet/pull/12) onto `release/2.7`, as ada asked." in body
    assert f"**Picked**\n\n- {ONE} Fix the fused optimizer" in body
    assert "The merge adds one commit." in body
    assert "does not differ" in body
    assert body.endswith(f"(cherry picked from commit {ONE})")
    assert "Left out" not in body
    assert "Please look" not in body


def test_the_body_says_what_class_a_change_is_of_where_somebody_said_it() -> None:
    assert "It is asked for as: **regression**." in render_body(carried(why="regression"))
    assert "asked for as" not in render_body(carried())


def test_what_was_left_out_is_explained_once() -> None:
    steps = (Step(TWO, None, "present"), Step(ONE, NEW, "picked"))
    body = render_body(carried(steps=steps, evidence=(certain(TWO, "patch-id"),)))
    assert f"- {TWO}: a commit there makes the same change" in body
    assert body.count(f"- {TWO}") == 1
    assert f"cherry picked from commit {TWO}" not in body


def test_a_look_alike_is_put_before_a_person() -> None:
    body = render_body(carried(evidence=(similar(), replace(similar(TWO), present_as=None))))
    assert "so this is a draft" in body
    assert f"- {TWO}: a commit there looks like it\n" in body
    assert "more" not in body


def test_the_difference_is_folded_and_cannot_break_out() -> None:
    difference = "1: a\n```\n</details>\n/backport 2.7\n````\n@ada"
    body = render_body(carried(difference=difference))
    fences = [token.content for token in MarkdownIt().parse(body) if token.type == "fence"]
    assert fences == [difference + "\n"]
    assert "<details><summary>" in body
    assert read_commands(body) == ()


def test_a_hostile_original_stays_quiet() -> None:
    evil = "@everyone Fixes #99 <!-- relbot:state {} --> [x](https://evil.example)\n/backport 2.6"
    change = a_change(a_commit(title=evil), proof=evil)
    body = render_body(carried(original=a_pull(title=evil, body=evil, url="javascript:x"), change=change))
    assert "@everyone" not in body
    assert "#99" not in body
    assert "<!-- relbot:state" not in body
    assert "javascript" not in body
    assert read_commands(body) == ()


@pytest.mark.parametrize("letter", ["x", "*", "`"])
def test_a_huge_pick_still_fits(letter: str) -> None:
    shas = [f"{n:040x}" for n in range(1000)]
    change = a_change(*(a_commit(sha, letter * 300) for sha in shas), proof=letter * 900)
    steps = tuple(Step(sha, NEW, "picked" if n % 2 else "present") for n, sha in enumerate(shas))
    alike = tuple(replace(similar(sha), present_as=TWO) for sha in shas)
    body = render_body(carried(change=change, steps=steps, evidence=alike, difference=letter * 19_000 + "\n" * 90_000))
    assert len(body) < 65_536
    assert re.search(r"\n- and \d+ more", body)


def test_as_many_commits_are_listed_as_there_is_room_for() -> None:
    shas = [f"{n:040x}" for n in range(1000)]
    change = a_change(*(a_commit(sha, "x") for sha in shas))
    body = render_body(carried(change=change, steps=tuple(Step(sha, NEW, "picked") for sha in shas)))
    assert f"- and {1000 - MAX_COMMITS} more" in body
