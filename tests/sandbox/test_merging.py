"""Each merge style leaves the commits that GitHub leaves, as its recorded sessions show them."""

from __future__ import annotations

import pytest

from bot.sandbox import Sandbox
from tests.sandbox.conftest import REPO, Ask, open_topic


def merge(ask: Ask, number: int, method: str, **more: str) -> str:
    answer = ask("PUT", f"/pulls/{number}/merge", {"merge_method": method, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["merged"] is True
    return str(answer.json()["sha"])


def test_a_merge_commit_has_base_and_head_as_parents_and_the_forge_as_committer(kit: Sandbox, ask: Ask) -> None:
    number, base = open_topic(kit, commits=2), kit.git(REPO).branch("main")
    head = kit.git(REPO).branch("topic")
    made = kit.git(REPO).commit(merge(ask, number, "merge"))
    assert made.parents == (base, head)
    assert made.message == "Merge pull request #1 from acme/topic\n\nTopic topic"
    assert (made.author.name, made.committer.name, made.committer.email) == ("relbot", "GitHub", "noreply@github.com")
    assert kit.git(REPO).branch("main") == made.sha


def test_a_squash_is_one_commit_on_the_old_base_with_all_messages_in_it(kit: Sandbox, ask: Ask) -> None:
    number, base = open_topic(kit, commits=2), kit.git(REPO).branch("main")
    made = kit.git(REPO).commit(merge(ask, number, "squash"))
    assert made.parents == (base,)
    assert made.message == "Topic topic (#1)\n\n* Add topic 1\n\nWhy 1.\n\n* Add topic 2\n\nWhy 2."
    assert (made.author.name, made.committer.name) == ("ada", "GitHub")


def test_a_squash_of_a_lone_commit_takes_that_commits_own_words(kit: Sandbox, ask: Ask) -> None:
    made = kit.git(REPO).commit(merge(ask, open_topic(kit), "squash"))
    assert made.message == "Add topic 1 (#1)\n\nWhy 1."


def test_a_squash_names_the_others_who_wrote_it(kit: Sandbox, ask: Ask) -> None:
    number = open_topic(kit)
    kit.commit(REPO, "topic", {"x.py": "x\n"}, "Add x", by="mona")
    made = kit.git(REPO).commit(merge(ask, number, "squash"))
    mona = kit.forge.person("mona")
    assert made.message.endswith(f"* Add x\n\nCo-authored-by: mona <{mona.email}>")


def test_a_rebase_makes_every_commit_anew_with_its_author_and_the_merger_as_committer(kit: Sandbox, ask: Ask) -> None:
    number = open_topic(kit, commits=3)
    kit.commit(REPO, "main", {"other.py": "1\n"}, "Move main", by="ada")
    base = kit.git(REPO).branch("main")
    tip = merge(ask, number, "rebase")
    made = kit.git(REPO).commits(tip, f"^{base}")
    assert [commit.message for commit in made] == [f"Add topic {n}\n\nWhy {n}." for n in (1, 2, 3)]
    assert made[0].parents == (base,)
    assert {(commit.author.name, commit.committer.name) for commit in made} == {("ada", "relbot")}
    originals = kit.git(REPO).commits("refs/pull/1/head", f"^{base}")
    assert not {commit.sha for commit in originals} & {commit.sha for commit in made}
    assert {entry.path for entry in kit.git(REPO).tree(tip, "")} >= {"topic1.py", "topic3.py", "other.py"}


def test_a_rebase_onto_a_base_that_changed_the_same_file_keeps_both_changes(kit: Sandbox, ask: Ask) -> None:
    lines = [f"line {n}\n" for n in range(20)]
    kit.commit(REPO, "main", {"long.py": "".join(lines)}, "Add long", by="ada")
    number = open_topic(kit, files={"long.py": "".join([*lines[:-1], "theirs\n"])})
    kit.commit(REPO, "main", {"long.py": "".join(["ours\n", *lines[1:]])}, "Change the start", by="ada")
    made = merge(ask, number, "rebase")
    entry = kit.git(REPO).entry(made, "long.py")
    assert kit.git(REPO).blob(entry.sha).decode() == "".join(["ours\n", *lines[1:-1], "theirs\n"])


def test_own_words_replace_the_forges(kit: Sandbox, ask: Ask) -> None:
    made = merge(ask, open_topic(kit), "squash", commit_title="Title", commit_message="Text")
    assert kit.git(REPO).commit(made).message == "Title\n\nText"


@pytest.mark.parametrize(("method", "words"), [
    ("merge", "Pull Request is not mergeable"), ("squash", "Pull Request is not mergeable"),
    ("rebase", "This branch can't be rebased"),
])
def test_a_conflict_is_refused_and_moves_nothing(kit: Sandbox, ask: Ask, method: str, words: str) -> None:
    number = open_topic(kit, files={"a.py": "mine\n"})
    tip = kit.commit(REPO, "main", {"a.py": "theirs\n"}, "Theirs", by="ada")
    pull = ask("GET", f"/pulls/{number}").json()
    assert (pull["mergeable"], pull["mergeable_state"], pull["merge_commit_sha"]) == (False, "dirty", None)
    answer = ask("PUT", f"/pulls/{number}/merge", {"merge_method": method})
    assert (answer.status_code, answer.json()["message"]) == (405, words)
    assert kit.git(REPO).branch("main") == tip


def test_the_test_merge_of_an_open_pull_is_not_what_it_is_merged_as(kit: Sandbox, ask: Ask) -> None:
    number = open_topic(kit)
    trial = ask("GET", f"/pulls/{number}").json()
    assert (trial["mergeable"], trial["mergeable_state"]) == (True, "clean")
    assert kit.git(REPO).ref("refs/pull/1/merge") == trial["merge_commit_sha"]
    merged = merge(ask, number, "squash")
    after = ask("GET", f"/pulls/{number}").json()
    assert after["merge_commit_sha"] == merged != trial["merge_commit_sha"]
    assert (after["merged"], after["mergeable"], after["mergeable_state"]) == (True, None, "unknown")
    assert after["merged_by"]["login"] == "relbot"


def test_a_pull_may_need_to_be_read_more_than_once_until_it_knows_whether_it_merges(kit: Sandbox, ask: Ask) -> None:
    kit.forge.unknown_reads = 2
    number = open_topic(kit)
    seen = [ask("GET", f"/pulls/{number}").json()["mergeable"] for _ in range(4)]
    assert seen == [None, None, True, True]
