"""git is started clean: nobody's variables, configuration or hooks, a deadline that holds, and no secret shown."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.core.errors import UserError
from bot.tools.git import Complaints, Git, GitFault, check_branch, is_object_id, processes_started, stop, version
from tests.tools.histories import ENVIRONMENT, History

EXAMPLES = int(os.environ.get("RELBOT_EXAMPLES", "200"))
ELSEWHERE = "/nonexistent"
HOSTILE = {
    "GIT_DIR": ELSEWHERE, "GIT_WORK_TREE": ELSEWHERE, "GIT_INDEX_FILE": ELSEWHERE, "GIT_COMMON_DIR": ELSEWHERE,
    "GIT_OBJECT_DIRECTORY": ELSEWHERE, "GIT_ALTERNATE_OBJECT_DIRECTORIES": ELSEWHERE,
    "GIT_QUARANTINE_PATH": ELSEWHERE, "GIT_NAMESPACE": "evil", "GIT_SHALLOW_FILE": ELSEWHERE,
    "GIT_GRAFT_FILE": ELSEWHERE, "GIT_EXEC_PATH": ELSEWHERE, "GIT_REPLACE_REF_BASE": "refs/evil",
    "GIT_CONFIG": ELSEWHERE, "GIT_CONFIG_GLOBAL": ELSEWHERE, "GIT_CONFIG_SYSTEM": ELSEWHERE,
    "GIT_CONFIG_NOSYSTEM": "0", "GIT_CONFIG_PARAMETERS": "'user.name'='Evil'", "GIT_CONFIG_COUNT": "4",
    **{f"GIT_CONFIG_KEY_{n}": f"evil.key{n}" for n in range(4)},
    **{f"GIT_CONFIG_VALUE_{n}": "evil" for n in range(4)}, "GIT_SSH": "evil", "GIT_SSH_COMMAND": "evil",
    "GIT_PROXY_COMMAND": "evil", "GIT_EXTERNAL_DIFF": "evil", "GIT_ASKPASS": "evil", "GIT_EDITOR": "evil",
    "GIT_PAGER": "evil", "GIT_TEMPLATE_DIR": ELSEWHERE, "GIT_TRACE": "2", "GIT_ALLOW_PROTOCOL": "ext",
    "GIT_ATTR_SOURCE": "HEAD", "GIT_AUTHOR_NAME": "Evil", "GIT_COMMITTER_EMAIL": "evil@x",
    "GIT_LITERAL_PATHSPECS": "1", "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1", "GIT_DEFAULT_HASH": "sha256",
}  # fmt: skip


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "r")
    history.commit("main", {"a.py": "a\n"}, "first")
    return history


@pytest.fixture
def hostile(monkeypatch, tmp_path):
    """The environment of somebody who means no good, with a home that has configuration."""
    home = tmp_path / "home"
    (home / "git").mkdir(parents=True)
    for file in (home / ".gitconfig", home / "git" / "config"):
        file.write_text("[user]\n\tname = Home\n[evil]\n\thome = yes\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def fake_git(monkeypatch, tmp_path):
    """Puts a shell script in the place of git."""

    def install(script):
        place = tmp_path / "bin"
        place.mkdir()
        (place / "git").write_text(f"#!/bin/sh\n{script}\n")
        (place / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
        return Git(tmp_path, deadline=0.5)

    return install


# ── environment and configuration ────────────────────────────────────────────────────────────────────────────────────


def test_variables_that_send_git_elsewhere_are_not_followed(history, hostile):
    git = Git(history.git_dir)
    assert git.run("rev-parse", "main").decode().strip() == history.sha("main")
    assert git.run("rev-parse", "--git-dir").decode().strip() == str(history.git_dir)
    git.run("update-ref", "refs/heads/made", "main")
    assert history.sha("made") == history.sha("main")


def test_the_process_gets_our_variables_and_none_of_theirs(fake_git, hostile):
    seen = dict(line.split("=", 1) for line in fake_git("exec env").run("x").decode().splitlines() if "=" in line)
    theirs = {name: value for name, value in HOSTILE.items() if seen.get(name) == value}
    assert theirs == {}
    ours = {name for name in seen if name.startswith("GIT_")} & HOSTILE.keys()
    assert ours <= {"GIT_ASKPASS", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0",
                    "GIT_CONFIG_VALUE_0", "GIT_CONFIG_KEY_1", "GIT_CONFIG_VALUE_1"}  # fmt: skip


def test_a_variable_that_a_caller_adds_wins_over_one_of_that_name(history, hostile):
    added = {"GIT_CONFIG_COUNT": "3", "GIT_CONFIG_KEY_2": "relbot.test", "GIT_CONFIG_VALUE_2": "ours"}
    assert Git(history.git_dir, added).run("config", "relbot.test") == b"ours\n"


def test_an_environment_that_changes_is_used_as_it_is_at_each_start(fake_git):
    environment = {"RELBOT_PASSWORD": "one"}
    git = fake_git('printf %s "$RELBOT_PASSWORD"')
    git = Git(git.directory, environment)
    assert git.run("x") == b"one"
    environment["RELBOT_PASSWORD"] = "two"
    assert git.run("x") == b"two"


def test_only_our_configuration_and_the_repository_s_own_are_read(history, hostile):
    listed = Git(history.git_dir).run("config", "--list", "--show-origin", "-z").decode().split("\0")[::2]
    own = Path(__file__).parents[2] / "bot" / "tools" / "gitconfig"
    assert set(listed) - {""} <= {f"file:{own}", f"file:{history.git_dir}/config", "command line:"}
    assert f"file:{own}" in listed


@pytest.mark.parametrize("setting", [None, "hooks", "elsewhere"])
def test_no_hook_runs_wherever_the_repository_says_they_are(history, setting):
    hooks = history.git_dir / (setting or "hooks")
    hooks.mkdir(exist_ok=True)
    ran = history.path / "ran"
    for name in ("reference-transaction", "post-checkout", "update", "post-update"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{ran}'\n")
        (hooks / name).chmod(0o755)
    if setting:
        history.git("config", "core.hooksPath", str(hooks))
    Git(history.git_dir).run("update-ref", "refs/heads/made", "main")
    assert not ran.exists()
    history.git("update-ref", "refs/heads/made2", "main")
    assert ran.exists(), "the hook would not have run in any case"


def test_only_plain_protocols_are_spoken(history, tmp_path):
    git = Git(history.git_dir)
    with pytest.raises(GitFault, match="transport 'ext' not allowed"):
        git.run("ls-remote", f"ext::sh -c touch% {tmp_path}/ran")
    with pytest.raises(GitFault, match="transport 'ssh' not allowed"):
        git.run("ls-remote", "ssh://-oProxyCommand=touch/x")
    assert not (tmp_path / "ran").exists()


# ── deadlines and leftovers ──────────────────────────────────────────────────────────────────────────────────────────

STUCK = {
    "it sleeps": "sleep 20",
    "it holds its pipes and ignores a polite end": "trap '' TERM HUP INT; while :; do sleep 1; done",
    "its child holds the pipes": "sleep 20 & wait",
    "its child holds the pipes after it has ended": "sleep 20 & exit 0",
    "its child's child does": "sh -c 'sleep 20 & wait' & exit 0",
    "it writes without end": "yes",
    "it complains without end": "yes >&2",
    "it does not read": "sleep 20 <&-",
}


@pytest.mark.parametrize("script", STUCK.values(), ids=STUCK)
def test_the_deadline_is_kept(fake_git, script):
    begun = time.monotonic()
    with pytest.raises(GitFault, match=r"no answer within 0.5 s") as told:
        fake_git(script).run("x", stdin=b"x" * 500_000)
    assert time.monotonic() - begun < 15, "long before it would have ended by itself"
    assert told.value.passing


def test_nothing_is_left_of_a_process_that_was_ended(fake_git, tmp_path):
    git = fake_git(f"sh -c 'echo $$ > {tmp_path}/child; exec sleep 20' & wait")
    with pytest.raises(GitFault):
        git.run("x")
    assert ended((tmp_path / "child").read_text().strip())


def test_a_process_that_is_stopped_takes_its_children_with_it(fake_git, tmp_path):
    process = fake_git("sh -c 'echo $$; exec sleep 20' & wait").start("x")
    child = process.stdout.readline().decode().strip()
    stop(process)
    assert ended(child)
    assert process.returncode == -9


def ended(pid: str) -> bool:
    """Whether a process is gone, or only waits for its new parent to notice."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_many_runs_leave_no_zombies_no_open_files_and_no_threads(history):
    git = Git(history.git_dir)

    def run():
        git.run("rev-parse", "main")
        git.attempt("no-such-command")
        with git.piped(["log", "-p", "main"], ["patch-id"]) as out:
            out.read()
        with pytest.raises(ZeroDivisionError), git.piped(["log", "-p", "main"], ["patch-id"]) as out:
            raise ZeroDivisionError

    run()
    before = open_files(), children()
    for _ in range(10):
        run()
    assert (open_files(), children()) == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def children() -> set[str]:
    stats = [stat.read_text().rsplit(")", 1)[1].split() for stat in Path("/proc").glob("[0-9]*/stat") if stat.exists()]
    return {" ".join(fields[:2]) for fields in stats if fields[1] == str(os.getpid())}


