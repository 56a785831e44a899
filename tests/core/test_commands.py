"""A comment's commands, and only its commands, are read."""

from __future__ import annotations

import re

import pytest

from bot.core.commands import (
    MAX_COMMANDS,
    MAX_LENGTH,
    TABLE,
    AskCandidate,
    AskCut,
    AskFinal,
    AskHold,
    AskNotes,
    AskPlan,
    AskUnhold,
    AskYank,
    Cancel,
    Complaint,
    Confirm,
    Help,
    Incomplete,
    NotBuilt,
    Order,
    PickAgain,
    PickOnto,
    Ping,
    ShowLines,
    TooMany,
    UnknownVerb,
    UnknownWord,
    Verb,
    find_verb,
    read_commands,
)
from bot.core.grammar import MAX_LINES, Filled, Lacking, Overfull, Slot, Surplus, fill, slots_of
from bot.core.prose import NOT_TEXT
from bot.core.versions import Version
from tests.core.values import L26, L27

PICK = (PickOnto((L27,)),)


def reads(body: str) -> tuple[Order | Complaint, ...]:
    return tuple(said.read for said in read_commands(body))


@pytest.mark.parametrize(
    "body",
    [
        "/backport 2.7",
        "/backport v2.7",
        "/backport release/2.7",
        "/BackPort   V2.7  ",
        "   /backport 2.7",
        "\t/cherry-pick 2.7".replace("\t", "  "),
        "/cherrypick 2.7\r\n",
        "Thanks!\r\n/backport 2.7\r\nSee you.",
        "Thanks!\n    /backport 2.7",
        "/backport 2.7 2.7",
        "/backport 2.7\n---\nsent from a phone",
        "/backport 2.7 <!-- a note -->",
        "<details>\n\n/backport 2.7\n\n</details>",
        "It returns a vector<int>\n/backport 2.7",
        "Some <b>bold</b> and <code>code</code>\n/backport 2.7",
        "<!-- <code> -->\n\n/backport 2.7",
        "</code>\n\n/backport 2.7",
        ">>>\nquoted\n>>>\n\n/backport 2.7",
        "```\n>>>\n```\n/backport 2.7",
        ">>>>\nHe wrote\n\n>>>\na\n>>>\n\n>>>>\n\n/backport 2.7",
        'Some <b title="<code>">bold</b>, <code title="</code>">code</code> and <br/>\n/backport 2.7',
        "- <code>a</code>\n\n/backport 2.7",
        "/backport 2.7\n--\nsent from a phone",
        "---\n/backport 2.7",
        "It takes ~5 minutes and $3\n/backport 2.7",
        "```\na|b\n-|-\n[^1]: x\n```\n/backport 2.7",
        "|a|\n|-|\n|b|\n\n/backport 2.7",
        "Why[^1]\n\n[^1]: because\nof it\n\n    and that\n\n/backport 2.7",
        "$$\nx\n$$\n\n/backport 2.7",
        "The file is <unknown>, if a < b\n/backport 2.7",
    ],
)
def test_a_line_that_starts_with_a_command_is_one(body: str) -> None:
    assert reads(body) == PICK


