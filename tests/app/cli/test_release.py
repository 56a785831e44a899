"""`relbot release` and `relbot release adopt`, on both of the sandbox's forges."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from dataclasses import replace
from io import StringIO

import pytest

from bot.app import cli, log
from bot.app.cli.output import Exit
from bot.app.cli.release import Did, _confirm, _show, configure
from bot.core.issues import TRACKER_LABEL
from bot.core.jobs import Report
from bot.core.model import Branch, CheckReport, Line, Person, Repo, Secret
from bot.core.release.tracker import Account, HoldRow, View, render_tracker
from bot.core.wishes import Asked, MakeFinal
from bot.forges.github import GitHub
from bot.forges.gitlab import GitLab
from bot.forges.pacing import Manners
from tests.tools.histories import History

PATH = "acme/torchkit"
TOKENS = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}
STAGED = "relbot/rc/2.7"


@pytest.fixture(autouse=True)
def _forget_what_is_hidden(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())


@pytest.fixture(params=["github", "gitlab"])
def kind(request):
    return request.param


@pytest.fixture
def forge(kind, request, tmp_path, monkeypatch):
    """A forge with a line on which something has landed; mona may release, ada may write, relbot is the bot's."""
    sandbox = request.getfixturevalue("sandbox" if kind == "github" else "gitlab_sandbox")
    sandbox.create_repository(PATH)
    for login, role in (("mona", "maintain"), ("ada", "write"), ("relbot", "write")):
        sandbox.add_user(login)
        sandbox.grant(PATH, login, role)
    sandbox.commit(PATH, "main", {"README.md": "A kit.\n"}, "Start", by="mona")
    sandbox.branch(PATH, "release/2.7", "main", by="mona")
    sandbox.commit(PATH, "release/2.7", {"a.py": "1\n"}, "fix: mend it", by="ada")
    address = "api" if kind == "github" else "url"
    (tmp_path / "server.toml").write_text(
        f'[data]\ndirectory = "{tmp_path}/data"\n'
        f'[{kind}]\n{address} = "{sandbox.url}"\nclone_base = "{sandbox.url}"\npaced = false\n'
    )
    monkeypatch.setenv("RELBOT_SETTINGS", str(tmp_path / "server.toml"))
    monkeypatch.setenv(TOKENS[kind], sandbox.token_for("mona"))
    return sandbox


def relbot(capsys, *arguments):
    """Exit code, and the JSON document that was printed, or else what was said."""
    code = cli.main(["release", *arguments, "--repository", PATH, "--json"])
    shown = capsys.readouterr()
    return code, json.loads(shown.out) if shown.out else shown.err


