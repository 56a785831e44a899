"""A real git client fetches from the sandbox and pushes to it, and everything that follows a push follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from tests.sandbox.conftest import REPO, git, open_topic, remote


@pytest.fixture
def clone(kit: Sandbox, tmp_path: Path) -> Path:
    git("clone", "--quiet", remote(kit, "relbot"), "clone", cwd=tmp_path)
    return tmp_path / "clone"


def commit(clone: Path, name: str, text: str = "1\n") -> str:
    (clone / name).write_text(text)
    git("add", name, cwd=clone)
    git("commit", "--quiet", "--message", f"Add {name}", cwd=clone)
    return git("rev-parse", "HEAD", cwd=clone).stdout.strip()


def test_a_clone_checks_out_the_default_branch_and_needs_no_token(kit: Sandbox, tmp_path: Path) -> None:
    git("clone", "--quiet", kit.clone_url(REPO), "clone", cwd=tmp_path)
    assert (tmp_path / "clone" / "a.py").read_text() == "one\ntwo\nthree\n"
    assert git("branch", "--show-current", cwd=tmp_path / "clone").stdout == "main\n"


def test_a_clone_may_leave_the_blobs_for_later(kit: Sandbox, tmp_path: Path) -> None:
    git("clone", "--quiet", "--bare", "--filter=blob:none", remote(kit, "relbot"), "b.git", cwd=tmp_path)
    missing = git("rev-list", "--objects", "--all", "--missing=print", cwd=tmp_path / "b.git").stdout
    assert sum(line.startswith("?") for line in missing.splitlines()) == 2
    assert git("cat-file", "blob", "main:a.py", cwd=tmp_path / "b.git").stdout.startswith("one")


def test_the_head_of_a_pull_can_be_fetched_and_not_be_pushed_to(kit: Sandbox, clone: Path) -> None:
    number = open_topic(kit)
    git("fetch", "--quiet", "origin", f"refs/pull/{number}/head", cwd=clone)
    assert git("rev-parse", "FETCH_HEAD", cwd=clone).stdout.strip() == kit.git(REPO).branch("topic")
    refused = git("push", "origin", f"HEAD:refs/pull/{number}/head", cwd=clone, ok=False)
    assert "deny updating a hidden ref" in refused.stderr


def test_a_push_creates_moves_and_deletes_branches_and_says_so(kit: Sandbox, clone: Path, gate) -> None:
    kit.add_hook(REPO, "http://127.0.0.1:9/nobody", "s")
    first = commit(clone, "x.py")
    git("push", "--quiet", "origin", "HEAD:refs/heads/backport/2.7/#1", cwd=clone)
    second = commit(clone, "y.py")
    git("push", "--quiet", "origin", "HEAD:refs/heads/backport/2.7/#1", cwd=clone)
    git("push", "--quiet", "origin", "--delete", "backport/2.7/#1", cwd=clone)
    assert [event for event, _ in gate.events] == ["create", "push", "push", "push", "delete"]
    _, created, moved, deleted, _ = (payload for _, payload in gate.events)
    assert (created["created"], created["before"], created["after"]) == (True, "0" * 40, first)
    assert (created["sender"]["login"], created["commits"][0]["added"]) == ("relbot", ["x.py"])
    assert (moved["before"], moved["after"], moved["forced"]) == (first, second, False)
    assert [one["id"] for one in moved["commits"]] == [second]
    assert (deleted["deleted"], deleted["after"], deleted["head_commit"]) == (True, "0" * 40, None)


def test_a_branch_made_where_another_stands_is_a_push_without_commits(kit: Sandbox, clone: Path, gate) -> None:
    kit.add_hook(REPO, "http://127.0.0.1:9/nobody", "s", "push")
    git("push", "--quiet", "origin", "HEAD:refs/heads/release/2.8", cwd=clone)
    payload = gate.events[0][1]
    assert (payload["commits"], payload["base_ref"]) == ([], "refs/heads/main")


def test_a_forced_push_is_told_apart(kit: Sandbox, clone: Path, gate) -> None:
    git("push", "--quiet", "origin", f"{commit(clone, 'x.py')}:refs/heads/b", cwd=clone)
    git("reset", "--quiet", "--hard", "origin/main", cwd=clone)
    kit.add_hook(REPO, "http://127.0.0.1:9/nobody", "s", "push")
    other = commit(clone, "z.py")
    assert "rejected" in git("push", "origin", "HEAD:b", cwd=clone, ok=False).stderr
    git("push", "--quiet", "--force", "origin", "HEAD:b", cwd=clone)
    assert (gate.events[0][1]["forced"], gate.events[0][1]["after"]) == (True, other)


def test_more_than_three_tags_at_once_are_silent(kit: Sandbox, clone: Path, gate) -> None:
    kit.add_hook(REPO, "http://127.0.0.1:9/nobody", "s")
    for name in ("v1", "v2", "v3", "v4"):
        git("tag", "--annotate", "--message", name, name, cwd=clone)
    git("push", "--quiet", "origin", "--tags", cwd=clone)
    assert gate.events == []
    git("push", "--quiet", "origin", "v1^{}:refs/tags/light", cwd=clone)
    assert [event for event, _ in gate.events] == ["create", "push"]
    assert len(kit.git(REPO).refs("refs/tags/")) == 5


def test_a_lease_on_a_branch_that_has_moved_is_refused(kit: Sandbox, clone: Path) -> None:
    old = kit.git(REPO).branch("release/2.7")
    tip = kit.commit(REPO, "release/2.7", {"n.py": "1\n"}, "Move", by="ada")
    commit(clone, "x.py")
    git("push", "origin", f"--force-with-lease=release/2.7:{old}", "HEAD:release/2.7", cwd=clone, ok=False)
    assert kit.git(REPO).branch("release/2.7") == tip


def test_a_protected_branch_takes_pushes_only_from_whom_it_allows(kit: Sandbox, clone: Path) -> None:
    kit.protect(REPO, "release/2.7", "mona")
    commit(clone, "x.py")
    refused = git("push", "origin", "HEAD:release/2.7", "HEAD:free", cwd=clone, ok=False)
    assert "GH006: Protected branch update failed for refs/heads/release/2.7" in refused.stderr
    assert kit.git(REPO).branch("free")
    git("push", "--quiet", remote(kit, "mona"), "HEAD:release/2.7", cwd=clone)


def test_wrong_tokens_readers_and_strangers_are_turned_away(kit: Sandbox, clone: Path) -> None:
    commit(clone, "x.py")
    wrong = kit.clone_url(REPO).replace("://", "://x-access-token:nonsense@")
    assert "Authentication failed" in git("push", wrong, "HEAD:x", cwd=clone, ok=False).stderr
    header = ("-c", "http.extraHeader=Authorization: Bearer nonsense")
    assert "could not read Username" in git(*header, "ls-remote", kit.clone_url(REPO), cwd=clone, ok=False).stderr
    denied = git("push", remote(kit, "rita"), "HEAD:x", cwd=clone, ok=False).stderr
    assert "Permission to acme/torchkit.git denied to rita." in denied
    assert "403" in denied
    assert "could not read Username" in git("push", kit.clone_url(REPO), "HEAD:x", cwd=clone, ok=False).stderr
    assert "not found" in git("ls-remote", remote(kit, "relbot", "acme/absent"), cwd=clone, ok=False).stderr
    kit.create_repository("acme/secret", private=True)
    assert "not found" in git("ls-remote", remote(kit, "relbot", "acme/secret"), cwd=clone, ok=False).stderr
    assert "could not read Username" in git("ls-remote", kit.clone_url("acme/secret"), cwd=clone, ok=False).stderr


def test_a_pull_that_takes_in_main_still_lists_only_its_own_commits(kit: Sandbox, clone: Path, ask) -> None:
    number = open_topic(kit)
    kit.commit(REPO, "main", {"n.py": "1\n"}, "Move main", by="ada")
    git("fetch", "--quiet", "origin", cwd=clone)
    git("checkout", "--quiet", "-b", "topic", "origin/topic", cwd=clone)
    git("merge", "--quiet", "--no-edit", "origin/main", cwd=clone)
    git("push", "--quiet", "origin", "topic", cwd=clone)
    messages = [commit["commit"]["message"] for commit in ask("GET", f"/pulls/{number}/commits").json()]
    assert messages == ["Add topic 1\n\nWhy 1.", "Merge remote-tracking branch 'origin/main' into topic"]


def test_a_large_push_arrives_whole(kit: Sandbox, clone: Path) -> None:
    # Above http.postBuffer git sends the pack in chunks of no announced length.
    text = "".join(f"{number * 7919 % 1_000_003}\n" for number in range(600_000))
    tip = commit(clone, "large.txt", text)
    git("push", "--quiet", "origin", "HEAD:large", cwd=clone)
    assert kit.git(REPO).branch("large") == tip
    kit.git(REPO).run("fsck", "--connectivity-only")
    kinds = [(entry.kind, entry.operation) for entry in kit.requests[-2:]]
    assert kinds == [("git", "git-receive-pack")] * 2
