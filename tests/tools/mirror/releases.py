"""What the tests of releases share: wishes for tags, a line with a commit to be tagged, and what git makes of it."""

from __future__ import annotations

from bot.core.actions import Sync
from bot.core.tagging import LineMove, MakeCommit, Provenance, PushRelease, TagWish
from tests.tools.mirror.story import GITHUB, LINES, WHEN

OF = Provenance("@mona", "https://forge.example/acme/torchlet/pull/12#issuecomment-5", ("checks", "no hold"),
                "registry.example/torchlet@sha256:" + "d" * 64, "passed")  # fmt: skip
NEW = (("CHANGELOG.md", "# Changelog\n\n## 2.7.0\n"), ("kit/version.txt", "2.7.0\n"))


def section(remote, parent=None, files=NEW):
    """The commit that brings the section of a release."""
    return MakeCommit(GITHUB, parent or remote.sha("release/2.7"), files, "Release 2.7.0", WHEN)


def candidate(commit, name="v2.7.0-rc1", at=WHEN, **more):
    return TagWish(name, commit, f"torchlet {name}", OF, at, **more)


def release(remote, mirror, name="v2.7.0-rc1"):
    """A section made on the line's tip, and the wish that pushes it with its tag."""
    mirror.sync(Sync(GITHUB, LINES))
    tip = remote.sha("release/2.7")
    commit = mirror.releases.make_commit(section(remote)).commit
    return PushRelease(GITHUB, candidate(commit, name), LineMove("release/2.7", tip))


def everything(remote):
    """Every ref of the forge's repository."""
    return remote.git("for-each-ref", "--format=%(refname) %(objectname)")


def tag_at(remote, name):
    """The object under a tag of the forge's, and the commit; empty where there is none."""
    return remote.git("for-each-ref", "--format=%(objectname) %(*objectname)", f"refs/tags/{name}")


def hook(remote, name, script):
    """A hook of the forge's."""
    path = remote.git_dir / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nunset GIT_QUARANTINE_PATH\n{script}\n")
    path.chmod(0o755)
