"""The message and the author of a pick: byte for byte what `git cherry-pick -x` would write."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.tools.objects import parse_commit
from bot.tools.pick import Wish
from bot.tools.trailers import picked_message
from tests.tools.cherry_picking import COMMITTER, picking
from tests.tools.histories import START, History, Person

EXAMPLES = int(os.environ.get("RELBOT_EXAMPLES", "60"))
SHA = "0123456789" * 4

MESSAGES = {
    "a title only": b"Fix it\n",
    "a title without a line break": b"Fix it",
    "a title and a body": b"Fix it\n\nIt was broken.\nNow it is not.\n",
    "a body without a last line break": b"Fix it\n\nIt was broken.",
    "a trailer": b"Fix it\n\nIt was broken.\n\nFixes: #12\n",
    "a sign-off": b"Fix it\n\nSigned-off-by: Ada <ada@example.org>\n",
    "the picker's own sign-off": b"Fix it\n\nSigned-off-by: Bot <bot@example.org>\n",
    "the picker's own sign-off in between": b"Fix it\n\nSigned-off-by: Bot <bot@example.org>\nFixes: #12\n",
    "trailers of several lines": b"Fix it\n\nFixes: #12\n  and more\nAcked-by: Bea <b@x>\n",
    "trailers behind a body": b"Fix it\n\nBody.\n\nReviewed-by: Bea <b@x>\nFixes: #12\n",
    "a title that looks like a trailer": b"fix: it\n",
    "a title and second line like trailers": b"fix: it\nand: that\n",
    "a body of one line like a trailer": b"Fix it\n\nNote: this is prose, mostly.\n",
    "prose with one trailer among it": b"Fix it\n\nProse first\nFixes: #12\nand more prose\n",
    "prose with one sign-off among it": b"Fix it\n\nProse\nSigned-off-by: Ada <a@x>\n",
    "much prose with one sign-off among it": b"Fix it\n\nOne\nTwo\nThree\nFour\nFive\nSigned-off-by: Ada <a@x>\n",
    "three lines of prose and a sign-off": b"Fix it\n\nOne\nTwo\nThree\nSigned-off-by: Ada <a@x>\n",
    "four lines of prose and a sign-off": b"Fix it\n\nOne\nTwo\nThree\nFour\nSigned-off-by: Ada <a@x>\n",
    "a picked line already": b"Fix it\n\n(cherry picked from commit " + SHA.encode() + b")\n",
    "a picked line behind a body": b"Fix it\n\nBody.\n\n(cherry picked from commit " + SHA.encode() + b")\n",
    "a picked line at the end of a body": b"Fix it\n\nBody.\n(cherry picked from commit " + SHA.encode() + b")\n",
    "a picked line and trailers": b"Fix it\n\nFixes: #1\n(cherry picked from commit " + SHA.encode() + b")\n",
    "trailing blank lines": b"Fix it\n\nBody.\n\n\n\n",
    "trailing blank lines after trailers": b"Fix it\n\nFixes: #12\n\n\n",
    "trailing spaces": b"Fix it   \n\nBody.  \t\nFixes: #12   \n",
    "a last line of spaces": b"Fix it\n\nBody.\n   \n",
    "a blank line of spaces before trailers": b"Fix it\n\nBody.\n  \nFixes: #12\n",
    "leading blank lines": b"\n\nFix it\n\nBody.\n",
    "CRLF": b"Fix it\r\n\r\nBody.\r\n",
    "CRLF with trailers": b"Fix it\r\n\r\nBody.\r\n\r\nFixes: #12\r\nSigned-off-by: Ada <a@x>\r\n",
    "LF with a CRLF trailer": b"Fix it\n\nFixes: #12\r\n",
    "comment lines": b"Fix it\n\n# not a comment\nBody.\n",
    "comment lines among trailers": b"Fix it\n\nFixes: #12\n# hm\nAcked-by: B <b@x>\n",
    "a divider": b"Fix it\n\nBody.\n---\nFixes: #12\n",
    "a divider and a paragraph": b"Fix it\n\nBody.\n\n---\n\nFixes: #12\n",
    "a scissors line": b"Fix it\n\nBody.\n# ------------------------ >8 ------------------------\nrest\n",
    "no message at all": b"",
    "nothing but blank lines": b"\n\n\n",
    "odd bytes": b"Fix \xff it\n\nBody \xe9.\n",
    "odd separators": b"Fix it\n\nFixes = 12\nCloses #12\n",
    "a token with a space": b"Fix it\n\nReviewed by: Bea\n",
    "a colon without a space": b"Fix it\n\nFixes:#12\n",
    "a token with a dash and a space before the colon": b"Fix it\n\nReviewed-by : Bea\n",
    "an address like a trailer": b"Fix it\n\nhttps://example.org/x\n",
    "a trailer without a value": b"Fix it\n\nFixes:\n",
    "an indented first line": b"Fix it\n\n  Fixes: #12\n",
    "an unfinished sign-off": b"Fix it\n\nSigned-off-by:\n",
    "a form feed and a tab": b"Fix it\n\n\x0c\nFixes: #12\n\t\n",
    "a conflict list of git's": b"Fix it\n\nBody.\n\nConflicts:\n\ta.py\n",
    "a commented conflict list": b"Fix it\n\nFixes: #12\n\n# Conflicts:\n#\ta.py\n",
    "a title in two lines": b"Fix it\nand that\n\nFixes: #12\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    return History(tmp_path_factory.mktemp("messages") / "r")


@pytest.fixture(scope="module")
def base(history):
    history.commit("line", {"line": "own\n"})
    return history.commit("main", {"a": "a\n"}, parents=())


@pytest.fixture(scope="module")
def clone(history, base, tmp_path_factory):
    copy = history.clone(tmp_path_factory.mktemp("messages") / "clone", "--shared", "--no-checkout")
    copy.git("checkout", "-q", "--detach", "origin/line")
    return copy


@pytest.fixture(scope="module")
def both(history, clone, base):
    """A function that gives the message which git writes, and ours."""

    def compare(message, *flags):
        commit = history.commit(None, {"b": "b\n"}, message, parents=(base,))
        theirs = cherry_picked(clone, commit, "--allow-empty-message", *flags)
        source = parse_commit(commit, clone.run("cat-file", "commit", commit).stdout)
        ours = picked_message(source.message, commit, COMMITTER.identity if "-s" in flags else None)
        return ours, theirs.partition(b"\n\n")[2]

    return compare


def cherry_picked(clone, commit, *flags):
    """The whole text of the commit that git makes."""
    clone.git("reset", "-q", "--hard", "origin/line")
    bot = {"GIT_COMMITTER_NAME": COMMITTER.name, "GIT_COMMITTER_EMAIL": COMMITTER.email}
    clone.git("cherry-pick", "-x", *flags, commit, **bot)
    return clone.run("cat-file", "commit", "HEAD").stdout


@pytest.mark.parametrize("flags", [(), ("-s",)], ids=["picked line", "and sign-off"])
@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_the_message_is_the_one_of_git_cherry_pick(both, message, flags):
    ours, gits = both(message, *flags)
    assert ours == gits


LINES = st.sampled_from([
    b"", b"", b"Fix it", b"Fixes: #12", b"Signed-off-by: Ada <a@x>", b"Signed-off-by: Bot <bot@example.org>",
    b"  indented", b"(cherry picked from commit " + SHA.encode() + b")", b"---", b"# comment", b"#", b"Acked-by:",
    b"a: b", b"prose here",
    b" ", b"\t", b"x" * 80, b": x", b"-: x", b"Fixes : 3", b"\r", b"Closes: #1\r", b"Conflicts:",
    b"\ta.py", b"\x0c", b"\xe9",
])  # fmt: skip


@given(st.lists(LINES, min_size=1, max_size=9), st.sampled_from([b"", b"\n"]), st.sampled_from([(), ("-s",)]))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_messages_are_those_of_git_cherry_pick(both, lines, end, flags):
    ours, gits = both(b"\n".join(lines) + end, *flags)
    assert ours == gits


AUTHORS = {
    "UTF-8": (Person("Jörg Ünï <j@x>".encode(), "1700000000 +0530"), b""),
    "Latin-1 that says so": (Person("Jörg <j@x>".encode("latin-1"), "1700000000 -0800"), b"encoding ISO-8859-1\n"),
    "Japanese that says so": (Person("日本 <j@x>".encode("euc-jp")), b"encoding EUC-JP\n"),
    "UTF-8 that says so": (Person("Jörg <j@x>".encode()), b"encoding UTF-8\n"),
    "Latin-1 that says nothing": (Person(b"J\xf6rg \xe9\xe8 <j@x>"), b""),
    "an encoding that is not true": (Person(b"J\xf6rg <j@x>"), b"encoding UTF-8\n"),
    "an encoding that nobody knows": (Person(b"J\xf6rg <j@x>"), b"encoding no-such-thing\n"),
    "a signed commit": (Person(), b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n"),
    "a date before the epoch's first day": (Person(when="1 +0000"), b""),
    "an odd offset": (Person(when="1700000000 +1245"), b""),
    "a name with odd signs": (Person(b'A "B" (C), D. <a.b+c@x>'), b""),
}  # fmt: skip


@pytest.mark.parametrize("written", AUTHORS.values(), ids=AUTHORS)
def test_author_date_and_encoding_are_kept_as_git_keeps_them(history, clone, base, tmp_path, written):
    author, headers = written
    message = "Grüße\n".encode("latin-1") if b"ISO" in headers else b"Greetings\n"
    commit = history.commit(None, {"b": "b\n"}, message, parents=(base,), author=author, headers=headers)
    theirs = cherry_picked(clone, commit)
    ours = picked_commit(history, tmp_path, commit)
    assert sorted(ours.split(b"\n")) == sorted(theirs.split(b"\n"))


def picked_commit(history, place, commit):
    """The whole text of the commit that a pick onto the line makes."""
    with picking(history, place / "scratch") as picker:
        made = picker.pick([Wish(history.sha("line"), (commit,), committed_at=START)])[0].commit
        picker.keep(made)
        return picker.scratch.view().run("cat-file", "commit", made)


HOSTILE = [b"unicode_escape", b"utf-7", b"idna", b"punycode", b"undefined", b"zlib", b"a\0b", b"utf-16", b""]


@pytest.mark.parametrize("encoding", HOSTILE)
def test_no_encoding_that_a_stranger_names_breaks_a_pick_or_adds_a_header(history, base, tmp_path, encoding):
    author = Person(rb"Eve\x0aparent\x20" + SHA.encode() + b"+AAo-gpgsig <e@x>")
    headers = b"encoding " + encoding + b"\n"
    commit = history.commit(None, {"b": "b\n"}, b"+AAo-\\n\xff\n", parents=(base,), author=author, headers=headers)
    head = picked_commit(history, tmp_path, commit).partition(b"\n\n")[0].split(b"\n")
    assert [line.split(b" ")[0] for line in head] == [b"tree", b"parent", b"author", b"committer"]


def test_without_a_date_the_committer_s_own_is_kept(history, base, tmp_path):
    commit = history.commit(None, {"b": "b\n"}, "x\n", parents=(base,))
    with picking(history, tmp_path / "scratch") as picker:
        made = picker.pick([Wish(history.sha("line"), (commit,))])[0].commit
        picker.keep(made)
        shown = picker.scratch.view().run("log", "-1", "--format=%cn %ce %ct", made).decode()
    assert shown == f"Bot bot@example.org {history.git('log', '-1', '--format=%ct', commit)}\n"