def test_every_process_is_counted_under_its_command(history):
    before = processes_started()
    Git(history.git_dir).run("rev-parse", "main")
    with Git(history.git_dir).piped(["log", "main"], ["patch-id"]) as out:
        out.read()
    assert processes_started() - before == {"rev-parse": 1, "log": 1, "patch-id": 1}


# ── pipes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_comes_through_a_pipe_is_whole(history):
    commits = [history.commit("main", {"a.py": f"{n}\n" * 200}, f"{n}") for n in range(50)]
    with Git(history.git_dir).piped(["diff-tree", "-p", "--stdin"], ["patch-id", "--verbatim"],
                                    stdin="".join(f"{c}\n" for c in commits).encode()) as out:  # fmt: skip
        lines = out.read().decode().splitlines()
    assert [line.split()[1] for line in lines] == commits


@pytest.mark.parametrize(("first", "second", "said"), [
    (["log", "no-such-branch"], ["patch-id"], "no-such-branch"),
    (["log", "-p", "main"], ["no-such-command"], "no-such-command"),
])
def test_the_half_of_a_pipe_that_failed_is_the_one_that_is_named(history, first, second, said):
    with pytest.raises(GitFault, match=said), Git(history.git_dir).piped(first, second) as out:
        out.read()


def test_complaints_do_not_block_a_pipe(fake_git):
    git = fake_git('head -c 900000 /dev/zero >&2; if [ "$2" = one ]; then echo data; else cat; fi')
    git.deadline = 10
    with git.piped(["one"], ["two"]) as out:
        assert out.read() == b"data\n"


