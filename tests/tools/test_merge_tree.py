"""What `git merge-tree --stdin` says is read to the end of each record, and never taken for better than it is."""

from __future__ import annotations

import os
import shlex

import pytest

from bot.core.picks import ConflictPath
from bot.tools.git import Git, GitFault, processes_started
from bot.tools.merge_tree import Failed, Merged, merge_all

OURS, THEIRS, TREE = "1" * 40, "2" * 40, "a" * 40
PAIR = (OURS, THEIRS)


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A git that says what the test wants, and then ends as the test wants."""

    def install(said: str, ending: str = "exit 0") -> Git:
        (tmp_path / "said").write_bytes(said.encode("utf-8", "surrogateescape"))
        (tmp_path / "git").write_text(f"#!/bin/sh\ncat > /dev/null\ncat {shlex.quote(str(tmp_path))}/said\n{ending}\n")
        (tmp_path / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return Git(tmp_path)

    return install


def entry(path: str, stage: int = 1) -> str:
    return f"100644 {TREE} {stage}\t{path}\0"


def message(kind: str, *paths: str, text: str = "words\n") -> str:
    return f"{len(paths)}\0" + "".join(f"{path}\0" for path in paths) + f"{kind}\0{text}\0"


CLEAN = f"1\0{TREE}\0\0"
ADVICE = "Recursive merging with submodules currently only supports trivial cases.\nPlease…\n 1. go\n 0 or so\n"

RECORDS = {
    "a clean merge": (CLEAN, [Merged(TREE, ())]),
    "two clean merges": (CLEAN * 2, [Merged(TREE, ())] * 2),
    "a conflict": (
        f"0\0{TREE}\0" + entry("a", 1) + entry("a", 2) + entry("a", 3) + "\0" + message("Auto-merging", "a")
        + message("CONFLICT (contents)", "a") + "\0",
        [Merged(TREE, (ConflictPath("a", "contents"),))]),
    "a conflict between clean merges": (
        CLEAN + f"0\0{TREE}\0" + entry("a") + "\0" + message("CONFLICT (binary)", "a") + "\0" + CLEAN,
        [Merged(TREE, ()), Merged(TREE, (ConflictPath("a", "binary"),)), Merged(TREE, ())]),
    "advice in free text behind the messages": (
        f"0\0{TREE}\0" + entry("m") + "\0" + message("CONFLICT (submodule not initialized)", "m")
        + ADVICE + "\0" + CLEAN,
        [Merged(TREE, (ConflictPath("m", "submodule not initialized"),)), Merged(TREE, ())]),
    "a conflict that leaves nothing unmerged": (
        f"0\0{TREE}\0\0" + message("CONFLICT(directory rename unclear split)", "old") + "\0" + CLEAN,
        [Merged(TREE, (ConflictPath("old", "directory rename unclear split"),)), Merged(TREE, ())]),
    "a conflict without a word is no clean merge": (
        f"0\0{TREE}\0\0\0" + CLEAN, [Failed("git met a conflict and did not say where"), Merged(TREE, ())]),
    "a path that no message names": (
        f"0\0{TREE}\0" + entry("a") + entry("b") + "\0" + message("CONFLICT (contents)", "a") + "\0",
        [Merged(TREE, (ConflictPath("a", "contents"), ConflictPath("b", "contents")))]),
    "the first conflict of a path is its kind": (
        f"0\0{TREE}\0" + entry("a") + "\0" + message("CONFLICT (rename/delete)", "a")
        + message("CONFLICT (contents)", "a") + "\0", [Merged(TREE, (ConflictPath("a", "rename/delete"),))]),
    "paths that look like something else": (
        f"0\0{TREE}\0" + entry("1\t0\n2") + entry("0") + "\0" + message("CONFLICT (contents)", "1\t0\n2", "0") + "\0",
        [Merged(TREE, (ConflictPath("1\t0\n2", "contents"), ConflictPath("0", "contents")))]),
    "bytes that are no letters": (
        f"0\0{TREE}\0" + entry("\udcff") + "\0" + message("CONFLICT (contents)", "\udcff") + "\0",
        [Merged(TREE, (ConflictPath("\udcff", "contents"),))]),
    "names that git made unique": (
        f"0\0{TREE}\0" + entry(f"a~{THEIRS}") + entry(f"b~{OURS}_0") + entry("b") + "\0"
        + message("CONFLICT (file/directory)", f"a~{THEIRS}") + "\0",
        [Merged(TREE, (ConflictPath("a", "file/directory"), ConflictPath("b", "contents")))]),
}  # fmt: skip


@pytest.mark.parametrize(("said", "merged"), RECORDS.values(), ids=RECORDS)
def test_every_record_is_read_to_its_end(git, said, merged):
    assert merge_all(git(said), [PAIR] * len(merged)) == merged


def test_what_git_cannot_try_is_told_in_its_words_and_the_rest_is_asked_again(git):
    answers = merge_all(git(CLEAN, "echo 'fatal: unable to read tree' >&2; exit 128"), [PAIR] * 4)
    assert answers == [Merged(TREE, ()), Failed("fatal: unable to read tree")] * 2


def test_silence_is_a_failure_of_each_and_ends(git):
    assert merge_all(git(""), [PAIR] * 2) == [Failed("git merge-tree exited with 0")] * 2


@pytest.mark.parametrize("said", ["", "1", "1\0aaaa", f"0\0{TREE}\0100644", CLEAN + "1\0aa", f"0\0{TREE}\0\0" + "2\0a"])
def test_half_of_what_a_killed_process_had_to_say_is_no_answer(git, said):
    with pytest.raises(GitFault) as told:
        merge_all(git(said, "kill -9 $$"), [PAIR] * 2)
    assert told.value.passing


def test_a_tree_that_cannot_be_read_is_found_by_halving(git, tmp_path):
    picky = git("")
    (tmp_path / "git").write_text(
        f"#!/bin/sh\nwhile read ours theirs; do printf '1\\0{TREE}\\0\\0'\n"
        "case $ours in 3*) echo 'error: Could not read 33333333' >&2;; esac; done\n")  # fmt: skip
    before = processes_started()
    answers = merge_all(picky, [PAIR] * 5 + [("3" * 40, THEIRS)] + [PAIR] * 10)
    assert [type(answer) for answer in answers] == [Merged] * 5 + [Failed] + [Merged] * 10
    assert "33333333" in answers[5].reason
    assert (processes_started() - before).total() <= 9


def test_nothing_is_asked_of_git_for_no_pairs(git):
    assert merge_all(git(CLEAN), []) == []
