"""A version file gets the new version and keeps every other byte; where it is not certain, nothing is written."""

from __future__ import annotations

import pytest

from bot.core.bumps import Unbumped, bump, put, read
from bot.core.versions import Version
from tests.core.values import L27

V = Version(L27, 1, candidate=3)

PYPROJECT = """\
[build-system]
requires = ["setuptools"]  # version = "1.0.0"

[project]
name = "x"
version = "2.7.0a0"  # keep me
dependencies = ["y==2.7.0a0"]

[tool.other]
version = "9.9.9"
"""


@pytest.mark.parametrize(("file", "pattern", "before", "after"), [
    ("version.txt", "", "2.7.0a0\n", "2.7.1\n"),
    ("version.txt", "", "2.7.0a0", "2.7.1"),
    ("version.txt", "", "\r\n2.7.0+git1\r\n", "\r\n2.7.1\r\n"),
    ("version.txt", "", "", "2.7.1\n"),
    ("src/x/__init__.py", "", 'A = 1\n__version__ = "2.7.0"\n', 'A = 1\n__version__ = "2.7.1"\n'),
    ("src/x/__init__.py", "", "__version__ = '2.7.0.dev1'\n", "__version__ = '2.7.1'\n"),
    ("pyproject.toml", "", PYPROJECT, PYPROJECT.replace('version = "2.7.0a0"', 'version = "2.7.1"')),
    ("pyproject.toml", "", '[tool.poetry]\r\nversion="2.7"\r\n', '[tool.poetry]\r\nversion="2.7.1"\r\n'),
    ("Cargo.toml", "", '[package]\nversion = "0.1.0"\n[project]\nversion = "5.0.0"\n',
     '[package]\nversion = "2.7.1"\n[project]\nversion = "5.0.0"\n'),
    ("CMakeLists.txt", "project(x VERSION {version})", "project(x VERSION 2.7.0)\n", "project(x VERSION 2.7.1)\n"),
    ("conf.py", 'release = "{version}"', 'release = "2.7.0rc1"', 'release = "2.7.1"'),
])  # fmt: skip
def test_a_file_gets_the_version_and_keeps_the_rest(file, pattern, before, after):
    assert bump(file, before, V, pattern) == after
    assert bump(file, after, V, pattern) == after


@pytest.mark.parametrize(("file", "pattern", "text", "reason"), [
    ("version.txt", "", "2.7.0\n# set by hand\n", "it holds more than a version"),
    ("x.py", "", "VERSION = '2.7.0'\n", "stands in it nowhere"),
    ("x.py", "", "__version__ = '2.7.0'\n__version__ = '2.7.0'\n", "stands in it 2 times"),
    ("pyproject.toml", "", "[tool.x]\nversion = '1.0'\n", "stands under [project] or [tool.poetry] nowhere"),
    ("pyproject.toml", "", '[project]\ntext = """\nversion = "1.0"\n"""\n', "could not be told apart"),
    ("pyproject.toml", "", "[project]\nversion = '1.0'\nbroken = \n", "could not be told apart"),
    ("a", "v={version};", "v=2.7.0\n", "stands in it nowhere"),
])  # fmt: skip
def test_what_is_not_certain_is_not_written(file, pattern, text, reason):
    made = bump(file, text, V, pattern)
    assert isinstance(made, Unbumped)
    assert reason in made.reason


@pytest.mark.parametrize(("file", "pattern", "text", "stands"), [
    ("version.txt", "", "\n2.7.0a0\n", "2.7.0a0"),
    ("version.txt", "", "", ""),
    ("x.py", "", "__version__ = '2.7.0.dev1'\n", "2.7.0.dev1"),
    ("pyproject.toml", "", PYPROJECT, "2.7.0a0"),
    ("prod.yaml", "tag: {version}", "tag: 2.7.0-rc1 # x\n", "2.7.0-rc1"),
])  # fmt: skip
def test_what_stands_there_is_read_where_it_would_be_written(file, pattern, text, stands):
    assert read(file, text, pattern) == stands
    made = put(file, text, "2.7.1-rc2", pattern)
    assert isinstance(made, str)
    assert read(file, made, pattern) == "2.7.1-rc2"


def test_where_nothing_can_be_written_nothing_is_read():
    assert read("prod.yaml", "tag: 2.7.0\ntag: 2.8.0\n", "tag: {version}") == put(
        "prod.yaml", "tag: 2.7.0\ntag: 2.8.0\n", "2.9.0", "tag: {version}"
    )
