"""Tags on the forge: made once with the line in one push, verified, found again, and never moved."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace

import pytest

from bot.core.actions import BranchMoved, Missing, Refused, Sync
from bot.core.errors import Fault
from bot.core.tagging import (
    FetchTags,
    LineMove,
    LineProtected,
    Provenance,
    Pushed,
    PushRelease,
    StageCommit,
    TagExists,
    VerifyTag,
    is_mine,
)
from bot.tools.mirror import Mirrors
from bot.tools.releasing import Signing, try_out
from bot.tools.signer import Signed
from bot.tools.signer.keys import open_key
from bot.tools.tags import read_object
from bot.tools.verifying import Verifier
from tests.tools.git_server import GitServer
from tests.tools.mirror.releases import OF, candidate, everything, hook, release, section, tag_at
from tests.tools.mirror.story import GITHUB, LINES, access, at
from tests.tools.signing_keys import BOTH, key_pair, needs, plain_git

TAG = "v2.7.0-rc1"
GONE_WRONG = b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"


class Returns:
    """A signer that answers every request with this."""

    def __init__(self, signature):
        self.signature = signature

    def sign(self, repository, text):
        return Signed(self.signature)

    def close(self):
        pass


@pytest.fixture
def signed(tmp_path, remote, signing):
    """A mirror whose tags are signed, by a real key in a signer that is asked at its socket."""
    opened = []

    def open_mirror(kind, key="release", known="release"):
        signer = signing(open_key(key_pair(kind, key).place))
        made = Mirrors(tmp_path / "signed", signing=Signing(signer, Verifier(key_pair(kind, known).public)))
        opened.append(made)
        return made.of(GITHUB, access(f"file://{remote.path}"))

    yield open_mirror
    for mirrors in opened:
        mirrors.close()


@pytest.fixture
def doubtful(tmp_path, remote):
    """A mirror whose signer answers what a test says."""
    opened = []

    def open_mirror(signature, kind="ssh"):
        verifier = Verifier(key_pair(kind).public)
        made = Mirrors(tmp_path / "doubtful", signing=Signing(Returns(signature), verifier))
        opened.append(made)
        return made.of(GITHUB, access(f"file://{remote.path}"))

    yield open_mirror
    for mirrors in opened:
        mirrors.close()


# ── signed and annotated ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", BOTH)
def test_pain_15_tags_are_annotated_and_signed_and_plain_git_says_so(remote, signed, tmp_path, kind):
    mirror = signed(kind)
    wish = release(remote, mirror)
    done = mirror.releases.push_release(wish)
    assert done == Pushed(replace(done.tag, name=TAG, commit=wish.tag.commit, annotated=True), signed=kind)
    environment = plain_git(kind, key_pair(kind).public, tmp_path)
    plain = remote.run("tag", "-v", TAG, **environment)
    assert plain.returncode == 0, plain.stderr.decode()
    assert b"Good" in plain.stderr or b"Good" in plain.stdout
    assert f"Commit: {wish.tag.commit}" in plain.stdout.decode()
    assert at(remote, "release/2.7") == wish.tag.commit
    checked = mirror.releases.verify_tag(VerifyTag(GITHUB, TAG))
    assert (checked.verdict, checked.signed, checked.tag) == ("good", kind, done.tag)
    assert checked.trailer("image") == OF.image
    assert remote.git("fsck", "--strict", "--no-dangling", check=False) == ""


def test_a_tag_is_mine_by_its_trailers_and_under_a_key_by_its_signature_too(remote, mirror, signed):
    under_key = signed("ssh")
    under_key.releases.push_release(release(remote, under_key))
    repo = release(remote, under_key).repo
    theirs = under_key.releases.verify_tag(VerifyTag(repo, TAG))
    assert (theirs.keyed, theirs.verdict, is_mine(repo, theirs)) == (True, "good", True)
    assert not is_mine(replace(repo, path="acme/other"), theirs)
    seen_without_a_key = mirror.releases.verify_tag(VerifyTag(repo, TAG))
    assert (seen_without_a_key.keyed, is_mine(repo, seen_without_a_key)) == (False, True)
    text = remote.git("cat-file", "tag", TAG).partition("-----BEGIN")[0].replace(f"tag {TAG}\n", "tag v2.7.0-rc9\n")
    pasted = remote.git("mktag", stdin=f"{text.rstrip()}\n".encode()).strip()
    remote.git("update-ref", "refs/tags/v2.7.0-rc9", pasted)
    assert not is_mine(repo, under_key.releases.verify_tag(VerifyTag(repo, "v2.7.0-rc9")))


@pytest.mark.parametrize("kind", BOTH)
def test_pain_15_nothing_is_pushed_when_the_key_is_not_the_one_that_people_know(remote, signed, kind):
    mirror = signed(kind, key="another")
    before, wish = everything(remote), release(remote, mirror)
    done = mirror.releases.push_release(wish)
    assert isinstance(done, Refused)
    assert "a key that I do not know" in done.reason
    assert "doctor" in done.next_step
    assert everything(remote) == before


@needs("ssh")
def test_pain_15_a_signer_that_signs_nothing_is_not_believed(remote, doubtful):
    """git 2.39 makes an unsigned tag and exits with 0 when ssh-keygen fails."""
    for_another = None
    with closing(open_key(key_pair("ssh").place)) as key:
        for_another = key.sign(b"another text\n")
    for number, signature in enumerate((b"", b"\n", b"oh dear\n", GONE_WRONG, for_another)):
        mirror = doubtful(signature)
        before, wish = everything(remote), release(remote, mirror)
        done = mirror.releases.push_release(wish)
        assert isinstance(done, Refused), number
        assert everything(remote) == before


def test_without_a_key_tags_are_annotated_and_it_is_said_that_they_are_not_signed(remote, mirror):
    wish = release(remote, mirror)
    done = mirror.releases.push_release(wish)
    assert (done.signed, done.tag.annotated) == (None, True)
    assert remote.git("cat-file", "-t", TAG) == "tag"
    checked = mirror.releases.verify_tag(VerifyTag(GITHUB, TAG))
    assert (checked.verdict, checked.said) == ("none", "it is not signed")
    assert tuple(dict(checked.trailers)) == (
        "Repository", "Commit", "Requested-By", "Requested-In", "Gates", "Image", "Smoke",
    )  # fmt: skip


@needs("ssh")
def test_what_the_doctor_tries_out_tells_a_right_key_from_a_wrong_one(signing):
    signer = signing(open_key(key_pair("ssh").place))
    for known, verdict in (("release", "good"), ("another", "bad")):
        with closing(Verifier(key_pair("ssh", known).public)) as verifier:
            assert try_out(Signing(signer, verifier))[0] == verdict


# ── once, whatever happens ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", BOTH)
def test_pain_16_a_push_whose_answer_was_lost_is_found_by_the_next_try(remote, signed, kind):
    """The forge took it all and the connection broke: what was done stays done, and counts as ours."""
    mirror = signed(kind)
    wish = release(remote, mirror)
    hook(remote, "post-receive", "kill -9 $PPID")
    with pytest.raises(Fault) as caught:
        mirror.releases.push_release(wish)
    assert caught.value.passing
    there = tag_at(remote, TAG)
    assert there.endswith(wish.tag.commit)
    mirror.forget()  # a new process has none of the objects that were made in memory
    later = replace(wish, tag=replace(wish.tag, tagged_at=wish.tag.tagged_at + 60, title="said anew"))
    done = mirror.releases.push_release(later)
    assert isinstance(done, Pushed)
    assert (done.found, done.signed, f"{done.tag.sha} {done.tag.commit}") == (True, kind, there)
    assert tag_at(remote, TAG) == there


def test_pain_16_the_commit_that_waits_on_the_bots_branch_is_fetched_by_another_process(remote, mirror, mirrors):
    mirror.sync(Sync(GITHUB, LINES))
    tip, make = remote.sha("release/2.7"), section(remote)
    commit = mirror.releases.make_commit(make).commit
    mirror.stage_commit(StageCommit(make, commit, "relbot/rc/2.7", None))
    mirrors.close()
    shutil.rmtree(mirror._clone.directory)
    again = mirrors.of(GITHUB, access(f"file://{remote.path}")).releases
    wish = PushRelease(GITHUB, candidate(commit), LineMove("release/2.7", tip))
    with pytest.raises(Fault, match="no commit"):
        again.push_release(wish)
    assert again.push_release(replace(wish, staged="relbot/rc/2.7")).found is False
    assert at(remote, "release/2.7") == commit


def test_pain_16_a_final_is_a_tag_alone_on_the_very_commit_of_its_candidate(remote, mirror):
    first = release(remote, mirror)
    mirror.releases.push_release(first)
    final = PushRelease(GITHUB, candidate(first.tag.commit, "v2.7.0"))
    for found in (False, True):
        done = mirror.releases.push_release(final)
        assert (done.found, done.tag.commit) == (found, first.tag.commit)
    assert at(remote, "release/2.7") == first.tag.commit


def test_pain_17_a_tag_of_that_name_elsewhere_is_left_alone_and_nothing_is_pushed(remote, mirror):
    wish = release(remote, mirror)
    foreign = {
        "lightweight, elsewhere": ("tag", TAG, "main"),
        "lightweight, on its parent": ("tag", "-f", TAG, "release/2.7"),
        "annotated, elsewhere": ("tag", "-f", "-a", "-m", "mine", TAG, "main"),
    }
    for arguments in foreign.values():
        remote.git(*arguments)
        before = everything(remote)
        done = mirror.releases.push_release(wish)
        assert isinstance(done, TagExists)
        assert done.tag.commit != wish.tag.commit
        assert done.reason.startswith("it is at ")
        assert everything(remote) == before


@needs("ssh")
def test_pain_17_a_tag_on_the_right_commit_that_is_not_this_one_is_not_taken_for_it(remote, signed):
    mirror = signed("ssh")
    commit = remote.sha("release/2.7")
    mirror.sync(Sync(GITHUB, LINES))
    ours = PushRelease(GITHUB, candidate(commit))
    with_other_words = replace(ours, tag=replace(ours.tag, provenance=Provenance("@mallory", OF.requested_in)))
    mirror.releases.push_release(ours)
    body = remote.run("cat-file", "tag", TAG).stdout
    unsigned = body[: body.index(b"-----BEGIN")]
    remote.git("update-ref", "-d", f"refs/tags/{TAG}")
    for says, make in {
        "no tag object": lambda: remote.git("tag", TAG, commit),
        "trailers differ in Repository, Commit": lambda: remote.git("tag", "-a", "-m", "x", TAG, commit),
        "it is not signed": lambda: put(remote, unsigned),
        "its signature does not hold": lambda: put(remote, body.replace(b"torchlet v2.7", b"torchlet v2.8")),
    }.items():
        make()
        before = everything(remote)
        done = mirror.releases.push_release(ours)
        assert isinstance(done, TagExists), says
        assert says in done.reason
        assert everything(remote) == before
        remote.git("update-ref", "-d", f"refs/tags/{TAG}")
    put(remote, body)
    assert mirror.releases.push_release(ours).found
    done = mirror.releases.push_release(with_other_words)
    assert "trailers differ in Requested-By" in done.reason
    for name in ("v2.7.0", "v2.6.9"):  # the signed object of a candidate under the name of a final
        put(remote, body, name)
        checked = mirror.releases.verify_tag(VerifyTag(GITHUB, name))
        assert (checked.verdict, checked.said) == ("bad", f"its signature is for the name '{TAG}'")


def put(remote, body, name=TAG):
    """A tag object of somebody else's making."""
    made = remote.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=body)
    remote.git("update-ref", f"refs/tags/{name}", made)


