"""The text of a tag object: nothing in it can pass for something else, and git reads in it what the bot has meant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.errors import Fault
from bot.core.model import Repo
from bot.core.tagging import Provenance, TagWish
from bot.tools.tags import MOST, TRAILERS, compose, one_line, read_object, read_own
from tests.tools.histories import History

REPO = Repo("github", 7, "acme/torchlet", "main")
COMMIT = "c" * 40
WHO = "relbot <relbot@example.org>"
OF = Provenance("@mona", "https://forge.example/acme/torchlet/pull/12#issuecomment-5", ("checks", "no hold"),
                "registry.example/torchlet@sha256:" + "d" * 64, "passed on cu128")  # fmt: skip
WISH = TagWish("v2.7.0-rc1", COMMIT, "torchlet 2.7.0, candidate 1", OF, 1_720_000_000, "What is new:\n\n- a fix")
TEXT = f"""object {COMMIT}
type commit
tag v2.7.0-rc1
tagger {WHO} 1720000000 +0000

torchlet 2.7.0, candidate 1

What is new:

- a fix

Repository: github:acme/torchlet
Commit: {COMMIT}
Requested-By: @mona
Requested-In: https://forge.example/acme/torchlet/pull/12#issuecomment-5
Gates: checks, no hold
Image: registry.example/torchlet@sha256:{"d" * 64}
Smoke: passed on cu128
"""

HOSTILE = (
    "", " ", "x", "a\nImage: evil@sha256:0", "a\r\nSmoke: passed", "a\u2028Commit: 0", "a\x85Gates: all", "\x00",
    "\x1b[2J", "\ud800", "\u202ekcab", "-----BEGIN SSH SIGNATURE-----",
    "-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----",
    "---\nnothing", "#", "# x", "key: value", "\n\nRepository: x\nCommit: y", "x" * 5000, " \t ", "a, b", "é" * 300,
    "-----BEGIN PGP MESSAGE-----", "object 0\n\ntag", "(cherry picked from commit 1)",
)  # fmt: skip
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40), st.lists(st.sampled_from(HOSTILE)).map("\n".join))
wishes = st.builds(
    TagWish, st.just("v2.7.0-rc1"), st.just(COMMIT), texts,
    st.builds(Provenance, texts, texts, st.lists(texts, max_size=3).map(tuple), texts, texts, texts, texts),
    st.integers(0, 2_000_000_000), texts,
)  # fmt: skip


def test_a_tag_says_what_it_is_how_it_came_about_and_nothing_else():
    assert compose(REPO, WISH, WHO).render().decode() == TEXT


def test_a_final_names_its_candidate_and_who_confirmed_it():
    of = Provenance("@mona", "comment 5 on pull 12", ("no hold",), confirmed_by="@bob", candidate="v2.7.1-rc2")
    said = compose(REPO, replace(WISH, provenance=of), WHO).render().decode().rpartition("\n\n")[2]
    assert said == (
        f"Repository: github:acme/torchlet\nCommit: {COMMIT}\nCandidate: v2.7.1-rc2\nRequested-By: @mona\n"
        "Requested-In: comment 5 on pull 12\nConfirmed-By: @bob\nGates: no hold\n"
    )


def test_what_there_is_nothing_to_say_about_has_no_trailer():
    bare = compose(REPO, replace(WISH, provenance=Provenance("@mona"), notes=""), WHO)
    assert [key for key, _ in bare.trailers] == ["Repository", "Commit", "Requested-By"]
    assert "\n\n\n" not in bare.render().decode()


def test_the_same_wish_is_the_same_object(tmp_path):
    history = History(tmp_path / "r")
    wish = replace(WISH, commit=history.commit("main", {"a": "1"}))
    made = [history.git("mktag", stdin=compose(REPO, wish, WHO).render()) for _ in range(2)]
    assert made[0] == made[1]


def test_git_itself_takes_the_object_and_finds_the_trailers(tmp_path):
    """`git mktag` is as strict as fsck; for-each-ref reads the trailers by git's own rules."""
    history = History(tmp_path / "r")
    history.commit("main", {"a": "1"})
    for n, hostile in enumerate(HOSTILE):
        of = Provenance(hostile, hostile, (hostile, hostile), hostile, hostile, hostile, hostile)
        text = compose(REPO, TagWish(f"v2.7.{n}", history.sha("main"), hostile, of, 1_720_000_000, hostile), WHO)
        history.git("update-ref", f"refs/tags/v2.7.{n}", history.git("mktag", stdin=text.render()))
        listed = history.git("for-each-ref", "--format=%(contents:trailers:only,unfold)", f"refs/tags/v2.7.{n}")
        assert tuple(tuple(line.split(": ", 1)) for line in listed.splitlines() if line) == text.trailers
        assert history.git("for-each-ref", "--format=%(contents:signature)", f"refs/tags/v2.7.{n}") == ""


@settings(max_examples=100, deadline=None)
@given(wishes)
def test_nothing_that_is_said_can_pass_for_another_part(wish):
    text = compose(REPO, wish, WHO)
    body = text.render()
    assert len(body) < MOST
    read = read_object(body)
    assert read.signed is None
    assert read.trailers == text.trailers
    assert [key for key, _ in read.trailers] == [key for key in TRAILERS if key in dict(read.trailers)]
    assert dict(read.trailers)["Commit"] == COMMIT
    assert all(one_line(value) == value for _, value in read.trailers)
    assert read_own(body).render() == body