def test_the_deadline_of_a_pipe_is_kept(fake_git):
    begun = time.monotonic()
    with pytest.raises(GitFault, match=r"no answer within 0.5 s"), fake_git("sleep 20").piped(["a"], ["b"]) as out:
        out.read()
    assert time.monotonic() - begun < 2.5


def test_the_last_complaints_are_kept(fake_git):
    process = fake_git("i=0; while [ $i -lt 500 ]; do echo complaint $i >&2; i=$((i+1)); done").start("x")
    complaints = Complaints(process)
    process.wait(5)
    assert complaints.text().endswith(b"complaint 499\n")
    assert len(complaints.text()) < 2000
    stop(process)


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("url", [
    "https://bot:s3cret@example.org/a/b", "https://s3cret@example.org/a/b", "https://bot:p@s3cret@example.org/a/b",
    "http://bot:s3cret@127.0.0.1:1/a?x=y@z",
])
def test_no_credential_of_an_address_is_told(history, url):
    with pytest.raises(GitFault) as told:
        Git(history.git_dir).run("no-such-command", url, f"--with={url}")
    fault = GitFault(["fetch", url], 128, f"fatal: unable to access '{url}': no".encode())
    for text in (str(told.value), str(fault), fault.stderr, repr(fault), *map(str, fault.args)):
        assert "s3cret" not in text
    assert "example.org" in str(fault) or "127.0.0.1" in str(fault)


