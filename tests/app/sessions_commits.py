"""Makes the commits of a recorded session again, from what its REST answers and its pushes tell of them.

It must never pass a guess for a fact: zones and file contents that were not recorded are guessed, and the recorded id
says whether the guess is right. What cannot be made again exactly gets an id of its own, and `rebuild` says so.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, product
from typing import Any

from bot.sandbox.bare import ZERO, Bare
from tests.sessions import Session, Webhook

Files = dict[str, bytes]
OTHER_BOTS_REFS = "refs/heads/mergify/"
"""Where the recorded bot pushed its backports: what it made is not made again, since it is our bot's turn."""
ZONES = ("+0000", "+0100")
GUESSED = {"test1": b"", "test2": b"", "test1-moved": b"", "test2-moved": b"", "conflicts": b"conflicts incoming"}
"""What the recorder's tests put into files; `conflicts` has another content too, which a patch shows."""


@dataclass
class Facts:
    """What is known of a commit; dates have no zone. `signed` is the text that GitHub signed, and the signature."""

    tree: str
    parents: tuple[str, ...]
    author: dict[str, str]
    committer: dict[str, str]
    message: str
    signed: tuple[str, str] | None = None


def rebuild(session: Session, bare: Bare) -> dict[str, str]:
    """Write the commits into a repository; answers recorded id → id there, the same but for what cannot be told."""
    facts = _collect(session)
    trees = _guess_trees(session, bare, {fact.tree for fact in facts.values()})
    made: dict[str, str] = {ZERO: ZERO}

    def make(sha: str) -> str:
        if sha not in made:
            fact = facts[sha]
            tree = trees.get(fact.tree) or _write_tree(bare, {f"not recorded {fact.tree}": b""})
            parents = tuple(make(parent) for parent in fact.parents)
            texts = list(_texts(fact, tree, parents))
            exact = next((text for text in texts if _name("commit", text) == sha), texts[0])
            made[sha] = _write(bare, "commit", exact)
        return made[sha]

    for sha in facts:
        make(sha)
    return made


# ── what is known ────────────────────────────────────────────────────────────────────────────────────────────────────


def _collect(session: Session) -> dict[str, Facts]:
    """Every commit that is shown with a tree. The API knows more than a push, so it has the last word."""
    facts: dict[str, Facts] = {}
    for webhook in session.webhooks:
        if webhook.event == "push" and not webhook.payload["ref"].startswith(OTHER_BOTS_REFS):
            facts |= _of_push(webhook)
        elif webhook.payload.get("action") == "synchronize":
            facts[webhook.payload["after"]] = _of_move(webhook)
    for shown in _walk([step.answer for step in session.exchanges]):
        if "sha" in shown and isinstance(commit := shown.get("commit"), dict) and "tree" in commit:
            facts[shown["sha"]] = _of_api(shown, commit)
    return facts


def _of_push(webhook: Webhook) -> dict[str, Facts]:
    """A push tells no parents: each commit follows the one before it, and a merge brings that one in."""
    facts: dict[str, Facts] = {}
    before, previous = webhook.payload["before"], webhook.payload["before"]
    for commit in webhook.payload["commits"] or [webhook.payload["head_commit"]]:
        merges = commit["message"].startswith("Merge pull request")
        parents = (before, previous) if merges else (previous,)
        at = {"date": commit["timestamp"]}
        facts[commit["id"]] = Facts(
            commit["tree_id"], tuple(parent for parent in parents if parent != ZERO),
            commit["author"] | at, commit["committer"] | at, commit["message"],
        )
        previous = commit["id"]
    return facts


def _of_move(webhook: Webhook) -> Facts:
    """A pull that got commits tells the id of the last one, and nothing else."""
    who = {"name": "nobody", "email": "nobody@example.org", "date": webhook.payload["pull_request"]["updated_at"]}
    return Facts("", (webhook.payload["before"],), who, who, "not recorded")


def _of_api(shown: dict[str, Any], commit: dict[str, Any]) -> Facts:
    parents = tuple(parent["sha"] for parent in shown.get("parents", ()))
    proof = commit["verification"]
    signed = (proof["payload"], proof["signature"]) if proof["payload"] else None
    return Facts(commit["tree"]["sha"], parents, commit["author"], commit["committer"], commit["message"], signed)


def _walk(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(inner)


# ── what is guessed ──────────────────────────────────────────────────────────────────────────────────────────────────


def _guess_trees(session: Session, bare: Bare, wanted: set[str]) -> dict[str, str]:
    """The trees that the bot's configuration and at most two small files make, as far as they are `wanted`."""
    answers = list(_walk([step.answer for step in session.exchanges]))
    known: Files = {
        shown["path"]: base64.b64decode(shown["content"]) for shown in answers if shown.get("type") == "file"
    }
    seen = {("conflicts", b"ohoh"), *GUESSED.items()}
    found: dict[str, str] = {}
    for count in range(3):
        for chosen in combinations(sorted(seen), count):
            files = known | dict(chosen)
            if _name("tree", _tree_text(files)) in wanted:
                name = _write_tree(bare, files)
                found[name] = name
    return found


def _texts(fact: Facts, tree: str, parents: tuple[str, ...]) -> Iterator[bytes]:
    """What the commit may look like, byte for byte; the first of them can always be written."""
    head = f"tree {tree}\n" + "".join(f"parent {parent}\n" for parent in parents)
    for ours, theirs, end in product(ZONES, ZONES, ("\n", "")):
        people = f"author {_person(fact.author)} {ours}\ncommitter {_person(fact.committer)} {theirs}\n"
        yield f"{head}{people}\n{fact.message}{end}".encode()
    if fact.signed and (tree, parents) == (fact.tree, fact.parents):
        (above, _, below), signature = fact.signed[0].partition("\n\n"), fact.signed[1].replace("\n", "\n ")
        yield f"{above}\ngpgsig {signature}\n\n{below}".encode()


def _person(who: dict[str, str]) -> str:
    return f"{who['name']} <{who['email']}> {int(datetime.fromisoformat(who['date']).timestamp())}"


# ── writing it down ──────────────────────────────────────────────────────────────────────────────────────────────────


def _tree_text(files: Files) -> bytes:
    return b"".join(
        b"100644 " + path.encode() + b"\0" + bytes.fromhex(_name("blob", files[path])) for path in sorted(files)
    )


def _write_tree(bare: Bare, files: Files) -> str:
    for content in files.values():
        _write(bare, "blob", content)
    return _write(bare, "tree", _tree_text(files))


def _write(bare: Bare, kind: str, text: bytes) -> str:
    return bare.run("hash-object", "-w", "-t", kind, "--stdin", stdin=text).strip()


def _name(kind: str, text: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(text)}\0".encode() + text).hexdigest()