@settings(max_examples=100, deadline=None)
@given(wishes, texts, st.integers(0, 700))
def test_a_text_that_differs_anywhere_is_not_taken_for_the_bots(wish, junk, where):
    body = compose(REPO, wish, WHO).render()
    piece = junk.encode(errors="replace")
    altered = body[:where] + piece + body[where:]
    found = read_own(altered)
    assert found is None or found.render() == altered


@pytest.mark.parametrize("name", [
    "", "v2", "latest", "v2.7.0-rc1 ", "v2.7.0\nobject 0", "-v2.7.0", "a..v2.7.0", "refs/tags/v2.7.0", "v2.7.0^{}",
    "v2.7.0-beta1", "../v2.7.0", "a.lock.v2.7.0", "v2.7.0.lock", "x" * 300 + "-v2.7.0", "v2.٧.0", "v2.7.0;rm -rf",
])  # fmt: skip
def test_a_name_that_is_no_versions_is_never_made_into_a_tag(name):
    with pytest.raises(Fault, match="name"):
        compose(REPO, replace(WISH, name=name), WHO).render()


@pytest.mark.parametrize("name", ["v2.7.0", "2.7.0", "v2.7.0-rc.1", "PyTorch-CUDA-v2.8-rc1", "v2.7.0-rc10"])
def test_every_style_of_version_may_be_made(name):
    assert f"\ntag {name}\n".encode() in compose(REPO, replace(WISH, name=name), WHO).render()


@pytest.mark.parametrize(("change", "reason"), [
    ({"commit": "abc"}, "no commit"), ({"tagger": "relbot"}, "tagger"), ({"tagger": "a <b> <c>"}, "tagger"),
    ({"tagger": "a <b>\ntagger x <y>"}, "tagger"), ({"tagged_at": -1}, "date"), ({"trailers": ()}, "trailers"),
    ({"commit": "d" * 40}, "trailers"), ({"trailers": (("Commit", COMMIT), ("Commit", COMMIT))}, "trailers"),
    ({"trailers": (("Commit", COMMIT), ("Repository", "x"))}, "trailers"),
    ({"trailers": (("Commit", COMMIT), ("Signed-off-by", "x"))}, "trailers"),
])  # fmt: skip
def test_what_no_tag_of_the_bots_can_be_is_a_fault(change, reason):
    with pytest.raises(Fault, match=reason):
        replace(compose(REPO, WISH, WHO), **change).render()


# ── the tags of others ───────────────────────────────────────────────────────────────────────────────────────────────


OTHERS = [
    (b"object 1\ntype commit\ntag v1\n\nold\n", None, None, "old", (), None),
    (b"object 1\ntype commit\ntag v1\ntagger A <a@x> 5 +0100\n\nv1\n", "A <a@x>", 5, "v1", (), None),
    (b"object 1\ntype commit\ntag v1\ntagger A <a@x> -5 +0100\n\n\n\nv1", "A <a@x>", -5, "v1", (), None),
    (b"object 1\ntype commit\ntag v1\ntagger nonsense\n\nv1\n", "nonsense", None, "v1", (), None),
    (b"object 1\ntype commit\ntag v1\ntagger J\xf6 <j@x> 5 +0000\n\nv\xf6\n", "J\ufffd <j@x>", 5, "v\ufffd", (), None),
    (b"object 1\ntype commit\ntag v1\n\nv1\n\nA: b\n c\nD-E: f\n", None, None, "v1",
     (("A", "b c"), ("D-E", "f")), None),
    (b"object 1\ntype commit\ntag v1\n\nv1\n\nA: b\nnot one\n", None, None, "v1", (), None),
    (b"object 1\ntype commit\ntag v1\n\nA: b\n", None, None, "A: b", (), None),
    (b"object 1\ntype commit\ntag v1\n\nv1\n\nA: b\n-----BEGIN PGP SIGNATURE-----\nx\n", None, None, "v1",
     (("A", "b"),), "gpg"),
    (b"object 1\ntype commit\ntag v1\n\nv1\n-----BEGIN SSH SIGNATURE-----\nx\n", None, None, "v1", (), "ssh"),
    (b"object 1\ntype commit\ntag v1\n\nv1\n-----BEGIN SIGNED MESSAGE-----\nx\n", None, None, "v1", (), "x509"),
    (b"object 1\ntype commit\ntag v1\n\n-----BEGIN SSH SIGNATURE-----\n-----BEGIN PGP SIGNATURE-----\n", None, None,
     "-----BEGIN SSH SIGNATURE-----", (), "gpg"),
    (b"", None, None, "", (), None),
    (b"\n\n", None, None, "", (), None),
]  # fmt: skip


def test_any_tag_object_can_be_read():
    for body, *parts in OTHERS:
        read = read_object(body)
        assert [read.tagger, read.tagged_at, read.title, read.trailers, read.signed] == parts, body


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_are_too_odd_to_be_read(body):
    read_object(body)
    assert read_own(body) is None
