"""Commits that are lent to git for a while, and git's own opinion of the files that hold them."""

from __future__ import annotations

import hashlib
import subprocess
import threading

import pytest

from bot.tools.packs import lend_commits


def git(place, *arguments, ok=0):
    done = subprocess.run(["git", *arguments], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == ok, done.stderr
    return done.stdout


@pytest.fixture(params=["sha1", "sha256"])
def store(request, tmp_path):
    """A bare repository, its kind of hash, and an empty tree in it."""
    git(tmp_path, "init", "--quiet", "--bare", f"--object-format={request.param}", "store")
    git(tmp_path / "store", "hash-object", "-w", "-t", "tree", "/dev/null")
    return tmp_path / "store", request.param


def commits(algorithm, *messages):
    """Id → content of commits of the empty tree."""
    tree = hashlib.new(algorithm, b"tree 0\0").hexdigest()
    head = f"tree {tree}\nauthor A <a@example.org> 0 +0000\ncommitter A <a@example.org> 0 +0000\n\n".encode()
    bodies = [head + message for message in messages]
    return {hashlib.new(algorithm, b"commit %d\0" % len(body) + body).hexdigest(): body for body in bodies}


@pytest.mark.parametrize("count", [1, 2, 700])
def test_git_reads_what_is_lent_and_finds_no_fault_with_it(store, count):
    place, algorithm = store
    bodies = commits(algorithm, *(b"%d\n" % n * (1 + n % 40) for n in range(count)))
    with lend_commits(place / "objects", bodies, algorithm):
        [index] = (place / "objects" / "pack").glob("*.idx")
        git(place, "verify-pack", str(index))
        for name in list(bodies)[:3]:
            assert git(place, "cat-file", "commit", name).encode() == bodies[name]
        git(place, "fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 2047, 2048, 300_000])
def test_contents_of_every_size_come_back_whole(store, size):
    place, algorithm = store
    bodies = commits(algorithm, b"x" * size)
    with lend_commits(place / "objects", bodies, algorithm):
        [(name, body)] = bodies.items()
        assert git(place, "cat-file", "commit", name).encode() == body


def test_nothing_is_left_when_the_block_ends_however_it_ends(store):
    place, algorithm = store
    bodies = commits(algorithm, b"one\n")
    with pytest.raises(ValueError, match="on purpose"), lend_commits(place / "objects", bodies, algorithm):
        raise ValueError("on purpose")
    assert list((place / "objects" / "pack").iterdir()) == []
    git(place, "cat-file", "-e", next(iter(bodies)), ok=1)


def test_threads_lend_beside_each_other(store):
    place, algorithm = store
    met, seen = threading.Barrier(2, timeout=20), []

    def lend(message):
        bodies = commits(algorithm, message)
        with lend_commits(place / "objects", bodies, algorithm):
            met.wait()
            seen.append(git(place, "cat-file", "-t", next(iter(bodies))))
            met.wait()

    threads = [threading.Thread(target=lend, args=(message,)) for message in (b"one\n", b"two\n")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert seen == ["commit\n", "commit\n"]