@pytest.mark.parametrize(
    "body",
    [
        "",
        "please /backport 2.7",
        "`/backport 2.7`",
        "```\n/backport 2.7\n```",
        "~~~\n/backport 2.7",
        "    /backport 2.7",
        "\t/backport 2.7",
        "> /backport 2.7",
        "> quoted\n/backport 2.7",
        "- /backport 2.7",
        "1. /backport 2.7",
        "# /backport 2.7",
        "**/backport 2.7**",
        "*/backport 2.7*",
        "[/backport 2.7](https://example.org)",
        "![/backport 2.7](https://example.org)",
        "[x]: /backport",
        "<!-- /backport 2.7 -->",
        "<!--\n/backport 2.7\n-->",
        "text <!--\n/backport 2.7\n--> text",
        "<!-- x --> /backport 2.7",
        "<div>\n/backport 2.7\n</div>",
        "<b>/backport 2.7</b>",
        "text <code>\n/backport 2.7\n</code>",
        "text <a href='x'>\n/backport 2.7\n</a>",
        "text <CODE class='x'>\n/backport 2.7",
        "<code>\n\n/backport 2.7\n\n</code>",
        "<blockquote>\n\n/backport 2.7\n\n</blockquote>",
        "text <q>\n\n/backport 2.7",
        "<details>\n<pre>\n\n/backport 2.7\n\n</pre>\n</details>",
        ">>>\n/backport 2.7\n>>>",
        ">>>\n\n/backport 2.7",
        "text\n\n>>>>  \n/backport 2.7",
        ">>>>\nHe wrote\n\n>>>\n\n/backport 2.7\n\n>>>\n\n>>>>",
        ">>>\na\n\n>>>>\n\nb\n\n>>>\n\n/backport 2.7",
        ">>>\n```\n>>>\n```\n\n>>>\n/backport 2.7",
        "> a\n>>>\n\n>>>\n/backport 2.7",
        ">>>\n- a\n\n  >>>\n\n>>>\n/backport 2.7",
        'See <code title="a<b">\n/backport 2.7\n</code>',
        '<blockquote title="a<b">\n\n/backport 2.8\n\n</blockquote>',
        '<blockquote>\n\n<b title="</blockquote>">x</b>\n\n/backport 2.7\n</blockquote>',
        "<blockquote>\n\n<textarea></blockquote></textarea>\n\n/backport 2.7\n\n</blockquote>",
        "<blockquote>\n\n<table><tr><td></blockquote></table>\n\n/backport 2.7\n\n</blockquote>",
        "<blockquote>\n\n<!-- --!> </blockquote> -->\n\n/backport 2.7",
        "<!--> <blockquote> -->\n\n/backport 2.7",
        "<div><blockquote/x>\n\n/backport 2.7",
        '<div title="\n\n/backport 2.7\n\n">',
        "> <!-- a\n\n/backport 2.7",
        "<code>\n\n- </code>\n\n/backport 2.7",
        "<code>\n\na|b\n-|-\n</code>|x\n\n/backport 2.7",
        "<h2>\n\n/backport 2.7\n\n</h2>",
        "<table><tr><td>\n\n/backport 2.7\n\n</td></tr></table>",
        "<svg>\n\n/backport 2.7\n\n</svg>",
        "<svg></svg>\n\n/backport 2.7",
        "<?x?>\n\n/backport 2.7",
        "/backport 2.7\n===",
        "a\n===\n    /backport 2.7",
        "a\n===\n2. b\n/backport 2.7",
        "~~a\n/backport 2.7\nb~~",
        "~a\n/backport 2.7~",
        "a|b\n-|-\n/backport 2.7",
        "a\\\\|b\n-|-\n/backport 2.7 | x",
        "| a |\n:-:\n/backport 2.7",
        "[^1]: a b\n/backport 2.7",
        "[^1]: a\n/backport 2.7",
        "text\n[^note]: a\n/backport 2.7",
        "[^1]: a\n\n    - b\n/backport 2.7",
        "$$\n/backport 2.7\n$$",
        "$$\n\n/backport 2.7\n\n$$",
        "so $a\n/backport 2.7\nb$",
        "---\n/backport 2.7\n---",
        "---\n\n/backport 2.7\n\n---\ntext",
        "\n+++\n/backport 2.7\n+++",
        "---\n```\n---\n```\n/backport 2.7",
        "\\/backport 2.7",
        "&#47;backport 2.7",
        "/backports 2.7",
        "/back port 2.7",
        "//backport 2.7",
        "/releases",
        "/rebase",
    ],
)
def test_everything_else_is_not(body: str) -> None:
    assert reads(body) == ()


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ("/release help", Help()),
        ("/release", Help()),
        ("/RELEASE Ping", Ping()),
        ("/backport all", PickOnto((), everywhere=True)),
        ("/backport 2.7 ALL 2.6", PickOnto((L27, L26), everywhere=True)),
        ("/backport", Incomplete("LINE")),
        ("/backport 2,7", UnknownWord("2,7")),
        ("/backport 2.7 please", UnknownWord("please")),
        ("/backport 2.7.1", UnknownWord("2.7.1")),
        ("/backport `2.7`", UnknownWord(NOT_TEXT)),
        ("/backport [2.7](https://example.org)", UnknownWord(NOT_TEXT * 3)),
        ("/backport recreate v2.7", PickAgain(L27)),
        ("/backport recreate all", UnknownWord("all")),
        ("/backport recreate", Incomplete("LINE")),
        ("/backport 2.7 class=regression", PickOnto((L27,), why="regression")),
        ("/backport Class=Docs 2.7", PickOnto((L27,), why="docs")),
        ("/backport 2.7 class=urgent", UnknownWord("class=urgent")),
        ("/backport 2.7 --with-prerequisites=1", UnknownWord("--with-prerequisites=1")),
        ("/release ping please", UnknownWord("please")),
        ("/backport 2.7 --with-prerequisites", NotBuilt("/backport … --with-prerequisites")),
        ("/backport 2.7 --force", UnknownWord("--force")),
        ("/release rc 2.7 sha=abc", UnknownWord("sha=abc")),
        ("/release rc 2.7 sha=ABCDEF1", AskCandidate(L27, "ABCDEF1")),
        ("/release rc", AskCandidate()),
        ('/release hold 2.7 reason="not yet"', AskHold(L27, "not yet")),
        ('/release hold 2.7 reason="not yet', UnknownWord("reason=")),
        ("/release hold 2.7", Incomplete("reason")),
        ("/release unhold v2.7", AskUnhold(L27)),
        ('/release notes 2.7 124=NONE 123="A  text" 7=""', AskNotes(L27, ((7, ""), (123, "A  text"), (124, None)))),
        ("/release notes 2.7", Incomplete("NUMBER")),
        ("/release cut 2.7 from=v2.7.0;rm", AskCut(L27, "v2.7.0;rm")),
        ("/release cut release/2.7", AskCut(L27)),
        ("/release final 2.7", AskFinal(L27)),
        ("/release final v2.7 rc=3", AskFinal(L27, 3)),
        ("/release final 2.7 rc=x", UnknownWord("rc=x")),
        ("/release final", Incomplete("LINE")),
        ("/release plan RC 2.7", AskPlan(L27)),
        ("/release plan final release/2.7", AskPlan(L27, final=True)),
        ("/release plan 2.7", UnknownWord("2.7")),
        ("/release plan rc", Incomplete("LINE")),
        ("/release confirm 7F3A-92c1d04e", Confirm("7F3A-92c1d04e")),
        ("/release confirm", Incomplete("CODE")),
        ("/release confirm `7f3a-92c1d04e`", UnknownWord(NOT_TEXT)),
        ("/release cancel", Cancel()),
        ('/release yank 2.7.1 reason="wrong results"', AskYank(Version(L27, 1), "wrong results")),
        ("/release yank v2.7.1-rc2 reason=x", AskYank(Version(L27, 1, 2), "x")),
        ("/release yank v2.7.1", Incomplete("reason")),
        ("/release hlep", UnknownVerb("/release", "hlep", "help")),
        ("/release xyzzy", UnknownVerb("/release", "xyzzy", None)),
    ],
)
def test_a_command_is_read_or_answered(body: str, read: object) -> None:
    assert reads(body) == (read,)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────

