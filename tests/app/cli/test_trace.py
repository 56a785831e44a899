"""`relbot trace` on real repositories: a change under all its ids, the versions that have it, and what a tag says."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from bot.app.cli import main
from bot.app.cli.output import Exit
from bot.tools.git import processes_started
from bot.tools.signer.keys import open_key
from tests.tools.histories import History, Person
from tests.tools.signing_keys import BOTH, key_pair

DIGEST = f"sha256:{'d' * 64}"
NAMED = f"2.7.1\n\nAll of it.\n\nRequested-By: mona\nRequested-In: comment 5 on pull 12\nImage: ghcr.io/a/b@{DIGEST}"


class Project:
    """2.7 has a fix by pick, 2.8 has it from main and takes it back; 2.6 does without."""

    def __init__(self, place):
        self.history = history = History(place)
        history.commit("main", {"a": "0\n"}, "feat: begin (#1)")
        for line in ("2.6", "2.7"):
            history.commit(f"release/{line}", {"v": line}, f"chore: cut {line}", parents=(history.sha("main"),))
            self.tag(f"v{line}.0", f"release/{line}")
        self.fix = history.commit("main", {"b": "1\n"}, "fix(ops): mend it (#12)\n\nThis was \x1b[31mwrong.")
        history.commit("main", {"c": "1\n"}, "feat: another (#13)")
        history.commit("release/2.8", {"v": "2.8"}, "chore: cut 2.8", parents=(history.sha("main"),))
        self.tag("v2.8.0-rc9", "release/2.8")
        self.tag("v2.8.0-rc10", "release/2.8")
        self.tag("v2.8.0", "release/2.8")
        words = f"[2.7] fix(ops): mend it (#12) (#20)\n\n(cherry picked from commit {self.fix})"
        self.pick = history.commit("release/2.7", {"b": "1\n"}, words)
        self.tag("v2.7.1-rc1", "release/2.7")
        self.more = history.commit("release/2.7", {"d": "1\n"}, "docs: \x1b]0;owned\x07 more")
        self.tag("v2.7.1-rc2", "release/2.7", NAMED)
        self.tag("v2.7.1", "release/2.7", NAMED)
        self.undo = history.commit(
            "release/2.8", {"b": None}, f'Revert "fix(ops): mend it (#12)" (#33)\n\nThis reverts commit {self.fix}.'
        )
        history.git("tag", "v2.8.1", "release/2.8")
        history.commit("topic", {"t": "1\n"}, "wip", parents=(self.fix,))

    def tag(self, name, at, words="x"):
        self.history.git("tag", "-a", "-m", words, name, at)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("trace") / "repository")


def trace(capsys, project, *arguments):
    code = main(["trace", "--repo", str(project.history.path), *arguments, "--json"])
    shown = capsys.readouterr()
    return code, json.loads(shown.out) if shown.out else shown.err


def releases(said):
    return [(each["line"], each["first_candidate"], each["first_final"], each["commit"]) for each in said["releases"]]


def write(history, kind, *lines):
    """An object as git itself would not write it."""
    body = "\n".join((*lines, "", "feat: begin (#1)", "")).encode()
    return history.git("hash-object", "-t", kind, "-w", "--stdin", "--literally", stdin=body)


# ── a change ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asked", ["fix", "pick"])
def test_a_change_is_followed_to_every_line_from_whichever_of_its_ids_is_asked(capsys, project, asked):
    code, said = trace(capsys, project, getattr(project, asked))
    assert (code, said["kind"]) == (Exit.DONE, "commit")
    assert releases(said) == [
        ("2.7", "v2.7.1-rc1", "v2.7.1", project.pick), ("2.8", "v2.8.0-rc9", "v2.8.0", project.fix),
    ]  # fmt: skip
    assert {said["commit"], *(each["commit"] for each in said["same_change"])} == {project.fix, project.pick}
    assert [each["is_pick"] for each in said["releases"]] == [True, False]
    assert [each["commit"] for each in said["taken_back_by"]] == [project.undo]
    assert [(each["taken_back_by"], each["taken_back_in"]) for each in said["releases"]] == [
        (None, None), (project.undo, "v2.8.1"),
    ]  # fmt: skip


def test_a_few_processes_do(capsys, project):
    before = processes_started()
    trace(capsys, project, project.pick)
    started = processes_started() - before
    assert started.total() <= 6, started


def test_what_is_on_no_line_is_said_and_what_has_no_final_yet_too(capsys, project):
    assert trace(capsys, project, "topic")[1]["releases"] == []
    _, said = trace(capsys, project, project.more)
    assert releases(said) == [("2.7", "v2.7.1-rc2", "v2.7.1", project.more)]
    history = History(project.history.path.parent / "young")
    history.commit("main", {"a": "0\n"}, "Begin")
    young = history.commit("release/2.7", {"b": "0\n"}, "fix: go", parents=(history.sha("main"),))
    assert main(["trace", "--repo", str(history.path), young]) == Exit.DONE
    assert "no final yet" in capsys.readouterr().out


def test_the_commits_of_a_pull_are_followed_from_its_merge(capsys, tmp_path):
    history = History(tmp_path / "r")
    history.commit("main", {"a": "0\n"}, "Begin")
    part = history.commit("topic", {"b": "1\n"}, "fix: one part", parents=(history.sha("main"),))
    merge = history.commit(
        "main", {"b": "1\n"}, "Merge pull request #5 from x/y\n\nfix: it", parents=(history.sha("main"), part)
    )
    root = history.git("rev-parse", "main~1")
    history.commit("release/2.7", {"b": "1\n"}, f"fix: one part\n\n(cherry picked from commit {part})", parents=(root,))
    history.git("tag", "v2.7.0", "release/2.7")
    assert main(["trace", "--repo", str(history.path), merge, "--json"]) == Exit.DONE
    said = json.loads(capsys.readouterr().out)
    assert [(each["line"], each["first_final"]) for each in said["releases"]] == [("2.7", "v2.7.0")]


def test_a_change_that_was_picked_onto_what_stands_upon_it_is_seen_where_it_was_first(capsys, tmp_path):
    """The pick is above the original: what holds both must not be thought to hold the pick alone."""
    history = History(tmp_path / "r")
    fix = history.commit("main", {"a": "1\n"}, "fix: it (#5)")
    history.commit("main", {"b": "1\n"}, "feat: more (#6)")
    history.git("tag", "v2.7.0", "main")
    history.commit("main", {"a": None}, f'Revert "fix: it (#5)"\n\nThis reverts commit {fix}.')
    again = history.commit("main", {"a": "1\n"}, f"fix: it again (#9)\n\n(cherry picked from commit {fix})")
    history.git("tag", "v2.7.1", "main")
    main(["trace", "--repo", str(history.path), again, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert [(each["first_final"], each["commit"]) for each in said["releases"]] == [("v2.7.0", fix)]


def test_a_pick_that_says_nothing_is_found_by_author_date_and_patch(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    history = History(tmp_path / "r")
    root = history.commit("main", {"a": "0\n"}, "Begin")
    written = Person(when="1700000777 +0000")
    fix = history.commit("main", {"b": "1\n"}, "fix: it", author=written)
    silent = history.commit("release/2.7", {"b": "1\n"}, "Mend it on 2.7", parents=(root,), author=written)
    history.commit("release/2.7", {"c": "1\n"}, "Something else of that second", author=written)
    history.git("tag", "v2.7.0", "release/2.7")

    def found(*more):
        assert main(["trace", "--repo", str(history.path), fix, "--json", *more]) == Exit.DONE
        return [each["commit"] for each in json.loads(capsys.readouterr().out)["same_change"]]

    assert (found(), found("--patch-ids")) == ([], [silent])


# ── a version ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asked", ["v2.7.1", "2.7.1", "refs/tags/v2.7.1"])
def test_a_version_tells_its_candidate_who_asked_and_what_it_brought(capsys, project, asked):
    code, said = trace(capsys, project, asked)
    assert (code, said["kind"], said["name"], said["line"], said["commit"]) == (
        Exit.DONE, "tag", "v2.7.1", "2.7", project.more,
    )  # fmt: skip
    assert [tag["name"] for tag in said["tags"]] == ["v2.7.1", "v2.7.1-rc2"], "they share one commit"
    assert said["tags"][0]["trailers"]["Requested-By"] == "mona"
    assert (said["tags"][0]["verdict"], said["tags"][0]["said"]) == ("none", "it is not signed")
    assert said["since"] == "v2.7.0"
    assert [each["numbers"] for each in said["changes"] if each["category"]] == [[12, 20], []]


@pytest.mark.parametrize(("asked", "since"), [
    ("v2.7.1", "v2.7.0"), ("v2.7.1-rc2", "v2.7.0"), ("v2.8.0-rc10", "v2.7.0"), ("v2.8.0", "v2.7.0"),
    ("v2.8.1", "v2.8.0"), ("v2.6.0", None),
])  # fmt: skip
def test_pain_10_the_previous_version_is_the_last_final_of_the_line_and_not_the_nearest_tag(
    capsys, project, asked, since,
):  # fmt: skip
    assert trace(capsys, project, asked)[1]["since"] == since
    if asked == "v2.7.1":
        assert project.history.git("describe", "--abbrev=0", f"{asked}^") == "v2.7.1-rc1", "what git would have said"


def test_people_get_text_that_cannot_drive_their_terminal(capsys, project):
    for asked in ("v2.7.1", project.fix, "release/2.8"):
        assert main(["trace", "--repo", str(project.history.path), asked]) == Exit.DONE
        shown = capsys.readouterr().out
        assert "\x1b" not in shown and "\x07" not in shown
    main(["trace", "--repo", str(project.history.path), "v2.7.1"])
    shown = capsys.readouterr().out
    assert "2 changes since v2.7.0:" in shown
    assert "asked by: mona" in shown and "tagged v2.7.1-rc2" in shown
    assert "\\x1b]0;owned\\x07 more" in shown


@pytest.mark.parametrize(("date", "shown"), [("99999999999999", "9999-12-31"), ("x", "1970-01-01")])
def test_a_date_that_no_calendar_has_is_told_all_the_same(capsys, tmp_path, date, shown):
    history = History(tmp_path / "dated")
    history.commit("main", {"a": "0\n"}, "feat: begin (#1)")
    eve = f"eve <eve@example.org> {date} +0000"
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    commit = write(history, "commit", f"tree {empty}", f"author {eve}", f"committer {eve}")
    tag = write(history, "tag", f"object {commit}", "type commit", "tag v2.7.0", f"tagger {eve}")
    history.git("update-ref", "refs/tags/v2.7.0", tag)
    assert main(["trace", "--repo", str(history.path), "v2.7.0"]) == Exit.DONE
    assert f"  {shown}" in capsys.readouterr().out
    assert main(["changelog", "--repo", str(history.path), "--full", "--to", "v2.7.0"]) == Exit.DONE
    assert f"2.7.0] - {shown}" in capsys.readouterr().out


def test_nothing_is_cut_off_however_narrow_the_terminal_is(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    history = History(tmp_path / "narrow")
    sha = history.commit("main", {"a": "0\n"}, "feat: begin (#1)")
    for name in ("PyTorch-CUDA-v2.8.0-rc11", "PyTorch-CUDA-v2.8.0"):
        history.git("tag", "-a", "-m", "x", name, "main")
    assert main(["trace", "--repo", str(history.path), sha]) == Exit.DONE
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("2.8 ")]
    assert row.split() == ["2.8", "PyTorch-CUDA-v2.8.0", "PyTorch-CUDA-v2.8.0-rc11", sha[:12], "(original)"]


@pytest.mark.parametrize("kind", BOTH)
def test_signatures_are_judged_by_the_keys_that_are_named(capsys, tmp_path, kind):
    history = History(tmp_path / "r")
    commit = history.commit("main", {"a": "0\n"}, "Begin")
    body = f"object {commit}\ntype commit\ntag v2.7.0\ntagger Ada <ada@example.org> 1700000000 +0000\n\nx\n".encode()
    with closing(open_key(key_pair(kind).place)) as key:
        made = history.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=body + key.sign(body))
    history.git("update-ref", "refs/tags/v2.7.0", made)

    def verdicts(*more):
        main(["trace", "--repo", str(history.path), "v2.7.0", "--json", *more])
        tags = json.loads(capsys.readouterr().out)["tags"]
        return {tag["name"]: (tag["signed"], tag["verdict"]) for tag in tags}

    assert verdicts() == {"v2.7.0": (kind, "unchecked")}
    assert verdicts("--signers", str(key_pair(kind, "another").public)) == {"v2.7.0": (kind, "bad")}
    history.git("update-ref", "refs/tags/v2.7.1", made)
    told = verdicts("--signers", str(key_pair(kind).public))
    assert told == {"v2.7.0": (kind, "good"), "v2.7.1": (kind, "bad")}, "it counts for the name that was signed"


# ── images, and what is not there ────────────────────────────────────────────────────────────────────────────────────


def test_an_image_leads_to_the_version_whose_tag_names_it(capsys, project):
    for asked in (DIGEST, f"ghcr.io/a/b@{DIGEST}"):
        code, said = trace(capsys, project, asked)
        assert (code, said["name"], said["commit"]) == (Exit.DONE, "v2.7.1", project.more)


@pytest.mark.parametrize("asked", [f"sha256:{'e' * 64}", "ghcr.io/a/b:2.7", "2.7.1-torch2.7-cu128-py312-runtime"])
def test_an_image_that_no_tag_names_is_not_guessed_at(capsys, project, asked):
    code, said = trace(capsys, project, asked)
    assert (code, said["kind"], said["commit"]) == (Exit.NOTHING, "image", None)
    assert "No tag here names this image" in said["said"]


@pytest.mark.parametrize(("asked", "near"), [
    ("v2.7.01", "v2.7.1"), ("relase/2.7", "release/2.7"), ("f" * 40, ""), ("main..release/2.7", ""), ("a\nb", ""),
    ("$(touch x)", ""), ("x" * 5000, ""), ("--upload-pack=x", ""), ("\udcff", ""), ("sha256:abc", ""),
])  # fmt: skip
def test_what_is_not_there_is_told_with_what_is_near_to_it(capsys, project, asked, near):
    code = main(["trace", "--repo", str(project.history.path), "--json", "--", asked])
    said = capsys.readouterr().err
    assert code == Exit.USAGE
    assert "There is no tag, branch or commit" in said and len(said) < 500
    assert not near or f"Near to it: {near}" in said
