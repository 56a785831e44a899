"""`relbot changelog` as a process: what it prints, what it merges, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.histories import History, Person

POLICY = '[changelog]\ndedupe = "omit"\nauthors = "none"\npaths = ["src/**"]\ntemplate = "notes.jinja"\n'
ITEMS = "{% for group in groups %}{% for item in group.items %}\n* {{ item.text }}\n{% endfor %}{% endfor %}"
TEMPLATE = f"## {{{{ title }}}}\n{ITEMS}"


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Two lines; 2.7.1 has a pick of #2, and 2.8 is not released yet."""
    history = History(tmp_path_factory.mktemp("changelog") / "a repository")
    history.commit("main", {"src/a": "0\n"}, "feat: begin (#1)")
    history.commit("release/2.7", {"src/v": "2.7\n"}, "Cut", parents=(history.sha("main"),))
    history.git("tag", "-a", "-m", "x", "v2.7.0", "release/2.7")
    fix = history.commit("main", {"src/a": "1\n"}, "fix: picked later (#2)")
    history.commit("main", {"docs/a": "1\n"}, "docs: on paper (#3)")
    history.commit("release/2.7", {"src/a": "1\n"}, f"fix: picked later (#2) (#4)\n\n(cherry picked from commit {fix})")
    history.git("tag", "-a", "-m", "x", "v2.7.1", "release/2.7")
    history.commit("release/2.7", {"src/a": "2\n"}, "A title of no kind (#5)")
    history.commit("release/2.8", {"src/v": "2.8\n"}, "chore: cut", parents=(history.sha("main"),))
    return history


@pytest.fixture
def changelog(history):
    def run(*arguments, repo=history.path, cwd=None):
        command = [sys.executable, "-m", "bot", "changelog", "--repo", str(repo), *arguments]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd,
            env={**clean, "PYTHONPATH": str(Path(__file__).parents[3])},
        )  # fmt: skip

    return run