def test_pain_17_a_tag_that_appears_while_the_push_is_under_way_is_left_alone(remote, mirror):
    """The lease held when git looked; somebody else's tag was quicker."""
    wish = release(remote, mirror)
    elsewhere = remote.sha("main")
    hook(remote, "pre-receive", f"git update-ref refs/tags/{TAG} {elsewhere}")
    done = mirror.releases.push_release(wish)
    assert isinstance(done, TagExists)
    assert done.tag.sha == elsewhere
    assert at(remote, "release/2.7") == wish.line.expect
    assert tag_at(remote, TAG).strip() == elsewhere


def test_pain_17_a_twin_that_pushed_the_very_tag_a_moment_earlier_has_done_the_work(remote, mirror):
    wish = release(remote, mirror)
    made = mirror.releases.push_release(wish)
    remote.git("update-ref", "refs/twin", made.tag.sha)
    remote.git("update-ref", "-d", f"refs/tags/{TAG}")
    remote.git("update-ref", "refs/heads/release/2.7", wish.line.expect)
    hook(remote, "pre-receive", f"git update-ref refs/tags/{TAG} {made.tag.sha}\n"
                                f"git update-ref refs/heads/release/2.7 {wish.tag.commit}")  # fmt: skip
    assert mirror.releases.push_release(wish) == Pushed(made.tag, found=True)


