"""`relbot duplicates` as a process: its JSON to the letter, its exit codes, and what it leaves behind."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.tools.histories import History, Person, lines

BOB = Person(b"Bob <bob@example.org>")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A repository with one change per rung, and what must be said of each."""
    history = History(tmp_path_factory.mktemp("duplicates") / "a repository")
    history.commit("main", {f"{name}.py": lines() for name in "abcde"}, "Start")
    history.branch("release/2.7", "main")
    names = enumerate(zip(("trailer", "patch-id", "tree", "similar", "absent"), "abcde", strict=True), 10)
    main = {
        name: history.commit("main", {f"{file}.py": lines((5, name))}, f"Change {name} (#{number})", author=BOB)
        for number, (name, file) in names
    }
    line = [
        history.commit("release/2.7", {"a.py": lines((5, "x"))}, f"x\n\n(cherry picked from commit {main['trailer']})"),
        history.commit("release/2.7", {"b.py": lines((5, "patch-id"))}, "Change patch-id"),
        history.commit("release/2.7", {"c.py": lines((5, "tree"), (15, "and more"))}, "Quite \x1b[31manother title"),
        history.commit("release/2.7", {"d.py": lines((5, "adapted"))}, "Change similar"),
    ]
    expected = [
        {"commit": main["trailer"], "present_as": line[0], "evidence": "trailer", "certain": True, "score": 1.0},
        {"commit": main["patch-id"], "present_as": line[1], "evidence": "patch-id", "certain": True, "score": 1.0},
        {"commit": main["tree"], "present_as": None, "evidence": "tree", "certain": True, "score": 1.0},
        {"commit": main["similar"], "present_as": line[3], "evidence": "similar", "certain": False, "score": 0.7},
    ]
    return history, expected


@pytest.fixture
def duplicates(known, tmp_path):
    """Run the command on the known repository, with a cache of its own."""

    def run(*arguments, json_=True, cwd=None, **environment):
        command = [sys.executable, "-m", "bot", "duplicates", *(["--json"] if json_ else []), *arguments]
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "GIT_"))}
        here = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(Path(__file__).parents[3]), **environment}
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env={**clean, **here}, cwd=cwd,
        )  # fmt: skip

    return run


def spoken(done):
    assert (done.returncode, done.stderr) == (0, ""), done
    return [json.loads(line) for line in done.stdout.splitlines()]


BOTH = ("--from", "main", "--onto", "release/2.7")


def test_each_present_change_is_one_line_of_json_with_these_keys_in_this_order(known, duplicates):
    history, expected = known
    found = spoken(duplicates("--repo", str(history.path), *BOTH))
    assert found == expected
    assert [list(row) for row in found] == [["commit", "present_as", "evidence", "certain", "score"]] * 4
    assert all(row["certain"] == (row["score"] == 1) for row in found)


def test_quick_leaves_out_the_rung_that_needs_picks(known, duplicates):
    history, expected = known
    found = spoken(duplicates("--repo", str(history.path), "--quick", *BOTH))
    assert found == [row for row in expected if row["evidence"] != "tree"]


def test_it_works_from_inside_the_repository_and_with_ids_and_other_ways_to_name_commits(known, duplicates):
    history, expected = known
    inside = history.path / "some" / "folder"
    inside.mkdir(parents=True, exist_ok=True)
    assert spoken(duplicates(*BOTH, cwd=inside)) == expected
    ids = ("--from", history.sha("main"), "--onto", "refs/heads/release/2.7^{commit}")
    assert spoken(duplicates("--repo", str(history.path), *ids)) == expected


def test_it_works_on_a_bare_repository_and_in_a_linked_work_tree(known, duplicates, tmp_path):
    history, expected = known
    bare = history.clone(tmp_path / "bare.git", "--bare")
    assert spoken(duplicates("--repo", str(bare.path), *BOTH)) == expected
    history.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "main")
    try:
        assert spoken(duplicates("--repo", str(tmp_path / "linked"), *BOTH)) == expected
    finally:
        history.git("worktree", "remove", "--force", str(tmp_path / "linked"))


