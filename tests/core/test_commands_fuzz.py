"""Hostile comments: nothing raises, nothing is found where no command may be, and work grows with the length only."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.core.commands import ALIASES, MAX_COMMANDS, MAX_LENGTH, TABLE, Complaint, read_commands
from bot.core.conversation import plan_comment, plan_edit
from bot.core.events import CommentEdited, CommentPosted
from bot.core.jobs import Answer
from bot.core.messages import chat
from bot.core.model import Role
from tests.core.driving import AS_SENT, drive
from tests.core.test_conversation import WORLD
from tests.core.values import ADA, REPO

PIECES = (
    "`", "``", "```", "~~~", "> ", ">>>", "- ", "1. ", "# ", "    ", "\t", "<!--", "-->", "<", ">", "<code>", "</code>",
    "<a href='x'>", "</a>", "<b>", "<details>", "<pre>", "</pre>", "[", "](", ")", "![", "]: x", "<https://x.test>",
    "\\", "&#47;", "*", "_", "---", "===", "|", "\n", "\n\n", "\r\n", "\r", " ", "text", '"', "=", "\x00", "\u202e",
    "\ufffc", "~~", "$$", "$", "a|b\n-|-\n", "[^1]: ", ">>>>\n", "<b title=\"", "<code title='a<b'>", "<textarea>",
    "<blockquote title='</blockquote>'>", "</blockquote>", "<table><tr><td>", "</table>", "<svg>", "<?", "--!>", "--\n",
    "/backport 2.7", "/release rc 2.7", "/release help", "/RELEASE", "/cherry-pick all", "2.7", "--force", "class=docs",
)  # fmt: skip
COMMANDS = tuple(verb.example for verb in TABLE)
MARKDOWN = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=40).map("".join)

# Words that open nothing and close nothing, so that what stands between them is what it looks like.
HARMLESS = st.text(alphabet="abc äß,.!?() 123'\n", max_size=60).map(lambda text: re.sub(r"\n +", "\n", text).strip())
COMMAND = st.sampled_from(COMMANDS)


# ── nothing escapes ──────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=400, deadline=None)
@given(MARKDOWN)
@example("/backport 2.7\r>>>\r/release rc 2.7")
@example("/release rc 2.7")
@example("/release rc")
@example("/release " + "x" * 500 + "\n/backport " + "\u202e" * 40)
def test_whatever_is_said_is_read_and_answered_without_a_command_in_the_answer(body: str) -> None:
    found = read_commands(body)
    assert len(found) <= MAX_COMMANDS + 1
    for said in found:
        if isinstance(said.read, Complaint):
            assert read_commands(chat.render_complaint(said.read, said.verb)) == ()
    plan, _ = drive(plan_comment(CommentPosted(REPO, 12, 501, ADA, body)), {**WORLD, **_ANSWERS})
    edited, _ = drive(plan_edit(CommentEdited(REPO, 12, 501, ADA, body)), AS_SENT)
    assert all(isinstance(job, Answer) for job in edited.jobs)
    for job in (*plan.jobs, *edited.jobs):
        if isinstance(job, Answer):
            assert read_commands(job.text or "") == ()
            assert len(job.text or "") < MAX_LENGTH


_ANSWERS = {type(None): None} | {kind: answer for kind, answer in WORLD.items() if answer is not Role.NONE}


# ── nothing is found where it may not be ─────────────────────────────────────────────────────────────────────────────

CONTAINERS: dict[str, Callable[[str], str]] = {
    "a fence": lambda said: f"```\n{said}\n```",
    "a fence with a language": lambda said: f"~~~sh\n{said}\n~~~",
    "a fence without an end": lambda said: f"````\n{said}\n```",
    "indentation": lambda said: f"    {said}",
    "a tab": lambda said: f"\t{said}",
    "inline code": lambda said: f"`{said}`",
    "inline code over lines": lambda said: f"``\n{said}\n``",
    "a quote": lambda said: f"> {said}",
    "a quote that goes on": lambda said: f"> a\n{said}",
    "a quote in a list": lambda said: f"- > a\n{said}",
    "a quote between fences": lambda said: f">>>\n{said}\n>>>",
    "an HTML comment": lambda said: f"<!-- {said} -->",
    "an HTML comment over lines": lambda said: f"<!--\n\n{said}\n\n-->",
    "an HTML comment in a paragraph": lambda said: f"a <!--\n{said}\n--> b",
    "a link": lambda said: f"[{said}](https://example.org)",
    "a link over lines": lambda said: f"[a\n{said}\n](https://example.org)",
    "the text of an image": lambda said: f"![a\n{said}\n](https://example.org)",
    "a link in HTML": lambda said: f"a <a href='x'>\n{said}\n</a>",
    "the title of a link": lambda said: f"[a](https://example.org '\n{said}\n')",
    "code in HTML": lambda said: f"<code>\n\n{said}\n\n</code>",
    "preformatted text": lambda said: f"<pre>\n{said}\n</pre>",
    "a quote in HTML": lambda said: f"<blockquote>\n\n{said}\n\n</blockquote>",
    "a script": lambda said: f"<script>\n\n{said}\n\n</script>",
    "a list": lambda said: f"- {said}",
    "a list that goes on": lambda said: f"* a\n{said}",
    "a heading": lambda said: f"## {said}",
    "the middle of a line": lambda said: f"a {said}",
    "indentation below an underlined heading": lambda said: f"a\n===\n    {said}",
    "a row of a table": lambda said: f"a|b\n-|-\n{said}",
    "text that is struck out": lambda said: f"~~a\n{said}\nb~~",
    "a footnote": lambda said: f"[^1]: a\n{said}",
    "a list in a footnote": lambda said: f"[^1]: a\n\n    - b\n{said}",
    "mathematics": lambda said: f"$$\n\n{said}\n\n$$",
    "mathematics in a paragraph": lambda said: f"a $b\n{said}\nc$",
}


@pytest.mark.parametrize("name", CONTAINERS)
@settings(max_examples=30, deadline=None)
@given(before=HARMLESS, said=COMMAND, after=HARMLESS, end=st.sampled_from(("\n\n", "\r\n\r\n", "\r\r")))
def test_no_command_is_found_in_a_container(name: str, before: str, said: str, after: str, end: str) -> None:
    body = end.join((before, CONTAINERS[name](said), after))
    assert read_commands(body) == ()


@pytest.mark.parametrize("fence", ["---", "+++", ";;;", "--- yaml "])
@settings(max_examples=30, deadline=None)
@given(HARMLESS, COMMAND, HARMLESS)
def test_no_command_is_found_in_or_below_front_matter(fence: str, before: str, said: str, after: str) -> None:
    assert read_commands(f"\n{fence}\n{before}\n{said}\n{fence[:3]}\n{after}\n\n{said}") == ()


# ── nor however deep it stands there ─────────────────────────────────────────────────────────────────────────────────

ELEMENTS = ("a", "blockquote", "code", "del", "h2", "q", "summary", "table", "ul")
ATTRIBUTES = (
    "", " open", " title=a", ' title="a<b"', " title='a>b'", ' title="</NAME>"', " title='<!--'", ' title="-->"',
    ' title="\n"', " title='`'", ' a="" b=\'">\' c', "/",
)  # fmt: skip
# What looks as if it closed the element around it, and does not, or not for every reader.
DECOYS = (
    "text", "`</NAME>`", "    </NAME>", "```\n</NAME>\n```", "\\</NAME>", "</NAME x", "<!-- </NAME> -->",
    '<b title="</NAME>">x</b>', "<img alt='</NAME>'>", "<code title='</NAME>'>x</code>", "a|b\n-|-\nx|</NAME>",
    "<textarea></NAME></textarea>", "<script></NAME></script>", "<svg><title></NAME></title></svg>", "- </NAME>",
    "<table><tr><td></NAME></td></tr></table>", "<select></NAME></select>", "<!-- --!> </NAME> -->", "<? </NAME> ?>",
    "<!--> </NAME> -->", ">>>\n\na\n\n>>>", ">>>\n```\n>>>\n```", "> a\n>>>", "```\n>>>\n```", "- a\n\n  >>>",
)  # fmt: skip


def in_element(inner: str, name: str, attribute: str, decoy: str) -> str:
    return f"<{name}{attribute}>\n\n{decoy}\n\n{inner}\n\n</{name}>".replace("NAME", name)


def in_fences(inner: str, more: int, decoy: str) -> str:
    """Between fences of `>`, longer than all that stand between them."""
    text = f"{decoy}\n\n{inner}".replace("NAME", "blockquote")
    fence = ">" * (max(map(len, re.findall(r"^ *(>{3,})$", text, re.MULTILINE)), default=2) + more)
    return f"{fence}\n\n{text}\n\n{fence}"


def hidden(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    elements, attributes, decoys = map(st.sampled_from, (ELEMENTS, ATTRIBUTES, DECOYS))
    return st.builds(in_element, inner, elements, attributes, decoys) | st.builds(
        in_fences, inner, st.integers(1, 3), decoys
    )


def wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return hidden(inner) | inner.map("<details open>\n<summary>a</summary>\n\n{}\n\n</details>".format)


@settings(max_examples=800, deadline=None)
@given(HARMLESS, st.recursive(hidden(COMMAND), wrapped, max_leaves=3), HARMLESS)
def test_no_command_is_found_however_deep_it_is_nested_and_whatever_stands_before_it(
    before: str, nested: str, after: str
) -> None:
    assert read_commands(f"{before}\n\n{nested}\n\n{after}") == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(HARMLESS, COMMAND), min_size=1, max_size=MAX_COMMANDS), st.sampled_from(("\n", "\r\n", "\r")))
def test_commands_between_harmless_words_are_all_found_in_order(parts: list[tuple[str, str]], end: str) -> None:
    body = "\n\n".join(f"{words}\n\n  {said} " for words, said in parts).replace("\n", end)
    assert [each.verb for each in read_commands(body)] == [_verb_of(said) for _, said in parts]


def _verb_of(said: str) -> object:
    return next(verb for verb in TABLE if verb.example == said)


def render(body: str) -> str:
    """The comment in HTML, where a line of dashes makes no heading."""
    markdown = MarkdownIt("commonmark")
    tokens = markdown.parse(body)
    for token in tokens:
        token.tag = "p" if token.markup == "-" else token.tag
    return markdown.renderer.render(tokens, markdown.options, {})


class Shown(HTMLParser):
    """What a browser would show of a comment as plain paragraphs: a second opinion, from the HTML."""

    HIDING = (*ELEMENTS, "ol", "h1", "h3", "pre", "script", "style", "svg", "textarea")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in self.HIDING:
            self.open.append(tag)
        self.text += "\n" if tag == "p" else ""

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            self.open.remove(tag)

    def handle_data(self, data: str) -> None:
        self.text += data if not self.open else "\ufffc"


@settings(max_examples=600, deadline=None)
@given(MARKDOWN)
def test_only_what_a_browser_shows_as_plain_lines_is_a_command(body: str) -> None:
    shown = Shown()
    shown.feed(render(body))
    shown.close()
    # a quotation mark ends the command's word as a space does
    words = {line.split()[0].lower().split('"')[0] for line in shown.text.split("\n") if line.split()}
    for said in read_commands(body)[:MAX_COMMANDS]:
        command = said.verb.command if said.verb else "/release"
        assert words & {command, *(alias for alias, name in ALIASES.items() if name == command)}


# ── work ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def work(body: str) -> int:
    """How many functions are called, Python's and C's, while a comment is read."""
    calls = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        read_commands(body)
    finally:
        sys.setprofile(None)
    return calls


def repeated(piece: str, length: int) -> tuple[str, str]:
    """Comments of about this length, one that begins with a command and one that ends with it."""
    much = piece * (length // len(piece))
    return f"/backport 2.7 {much}", f"{much}\n\n/backport 2.7"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join))
@example("[a](")
@example("<!--")
@example("*_")
@example("`" + "``")
@example("> # a\nb\n")
@example("a\n>>>>\n")
def test_twice_the_length_is_at_most_about_twice_the_work(piece: str) -> None:
    for short, long in zip(repeated(piece, 1500), repeated(piece, 3000), strict=True):
        assert work(long) <= 2.6 * work(short) + 500


HOSTILE = (
    "[a](", "`a", "<code ", "<!-- <code>", '"a', "a*b_", ">>>\n", "[a]: b\n", "<b a=", "<b a ", "<!--a", "<!-- - ",
    "</", "\n---\n", "|-", "\n|-|", "$$a", "~a", "> # a\nb\n", ">>\na\n", "> ```\na\n", "a\n>>>>\n", "- > # a\nb\n",
    "> a\n>>\nb\n",
)  # fmt: skip


@pytest.mark.parametrize("piece", [*PIECES, *HOSTILE])
def test_four_times_the_length_does_not_blow_up_inside_one_call_of_c(piece: str) -> None:
    """What happens inside one call of C, as in a regular expression, shows in the time only."""
    for short, long in zip(repeated(piece, 5_000), repeated(piece, 20_000), strict=True):
        assert _seconds(long) <= 60 * max(_seconds(short), 0.004)


def _seconds(body: str) -> float:
    """The processor's time, the best of two, for a comment."""
    took = []
    for _ in range(2):
        began = time.process_time()
        read_commands(body)
        took.append(time.process_time() - began)
    return min(took)
