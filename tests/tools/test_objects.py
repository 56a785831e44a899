"""Objects through one reading process that nothing a caller asks can block, and loose objects written like git's."""

from __future__ import annotations

import os
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.core.errors import Fault
from bot.tools.git import Git, GitFault
from bot.tools.objects import LooseStore, ObjectReader, parse_commit
from bot.tools.scratch import Repository, Scratch
from tests.tools.histories import History, lines


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "r")
    history.commit("main", {"a.py": lines(), "d/b.py": "b\n"}, "first")
    return history


@pytest.fixture
def reader(history):
    with ObjectReader(Git(history.git_dir, deadline=5)) as reader:
        yield reader


def test_objects_are_read_by_id_and_by_name(history, reader):
    tip, tree = history.sha("main"), history.tree("main")
    assert reader.contents(["main:a.py"]) == [(history.git("rev-parse", "main:a.py"), lines().encode())]
    assert [c.sha for c in reader.commits(["main", tip, "HEAD", "refs/heads/main"])] == [tip] * 4
    assert reader.commits(["main"])[0].tree == tree
    assert reader.commits(["main"])[0].plain().title == "first"


@pytest.mark.parametrize("name", [
    "12" * 20, "nowhere", "main:a.py", "main:none", "", " ", "main\nmain", "main\0", "\ud800", "caf\udce9", "-x",
    "--help", "info main", "flush", "main^9", "a commit 5", "x commit 3\nabc", ":/none", "\r", "a b",
])  # fmt: skip
def test_what_names_no_commit_is_none_and_the_next_answers_still_fit(history, reader, name):
    tip = history.sha("main")
    found = reader.commits([tip, name, "main"])
    assert [commit and commit.sha for commit in found] == [tip, None, tip]


def test_a_branch_is_read_where_it_is_now(history, reader):
    first = reader.commits(["main"])[0]
    second = history.commit("main", {"a.py": "two\n"})
    assert reader.commits(["main"])[0].sha == second != first.sha


def test_an_annotated_tag_stands_for_its_commit(history, reader):
    history.git("tag", "-a", "-m", "tag", "v1", "main")
    tag = history.git("rev-parse", "v1")
    assert [c.sha for c in reader.commits(["v1", tag])] == [history.sha("main")] * 2


def test_long_answers_and_a_long_name_do_not_wait_for_each_other(history, reader):
    big = [history.commit(None, {}, f"{n}" * 30_000, parents=()) for n in range(10)]
    found = reader.commits([*big, "x" * 900_000, *big])
    assert [commit and commit.sha for commit in found] == [*big, None, *big]


def test_any_number_of_complaints_of_git_does_not_block_the_answers(history, reader):
    history.branch("twice", "main")
    history.git("tag", "twice", "main")  # each use of the name is answered with a warning
    names = [f"twice^{{/first}}{'^0' * (n % 50)}" for n in range(50)]
    for _ in range(60):
        assert None not in reader.commits(names)


def test_a_process_that_ends_is_a_fault_once_and_then_another_answers(history, reader):
    reader.commits(["main"])
    reader._process.kill()
    reader._process.wait()
    with pytest.raises(GitFault):
        reader.commits(["nowhere"])
    assert reader.commits(["main"])[0].sha == history.sha("main")


def test_an_answer_that_does_not_come_is_a_fault_in_time(history, monkeypatch, tmp_path):
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 30 & wait\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent), prepend=":")
    begun = time.monotonic()
    with ObjectReader(Git(history.git_dir, deadline=0.3)) as reader:
        with pytest.raises(GitFault, match=r"no answer within 0.3 s") as told:
            reader.commits(["main"])
        assert told.value.passing
    assert time.monotonic() - begun < 3


def test_threads_share_a_reader(history, reader):
    tip = history.sha("main")
    names = [f"main^{{/first}}{'^0' * n}" for n in range(30)]
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda n: reader.commits([*names[n % 30 :], "nowhere"]), range(60)):
            assert [c and c.sha for c in found[:-1]] == [tip] * (len(found) - 1)
            assert found[-1] is None


def test_what_is_remembered_may_be_forgotten_while_others_read(history, reader, monkeypatch):
    monkeypatch.setattr("bot.tools.objects._REMEMBERED", 15)
    commits = [history.commit("main", {"a.py": f"{n}\n"}) for n in range(40)] * 2
    with QuickSwitches(), ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda n: reader.commits(commits[n * 7 % 40 :][:6]), range(600)):
            assert None not in found


NO_COMMITS = [b"", b"tree x\n\nmessage", b"author a\n\n", b"\xff\xfe", b"tree \xff\nauthor a\ncommitter b\n\n"]


@pytest.mark.parametrize("body", NO_COMMITS)
def test_what_is_no_commit_is_a_fault(body):
    with pytest.raises(Fault, match="damaged"):
        parse_commit("12" * 20, body)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_written_objects_are_those_of_git(tmp_path, algorithm):
    history = History(tmp_path / "r", algorithm=algorithm)
    store = LooseStore(history.git_dir / "objects", algorithm)
    empty = store.write("tree", b"")
    body = f"tree {empty}\nauthor . <.> 0 +0000\ncommitter . <.> 0 +0000\n\nhello\n".encode()
    name = store.write("commit", body)
    assert name == store.name("commit", body) == history.git("hash-object", "-t", "commit", "--stdin", stdin=body)
    assert store.path(name).is_file()
    assert history.git("cat-file", "commit", name) == body.decode().rstrip("\n")
    assert history.git("fsck", "--strict", "--no-dangling") == ""


def test_a_write_that_was_cut_off_does_not_stand_in_the_way(tmp_path):
    store = LooseStore(tmp_path / "objects")
    path = store.path(store.name("tree", b""))
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}").write_bytes(b"half of it and much else")
    assert zlib.decompress(store.path(store.write("tree", b"")).read_bytes()) == b"tree 0\0"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_threads_may_write_the_same_object(tmp_path):
    store = LooseStore(tmp_path / "objects")
    bodies = [f"tree {n:040}\n".encode() for n in range(50)]
    with QuickSwitches(), ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda n: store.write("commit", bodies[n % 50]), range(800)))
    assert len(set(names)) == 50
    assert all(store.path(name).is_file() for name in names)


def test_threads_may_ask_for_the_same_view(tmp_path, history):
    scratch = Scratch(tmp_path / "scratch", Repository.find(history.path))
    start = threading.Barrier(8)

    def look(n):
        start.wait()
        return [scratch.view(f"# {k}\n".encode() * 500) for k in range(40)]

    with QuickSwitches(), ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(look, range(8)))
    assert all(views == seen[0] for views in seen)


class QuickSwitches:
    """Lets threads take turns far more often, so that a race shows."""

    def __enter__(self):
        self.before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)

    def __exit__(self, *_):
        sys.setswitchinterval(self.before)
