"""`relbot pick` from outside: exit codes, JSON to the letter, a batch that streams; only --create touches anything."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from bot.app import cli
from tests.tools.histories import History, lines, submodule
from tests.tools.test_local import snapshot

FIELDS = ["id", "outcome", "onto", "tree", "commit", "picks", "conflicts", "message"]
NOBODY = "12" * 20


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A line and branches with a fix that goes in, one that conflicts, one that is there, a merge, a series."""
    history = History(tmp_path_factory.mktemp("cli") / "r")
    history.commit("main", {"a.py": lines(), "caf\udce9": lines(), "third": submodule("ab" * 20)}, "first")
    history.branch("line", "main")
    own = {"a.py": lines((3, "here"), (18, "own")), "caf\udce9": "own\n", "third": submodule("cd" * 20)}
    history.commit("line", own)
    for name, files in {
        "fix": {"a.py": lines((10, "fixed"))}, "clash": {"a.py": lines((18, "main's"))},
        "there": {"a.py": lines((3, "here"))}, "odd": {"caf\udce9": "main's\n"},
        "module": {"third": submodule("ef" * 20)},
    }.items():  # fmt: skip
        history.branch(name, "main")
        history.commit(name, files, f"Change {name}\x1b[31m of ünï")
    history.branch("series", "there")
    history.commit("series", {"a.py": lines((3, "here"), (10, "fixed"))}, "Second")
    history.branch("merged", "main")
    history.commit("merged", {"c.py": "c\n"})
    history.merge("merged", "fix")
    history.git("checkout", "-qf", "fix")
    return history


@pytest.fixture
def relbot(history, capsys, monkeypatch):
    """Runs `relbot pick` on the history, in this process, and gives the exit code, the output and the complaints."""

    def run(*arguments, batch=None, repository=history.path):
        if batch is not None:
            file = history.path.parent / "batch"
            file.write_bytes(batch)
            monkeypatch.setattr(sys, "stdin", file.open())
            arguments = ("--batch", "-", *arguments)
        code = cli.main(["pick", "--repo", str(repository), *arguments])
        if batch is not None:
            sys.stdin.close()
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture(autouse=True)
def nothing_is_touched(history):
    before = snapshot(history.path)
    yield
    assert snapshot(history.path) == before


# ── one wish ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("arguments", "code"), [
    (["fix"], 0), (["main..series"], 0), (["there"], 3), (["clash"], 4), (["merged", "--mainline", "1"], 0),
    (["fix", "clash"], 4), (["main..fix", "there"], 0), (["merged"], 2), (["merged", "--mainline", "3"], 2),
    (["nowhere"], 2), (["main..main"], 2),
    ([NOBODY], 2), ([], 2), (["fix", "--mainline", "x"], 2), (["fix", "--no-such-option"], 2),
    (["fix", "--create", "a..b"], 2), (["fix", "--create", "main"], 2), (["fix", "--batch", "x"], 2),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_the_exit_code_says_how_it_ended(relbot, arguments, code, form):
    got, out, err = relbot("--onto", "line", *arguments, *form)
    assert got == code
    assert "Traceback" not in out + err
    assert (err == "") == (code in (0, 3, 4) or bool(form and out))