def let_a_second_pass():
    """What is asked in the same second is the same wish."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.05)


def refs(forge, *patterns):
    listed = forge.git(PATH).run("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", *patterns)
    return {line.split()[0]: line.split()[-1] for line in listed.splitlines()}


def trackers(forge):
    repository = forge.find(PATH)
    return {*repository.issues, *repository.tickets}


# ── rc ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_candidate_is_rehearsed_then_made_in_the_name_of_the_tokens_owner(forge, capsys):
    before = refs(forge)
    code, said = relbot(capsys, "rc", "2.7", "--rehearse")
    assert (code, said["outcome"], said["asked_by"]) == (Exit.DONE, "waiting", "mona"), "its commit is not there yet"
    assert [(write["write"], write["branch"]) for write in said["writes"]] == [("StageRelease", STAGED)]
    assert refs(forge) == before
    code, said = relbot(capsys, "rc", "v2.7")
    assert (code, said["outcome"], said["summary"][:21]) == (Exit.DONE, "made", "v2.7.0-rc1 is made of")
    assert said.keys() == {
        "repository", "forge", "verb", "line", "asked_by", "outcome", "summary", "told", "follows", "unconfirmed",
    }  # fmt: skip
    tag = forge.git(PATH).run("cat-file", "tag", "v2.7.0-rc1")
    assert "Requested-By: mona\nRequested-In: command line at " in tag
    assert len({*refs(forge, "refs/heads/release/2.7", "refs/tags").values()}) == 1
    let_a_second_pass()
    code, said = relbot(capsys, "rc", "2.7")
    assert (code, said["outcome"]) == (Exit.NOTHING, "nothing")
    assert "nothing new on the line" in said["told"]


def test_nobody_but_a_manager_in_person_is_heard(forge, kind, capsys, monkeypatch):
    monkeypatch.setenv(TOKENS[kind], forge.token_for("ada"))
    code, said = relbot(capsys, "rc", "2.7")
    assert (code, "takes a release manager" in said["told"]) == (Exit.REFUSED, True)
    monkeypatch.setenv(TOKENS[kind], "nonsense")
    code, said = relbot(capsys, "rc", "2.7")
    assert (code, "Check the token" in said, "fault" in said) == (Exit.USAGE, True, False)
    forge.add_user("robot", bot=True)
    forge.grant(PATH, "robot", "maintain")
    monkeypatch.setenv(TOKENS[kind], forge.token_for("robot"))
    code, said = relbot(capsys, "rc", "2.7")
    assert (code, "which is no person's account" in said) == (Exit.REFUSED, True)
    assert refs(forge, "refs/tags") == {}


def test_checks_are_waited_for_and_the_next_run_goes_on(forge, kind, capsys):
    def passes(branch):
        repo = Repo(kind, forge.find(PATH).id, PATH, "main")
        token, manners = Secret(forge.token_for("relbot")), Manners(pace=None)
        on = (GitHub if kind == "github" else GitLab)(forge.url, token, manners=manners)
        [sha] = refs(forge, f"refs/heads/{branch}").values()
        on.report_on(repo, sha, CheckReport("build", "success", "x", "x"))

    passes("release/2.7")
    assert cli.main(["release", "rc", "2.7", "--repository", PATH]) == Exit.DONE
    shown = capsys.readouterr()
    assert "is prepared as" in shown.out and "\x1b" not in shown.out and "\\u200b" not in shown.out
    assert "run it again later, or add --wait" in shown.err
    staged = refs(forge, f"refs/heads/{STAGED}")
    assert (len(staged), refs(forge, "refs/tags")) == (1, {})
    passes(STAGED)
    code, said = relbot(capsys, "rc", "2.7")
    assert (code, said["outcome"]) == (Exit.DONE, "made")
    assert [*refs(forge, "refs/tags").values()] == [*staged.values()], "the very commit that was checked"


def test_a_hold_in_the_trackers_of_the_bot_counts_for_people_too(forge, capsys):
    """The tracker is found by its author, and here another account asks than the one that keeps it."""
    view = View(Line(2, 7), Branch("release/2.7", "1" * 40), "2.7.0", None, (), (), (), (), ())
    held = render_tracker(view, Account(holds=(HoldRow(by="ada", reason="waits for the driver", at=1),)))
    forge.grant(PATH, "rita", "read")
    forge.open_issue(PATH, "Release 2.7", held.replace("driver", "forgery"), by="rita")
    forge.open_issue(PATH, "Release 2.7", held, by="relbot", labels=(TRACKER_LABEL,))
    code, said = relbot(capsys, "rc", "2.7")
    assert (code, "waits for the driver" in said["told"]) == (Exit.REFUSED, True)
    assert refs(forge, "refs/tags", f"refs/heads/{STAGED}") == {}


def test_the_repository_is_that_of_the_clone_where_none_is_named(forge, kind, tmp_path, capsys, monkeypatch):
    history = History(tmp_path / "clone")
    history.git("config", "remote.origin.url", f"{forge.url}/{PATH}.git")
    monkeypatch.chdir(history.path)
    assert cli.main(["release", "rc", "2.7", "--rehearse", "--json"]) == Exit.DONE
    said = json.loads(capsys.readouterr().out)
    assert (said["repository"], said["forge"]) == (PATH, kind)
    history.git("config", "remote.origin.url", "https://elsewhere.example/acme/torchkit.git")
    assert cli.main(["release", "rc", "2.7", "--rehearse"]) == Exit.USAGE
    assert "Name the repository with --repository OWNER/NAME." in capsys.readouterr().err


# ── a confirmation ───────────────────────────────────────────────────────────────────────────────────────────────────


class Terminal(StringIO):
    """Somebody sits there."""

    def isatty(self):
        return True


FINAL = MakeFinal(Repo("github", 7, PATH, "main"), Line(2, 7), Asked(Person(1, "mona"), 0, 0))


def given(*arguments):
    parser = ArgumentParser()
    parser.add_argument("--json", action="store_true")
    configure(parser)
    return parser.parse_args(["final", "2.7", *arguments])


TYPED = [("y\n", True), ("Yes\n", True), ("\n", False), ("", False), ("n\n", False)]


@pytest.mark.parametrize(("typed", "confirmed"), TYPED)
def test_who_sits_at_a_terminal_is_asked_after_it_was_shown(typed, confirmed, capsys, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")  # which has no bold letters
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert _confirm(given(), Report(FINAL, "waiting", "x", told="**v2.7.0** would be", code="abcd-1")) is confirmed
    assert capsys.readouterr().out == "", "it may go into a file, and what is asked is seen all the same"
    shown, question = sys.stderr.getvalue().split("Do it?")
    assert ("v2.7.0 would be" in shown, question) == (True, " [y/N] ")


def test_who_has_said_no_is_not_shown_it_again_and_a_rehearsal_says_that_it_is_one(capsys, monkeypatch):
    report = Report(FINAL, "waiting", "x", told="v2.7.0 would be", code="abcd-1")
    _show(given("--rehearse"), None, Did(FINAL, replace(report, code=""), ()))
    assert capsys.readouterr().out.startswith("A rehearsal: nothing of this is done.\nv2.7.0 would be")
    _show(given(), None, Did(FINAL, report))
    assert "v2.7.0 would be" in capsys.readouterr().out, "nobody could be asked"
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    monkeypatch.setattr(sys, "stderr", Terminal())
    _show(given(), None, Did(FINAL, report))
    assert (capsys.readouterr().out, sys.stderr.getvalue()) == ("", "relbot: Nothing was done.\n")
    _show(given(), None, Did(FINAL, report, confirmed=True))
    assert "your own yes does not count here" in sys.stderr.getvalue(), "by the policy it takes two"


@pytest.mark.parametrize(("arguments", "confirmed"), [
    (("--yes",), True), (("--json",), False), (("--yes", "--json"), True),
])  # fmt: skip
def test_who_has_said_it_already_or_reads_json_is_not_asked(arguments, confirmed, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert _confirm(given(*arguments), Report(FINAL, "waiting", "x", code="abcd-1")) is confirmed
    assert sys.stderr.getvalue() == ""


def test_nobody_is_asked_in_a_pipe(monkeypatch):
    monkeypatch.setattr(sys, "stdin", StringIO("y\n"))
    assert _confirm(given(), Report(FINAL, "waiting", "x", code="abcd-1")) is False


# ── from a plan to a withdrawal ──────────────────────────────────────────────────────────────────────────────────────


def test_a_version_is_planned_confirmed_released_and_withdrawn(forge, capsys):
    assert relbot(capsys, "plan", "rc", "2.7")[0] == Exit.DONE
    assert refs(forge, "refs/tags", "refs/heads/relbot") == {}
    assert relbot(capsys, "rc", "2.7")[0] == Exit.DONE
    code, said = relbot(capsys, "plan", "final", "2.7")
    assert (code, said["outcome"], "v2.7.0 would be" in said["told"]) == (Exit.DONE, "answered", True)

    code, said = relbot(capsys, "final", "2.7")
    assert (code, said["outcome"], said["unconfirmed"]) == (Exit.REFUSED, "waiting", True)
    assert "v2.7.0 would be" in said["told"]
    code, said = relbot(capsys, "final", "2.7", "--rehearse")
    assert (code, said["outcome"], said["unconfirmed"]) == (Exit.DONE, "made", False)
    assert {"PushRelease", "EnsureRelease"} <= {write["write"] for write in said["writes"]}
    assert refs(forge, "refs/tags").keys() == {"refs/tags/v2.7.0-rc1"}
    code, said = relbot(capsys, "final", "2.7", "--rc", "1", "--yes")
    assert (code, said["outcome"]) == (Exit.DONE, "made")
    tags = refs(forge, "refs/tags")
    assert tags["refs/tags/v2.7.0"] == tags["refs/tags/v2.7.0-rc1"]
    assert "Confirmed-By: mona" in forge.git(PATH).run("cat-file", "tag", "v2.7.0")

    yank = ("yank", "v2.7.0", "--reason", "wrong results")
    assert relbot(capsys, *yank)[0] == Exit.REFUSED
    code, said = relbot(capsys, *yank, "--yes")
    assert (code, said["outcome"]) == (Exit.DONE, "made")
    assert refs(forge, "refs/tags") == tags, "no tag is moved or taken away"
    let_a_second_pass()
    code, said = relbot(capsys, *yank)
    assert (code, said["unconfirmed"]) == (Exit.NOTHING, False)
    code, said = relbot(capsys, "final", "2.7", "--yes")
    assert (code, "Make one: relbot release rc 2.7" in said["told"]) == (Exit.REFUSED, True)


# ── adopt ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_project_with_releases_is_told_of_and_given_what_is_missing_and_nothing_else(forge, capsys):
    tip = refs(forge, "refs/heads/release/2.7")["refs/heads/release/2.7"]
    for name in ("v2.7.0-rc1", "v2.7.0", "nightly-7"):
        forge.tag(PATH, name, tip, by="mona")
    forge.git(PATH).run("update-ref", "refs/tags/2.6.0", refs(forge, "refs/heads/main")["refs/heads/main"])
    before = refs(forge)
    code, said = relbot(capsys, "adopt")
    assert (code, said["other_tags"]) == (Exit.DONE, ["nightly-7"])
    new, old = said["lines"]
    assert (new["line"], new["branch"], new["style"]) == ("2.7", "release/2.7", "vX.Y.Z-rcN")
    assert (new["last_final"], new["last_candidate"], new["next_candidate"]) == ("v2.7.0", None, "v2.7.1-rc1")
    assert (old["line"], old["branch"], old["last_final"], old["next_candidate"]) == ("2.6", None, "2.6.0", "2.6.1-rc1")
    problems = [problem["said"] for problem in new["problems"]]
    assert problems == [
        "v2.7.0-rc1, v2.7.0 have no tag object: nothing tells who made them, and when",
        "the forge shows no release of v2.7.0", "CHANGELOG.md on release/2.7 has no section for 2.7.0",
    ]  # fmt: skip
    assert old["problems"][0]["said"].startswith("2.6.0 has no tag object")
    assert {each["outcome"] for each in said["labels"]} == {"missing"}
    assert said["trackers"] == [{"line": "2.7", "outcome": "missing", "said": None}]
    issues = len(trackers(forge))

    code, said = relbot(capsys, "adopt", "--yes")
    assert (code, {each["outcome"] for each in said["labels"]}) == (Exit.DONE, {"made"})
    assert [(each["line"], each["outcome"]) for each in said["trackers"]] == [("2.7", "made")]
    assert len(trackers(forge)) == issues + 1
    assert refs(forge) == before, "no tag, no branch, no release"

    code, said = relbot(capsys, "adopt", "--yes")
    assert (code, {each["outcome"] for each in said["labels"]}) == (Exit.NOTHING, {"there"})
    assert [(each["line"], each["outcome"]) for each in said["trackers"]] == [("2.7", "there")]
    assert len(trackers(forge)) == issues + 1
    assert cli.main(["release", "adopt", "--repository", PATH]) == Exit.DONE
    shown = capsys.readouterr().out
    assert "v2.7.1-rc1" in shown and "2.7: the forge shows no release of v2.7.0." in shown


# ── what is not understood ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "the following arguments are required: VERB"),
    (("rc", "2"), "'2' is not a line such as 2.7"),
    (("rc", "2.7", "--sha", "$(id)"), "'$(id)' is not fit: write it as 3f1c2ab"),
    (("rc", "2.7", "--wait", "1d"), "'1d' is no age"),
    (("plan", "2.7"), "invalid choice: '2.7'"),
    (("final", "2.7", "--rc", "0"), "'0' is not fit: write it as 3"),
    (("cut", "2.9", "--from", "a b"), "is not fit: write it as main"),
    (("yank", "2.7", "--reason", "x"), "'2.7' is not fit: write it as v2.7.1"),
    (("yank", "v2.7.1"), "required: --reason"),
    (("yank", "v2.7.1", "--reason", " \n"), "say why"),
])  # fmt: skip
def test_what_is_not_understood_is_code_2(capsys, arguments, said):
    assert cli.main(["release", *arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err