# ── all or nothing ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_that_has_moved_gets_no_tag(remote, mirror):
    wish = release(remote, mirror)
    moved = remote.commit("release/2.7", {"more.py": "more\n"}, "Meanwhile")
    before = everything(remote)
    assert mirror.releases.push_release(wish) == BranchMoved(moved)
    assert everything(remote) == before
    remote.git("update-ref", "-d", "refs/heads/release/2.7")
    before = everything(remote)
    assert mirror.releases.push_release(wish) == BranchMoved(None)
    assert everything(remote) == before


def test_a_line_that_moves_while_the_push_is_under_way_gets_no_tag(remote, mirror):
    wish = release(remote, mirror)
    other = remote.commit(None, {"more.py": "more\n"}, "Quicker", parents=(wish.line.expect,))
    hook(remote, "pre-receive", f"git update-ref refs/heads/release/2.7 {other}")
    assert mirror.releases.push_release(wish) == BranchMoved(other)
    assert (at(remote, "release/2.7"), tag_at(remote, TAG)) == (other, "")


def test_a_tag_whose_line_was_turned_back_is_told_as_a_line_that_moved(remote, mirror):
    wish = release(remote, mirror)
    mirror.releases.push_release(wish)
    remote.git("update-ref", "refs/heads/release/2.7", wish.line.expect)
    before = everything(remote)
    assert mirror.releases.push_release(wish) == BranchMoved(wish.line.expect)
    assert everything(remote) == before