CONTRACT = {
    "/release help": "anyone", "/release ping": "anyone", "/release status": "anyone", "/release plan": "anyone",
    "/release rc": "manager", "/release final": "manager", "/release confirm": "manager", "/release cancel": "manager",
    "/release cut": "manager", "/release hold": "write", "/release unhold": "manager", "/release notes": "write",
    "/release yank": "manager", "/release rollback": "manager", "/release retry": "write",
    "/backport": "write", "/backport recreate": "write",
}  # fmt: skip


def test_the_table_has_every_verb_of_the_contract_with_who_may_say_it() -> None:
    assert {verb.said: verb.who for verb in TABLE} == CONTRACT


@pytest.mark.parametrize("verb", TABLE, ids=lambda verb: verb.said)
def test_every_row_explains_itself_and_its_example_is_one_of_it(verb: Verb) -> None:
    assert verb.help
    [said] = read_commands(verb.example)
    assert said.verb == verb
    assert isinstance(said.read, Order if verb.built else NotBuilt)
    assert isinstance(fill(verb.takes, words_of(verb)), Filled), "the row takes its own example"


def words_of(verb: Verb) -> list[str]:
    return re.findall(r'(?:[^\s"]|"[^"]*")+', verb.example.removeprefix(verb.said))


@pytest.mark.parametrize("verb", [verb for verb in TABLE if not verb.built], ids=lambda verb: verb.said)
def test_what_the_contract_has_and_the_program_has_not_is_said_whatever_follows(verb: Verb) -> None:
    assert reads(f"{verb.said} some more words") == (NotBuilt(verb.said),)
    assert read_commands(verb.said)[0].who == verb.who


def test_what_no_row_knows_can_be_answered_to_anyone() -> None:
    assert [said.who for said in read_commands("/release xyzzy\n/release rc 2.7\n/backport x")] == [
        "anyone", "manager", "write",
    ]  # fmt: skip
    assert find_verb("/backport", "help") is None


# ── the language of the table ────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_is_read_into_slots() -> None:
    assert slots_of("rc|final LINE… [sha=SHA] NUMBER=NOTE [--force]") == (
        Slot("rc|final"),
        Slot("LINE", many=True),
        Slot("SHA", "sha", needed=False),
        Slot("NOTE", "NUMBER"),
        Slot("", "--force", needed=False),
    )


