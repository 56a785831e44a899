"""The recipe in the hands of people who do not do all of it: nothing half-done is ever pushed."""

from __future__ import annotations

import subprocess

import pytest

from bot.core.ledger import Stop
from bot.core.messages.recipe import pick_commands, push_commands

HEAD = "backport/2.7/12"


class Clone:
    """A clone with a line that has what the second of three picks brings, and whose first pick conflicts."""

    def __init__(self, folder):
        self.origin, self.place = folder / "origin.git", folder / "clone"
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.origin), at=folder)
        self.git("clone", "--quiet", str(self.origin), str(self.place), at=folder)
        self.git("checkout", "--quiet", "-b", "main")
        self.commit("Begin", a="one\n", b="one\n", c="one\n")
        self.git("branch", "release/2.7")
        self.commits = tuple(
            self.commit(title, **change)
            for title, change in (("A", {"a": "two\n"}), ("B", {"b": "two\n"}), ("C", {"c": "two\n"}))
        )
        self.git("checkout", "--quiet", "release/2.7")
        self.commit("Differ", a="other\n", b="two\n")
        self.git("push", "--quiet", "origin", "main", "release/2.7")
        self.git("checkout", "--quiet", "main")
        self.stop = Stop(paths=(("a", "contents"),), stopped_at=self.commits[0], commits=self.commits, mainline=None,
                         base="main", onto="release/2.7", head=HEAD)  # fmt: skip

    def git(self, *arguments, at=None):
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "core.editor=true")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=at or self.place, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, title, **files):
        for name, text in files.items():
            (self.place / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", title)
        return self.git("rev-parse", "HEAD")

    def paste(self, commands):
        environment = {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org", "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            ["bash", "-c", commands], cwd=self.place, env=environment, check=False, capture_output=True, text=True
        )

    def mend(self):
        (self.place / "a").write_text("two\n")
        self.git("add", "a")

    @property
    def pushed(self):
        return self.git("for-each-ref", "--format=%(refname:short)", at=self.origin).split()


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def test_done_to_the_end_the_branch_is_pushed_with_all_that_the_line_lacks(clone):
    assert clone.paste(pick_commands(clone.stop)).returncode != 0, "git stops at the conflict"
    clone.mend()
    with pytest.raises(subprocess.CalledProcessError, match="non-zero"):  # B comes to nothing, and git says so
        clone.git("cherry-pick", "--continue")
    clone.git("cherry-pick", "--skip")
    assert clone.paste(push_commands(clone.stop)).returncode == 0
    assert clone.git("log", "--format=%s", f"release/2.7..{HEAD}", at=clone.origin).split() == ["C", "A"]


def test_a_plain_commit_in_the_middle_does_not_pass_for_the_end(clone):
    clone.paste(pick_commands(clone.stop))
    clone.mend()
    clone.git("commit", "--quiet", "--no-edit")
    done = clone.paste(push_commands(clone.stop))
    assert done.returncode != 0
    assert "not through" in done.stderr
    assert HEAD not in clone.pushed


def test_where_the_first_block_could_not_switch_nothing_else_is_pushed_in_its_place(clone):
    (clone.place / "a").write_text("work that is not committed\n")
    assert clone.paste(pick_commands(clone.stop)).returncode != 0
    done = clone.paste(push_commands(clone.stop))
    assert done.returncode != 0
    assert f"{HEAD} is not checked out" in done.stderr
    assert HEAD not in clone.pushed


def test_a_pick_that_was_taken_back_is_not_pushed_as_an_empty_branch(clone):
    clone.paste(pick_commands(clone.stop))
    clone.git("cherry-pick", "--abort")
    done = clone.paste(push_commands(clone.stop))
    assert done.returncode != 0
    assert "Nothing is picked yet" in done.stderr
    assert HEAD not in clone.pushed
