"""The systemd units under a real systemd, in a container that stands for a machine: one server, one worker, SQLite.

The tests stand in the order in which they are told.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app.cli.demo.people import People
from tests.deploy.composed import REPOSITORY, wait_for
from tests.deploy.engine import BOT, NEIGHBOURS, ROOT, docker, readme_command, run
from tests.deploy.project import Project, fixed

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("engine")]
HERE = Path(__file__).parent / "machine"
UNITS = ("relbot", "relbot-work@1")
LISTENS = "journalctl --unit relbot --output cat"
RIGHTS = ("SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN", "DAC_READ_SEARCH")
IMAGE = "relbot-test-machine:deploy"


class Machine:
    """A container whose first process is systemd."""

    def __init__(self, directory: Path) -> None:
        for path in (*(ROOT / "deploy").glob("relbot*"), HERE / "door.conf"):
            shutil.copy(path, directory)
        text = run("sh", "-c", readme_command("/etc/relbot/server.toml"))
        (directory / "server.toml").write_text(text.replace("https://api.github.com", "http://127.0.0.1:8000"))
        names = ("--build-arg", f"BOT={BOT}", "--build-arg", f"NEIGHBOURS={NEIGHBOURS}")
        docker("build", "--file", str(HERE / "Dockerfile"), *names, "--tag", IMAGE, str(directory))
        self.name = f"relbot-test-{secrets.token_hex(3)}"

    def boot(self) -> None:
        """What systemd needs in a container: control groups, and what it takes to shut a unit in."""
        rights = [word for name in RIGHTS for word in ("--cap-add", name)]
        free = ("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined")
        docker(
            "run", "--detach", "--name", self.name, *rights, *free, "--cgroupns", "host",
            "--volume", "/sys/fs/cgroup:/sys/fs/cgroup", "--tmpfs", "/run:exec", "--tmpfs", "/tmp",
            "--env", "container=docker", "--publish", "127.0.0.1::8081", IMAGE,
        )  # fmt: skip
        wait_for("systemd is up", lambda: self.said("systemctl is-system-running") in {"running", "degraded"} or None)
        for command in ("/opt/relbot/bin/python -m bot.sandbox --directory /forge --port 8000",
                        "nginx -c /etc/relbot/door.conf -g 'daemon off;'"):  # fmt: skip
            docker("exec", "--detach", self.name, "sh", "-c", command)

    def do(self, line: str) -> str:
        """Run a line of shell as root."""
        return docker("exec", self.name, "sh", "-c", line)

    def said(self, line: str) -> str:
        """What a line of shell says, whether it succeeds or not."""
        command = ("docker", "exec", self.name, "sh", "-c", line)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout.strip()

    def show(self, unit: str, what: str) -> str:
        return self.do(f"systemctl show --property {what} --value {unit}")


@pytest.fixture(scope="module")
def machine(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    try:
        made.boot()
        yield made
    finally:
        docker("rm", "--force", "--volumes", made.name)


@pytest.fixture(scope="module")
def project(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A repository on the machine's forge, and the units started."""
    people = People(f"http://{docker('port', machine.name, '8081/tcp')}", REPOSITORY)
    wait_for("the forge answers", lambda: answers(people) or None)
    people.control("repositories", path=REPOSITORY)
    for login, role in (("ada", "admin"), ("relbot", "write")):
        people.join(login, role)
    secret = secrets.token_hex(16)
    for name, value in (("github", people.tokens["relbot"]), ("webhook", secret)):
        machine.do(f"umask 077; echo {value} > /etc/relbot/secrets/{name}")
    machine.do(f"systemctl start {' '.join(UNITS)}")
    made = Project(people)
    made.begin(tmp_path_factory.mktemp("desk"), "first", "second")
    made.add_hook("http://127.0.0.1:8080/hooks/github", secret)
    wait_for("it listens", lambda: "Listening" in machine.said(LISTENS) or None)
    return made


def answers(people: People) -> bool:
    try:
        people.look("requests")
    except OSError:
        return False
    return True


def test_a_backport_goes_through_under_systemd(machine: Machine, project: Project) -> None:
    pull = project.wait_until_done(project.land("first"))
    assert project.file("kit/first.py", pull["head"]["ref"]) == fixed("first")
    for unit in UNITS:
        assert (machine.show(unit, "ActiveState"), machine.show(unit, "NRestarts")) == ("active", "0")


@pytest.mark.parametrize("unit", UNITS)
def test_the_process_has_no_rights_and_its_data_nobody_else(machine: Machine, project: Project, unit: str) -> None:
    lines = machine.do(f"cat /proc/{machine.show(unit, 'MainPID')}/status").split("\n")
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert set(status["Uid"].split("\t")) == {machine.do("id -u relbot")}
    assert (int(status["CapEff"], 16), int(status["CapBnd"], 16)) == (0, 0)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert machine.do("stat --format '%U %a' /var/lib/relbot") == "relbot 750"
    assert machine.do("stat --format '%U %a' /var/lib/relbot/relbot.sqlite") == "relbot 600"


def test_the_bot_reads_its_secrets_and_its_user_cannot(machine: Machine, project: Project) -> None:
    read = "runuser --user relbot -- cat /etc/relbot/secrets/github"
    assert machine.said(f"{read} 2>&1").endswith("Permission denied")


def test_what_is_killed_comes_back_and_goes_on(machine: Machine, project: Project) -> None:
    machine.do("systemctl kill --signal KILL relbot")
    number = project.propose("second")
    wait_for("it is started again", lambda: machine.show("relbot", "NRestarts") == "1" or None)
    wait_for("it listens again", lambda: machine.said(LISTENS).count("Listening") == 2 or None)
    project.merge(number)
    project.wait_until_done(number)
    project.once(number)


@pytest.mark.parametrize("unit", UNITS)
def test_told_to_stop_it_ends_in_peace(machine: Machine, project: Project, unit: str) -> None:
    machine.do(f"systemctl stop {unit}")
    assert (machine.show(unit, "Result"), machine.show(unit, "ExecMainStatus")) == ("success", "0")