def test_a_tags_notes_are_printed(changelog):
    done = changelog("--to", "v2.7.1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "## [2.7.1] - 2023-11-14\n\n### Fixed\n\n- picked later (#2, #4), by Ada\n"


def test_a_lines_notes_are_those_of_what_it_would_release_and_remarks_go_to_the_other_stream(changelog):
    done = changelog("--line", "v2.7")
    assert done.returncode == 0
    assert done.stdout == "## [Unreleased]\n\n### Other\n\n- A title of no kind (#5), by Ada\n"
    assert done.stderr == "relbot: #5 says nothing of its kind and stands under Other\n"


def test_a_new_line_begins_where_the_one_before_parted_and_says_what_that_has(changelog):
    done = changelog("--line", "2.8")
    assert "- picked later (#2), by Ada; also in 2.7.1\n" in done.stdout
    assert "begin" not in done.stdout
    assert done.stderr == "relbot: not listed: 1 that is left out by the policy (kind chore) (" + (
        done.stderr.rpartition("(")[2]
    )


def test_json_has_it_all_in_one_document(changelog):
    done = changelog("--line", "2.8", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert list(document) == [
        "version", "tag", "commit", "base", "date", "entries", "left_out", "warnings", "text",
    ]  # fmt: skip
    found = [document[key] for key in ("version", "tag", "base", "date")]
    assert found == ["Unreleased", None, "v2.7.0", None]
    assert document["entries"][0] | {"commit": ""} == {
        "category": "Fixed", "text": "picked later", "scope": "", "numbers": [2], "commit": "", "authors": ["Ada"],
        "breaking": [], "also_in": ["2.7.1"],
    }  # fmt: skip
    assert [left["reason"] for left in document["left_out"]] == ["is left out by the policy (kind chore)"]
    whole = json.loads(changelog("--full", "--to", "release/2.8", "--json").stdout)
    assert [section["version"] for section in whole["sections"]] == ["Unreleased", "2.7.1", "2.7.0"]


def test_from_sets_another_base(changelog):
    done = changelog("--to", "v2.7.1", "--from", "main~2")
    assert "Cut" in done.stdout
    assert "picked later" in done.stdout
    done = changelog("--to", "v2.7.1", "--from", "no-such-tag")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'no-such-tag' names no commit" in done.stderr


def test_nothing_since_the_base_is_3(changelog):
    done = changelog("--to", "v2.7.1", "--from", "v2.7.1")
    assert done.returncode == 3
    assert done.stderr.startswith("relbot: there is no change since v2.7.1 in ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--line", "2"), "'2' is not a line such as 2.7. Name one with --line X.Y."),
        (("--line", "3.1"), "no branch of line 3.1 (such as release/3.1). Fetch it, or name a commit with --to."),
        (("--to", "nowhere"), "'nowhere' names no commit in "),
    ],
)
def test_wrong_names_are_2_and_say_what_to_do(changelog, arguments, says):
    done = changelog(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_output_merges_and_keeps_hand_edits(changelog, tmp_path):
    file = tmp_path / "CHANGELOG.md"
    file.write_bytes(b"# Ours\r\n\r\n## [2.6.0] - 2020-01-01\r\n\r\n- by hand\r\n")
    assert changelog("--to", "v2.7.1", "--output", str(file)).returncode == 0
    text = file.read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n")
    assert text.index(b"## [2.7.1]") < text.index(b"## [2.6.0] - 2020-01-01\r\n\r\n- by hand\r\n")
    done = changelog("--to", "v2.7.1", "--output", str(file))
    assert (done.returncode, file.read_bytes()) == (3, text)
    file.write_bytes(text.replace(b"- picked later", b"- In better words"))
    assert changelog("--to", "v2.7.1", "--output", str(file)).returncode == 3
    assert b"- In better words (#2, #4), by Ada\r\n" in file.read_bytes()
    assert list(tmp_path.iterdir()) == [file]


def test_a_contradiction_is_4_and_the_persons_word_stands(history, changelog, tmp_path):
    copy = history.clone(tmp_path / "copy")
    file = tmp_path / "CHANGELOG.md"
    run = ("--to", "origin/release/2.8", "--output", str(file))
    assert changelog(*run, repo=copy.path).returncode == 0
    file.write_text(file.read_text().replace("- on paper (#3), by Ada", "- On much paper (#3), by Ada"))
    copy.commit("main", {".github/relbot.toml": '[changelog]\nauthors = "none"\n'}, "policy")
    copy.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main")
    done = changelog(*run, repo=copy.path)
    assert done.returncode == 4
    assert "instead of: - on paper (#3)\n" in done.stderr
    text = file.read_text()
    assert "- On much paper (#3), by Ada\n" in text
    assert "- picked later (#2); also in 2.7.1\n" in text


def test_the_policy_of_the_default_branch_counts_with_its_template_and_paths(history, changelog, tmp_path):
    copy = history.clone(tmp_path / "copy")
    copy.commit("main", {".github/relbot.toml": POLICY, "notes.jinja": TEMPLATE}, "policy")
    copy.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main")
    done = changelog("--to", "origin/release/2.8", repo=copy.path)
    assert done.returncode == 0
    assert done.stdout == "## Unreleased\n"
    reasons = {line.split(" that ")[1].rsplit(" (", 1)[0] for line in done.stderr.splitlines()}
    assert reasons == {
        "changes nothing in the policy's paths", "was in 2.7.1 already", "is left out by the policy (kind chore)",
    }  # fmt: skip
    copy.commit("main", {".github/relbot.toml": "[changelog]\nfiel = 1\n"}, "broken")
    done = changelog(repo=copy.path)
    assert done.returncode == 2
    assert "did you mean “file”?" in done.stderr


def test_first_contributions_are_named_where_that_is_asked_for(history, changelog, tmp_path):
    copy = history.clone(tmp_path / "copy")
    copy.branch("release/2.7", "v2.7.1")
    copy.commit("release/2.7", {"src/b": "1\n"}, "fix: be new (#8)", author=Person(b"Eve <eve@example.org>"))
    copy.commit("release/2.7", {"src/c": "1\n"}, "fix: be old (#9)")
    asked = ("--to", "release/2.7", "--line", "2.7")
    assert "contribution" not in changelog(*asked, repo=copy.path).stdout
    done = changelog(*asked, "--newcomers", repo=copy.path)
    assert "\n### New contributors\n\n- Eve made a first contribution in #8\n" in done.stdout
    assert done.stdout.count("contribution in") == 1


def test_patch_ids_find_a_pick_that_says_nothing(history, changelog, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy = history.clone(tmp_path / "copy")
    copy.branch("main", copy.git("rev-parse", "origin/main"))
    copy.git("branch", "release/2.7", "v2.7.1")
    copy.commit("main", {"src/silent": "1\n"}, "fix: said nothing (#7)")
    copy.commit("release/2.7", {"src/silent": "1\n"}, "other words")
    copy.git("tag", "-a", "-m", "x", "v2.7.2", "release/2.7")
    assert "said nothing (#7), by Ada\n" in changelog("--to", "main", repo=copy.path).stdout
    done = changelog("--to", "main", "--patch-ids", repo=copy.path)
    assert "said nothing (#7), by Ada; also in 2.7.2\n" in done.stdout