@pytest.mark.parametrize(("arguments", "said"), [
    (["--onto", "line", "nowhere"], "'nowhere' names no commit in"),
    (["--onto", "nowhere", "fix"], "'nowhere' names no commit in"),
    (["--onto", "line", NOBODY], f"there is no commit {NOBODY}"),
    (["--onto", "line", "merged"], "say which parent"),
    (["--onto", "line", "main..main"], "is empty"),
    (["--onto", "line"], "Name a target with --onto"),
    (["fix"], "Name a target with --onto"),
    (["--batch", "-", "--onto", "line"], "leave out"),
    (["--batch", "-", "--mainline", "1"], "leave out"),
    (["--batch", "-", "--sign-off"], "leave out"),
    (["--batch", "-", "fix"], "leave out"),
    (["--onto", "line", "fix", "--create", "x y"], "not a branch name"),
])
def test_wrong_usage_is_told_in_one_line(relbot, arguments, said):
    code, out, err = relbot(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("relbot: ")
    assert said in err
    assert err.count("\n") == 1 or "usage" in err


def test_where_there_is_no_repository_it_is_told(tmp_path, capsys):
    assert cli.main(["pick", "--repo", str(tmp_path), "--onto", "x", "y"]) == 2
    assert "There is no git repository at" in capsys.readouterr().err


def test_json_is_to_the_letter_for_a_pick(relbot, history):
    answer = one(relbot("--onto", "line", "--json", "fix"))
    onto, fix = history.sha("line"), history.sha("fix")
    assert list(answer) == FIELDS
    assert answer == {
        "id": None, "outcome": "picked", "onto": onto, "tree": answer["tree"], "commit": answer["commit"],
        "picks": [{"source": fix, "result": answer["commit"], "outcome": "picked"}], "conflicts": [], "message": None,
    }  # fmt: skip
    assert len(answer["tree"]) == len(answer["commit"]) == 40


def test_json_is_to_the_letter_when_present(relbot, history):
    assert one(relbot("--onto", "line", "--json", "there")) == {
        "id": None, "outcome": "present", "onto": history.sha("line"), "tree": history.tree("line"), "commit": None,
        "picks": [{"source": history.sha("there"), "result": None, "outcome": "present"}], "conflicts": [],
        "message": None,
    }  # fmt: skip


def test_json_is_to_the_letter_when_partial(relbot, history):
    answer = one(relbot("--onto", "line", "--json", "main..series"))
    assert answer["outcome"] == "partial"
    assert answer["picks"] == [
        {"source": history.sha("there"), "result": None, "outcome": "present"},
        {"source": history.sha("series"), "result": answer["commit"], "outcome": "picked"},
    ]


def test_json_is_to_the_letter_in_a_conflict(relbot, history):
    assert one(relbot("--onto", "line", "--json", "clash", "fix")) == {
        "id": None, "outcome": "conflict", "onto": history.sha("line"), "tree": None, "commit": None,
        "picks": [{"source": history.sha("clash"), "result": None, "outcome": "conflict"},
                  {"source": history.sha("fix"), "result": None, "outcome": "skipped"}],
        "conflicts": [{"path": "a.py", "kind": "contents"}], "message": None,
    }  # fmt: skip


@pytest.mark.parametrize(("onto", "what", "said"), [
    ("line", "merged", "is a merge"), ("line", "nowhere", "'nowhere' names no commit"),
    ("nowhere", "fix", "'nowhere' names no commit"),
])  # fmt: skip
def test_json_is_to_the_letter_for_what_cannot_be_picked(relbot, history, onto, what, said):
    answer = one(relbot("--onto", onto, "--json", what))
    assert list(answer) == FIELDS
    assert said in answer.pop("message")
    assert answer == {"id": None, "outcome": "error", "onto": history.sha("line") if onto == "line" else None,
                      "tree": None, "commit": None, "picks": [], "conflicts": []}  # fmt: skip


def test_a_batch_without_an_input_is_told(history, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert cli.main(["pick", "--repo", str(history.path), "--batch", "-"]) == 2
    assert "standard input, which is closed" in capsys.readouterr().err


def test_a_path_that_is_no_utf_8_is_still_json(relbot):
    assert one(relbot("--onto", "line", "--json", "odd"))["conflicts"] == [{"path": "caf\udce9", "kind": "contents"}]


def test_an_output_that_holds_no_letters_beyond_ascii_gets_them_escaped(history):
    command = [sys.executable, "-m", "bot", "pick", "--repo", str(history.path), "--batch", "-"]
    done = subprocess.run(command, input='{"id": "ü🚀"}\n'.encode(), capture_output=True, timeout=30, check=True,
                          env={**os.environ, "PYTHONIOENCODING": "ascii"})  # fmt: skip
    assert done.stdout.isascii()
    assert json.loads(done.stdout)["id"] == "ü🚀"


def one(ran) -> dict:
    _, out, err = ran
    assert err == ""
    assert out.count("\n") == 1
    return json.loads(out)


def test_text_shows_every_commit_and_no_control_characters(relbot, history):
    code, out, _ = relbot("--onto", "line", "fix", "clash", "there")
    assert code == 4
    for word in (history.sha("fix")[:12], "picked", "conflict", "skipped", "ünï", "a.py (contents)"):
        assert word in out
    assert "\x1b" not in out


def test_text_ends_in_what_was_done(relbot):
    assert "--create REF keeps it" in relbot("--onto", "line", "fix")[1]
    assert "already on" in relbot("--onto", "line", "there")[1]
    assert "Nothing was written" in relbot("--onto", "line", "odd")[1]


def test_a_sign_off_is_added_when_asked_for(relbot):
    plain, signed = (one(relbot("--onto", "line", "--json", "fix", *more)) for more in ([], ["--sign-off"]))
    assert plain["tree"] == signed["tree"]
    assert plain["commit"] != signed["commit"]


def test_the_same_pick_has_the_same_id_again(relbot):
    assert relbot("--onto", "line", "--json", "fix") == relbot("--onto", "refs/heads/line", "--json", "main..fix")


# ── --create ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_create_makes_a_whole_branch_once_and_touches_nothing_else(relbot, history, tmp_path):
    copy = History(Path(shutil.copytree(history.path, tmp_path / "copy", symlinks=True)))
    before = snapshot(copy.path)
    created = ("--onto", "line", "--create", "backport/2.7/12")
    code, out, _ = relbot(*created, "main..series", repository=copy.path)
    assert code == 0
    assert "refs/heads/backport/2.7/12 is now" in out
    after = snapshot(copy.path)
    assert {file for file, _ in after.items() - before.items() if "/objects/" not in file} == {
        ".git/refs/heads/backport/2.7/12", ".git/logs/refs/heads/backport/2.7/12"}  # fmt: skip
    assert before.items() <= after.items()
    code, out, err = relbot(*created, "fix", repository=copy.path)
    assert (code, out) == (2, "")
    assert "exists already" in err
    assert snapshot(copy.path) == after
    assert copy.git("fsck", "--connectivity-only", "--no-dangling") == ""
    assert copy.git("status", "--porcelain") == ""
    made = copy.git("log", "-1", "--format=%P %an %cn %B", "backport/2.7/12")
    assert made.startswith(f"{history.sha('line')} Ada relbot Second\n")
    assert made.rstrip().endswith(f"(cherry picked from commit {history.sha('series')})")


@pytest.mark.parametrize("what", ["there", "clash"])
def test_create_makes_nothing_where_there_is_nothing_to_keep(relbot, history, what):
    assert relbot("--onto", "line", "--create", "never", what)[0] in (3, 4)
    assert history.sha("never", missing=True) == ""


# ── a batch ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(name, *commits, onto="line", **more):
    return json.dumps({"id": name, "onto": onto, "commits": list(commits), **more}).encode()


def test_a_batch_answers_every_line_in_order(relbot, history):
    fix, clash, there, merged = (history.sha(name) for name in ("fix", "clash", "there", "merged"))
    wishes = [
        (ask(1, fix), "picked"), (ask("two", clash), "conflict"), (ask(None, there), "present"),
        (ask([3, {"x": "ü"}], there, fix), "partial"), (ask(4, merged), "error"),
        (ask(5, merged, mainline=1), "picked"),
        (ask(6, "fix"), "picked"), (ask(7, fix, onto=history.sha("line")), "picked"), (ask(8, NOBODY), "error"),
        (ask(9, "nowhere"), "error"), (ask(10, fix, onto="nowhere"), "error"), (ask(11), "error"),
        (ask(12, fix, mainline=None), "picked"), (ask(13, merged, mainline=9), "error"), (ask(14, "main@{7}"), "error"),
        (ask(15, fix[:10]), "picked"), (ask(1, fix), "picked"),
    ]  # fmt: skip
    code, out, err = relbot(batch=b"\n".join(line for line, _ in wishes))
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [(a["id"], a["outcome"]) for a in answers] == [(json.loads(line)["id"], o) for line, o in wishes]
    assert all(list(answer) == FIELDS for answer in answers)
    assert all((answer["message"] is None) == (answer["outcome"] != "error") for answer in answers)
    assert answers[0] == answers[-1]


BAD = {
    "nonsense": (b"nonsense", None), "half of it": (b'{"id": 1, "onto": "li', None), "a list": (b"[1]", None),
    "a number": (b"12", None), "null": (b"null", None), "no commits": (b'{"id": 7, "onto": "line"}', 7),
    "no target": (b'{"id": 7, "commits": ["fix"]}', 7), "an empty target": (b'{"id": 7, "onto": "", "commits": []}', 7),
    "a target that is a number": (b'{"id": 7, "onto": 1, "commits": ["fix"]}', 7),
    "commits that are a word": (b'{"id": 7, "onto": "line", "commits": "fix"}', 7),
    "commits that are numbers": (b'{"id": 7, "onto": "line", "commits": [1]}', 7),
    "an empty commit": (b'{"id": 7, "onto": "line", "commits": [""]}', 7),
    "a mainline that is a word": (b'{"id": 7, "onto": "line", "commits": ["fix"], "mainline": "1"}', 7),
    "a mainline that is true": (b'{"id": 7, "onto": "line", "commits": ["fix"], "mainline": true}', 7),
    "bytes": (b"\xff\xfe\xfa", None), "zero bytes": (b"\0\0\0", None), "a deep nest": (b"[" * 100_000, None),
    "a deep id": (b'{"id": ' + b"[" * 980 + b"]" * 980 + b"}", ...), "half a letter": (b'{"id": "\\ud800"}', "\ud800"),
    "half a letter as target": (b'{"id": 7, "onto": "\\ud800", "commits": ["\\udfff"]}', 7),
    "not a number": (b'{"id": NaN, "onto": "line", "commits": ["fix"]}', None),
    "an endless number": (b'{"id": 1e999, "onto": "line", "commits": ["fix"]}', None),
    "a line break in a name": (b'{"id": 7, "onto": "line\\nmain", "commits": ["fix\\u0000"]}', 7),
    "an option for a name": (b'{"id": 7, "onto": "--all", "commits": ["--upload-pack=x"]}', 7),
    "a range": (b'{"id": 7, "onto": "line", "commits": ["main..fix"]}', 7),
    "a very long number": (b'{"id": ' + b"9" * 5000 + b"}", None), "a very long mainline": (
        b'{"id": 7, "onto": "line", "commits": ["fix"], "mainline": ' + b"9" * 4000 + b"}", 7),
    "a long line": (b'{"id": 7, "onto": "' + b"x" * 1_000_100 + b'"}', None),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "name"), BAD.values(), ids=BAD)
def test_a_bad_line_is_answered_and_disturbs_no_other(relbot, history, bad, name):
    good = ask("good", "fix")
    code, out, err = relbot(batch=good + b"\n" + bad + b"\r\n" + good + b"\n")
    assert (code, err) == (0, "")
    first, answer, last = out.splitlines()
    assert first == last
    assert json.loads(first)["outcome"] == "picked"
    answer = json.loads(answer, parse_constant=pytest.fail)
    assert list(answer) == FIELDS
    assert answer["outcome"] == "error"
    assert answer["message"]
    assert name is ... or answer["id"] == name


def test_blank_lines_are_no_wishes(relbot):
    code, out, _ = relbot(batch=b"\n  \n" + ask(1, "fix") + b"\n\n\r\n" + ask(2, "fix"))
    assert code == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == [1, 2]


def test_an_empty_batch_is_done(relbot):
    assert relbot(batch=b"") == (0, "", "")


def test_a_line_without_end_is_refused_after_the_ones_before_it_are_answered(relbot):
    code, out, err = relbot(batch=ask(1, "fix") + b"\n" + b"x" * 3_000_000)
    assert code == 2
    assert json.loads(out)["id"] == 1
    assert "longer than" in err


def test_a_thousand_lines_are_answered_in_order(relbot, history):
    names = ["fix", "clash", "there", "main..fix"]
    batch = b"\n".join(ask(n, names[n % 4]) for n in range(1000))
    code, out, err = relbot(batch=batch)
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [a["id"] for a in answers] == list(range(1000))
    assert [a["outcome"] for a in answers] == ["picked", "conflict", "present", "error"] * 250


class Stream:
    """`relbot pick --batch -` in a process of its own, with its input left open."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._heard = b""

    def send(self, data: bytes) -> None:
        self.process.stdin.write(data)

    def hear(self) -> dict:
        while b"\n" not in self._heard:
            source = self.process.stdout.fileno()
            assert select.select([source], [], [], 20)[0], "no answer while the input is open"
            self._heard += os.read(source, 1 << 16)
        line, _, self._heard = self._heard.partition(b"\n")
        return json.loads(line)


@pytest.fixture
def stream(history):
    command = [sys.executable, "-m", "bot", "pick", "--repo", str(history.path), "--batch", "-"]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, bufsize=0) as process:
        yield Stream(process)
        process.kill()


def test_answers_come_while_the_input_stays_open(stream):
    stream.send(ask(0, "fix") + b"\n")
    assert stream.hear()["id"] == 0
    for n in range(1, 4):
        begun = time.monotonic()
        stream.send(ask(n, "fix")[:5])
        stream.send(ask(n, "fix")[5:] + b"\n")
        assert stream.hear()["id"] == n
        assert 0.04 < time.monotonic() - begun < 3
    stream.send(ask(9, "clash"))
    stream.process.stdin.close()
    assert stream.hear()["id"] == 9
    assert stream.process.wait(10) == 0


def test_more_than_a_group_is_answered_without_waiting_for_more(stream):
    for n in range(600):
        stream.send(ask(n, "fix") + b"\n")
    assert [stream.hear()["id"] for _ in range(600)] == list(range(600))


def test_lines_that_drip_in_are_answered_all_the_same(stream):
    for n in range(12):
        stream.send(ask(n, "fix") + b"\n" + b'{"id"')
        time.sleep(0.02)
        stream.send(b': "other"}\n')
    heard = [stream.hear()["id"] for _ in range(24)]
    assert heard == [name for n in range(12) for name in (n, "other")]


def test_a_reader_that_goes_away_ends_the_batch_quietly(stream):
    stream.process.stdout.close()
    stream.send(ask(1, "fix") + b"\n")
    assert stream.process.wait(20) == 141
    assert stream.process.stderr.read() == b""
