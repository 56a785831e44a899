"""What a clone fetches and what it leaves on the forge, alone and with others at the same time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.tools.clone import borrowing
from bot.tools.pick import Committer, Picker, Wish
from bot.tools.scratch import Repository, Scratch
from tests.tools.clone.story import PASSWORD, WANTED, missing, over_http, refs, sync
from tests.tools.histories import lines


def test_only_the_refs_that_were_asked_for_come(remote, clone):
    sync(clone)
    wanted = ("main", "release/2.6", "release/2.7")
    assert refs(clone) == {f"refs/heads/{name}": remote.sha(name) for name in wanted}
    sync(clone, [*WANTED, "+refs/pull/12/head*:refs/pull/12/head*"])
    assert refs(clone)["refs/pull/12/head"] == remote.sha("topic/12")
    assert len(refs(clone)) == 4


def test_a_pull_that_the_forge_keeps_no_ref_for_is_no_trouble(remote, clone):
    sync(clone, [*WANTED, "+refs/pull/99/head*:refs/pull/99/head*"])
    assert len(refs(clone)) == 3


def test_what_moved_is_moved_and_what_is_gone_goes(remote, clone):
    sync(clone)
    remote.branch("main", "release/2.6")  # backwards, too
    new = remote.commit("release/2.7", {"d.py": "d\n"}, "More")
    remote.git("update-ref", "-d", "refs/heads/release/2.6")
    sync(clone)
    assert refs(clone) == {"refs/heads/main": remote.sha("main"), "refs/heads/release/2.7": new}


@pytest.mark.parametrize("patterns", [
    ["+refs/heads/release*:refs/heads/release*"],
    ["+refs/heads/release/*:refs/heads/release/*"],  # the old branch is no longer among what is asked for
])  # fmt: skip
def test_a_branch_that_became_a_folder_of_branches_does_not_block(remote, clone, patterns):
    for name in ("release/2.6", "release/2.7"):
        remote.git("update-ref", "-d", f"refs/heads/{name}")
    shutil.rmtree(remote.path / "refs/heads/release", ignore_errors=True)
    remote.branch("release", "main")
    sync(clone, ["+refs/heads/main:refs/heads/main", "+refs/heads/release*:refs/heads/release*"])
    assert "refs/heads/release" in refs(clone)
    remote.git("update-ref", "-d", "refs/heads/release")
    remote.branch("release/2.8", "main")
    sync(clone, ["+refs/heads/main:refs/heads/main", *patterns])
    assert list(refs(clone)) == ["refs/heads/main", "refs/heads/release/2.8"]


def test_the_contents_of_old_commits_stay_where_they_are(remote, clone):
    sync(clone)
    old = {remote.git("rev-parse", f"main~{n}:a.py") for n in range(3, 6)}
    assert old <= set(missing(clone, "main"))
    fork = remote.git("merge-base", "main", "release/2.6")
    assert missing(clone, "main", "release/2.6", "release/2.7", f"^{fork}") == []
    assert missing(clone, "--no-walk", fork) == []


def test_a_server_that_gives_no_partial_clones_gives_a_whole_one(remote, clone):
    remote.git("config", "uploadpack.allowFilter", "false")
    sync(clone)
    assert missing(clone, "--all") == []
    assert len(refs(clone)) == 3


def test_what_comes_later_comes_whole(remote, clone):
    sync(clone)
    new = remote.commit("main", {"new.py": "new\n", "a.py": lines((3, "three"))}, "New")
    sync(clone)
    assert missing(clone, new, f"^{new}^") == []


@pytest.mark.parametrize("lines_", [0, 1])
def test_a_project_with_one_branch_or_none_in_common_has_its_files_too(remote, clone, lines_):
    remote.git("update-ref", "-d", "refs/heads/release/2.6")
    remote.git("update-ref", "-d", "refs/heads/release/2.7")
    if lines_:
        remote.commit("release/1.0", {"other.py": "other\n"}, "Unrelated", parents=())
    sync(clone)
    assert missing(clone, "--no-walk", *(sha for sha in refs(clone).values())) == []


def test_two_hundred_picks_fetch_nothing_more(remote, tmp_path, server):
    for n in range(200):
        remote.commit("main", {f"p{n}.py": f"{n}\n", "b.py": lines((n % 20 + 1, f"change {n}"))}, f"Change {n}")
    sources = remote.git("rev-list", "--reverse", "-200", "main").split()
    clone = over_http(server, tmp_path)
    sync(clone)
    assert server.fetches <= 3  # the commits and trees, and the blobs in one batch
    before = server.fetches
    repository = Repository(clone.directory, clone.directory / "objects", "sha1")
    scratch = Scratch(tmp_path / "scratch", repository, borrowing(clone.directory), clone.git)
    with closing(Picker(scratch, Committer())) as picker:
        outcomes = picker.pick([Wish(remote.sha("release/2.6"), (sha,)) for sha in sources])
    assert {type(outcome).__name__ for outcome in outcomes} == {"Picked", "Conflict"}
    assert server.fetches == before


def test_the_commit_graph_is_written(clone):
    sync(clone)
    assert list((clone.directory / "objects" / "info").glob("commit-graph*"))


def test_nothing_that_is_secret_is_written_down(server, tmp_path):
    server.password = f"relbot:{PASSWORD}"
    clone = over_http(server, tmp_path)
    sync(clone)
    for path in clone.place.rglob("*"):
        assert not path.is_file() or b"w\"ord" not in path.read_bytes(), path


# ── several at once ──────────────────────────────────────────────────────────────────────────────────────────────────


_SYNC = """
import sys
from pathlib import Path
from bot.core.model import CloneAccess, Secret
from bot.tools.clone import Clone
clone = Clone(Path(sys.argv[1]), CloneAccess(sys.argv[2], "u", Secret("p"), "refs/pull/{number}/head"))
print("ready", flush=True)
for _ in range(3):
    clone.healing(lambda: clone.fetch(sys.argv[3:]), forget=lambda: None)
"""


def test_two_processes_may_sync_one_clone_at_the_same_time(remote, clone):
    command = [sys.executable, "-c", _SYNC, str(clone.place), clone.access.url, *WANTED]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen(command, cwd=Path(__file__).parents[3], **pipes) for _ in range(2)]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in started] == [(b"", 0)] * 2
    assert len(refs(clone)) == 3
    assert not list(clone.place.glob("*.part"))


def test_threads_may_sync_one_clone_at_the_same_time(remote, clone):
    failures = []
    for n in range(4):  # beforehand: a ref that git is just writing is no ref, and the sender's business
        remote.commit(f"release/3.{n}", {"x": f"{n}"}, f"Line {n}", parents=(remote.sha("release/2.6"),))

    def work():
        try:
            sync(clone)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert {f"refs/heads/release/3.{n}" for n in range(4)} <= refs(clone).keys()


def test_the_lock_keeps_another_process_out_while_it_is_held(clone):
    command = [sys.executable, "-c", _SYNC, str(clone.place), clone.access.url, *WANTED]
    with clone.locked():
        other = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
        assert other.stdout.readline() == b"ready\n"
        time.sleep(0.5)
        assert not list(clone.place.glob("mirror.git*"))
    assert (other.communicate(timeout=60), other.returncode) == ((b"", None), 0)
    assert clone.directory.is_dir()
