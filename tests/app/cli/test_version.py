"""`relbot version next` on a real repository: the tag on one stream, the reasons on the other."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bot.app.cli import main
from tests.tools.histories import History


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """2.7 has a final and two candidates after it, with a feature on the way; 2.8 has one candidate."""
    history = History(tmp_path_factory.mktemp("version") / "repository")
    history.commit("main", {"a": "0\n"}, "feat: begin (#1)")
    history.commit("release/2.7", {"v": "2.7\n"}, "Cut", parents=(history.sha("main"),))
    history.git("tag", "-a", "-m", "x", "v2.7.0", "release/2.7")
    history.commit("release/2.7", {"a": "1\n"}, "[2.7] feat(ops)!: more (#2) (#3)")
    history.git("tag", "-a", "-m", "x", "v2.7.1-rc9", "release/2.7")
    history.git("tag", "v2.7.1-rc10", "release/2.7")
    history.git("tag", "lib-v2.8-rc.1", "main")
    return history


def run(capsys, history, *arguments):
    code = main(["version", "next", "--repo", str(history.path), *arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_the_tag_is_printed_and_the_reasons_go_to_the_other_stream(capsys, history):
    code, out, err = run(capsys, history, "--line", "release/2.7")
    assert (code, out) == (0, "v2.7.1-rc11\n")
    assert "v2.7.1-rc10 is the last candidate after v2.7.0." in err
    assert "brings a breaking change, which a patch should not: [2.7] feat(ops)!: more (#2) (#3)" in err


@pytest.mark.parametrize(("arguments", "tag"), [
    (("--line", "2.7", "--kind", "final"), "v2.7.1"),
    (("--line", "2.8"), "lib-v2.8.0-rc.2"),
    (("--line", "2.9"), "lib-v2.9.0-rc.1"),
])  # fmt: skip
def test_every_line_goes_on_in_its_own_way(capsys, history, arguments, tag):
    assert run(capsys, history, *arguments)[:2] == (0, f"{tag}\n")


def test_json_is_one_document(capsys, history):
    code, out, err = run(capsys, history, "--line", "2.7", "--kind", "final", "--rc", "9", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["version"], found["final"], found["candidate"]) == ("2.7.1", "v2.7.0", "v2.7.1-rc9")
    assert [one["brings"] for one in found["oversized"]] == ["a breaking change"]


def test_what_cannot_be_promoted_is_refused_with_the_way_on(capsys, history):
    code, out, err = run(capsys, history, "--line", "2.9", "--kind", "final")
    assert (code, out) == (5, "")
    assert err == "relbot: 2.9 has no candidate to promote: there is no tag. Make one: /release rc 2.9\n"
    code, out, _ = run(capsys, history, "--line", "2.9", "--kind", "final", "--json")
    assert (code, json.loads(out)["version"]) == (5, None)


@pytest.mark.parametrize(("arguments", "said"), [
    (("--line", "2"), "'2' is not a line such as 2.7."),
    (("--line", "2.7", "--rc", "3"), "--rc 3 says which candidate becomes final."),
])  # fmt: skip
def test_what_is_not_understood_is_told(capsys, history, arguments, said):
    code, _, err = run(capsys, history, *arguments)
    assert (code, said in err) == (2, True)


def test_the_policys_style_holds_where_no_tag_shows_another(capsys, tmp_path):
    history = History(tmp_path / "repository")
    policy = '[release]\ntag = "PyTorch-CUDA-v{version}"\ncandidate = "-rc.N"\n'
    history.commit("main", {".github/relbot.toml": policy}, "Begin")
    assert run(capsys, history, "--line", "2.7")[:2] == (0, "PyTorch-CUDA-v2.7.0-rc.1\n")
    history.commit("main", {".github/relbot.toml": "[release]\nbroken = 1\n"}, "Break it")
    code, _, err = run(capsys, history, "--line", "2.7")
    assert (code, "relbot.toml is not in force: line 2" in err) == (2, True)


@pytest.mark.parametrize("command", [("version", "next", "--line", "2.7"), ("changelog", "--full")])
def test_what_reads_versions_and_history_starts_without_the_nouns_of_forges_and_what_checks_a_policy(history, command):
    code = (
        "import sys; from bot.app.cli import main\n"
        f"assert main({[*command, '--repo', str(history.path)]!r}) == 0\n"
        "print(sorted({'bot.core.model', 'bot.tools.clone', 'jinja2', 'pydantic', 'rich'} & sys.modules.keys()))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.splitlines()[-1] == "[]"