@pytest.mark.parametrize(
    ("takes", "words", "found"),
    [
        ("LINE", ["2.7"], Filled({"LINE": ("2.7",)})),
        ("LINE", ["all"], Surplus("all")),
        ("LINE…", ["2.7", "ALL"], Filled({"LINE": ("2.7", "ALL")})),
        ("[LINE]", [], Filled()),
        ("LINE", [], Lacking(Slot("LINE"))),
        ("rc|final LINE", ["Final", "2.7"], Filled({"rc|final": ("Final",), "LINE": ("2.7",)})),
        ("rc|final LINE", ["2.7"], Surplus("2.7")),
        ("[LINE] [sha=SHA]", ["sha=0123abc"], Filled({}, {"sha": "0123abc"})),
        ("[LINE] [sha=SHA]", ["sha=xyz"], Surplus("sha=xyz")),
        ("LINE reason=TEXT", ["2.7", 'REASON="a = b"'], Filled({"LINE": ("2.7",)}, {"reason": "a = b"})),
        ("LINE reason=TEXT", ["2.7"], Lacking(Slot("TEXT", "reason"))),
        ("LINE reason=TEXT", ["2.7", 'reason=""'], Surplus('reason=""')),
        ("LINE NUMBER=NOTE", ["2.7", "123=none", '7="x y"'], Filled({"LINE": ("2.7",)}, {"123": "none", "7": "x y"})),
        ("LINE NUMBER=NOTE", ["2.7", "0=none"], Surplus("0=none")),
        ("LINE NUMBER=NOTE", ["2.7"], Lacking(Slot("NOTE", "NUMBER"))),
        ("VERSION", ["v2.7.0-rc10"], Filled({"VERSION": ("v2.7.0-rc10",)})),
        ("VERSION", ["2.7"], Surplus("2.7")),
        ("[--force]", ["--force"], Filled({}, {"--force": ""})),
        ("[--force]", ["--force=1"], Surplus("--force=1")),
        ("LINE…", ["2.7"] * (MAX_LINES + 1), Overfull(MAX_LINES)),
    ],
)
def test_words_are_put_into_slots_or_the_first_that_fits_none_is_named(
    takes: str, words: list[str], found: object
) -> None:
    assert fill(takes, words) == found


# ── several commands, long and hostile comments ──────────────────────────────────────────────────────────────────────


def test_several_commands_are_read_in_order() -> None:
    assert reads("/release ping\n\ntext\n\n/backport 2.7\n/release help") == (Ping(), *PICK, Help())


def test_a_comment_has_room_for_ten_commands() -> None:
    read = reads("/release ping\n" * (MAX_COMMANDS + 1))
    assert read == (Ping(),) * MAX_COMMANDS + (TooMany(MAX_COMMANDS, "commands in a comment"),)
    assert reads("/release ping\n" * MAX_COMMANDS) == (Ping(),) * MAX_COMMANDS


def test_a_command_has_room_for_twenty_lines() -> None:
    lines = " ".join(f"2.{n}" for n in range(MAX_LINES + 1))
    assert reads(f"/backport {lines}") == (TooMany(MAX_LINES, "lines in a command"),)


def test_a_comment_that_is_too_long_is_not_read() -> None:
    assert reads("/backport 2.7\n".ljust(MAX_LENGTH, "x")) == PICK
    assert reads("/backport 2.7\n".ljust(MAX_LENGTH + 1, "x")) == ()


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece",
    [
        "[", "![", "[a](", "*a ", "_a", "<", "<!--", "`", "> ", "- ", "&", '"', '"a',
        "> # a\nb\n", "a\n>>>>\n", "> a\n>>\nb\n",
    ],
)  # fmt: skip
def test_hostile_markdown_is_read_in_bounded_time(piece: str) -> None:
    read_commands("/backport 2.7 " + piece * ((MAX_LENGTH - 14) // len(piece)))


def test_a_status_takes_one_line_or_all_of_them() -> None:
    for word, wanted in (("", ShowLines()), ("all", ShowLines()), ("ALL", ShowLines()), ("v2.7", ShowLines(L27))):
        assert [said.read for said in read_commands(f"/release status {word}")] == [wanted]
    assert [said.read for said in read_commands("/release status 2.7 all")] == [UnknownWord("all")]
    assert [said.read for said in read_commands("/backport recreate all")] == [UnknownWord("all")]