def test_nothing_present_is_a_listing_without_lines(known, duplicates):
    history, _ = known
    assert spoken(duplicates("--repo", str(history.path), "--from", "release/2.7", "--onto", "release/2.7")) == []


def snapshot(folder):
    """What is in each file, and which folders there are (git sets the time of objects that it sees again)."""
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


def test_nothing_is_written_to_the_repository_and_the_cache_is_where_the_user_wants_it(known, duplicates, tmp_path):
    history, expected = known
    before = snapshot(history.path)
    assert spoken(duplicates("--repo", str(history.path), *BOTH)) == expected
    assert snapshot(history.path) == before
    (file,) = (path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert (file.parent, file.suffix) == (tmp_path / "cache" / "relbot", ".sqlite")
    assert spoken(duplicates("--repo", str(history.path), *BOTH)) == expected  # out of the cache
    assert snapshot(history.path) == before


@pytest.mark.parametrize("where", ["in the work tree", "in the index", "of the repository"])
def test_what_is_checked_out_changes_no_answer(duplicates, tmp_path, where):
    """Attributes say which files have no diff; the id of such a change is that of the whole file."""
    history = History(tmp_path / "repository")
    history.commit("main", {"a.py": lines()}, "Start")
    history.branch("release/2.7", "main")
    source = history.commit("main", {"a.py": lines((3, "x"))}, "Fix three", author=BOB)
    history.commit("release/2.7", {"a.py": lines((15, "own"))}, "Own")
    there = history.commit("release/2.7", {"a.py": lines((3, "x"), (15, "own"))}, "Fix three")
    history.git("checkout", "-qf", "main")
    place = history.path / (".git/info/attributes" if where == "of the repository" else ".gitattributes")
    place.parent.mkdir(exist_ok=True)
    place.write_text("*.py -diff\n")
    if where == "in the index":
        history.git("add", ".gitattributes")
    found = spoken(duplicates(*BOTH, cwd=history.path))
    assert [(row["commit"], row["present_as"], row["evidence"]) for row in found] == [(source, there, "patch-id")]


def test_nothing_is_fetched_into_a_clone_without_blobs(known, duplicates, tmp_path):
    history, expected = known
    for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        history.git("config", setting, "true")
    clone = history.clone(tmp_path / "partial.git", "--bare", "--filter=blob:none")
    before = snapshot(clone.path)
    assert spoken(duplicates("--repo", str(clone.path), *BOTH)) == expected
    assert snapshot(clone.path) == before


def test_a_shallow_clone_is_looked_at_as_far_as_it_goes(known, duplicates, tmp_path):
    history, expected = known
    clone = history.clone(tmp_path / "shallow", "--no-checkout", "--depth=5", "--no-single-branch")
    ends = ("--from", history.sha("main"), "--onto", history.sha("release/2.7"))
    found = spoken(duplicates("--repo", str(clone.path), *ends))
    assert [row for row in found if row["evidence"] == "trailer"] == expected[:1]


def test_without_a_word_from_the_user_the_cache_is_in_the_home(known, duplicates, tmp_path):
    history, expected = known
    done = duplicates("--repo", str(history.path), *BOTH, XDG_CACHE_HOME="", HOME=str(tmp_path / "home"))
    assert spoken(done) == expected
    assert len(list((tmp_path / "home" / ".cache" / "relbot").iterdir())) == 1


def test_two_repositories_have_two_caches(known, duplicates, tmp_path):
    history, expected = known
    other = History(tmp_path / "other")
    other.commit("main", {"a": "a"}, "Start")
    other.branch("release/2.7", "main")
    for repository, found in ((history, expected), (other, [])):
        assert spoken(duplicates("--repo", str(repository.path), *BOTH)) == found
    assert len(list((tmp_path / "cache" / "relbot").iterdir())) == 2


@pytest.mark.parametrize(("arguments", "said"), [
    (("--from", "main", "--onto", "release/9.9"), "'release/9.9' names no commit"),
    (("--from", "nowhere", "--onto", "release/2.7"), "'nowhere' names no commit"),
    (("--from", "main", "--onto", "0" * 40), f"'{'0' * 40}' names no commit"),
    (("--from", "", "--onto", "release/2.7"), "names no commit"),
    (("--from=--output=x", "--onto", "release/2.7"), "names no commit"),
    (("--from", "main\nrelease/2.7", "--onto", "release/2.7"), "names no commit"),
    (("--from", "main~2..main", "--onto", "release/2.7"), "names no commit"),
    (("--from", "main", "--onto", "main:a.py"), "'main:a.py' names no commit"),
    (("--from", "main"), "--onto"),
])  # fmt: skip
def test_a_name_that_is_no_commit_is_the_users_to_mend(known, duplicates, arguments, said):
    history, _ = known
    done = duplicates("--repo", str(history.path), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_a_repository_is_the_users_to_mend(duplicates, tmp_path):
    done = duplicates("--repo", str(tmp_path / "nowhere"), *BOTH)
    assert done.returncode == 2
    assert "no git repository" in done.stderr


def test_a_cache_that_cannot_be_written_is_the_users_to_mend(known, duplicates, tmp_path):
    history, _ = known
    (tmp_path / "file").write_text("")
    done = duplicates("--repo", str(history.path), *BOTH, XDG_CACHE_HOME=str(tmp_path / "file"))
    assert done.returncode == 2
    assert str(tmp_path / "file") in done.stderr


def test_a_cache_that_is_garbage_is_made_again(known, duplicates, tmp_path):
    history, expected = known
    spoken(duplicates("--repo", str(history.path), *BOTH))
    (file,) = (tmp_path / "cache" / "relbot").glob("*.sqlite")
    file.write_bytes(b"garbage" * 4096)
    assert spoken(duplicates("--repo", str(history.path), *BOTH)) == expected


def test_people_get_a_table_that_cannot_drive_their_terminal(known, duplicates):
    history, expected = known
    done = duplicates("--repo", str(history.path), *BOTH, json_=False)
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("3 certain, 1 to be looked at.")
    assert all(row["commit"][:12] in done.stdout for row in expected)
    assert "\x1b" not in done.stdout  # neither from a title nor as colour into a pipe


def test_a_hostile_title_is_shown_escaped(duplicates, tmp_path):
    history = History(tmp_path / "hostile")
    history.commit("main", {"a": "a"}, "Start")
    history.branch("release/2.7", "main")
    history.commit("main", {"a": "b"}, "Fix [bold red]\x1b[2Jall[/] :smile:\r")
    history.commit("release/2.7", {"a": "b"}, "x")
    done = duplicates("--repo", str(history.path), *BOTH, json_=False, COLUMNS="200")
    assert done.returncode == 0, done.stderr
    assert "\\x1b[2Jall[/] :smile:" in done.stdout
    assert "[bold red]" in done.stdout


def watch(terminal, shown):
    """Read while it is written: a terminal holds some kB, and then who writes to it waits."""
    with suppress(OSError):  # what a terminal answers when nobody holds its other end any more
        while piece := os.read(terminal, 4096):
            shown += piece


def test_someone_who_watches_sees_progress_on_the_error_stream_only(known, tmp_path):
    history, _ = known
    command = [sys.executable, "-m", "bot", "duplicates", "--repo", str(history.path), *BOTH]
    ours, theirs = pty.openpty()
    shown = bytearray()
    watching = threading.Thread(target=watch, args=(ours, shown))
    watching.start()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "TERM": "xterm"}, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    os.close(theirs)
    watching.join(10)
    os.close(ours)
    assert b"picks" in shown
    assert b"3 certain" in done.stdout
    assert b"picks" not in done.stdout