def test_what_was_pushed_on_top_right_after_is_no_trouble(remote, mirror):
    wish = release(remote, mirror)
    hook(remote, "post-receive", "new=$(git commit-tree -p release/2.7 -m on-top release/2.7^{tree}) && "
                                 "git update-ref refs/heads/release/2.7 $new")  # fmt: skip
    remote.git("config", "user.name", "Ada")
    remote.git("config", "user.email", "ada@example.org")
    assert mirror.releases.push_release(wish).found is False
    assert remote.git("rev-parse", "release/2.7~1") == wish.tag.commit


def test_what_the_forge_does_not_show_after_the_push_was_not_done(remote, mirror):
    for undo in (f"git update-ref -d refs/tags/{TAG}", f"git update-ref refs/heads/release/2.7 {remote.sha('main')}"):
        wish = release(remote, mirror)
        hook(remote, "post-receive", undo)
        with pytest.raises(Fault, match="the forge shows") as caught:
            mirror.releases.push_release(wish)
        assert caught.value.passing
        hook(remote, "post-receive", "")
        remote.git("update-ref", "-d", f"refs/tags/{TAG}")
        remote.git("update-ref", "refs/heads/release/2.7", wish.line.expect)


def test_a_server_that_cannot_do_all_or_nothing_gets_nothing(remote, mirror):
    remote.git("config", "receive.advertiseAtomic", "false")
    wish = release(remote, mirror)
    before = everything(remote)
    done = mirror.releases.push_release(wish)
    assert isinstance(done, Refused)
    assert "all of a push or nothing" in done.reason
    assert everything(remote) == before


