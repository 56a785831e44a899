"""The bot calls the forges that its settings name, and nobody else: addresses in a delivery are never followed."""

from __future__ import annotations

import ast
import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest
import requests

from bot.core.policy import Policy
from bot.core.tables import sections_of
from bot.sandbox import Sandbox
from tests.app.whole import HOOK_SECRET, REPO, World, op
from tests.forges.canned import serving

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"^(?:[a-z+]+:)?//|^git@|^/[\w/]")


def led_elsewhere(told, there):
    """The same with every address in it leading there, and how many these were."""
    if isinstance(told, dict):
        pairs = {name: led_elsewhere(value, there) for name, value in told.items()}
        return {name: value for name, (value, _) in pairs.items()}, sum(count for _, count in pairs.values())
    if isinstance(told, list):
        pairs = [led_elsewhere(value, there) for value in told]
        return [value for value, _ in pairs], sum(count for _, count in pairs)
    if isinstance(told, str) and ADDRESS.match(told):
        return f"{there}/x", 1
    return told, 0


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_no_address_in_a_delivery_is_called(kind, tmp_path):
    with Sandbox(tmp_path / "forge", kind) as sandbox, serving() as elsewhere:
        world = World(sandbox, tmp_path / "bot", kind)
        with world.running():
            number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/2.7")
            world.forge.comment(REPO, number, "/backport 2.8", by="mona")
            world.settle()
            world.restart()  # so that nothing of it is remembered
            before, found = len(sandbox.requests), 0
            for at, delivery in enumerate(sandbox.deliveries.all):
                payload, count = led_elsewhere(delivery.payload, elsewhere.url)
                found += count
                assert send(world.hook, delivery.headers, json.dumps(payload).encode(), at) == 202
            world.settle()
            assert found > 100, "the deliveries do hold addresses"
            assert len(sandbox.requests) > before, "they were acted upon, at the forge"
            assert elsewhere.asked == []


def send(hook, headers, body, at):
    signature = "sha256=" + hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    named = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    changed = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": f"n-{at}", "Idempotency-Key": f"n-{at}"}
    own = {name: value for name, value in changed.items() if name in named}
    return requests.post(hook, body, headers={**named, **own}, timeout=10).status_code


# ── what is not there, and must be made safe on the day that it comes ────────────────────────────────────────────────


def test_no_key_of_the_policy_is_an_address_or_a_pattern():
    """The first pattern that a policy may hold goes through RE2, and the first address through a list of hosts: see
    SECURITY.md. This test is where somebody who adds one is told so.
    """
    keys = {f"{section}.{key}" for section, kind in sections_of(Policy).items() for key in kind.model_fields}
    suspicious = re.compile(r"regex|pattern|match|glob|filter|url|address|endpoint|host|uri|webhook|command|script|run")
    assert not {key for key in keys if suspicious.search(key)}
    assert keys >= {"lines.branch", "backport.label"}, "they are looked at"


def imports_of(node):
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_the_bot_reads_no_format_that_can_hold_code_or_grow():
    """No YAML (aliases grow), no pickle or marshal (they run), no XML (entities), and of templates only those that
    `core/changelog/template.py` holds to a list of what they may say.
    """
    banned = {"yaml", "ruamel", "pickle", "marshal", "shelve", "xml", "lxml", "jinja2", "mako", "dill", "cloudpickle"}
    templates = ROOT / "bot" / "core" / "changelog" / "template.py"
    trees = {path: ast.parse(path.read_text()) for path in (ROOT / "bot").rglob("*.py")}
    held = {name for node in ast.walk(trees.pop(templates)) for name in imports_of(node)}
    assert {name for name in held if name.partition(".")[0] in banned} <= {"jinja2", "jinja2.sandbox"}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    imported = {name for node in nodes for name in imports_of(node)}
    assert "tomllib" in imported
    assert not {name for name in imported if name.partition(".")[0] in banned}
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    assert not called & {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
