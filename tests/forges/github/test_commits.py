"""Commits that GitHub makes in the bot's name, judged by what git then finds in the repository."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.actions import BranchMoved, BranchReady, Refused
from bot.core.errors import Fault
from bot.core.model import NewCommit, Repo, TreeChange
from bot.forges.github import GitHub
from bot.forges.pacing import Manners
from bot.sandbox import Fault as Trouble
from bot.sandbox import Sandbox
from tests.forges.github.installed import install, register

PATH = "ada/tensors"
BRANCH = "backport/2.7/12-a#b"
TRAILERS = f"\n\n(cherry picked from commit {'1' * 40})\nCo-authored-by: Ada <ada@example.org>"
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": "/usr/bin:/bin:/usr/local/bin",
    **{f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}  # fmt: skip


def git(*arguments: str, cwd: Path, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ("git", *arguments), cwd=cwd, input=stdin, env=ENVIRONMENT, capture_output=True, check=True, timeout=30
    )
    return done.stdout.decode().strip()


class Stage:
    """The App, and a clone in which the commits to be made are prepared with git itself."""

    def __init__(self, sandbox: Sandbox, clone: Path) -> None:
        self.sandbox = sandbox
        self.repo = Repo("github", sandbox.create_repository(PATH).id, PATH, "main")
        files = {"a.py": "x = 1\n", "docs/b.md": "text\n", "docs/gone.md": "old\n", "run.sh": "true\n"}
        self.base = sandbox.commit(PATH, "main", files, "start", "ada")
        app, key = register(sandbox)
        install(sandbox, app, PATH)
        self.github = GitHub(sandbox.url, key, manners=Manners(waits=(0.01, 0.02), pace=None))
        git("clone", "--quiet", str(sandbox.git(PATH).path), str(clone), cwd=clone.parent)
        self.clone = clone

    def prepare(self, message: str) -> NewCommit:
        """Commit what stands in the clone, and say it as data."""
        git("add", "--all", cwd=self.clone)
        git("commit", "--quiet", "--message", message, cwd=self.clone)
        raw = git("diff-tree", "-r", "-z", "--no-renames", "HEAD^", "HEAD", cwd=self.clone).split("\0")
        changes = []
        for head, path in zip(raw[0::2], raw[1::2], strict=False):
            _, mode, _, sha, _ = head.split(" ")
            gone, link = mode == "000000", mode == "160000"
            content = None if gone or link else subprocess.run(
                ("git", "cat-file", "blob", sha), cwd=self.clone, capture_output=True, check=True
            ).stdout  # fmt: skip
            changes.append(TreeChange(path, None if gone else mode, None if gone else sha, content))
        return NewCommit(message, git("rev-parse", "HEAD^{tree}", cwd=self.clone), tuple(changes))

    def make(self, *commits: NewCommit) -> BranchReady | BranchMoved | Refused:
        return self.github.create_commits(self.repo, BRANCH, self.base, commits)

    def log(self, form: str) -> list[str]:
        told = self.sandbox.git(PATH).run("log", f"--format={form}", f"refs/heads/{BRANCH}", f"^{self.base}")
        return told.split("\n")[:-1]

    def count(self, end: str) -> int:
        return sum(entry.path.endswith(end) and entry.method == "POST" for entry in self.sandbox.requests)


@pytest.fixture
def stage(sandbox: Sandbox, tmp_path: Path) -> Stage:
    return Stage(sandbox, tmp_path / "clone")


@pytest.fixture
def two(stage: Stage) -> tuple[NewCommit, NewCommit]:
    """Two commits with everything that a path can become."""
    (stage.clone / "a.py").write_text("x = 2\n")
    (stage.clone / "docs/gone.md").unlink()
    (stage.clone / "run.sh").chmod(0o755)
    (stage.clone / "häßlich #1.txt").write_text("ä\r\n\x00ok")
    first = stage.prepare(f"Change a lot (#12){TRAILERS}")
    (stage.clone / "picture.bin").write_bytes(bytes(range(256)))
    (stage.clone / "link").symlink_to("a.py")
    git("update-index", "--add", "--cacheinfo", f"160000,{stage.base},module", cwd=stage.clone)
    git("rm", "--quiet", "-r", "docs", cwd=stage.clone)
    (stage.clone / "docs").write_text("now a file\n")
    (stage.clone / "module").mkdir()
    second = stage.prepare("Another one")
    return first, second


def test_the_commits_have_the_very_trees_and_messages_and_are_signed_by_github(
    stage: Stage, two: tuple[NewCommit, NewCommit]
) -> None:
    assert any(change.mode == "160000" for change in two[1].changes)
    ready = stage.make(*two)
    assert isinstance(ready, BranchReady)
    assert stage.sandbox.git(PATH).branch(BRANCH) == ready.sha
    assert stage.log("%T") == [two[1].tree, two[0].tree]
    assert stage.log("%an <%cn>") == ["relbot[bot] <GitHub>"] * 2
    assert TRAILERS.strip() in stage.sandbox.git(PATH).run("log", "-1", "--format=%B", f"{ready.sha}^")
    assert len(stage.sandbox.find(PATH).signed) == 2
    assert stage.count("/blobs") == 2, "what is plain text goes with the tree"


def test_a_branch_that_has_just_these_commits_is_ready_and_made_once(
    stage: Stage, two: tuple[NewCommit, NewCommit]
) -> None:
    first = stage.make(*two)
    assert stage.make(*two) == first
    assert (stage.count("/commits"), stage.count("/refs")) == (2, 1)


def test_a_branch_with_anything_else_has_moved_and_is_left_alone(
    stage: Stage, two: tuple[NewCommit, NewCommit]
) -> None:
    stage.sandbox.branch(PATH, BRANCH, "main", "ada")
    assert stage.make(*two) == BranchMoved(stage.base)
    on_top = stage.sandbox.commit(PATH, BRANCH, {"more.txt": "x"}, "by hand", "ada")
    assert stage.make(*two) == BranchMoved(on_top)
    assert stage.count("/trees") == 0
    other = replace(two[0], message="Another message")
    assert isinstance(stage.github.create_commits(stage.repo, "fresh", stage.base, two[:1]), BranchReady)
    assert isinstance(stage.github.create_commits(stage.repo, "fresh", stage.base, (other,)), BranchMoved)


@pytest.mark.parametrize("end", ["/blobs", "/trees", "/commits", "/refs"])
@pytest.mark.parametrize("drop", [True, False])
def test_a_lost_answer_leaves_one_branch(
    stage: Stage, two: tuple[NewCommit, NewCommit], end: str, drop: bool
) -> None:
    stage.sandbox.fail(Trouble(f"/git{end}$", "POST", 0 if drop else 502, drop=drop, after=True))
    ready = stage.make(*two)
    assert isinstance(ready, BranchReady)
    assert stage.log("%T") == [two[1].tree, two[0].tree]
    assert stage.count("/refs") == 1


def test_somebody_who_is_faster_keeps_the_branch(stage: Stage, two: tuple[NewCommit, NewCommit]) -> None:
    body = {"message": "Reference already exists", "documentation_url": "https://docs.github.com/rest"}
    stage.sandbox.branch(PATH, BRANCH, "main", "ada")
    stage.sandbox.fail(Trouble("/git/ref/", "GET", 404, body={"message": "Not Found"}))
    stage.sandbox.fail(Trouble("/git/refs$", "POST", 422, body=body))
    assert stage.make(*two) == BranchMoved(stage.base)


def test_a_tree_that_comes_out_otherwise_is_a_fault_and_no_branch(
    stage: Stage, two: tuple[NewCommit, NewCommit]
) -> None:
    wrong = replace(two[0], changes=two[0].changes[1:])
    with pytest.raises(Fault, match="was asked for"):
        stage.make(wrong)
    assert stage.sandbox.git(PATH).branch(BRANCH) is None


def test_without_the_right_to_write_and_for_odd_paths_the_other_way_is_named(
    stage: Stage, two: tuple[NewCommit, NewCommit]
) -> None:
    odd = NewCommit("x", two[0].tree, (TreeChange("caf\udce9", "100644", "1" * 40, b"x"),))
    (installation,) = stage.sandbox.forge.world.installations.values()
    installation.rights["contents"] = "read"
    for refused in (stage.make(odd), stage.make(*two)):
        assert isinstance(refused, Refused)
        assert "push" in refused.next_step
    assert stage.sandbox.git(PATH).branch(BRANCH) is None


def test_a_commit_that_changes_nothing_keeps_the_tree(stage: Stage) -> None:
    tree = stage.sandbox.git(PATH).run("rev-parse", f"{stage.base}^{{tree}}").strip()
    assert isinstance(stage.make(NewCommit("Nothing", tree, ())), BranchReady)
    assert stage.log("%T") == [tree]