def test_a_refusal_of_either_is_told_in_the_forges_own_words_and_leaves_both(remote, mirror):
    wish = release(remote, mirror)
    before = everything(remote)
    for ref, said, step in (
        ("refs/heads/release/2.7", "GH006: Protected branch update failed.", None),
        ("refs/heads/release/2.7", "GH013: Rule violations for refs/heads/release/2.7, see https://f/a/my-tag/r", None),
        ("refs/heads/release/2.7", "GH006: Protected branch update failed for advantage", None),
        (f"refs/tags/{TAG}", "You may not create tags on Sundays.", f"rules for {TAG}"),
        (f"refs/tags/{TAG}", f"GH013: Rule violations for refs/tags/{TAG}, a protected name", f"tags such as {TAG}"),
    ):
        hook(remote, "update", f"test $1 = {ref} || exit 0\necho '{said}' >&2\nexit 1")
        done = mirror.releases.push_release(wish)
        assert said in done.reason
        assert isinstance(done, LineProtected) if step is None else step in done.next_step
        assert everything(remote) == before


def test_a_commit_that_does_not_follow_the_line_is_a_fault(remote, mirror):
    mirror.sync(Sync(GITHUB, LINES))
    wish = PushRelease(GITHUB, candidate(remote.sha("main")), LineMove("release/2.7", remote.sha("release/2.7")))
    before = everything(remote)
    with pytest.raises(Fault, match="goes forward only"):
        mirror.releases.push_release(wish)
    assert everything(remote) == before


def test_hostile_names_reach_no_push_and_hostile_words_no_trailer(remote, mirror):
    wish = release(remote, mirror)
    before = everything(remote)
    names = ("v2.7.0:refs/heads/main", "+v2.7.0", "--force", "v2.7.0 x", "v2.7.0\n", "../heads/v2.7.0", "*", "latest")
    for name in names:
        with pytest.raises(Fault, match="I make no tag"):
            mirror.releases.push_release(replace(wish, tag=replace(wish.tag, name=name)))
    assert everything(remote) == before
    evil = "x\nImage: evil@sha256:0\n\n-----BEGIN PGP SIGNATURE-----\n\nCommit: 0"
    words = Provenance(evil, evil, (evil,), "", evil)
    done = mirror.releases.push_release(replace(wish, tag=replace(wish.tag, provenance=words, title=evil, notes=evil)))
    assert isinstance(done, Pushed)
    checked = mirror.releases.verify_tag(VerifyTag(GITHUB, TAG))
    assert (checked.trailer("Image"), checked.trailer("Commit"), checked.signed) == (None, wish.tag.commit, None)


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_over_http_a_lost_answer_is_found_and_a_forbidden_push_is_refused(remote, mirrors):
    with GitServer(remote.path.parents[1]) as server:
        server.password = "relbot:secret"
        mirror = mirrors.of(GITHUB, access(f"{server.url}/acme/torchlet.git"))
        wish = release(remote, mirror)
        server.lose_answers_to = "/git-receive-pack"
        with pytest.raises(Fault) as caught:
            mirror.releases.push_release(wish)
        assert caught.value.passing
        assert "secret" not in str(caught.value)
        server.lose_answers_to = ""
        assert mirror.releases.push_release(wish).found
        final = PushRelease(GITHUB, candidate(wish.tag.commit, "v2.7.0"))
        hook(remote, "pre-receive", "exit 1")
        assert isinstance(mirror.releases.push_release(final), Refused)
        assert tag_at(remote, "v2.7.0") == ""


