"""A version is deployed in another repository, from the tag to the pull and the event, on both forges."""

from __future__ import annotations

from contextlib import closing

import pytest

from bot.app.runner import drive
from bot.core.model import Line, Repo
from bot.core.plan import flow_of
from bot.core.wishes import Deploy
from tests.app.whole import REPO, World

INFRA = "acme/infra"
CONSENT = '[deploy]\naccept = ["acme/torchkit"]\n'
WISH = '[deploy]\nrepository = "acme/infra"\nfiles = ["envs/prod.yaml: tag: {version}"]\nevent = "relbot-release"\n'
PROD = {"envs/prod.yaml": "image:\n  tag: 2.6.0  # what runs\n"}


@pytest.fixture(params=["github", "gitlab"])
def world(request, tmp_path):
    kind = request.param
    forge = request.getfixturevalue("sandbox" if kind == "github" else "gitlab_sandbox")
    world = World(forge, tmp_path / "bot", kind)
    forge.commit(REPO, "main", {f".{kind}/relbot.toml": WISH}, "Deploy", by="mona")
    forge.create_repository(INFRA, "prod")
    forge.grant(INFRA, "relbot", "write")
    forge.commit(INFRA, "prod", PROD, "Run it", by="olga")
    return world


def deploy(world, perform, version):
    """Tag a version as the bot does, and deploy it."""
    line = Line.parse(version.rpartition(".")[0])
    bare = world.forge.git(REPO)
    bare.run("-c", "user.name=relbot", "-c", "user.email=bot@example.org", "tag", "-a",
             "-m", f"{version}\n\nRequested-By: @mona", f"v{version}", f"release/{line}")  # fmt: skip
    sha = bare.run("rev-parse", f"v{version}^{{commit}}").strip()
    repo = Repo(world.kind, world.forge.find(REPO).id, REPO, "main")
    return drive(flow_of(Deploy(repo, line, f"v{version}", sha)), perform)


def pulls(world):
    return [issue for issue in world.forge.find(INFRA).issues.values() if issue.pull]


def proposed(world):
    head = pulls(world)[-1].part.head_ref
    return world.forge.git(INFRA).run("show", f"{head}:envs/prod.yaml")


def test_versions_are_deployed_where_that_is_accepted_and_never_taken_back(world):
    infra = world.forge.find(INFRA)
    with closing(world.performer()) as perform:
        report = deploy(world, perform, "2.7.0")
        assert (report.outcome, CONSENT.split("\n")[1] in report.summary) == ("refused", True)
        assert (pulls(world), infra.dispatches) == ([], [])
        assert "relbot" not in world.forge.git(INFRA).run("for-each-ref")

        consent = {f".{world.kind}/relbot.toml": CONSENT}
        world.forge.commit(INFRA, "prod", consent, "Accept", by="olga")
        assert deploy(world, perform, "2.7.1").outcome == "made"
        [pull] = pulls(world)
        assert (pull.user, pull.title, pull.part.base_ref) == ("relbot", "chore: deploy acme/torchkit", "prod")
        assert proposed(world) == "image:\n  tag: 2.7.1  # what runs\n"
        assert "torchkit v2.7.1" in pull.body and "@mona" not in pull.body
        [(_, _, told)] = infra.dispatches
        assert "v2.7.1" in told.values() and "true" in told.values()

        assert deploy(world, perform, "2.7.2").outcome == "made"
        assert pulls(world) == [pull], "the same one, brought up to date"
        assert (proposed(world), "torchkit v2.7.2" in pull.body) == ("image:\n  tag: 2.7.2  # what runs\n", True)

        world.forge.merge_pull(INFRA, pull.number, "merge", by="olga")
        assert deploy(world, perform, "2.8.0").outcome == "made"
        assert len(pulls(world)) == 2
        assert proposed(world) == "image:\n  tag: 2.8.0  # what runs\n"
        report = deploy(world, perform, "2.7.3")
        assert (report.outcome, "brings 2.8.0, which is left as it is" in report.summary) == ("nothing", True)
        world.forge.merge_pull(INFRA, pulls(world)[1].number, "squash", by="olga")
        report = deploy(world, perform, "2.7.4")
        assert (report.outcome, "holds 2.8.0, which is left as it is" in report.summary) == ("nothing", True)
        assert (len(pulls(world)), len(infra.dispatches)) == (2, 3)

        world.forge.commit(INFRA, "prod", {"envs/prod.yaml": "version: gone\n"}, "Break it", by="olga")
        report = deploy(world, perform, "2.8.1")
        assert (report.outcome, "envs/prod.yaml of acme/infra" in report.summary) == ("refused", True)
