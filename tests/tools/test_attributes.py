"""Attributes read from trees mean what git itself reads from the same files, wherever they lie and however odd."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.tools.attributes import Attributes, Unreadable
from bot.tools.objects import ObjectReader
from bot.tools.scratch import Repository, Scratch
from tests.tools.histories import Entry, History, symlink

EXAMPLES = int(os.environ.get("RELBOT_EXAMPLES", "100"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("attributes")


@pytest.fixture(scope="module")
def history(place):
    return History(place / "r")


@pytest.fixture(scope="module")
def scratch(place, history):
    return Scratch(place / "scratch", Repository.find(history.path))


def ours(scratch, tree, paths):
    """Path and attribute → value, as a merge would see them."""
    with ObjectReader(scratch.view()) as reader:
        text = Attributes(reader).of_trees([tree])[0]
    return _table(scratch.view(text).run("check-attr", "-z", "--stdin", "-a", stdin=_names(paths)))


def gits(history, files, paths):
    """The same from a work tree with these files, which is where `git cherry-pick` reads them."""
    with TemporaryDirectory(dir=history.path) as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Entry):
                path.symlink_to(content.content)
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        place = {"GIT_DIR": str(history.git_dir), "GIT_WORK_TREE": folder}
        done = history.run("-C", folder, "check-attr", "-z", "--stdin", "-a", stdin=_names(paths), **place)
    assert done.returncode == 0, done.stderr
    return _table(done.stdout)


def _names(paths):
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _table(out):
    fields = out.split(b"\0")[:-1]
    rows = zip(fields[::3], fields[1::3], fields[2::3], strict=True)
    return {(path, name): value for path, name, value in rows}


def assert_same(history, scratch, files, paths):
    tree = history.tree(history.commit(None, files))
    assert ours(scratch, tree, paths) == gits(history, files, paths)


TABLE = {
    "a folder and its copy deeper down both count": {
        "a/.gitattributes": "*.txt merge=union\n", "b/c/.gitattributes": "*.txt merge=union\n"},
    "a file in a folder wins over the one above": {
        ".gitattributes": "* merge=union\n", "d/.gitattributes": "* -merge\n"},
    "the last line that matches wins": {".gitattributes": "* merge=union\n*.txt -merge\n"},
    "a pattern with a slash is anchored": {"d/.gitattributes": "e/x.txt merge=union\n/x.txt -merge\n"},
    "a pattern without a slash is not": {"d/.gitattributes": "x.txt merge=union\n"},
    "two stars cross folders": {"d/.gitattributes": "**/x.txt merge=union\ne/** -merge\n"},
    "two stars beside a name are one star": {"d/.gitattributes": "x**xt merge=union\n**.txt foo\n"},
    "a trailing slash matches no file": {"d/.gitattributes": "e/ merge=union\n"},
    "two leading slashes match nothing": {
        "d/.gitattributes": "//x.txt merge=union\n", ".gitattributes": "//x.txt -merge\n"},
    "macros of the top folder hold everywhere": {
        ".gitattributes": "[attr]mine merge=union -text\n", "d/.gitattributes": "* mine\n"},
    "macros elsewhere do not count": {"d/.gitattributes": "[attr]mine merge=union\n* mine\n"},
    "a quoted macro elsewhere does not count": {"d/.gitattributes": '"[attr]mine" merge=union\n* mine\n'},
    "a macro may be redefined": {".gitattributes": "[attr]binary merge=union\n*.txt binary\n"},
    "binary is a macro": {"d/.gitattributes": "*.txt binary\n"},
    "an attribute can be taken back": {".gitattributes": "* merge=union\n", "d/.gitattributes": "*.txt !merge\n"},
    "negative patterns are ignored": {
        ".gitattributes": "!*.txt merge=union\n", "d/.gitattributes": "!x.txt merge=union\n"},
    "quoted negative patterns are ignored": {"d/.gitattributes": '"!x.txt" merge=union\n'},
    "quoted patterns are unquoted": {"d/.gitattributes": '"x\\056txt" merge=union\n"\\"q\\".txt" -merge\n'},
    "a quote that does not end is part of the pattern": {"d/.gitattributes": '"x.txt merge=union\n* foo\n'},
    "a bad escape is part of the pattern": {"d/.gitattributes": '"x\\q.txt" merge=union\n* foo\n'},
    "CRLF endings do not matter": {"d/.gitattributes": "x.txt merge=union\r\n* -text\r\n"},
    "a lone carriage return separates": {
        "d/.gitattributes": "x.txt\rmerge=union\r\n", ".gitattributes": "\rx.txt -text"},
    "a byte order mark is skipped": {"d/.gitattributes": "\ufeffx.txt merge=union\n"},
    "text after a zero byte is not read": {
        "d/.gitattributes": b"x.txt merge=union\n\0x.txt -text\nx.txt foo\n", ".gitattributes": b"* a\n* b\0c\n* d\n"},
    "comments and blank lines are nothing": {"d/.gitattributes": "# x\n\n   \n\t# y\n  x.txt  merge=union  # z\n"},
    "a line that is too long is ignored": {"d/.gitattributes": "x.txt merge=union" + " " * 2100 + "\n* foo\n"},
    "a symlink is not followed": {".gitattributes": symlink("* merge=union")},
    "a folder of that name is nothing": {".gitattributes/x": "* merge=union\n"},
    "classes and escapes in patterns hold": {
        "d/.gitattributes": "[x-z].txt merge=union\nx\\.txt foo\n[!a].txt bar\n"},
    "odd attribute words are as odd as in git": {"d/.gitattributes": "x.txt =x\n* merge=\n*.txt -foo=bar ok\n"},
}
ODD = ["a b", " lead", "tail ", "[ab]", "*", "?", "!neg", "#hash", '"q"', "back\\slash", "ünï", "tab\tin",
       "line\nbreak", "line\n* merge=union #", "\udcff", "[attr]x", "**", "a'b", "cr\r",
       "-dash", "~", "\x01"]  # fmt: skip


@pytest.mark.parametrize("files", TABLE.values(), ids=TABLE)
def test_a_flattened_file_says_what_git_says(history, scratch, files):
    paths = ["x.txt", "y.txt", "e/x.txt", "d/x.txt", "d/e/x.txt", "d/e/f/x.txt", "d/xyxt", 'd/"q".txt', "a/x.txt",
             "b/c/x.txt", "c/x.txt", "d/x\rmerge", 'd/"x.txt', 'd/"x\\q.txt"', "d/\udcff"]  # fmt: skip
    assert_same(history, scratch, files, paths)


@pytest.mark.parametrize("folder", ODD)
def test_folders_with_odd_names_keep_their_attributes_to_themselves(history, scratch, folder):
    own = "x.txt merge=union\n/deep/y.txt -merge\n"
    files = {f"{folder}/.gitattributes": own, f"top/{folder}/.gitattributes": "* a\n"}
    paths = [f"{place}{name}" for place in ("", "a/", "b/", f"{folder}/", f"{folder}/deep/", f"top/{folder}/", "top/a/")
             for name in ("x.txt", "y.txt")]  # fmt: skip
    assert_same(history, scratch, files, paths)


def test_deeply_nested_folders_are_followed(history, scratch):
    deep = "/".join("d" * 300)
    assert_same(history, scratch, {f"{deep}/.gitattributes": "*.txt merge=union\n"}, [f"{deep}/x.txt", "d/x.txt"])


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_an_object_that_is_missing_is_said_and_not_taken_for_empty(tmp_path, algorithm):
    damaged = History(tmp_path / "r", algorithm=algorithm)
    files = {"whole/x": "", "blob/.gitattributes": "* merge=union\n", "tree/sub/.gitattributes": "* -merge\n"}
    damaged.commit("main", files)
    trees = {name: damaged.git("rev-parse", f"main:{name}") for name in ("whole", "blob", "tree")}
    for lost in (damaged.git("rev-parse", "main:blob/.gitattributes"), damaged.git("rev-parse", "main:tree/sub")):
        (damaged.git_dir / "objects" / lost[:2] / lost[2:]).unlink()
    with ObjectReader(Scratch(tmp_path / "s", Repository.find(damaged.path)).view()) as reader:
        whole, blob, tree = Attributes(reader).of_trees(list(trees.values()))
        again = Attributes(reader).of_trees([damaged.tree("main")])[0]
    assert whole == b""
    assert isinstance(blob, Unreadable) and ".gitattributes" in blob.reason and "missing" in blob.reason
    assert isinstance(tree, Unreadable) and "tree" in tree.reason
    assert isinstance(again, Unreadable)


def test_a_tree_that_holds_itself_a_million_times_over_is_refused_at_once(history, scratch):
    tree = history.tree(history.commit(None, {".gitattributes": "* merge=union\n"}))
    for _ in range(12):
        rows = "".join(f"040000 tree {tree}\t{name}\n" for name in "abcdefghij")
        tree = history.git("mktree", stdin=rows.encode())
    with ObjectReader(scratch.view()) as reader:
        answer = Attributes(reader).of_trees([tree])[0]
    assert answer == Unreadable("there are more than 10,000 .gitattributes files")


FOLDERS = st.lists(st.sampled_from(["a", "b", "[ab]", "!n", "a b", "é", '"', "*", "\\"]), max_size=3).map("/".join)
NAMES = st.sampled_from(["x.txt", "y.py", ".gitattributes", '"', "a", "[ab]", "x y", "é"])
WORDS = st.sampled_from(
    ["x.txt", "*.txt", "*", "a", "/a", "a/", "a/*", "**/a", "a/**", "/x.txt", "b/x.txt", "[ab]", "\\[ab]", "!n", "é",
     '"a b"', '"x.txt"', '"', "[attr]m", "*/x.txt", "//a", "?.txt", "[!a].txt", "**", "a**", "x\\ y",
     '"x y"', ".gitattributes"],
)  # fmt: skip
STATES = st.lists(
    st.sampled_from(["merge=union", "-merge", "merge", "!merge", "binary", "text", "m", "-m", "eol=crlf"]), max_size=3,
)  # fmt: skip
TEXT = st.lists(st.tuples(WORDS, STATES).map(lambda line: " ".join([line[0], *line[1]])), max_size=5).map("\n".join)


FILES = st.dictionaries(FOLDERS, TEXT, min_size=1, max_size=4)
PATHS = st.lists(st.tuples(FOLDERS, NAMES), min_size=1, max_size=12)


@given(FILES, PATHS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@example({"": "[attr]m merge=union", "a": "* m"}, [("a/b", "x.txt")])
def test_random_attribute_files_mean_what_they_mean_to_git(history, scratch, files, paths):
    written = {f"{folder}/.gitattributes".lstrip("/"): text for folder, text in files.items()}
    assert_same(history, scratch, written, [f"{folder}/{name}".lstrip("/") for folder, name in paths])