# ── every tag ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_tag_is_read_whatever_its_kind_and_one_that_is_gone_is_gone(remote, mirror):
    commit = remote.sha("main")
    remote.git("tag", "light", commit)
    remote.git("tag", "-a", "-m", "x", "annotated", commit)
    remote.git("tag", "-a", "-m", "x", "nested", "annotated")
    remote.git("tag", "-a", "-m", "x", "tree", f"{commit}^{{tree}}")
    remote.git("tag", "blob", f"{commit}:a.py")
    remote.git("tag", "ünï/#1", commit)
    found = {tag.name: tag for tag in mirror.releases.fetch_tags(FetchTags(GITHUB))}
    assert {name: tag.commit for name, tag in found.items()} == {
        "light": commit, "annotated": commit, "nested": commit, "tree": None, "blob": None, "ünï/#1": commit,
    }  # fmt: skip
    assert {name for name, tag in found.items() if tag.annotated} == {"annotated", "nested", "tree"}
    assert found["annotated"].tagged_at == 1_700_000_000
    assert found["light"].tagged_at is None
    remote.git("tag", "-d", "nested")
    remote.git("tag", "-f", "light", "release/2.7")
    again = {tag.name: tag.commit for tag in mirror.releases.fetch_tags(FetchTags(GITHUB, ("n*", "l*")))}
    assert again == {"light": remote.sha("release/2.7")}
    assert mirror.releases.verify_tag(VerifyTag(GITHUB, "nested")) == Missing("the tag nested")
    for name, said in (("light", "no tag object"), ("blob", "no tag object"), ("tree", "not signed")):
        checked = mirror.releases.verify_tag(VerifyTag(GITHUB, name))
        assert (checked.verdict, said in checked.said) == ("none", True)


def test_a_clone_that_breaks_costs_no_tag(remote, mirror):
    """An empty list would be read as a project that has released nothing."""
    mirror.sync(Sync(GITHUB, LINES))
    for name in ("v2.6.0", "v2.6.1"):
        remote.git("tag", "-a", "-m", "x", name, "main")
    before = mirror.releases.fetch_tags(FetchTags(GITHUB))
    assert len(before) == 2
    for tag in before:  # a fetch only sees that it is there, and a list of tags reads it
        path = mirror._clone.directory / "objects" / tag.sha[:2] / tag.sha[2:]
        path.chmod(0o644)
        path.write_bytes(b"x" * path.stat().st_size)
    assert mirror.releases.fetch_tags(FetchTags(GITHUB)) == before


@needs("gpg")
def test_a_tag_that_a_person_has_signed_is_judged_by_the_keys_that_are_known(remote, mirror, signed, tmp_path):
    """Pushed by hand: verified, whoever made it; without keys nothing is claimed."""
    body = (f"object {remote.sha('main')}\ntype commit\ntag v2.6.9\ntagger Ada <ada@example.org> 5 +0100\n\nby hand\n"
            "\nReviewed-by: Bob\n").encode()  # fmt: skip
    for key, verdict in (("release", "good"), ("another", "bad")):
        with closing(open_key(key_pair("gpg", key).place)) as hers:
            put(remote, body + hers.sign(body), "v2.6.9")
        if key == "release":
            knowing = signed("gpg")
        checked = knowing.releases.verify_tag(VerifyTag(GITHUB, "v2.6.9"))
        assert (checked.verdict, checked.tagger, checked.title) == (verdict, "Ada <ada@example.org>", "by hand")
        assert checked.trailer("reviewed-by") == "Bob"
        assert mirror.releases.verify_tag(VerifyTag(GITHUB, "v2.6.9")).verdict == "unchecked"


def test_a_signature_is_where_git_looks_for_it(remote, mirror):
    wish = release(remote, mirror)
    mirror.releases.push_release(wish)
    assert read_object(remote.run("cat-file", "tag", TAG).stdout).signed is None
    assert remote.git("for-each-ref", "--format=%(contents:signature)", "refs/tags") == ""