def test_a_fault_says_what_was_run_and_what_git_said(history):
    with pytest.raises(GitFault) as told:
        Git(history.git_dir).run("rev-parse", "--verify", "no-such-branch")
    assert str(told.value).startswith("`git rev-parse --verify no-such-branch` exited with 128: fatal: ")
    assert (told.value.status, told.value.passing) == (128, False)


def test_a_status_that_is_expected_is_no_fault(history):
    assert Git(history.git_dir).run("diff", "--quiet", "main", "main", ok=(0, 1)) == b""
    assert Git(history.git_dir).attempt("rev-parse", "--verify", "-q", "none").status == 1


def test_without_git_there_is_a_sentence_for_the_user(history, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UserError, match=r"no `git` on PATH"):
        Git(history.git_dir).run("version")


@pytest.mark.parametrize(("said", "numbers"), [
    ("git version 2.39.5", (2, 39, 5)), ("git version 2.50.1 (Apple Git-155)", (2, 50, 1)),
    ("git version 3.0", (3, 0, 0)), ("git version 2.44.0.windows.1", (2, 44, 0)),
])
def test_the_version_is_read(fake_git, said, numbers):
    fake_git(f"echo '{said}'")
    assert version() == numbers


@pytest.mark.parametrize("said", ["git version 2.38.9", "git version 1.99", "nonsense"])
def test_a_git_that_is_too_old_is_refused(fake_git, said):
    fake_git(f"echo '{said}'")
    with pytest.raises(UserError, match=r"2\.39 or newer"):
        version()


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES = [
    "main", "release/2.7", "backport/2.7/12", "--upload-pack=touch${IFS}x", "-x", "x-", "a-/-b", "a'b", 'a"b', "a`b",
    "$(x)", "#12", "ünï/cödé", "日本", "🚀", "a b", "a\tb", "a\nb", "a\rb", "a\x7fb", "a\x01b", "", ".", "..", "a..b",
    ".a", "a/.b", "a.", "a./b", "a.lock", "a.lock/b", "a.lockb", "/a", "a/", "a//b", "@", "@{", "a@{b", "a@b", "@/a",
    "a@", "HEAD", "a/HEAD", "HEAD/a", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a]b", "a\\b", "refs/heads/x",
    "refs/x", "x" * 250, "x" * 300, "x/" * 150 + "x", "é" * 130, "FETCH_HEAD", "a\u202eb", "a\u00a0b", "a\u0085b",
    "\udcff", "a{b}", "a,b", "&&", "|", "<a>", "~", "!a", "%00", "\ufeffa", "a;b",
]  # fmt: skip


def git_accepts(name: str) -> bool:
    done = subprocess.run(["git", "check-ref-format", "--branch", os.fsencode(name)], capture_output=True, check=False,
                          env=ENVIRONMENT, cwd="/")  # fmt: skip
    return done.returncode == 0


def we_accept(name: str) -> bool:
    try:
        return check_branch(name) == name
    except UserError:
        return False


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_branch_name_is_refused_exactly_when_git_refuses_it(name):
    assert we_accept(name) == git_accepts(name)


@given(st.text(st.sampled_from("ab./@{}-~^:?*[\\ \t\nlockHEAD\x7f\x00é\"'#=\ud800"), max_size=9))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@example("a.lock")
def test_random_branch_names_are_refused_exactly_when_git_refuses_them(name):
    expressible = "\0" not in name and "\ud800" not in name  # git cannot even be asked about the others
    assert we_accept(name) == (expressible and git_accepts(name))


@pytest.mark.parametrize(("text", "is_one"), [
    ("12" * 20, True), ("ab" * 32, True), ("AB" * 20, False), ("12" * 19, False), ("12" * 20 + "\n", False),
    ("g" * 40, False), ("", False), ("１" * 40, False),
])
def test_an_object_id_is_forty_or_sixty_four_lower_case_hex_digits(text, is_one):
    assert is_object_id(text) == is_one
