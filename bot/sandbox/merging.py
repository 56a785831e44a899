"""How a pull lands: merge commit, squash and rebase, made inside the bare repository.

It never moves a branch itself and never uses a work tree: it makes commits and says which one the branch should name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.sandbox.bare import Bare, CommitData, Signature

Method = Literal["merge", "squash", "rebase"]
METHODS: tuple[Method, ...] = ("merge", "squash", "rebase")


@dataclass(frozen=True)
class Conflicting:
    """The two sides do not merge."""


@dataclass(frozen=True)
class Person:
    """A name and an address for a commit."""

    name: str
    email: str


FORGE = Person("GitHub", "noreply@github.com")


@dataclass(frozen=True)
class Landing:
    """What is merged where: tips as shas, `at` in seconds since the epoch, `text` as (title, rest) of the message."""

    base: str
    head: str
    by: Person
    opened_by: Person
    at: int
    text: tuple[str, str]
    committer: Person = FORGE


def merge_trees(bare: Bare, ours: str, theirs: str) -> str | Conflicting:
    """The tree of the merge of two commits."""
    done = bare.attempt("merge-tree", "--write-tree", "--no-messages", "--allow-unrelated-histories", ours, theirs)
    return Conflicting() if done.returncode else done.stdout.decode().strip()


def write_commit(
    bare: Bare, tree: str, parents: tuple[str, ...], message: str, who: tuple[Signature, Signature]
) -> str:
    """Make a commit object; `who` is (author, committer)."""
    author, committer = who
    env = {
        "GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email, "GIT_AUTHOR_DATE": author.at,
        "GIT_COMMITTER_NAME": committer.name, "GIT_COMMITTER_EMAIL": committer.email,
        "GIT_COMMITTER_DATE": committer.at,
    }
    flags = [word for parent in parents for word in ("-p", parent)]
    return bare.run("commit-tree", tree, *flags, stdin=message, env=env).strip()


def sign(person: Person, at: int) -> Signature:
    return Signature(person.name, person.email, f"@{at} +0000")


def land_merge(bare: Bare, landing: Landing) -> str | Conflicting:
    """A merge commit: parents are the base and the head."""
    tree = merge_trees(bare, landing.base, landing.head)
    if isinstance(tree, Conflicting):
        return tree
    who = (sign(landing.by, landing.at), sign(landing.committer, landing.at))
    return write_commit(bare, tree, (landing.base, landing.head), _message(landing), who)


def land_squash(bare: Bare, landing: Landing) -> str | Conflicting:
    """One commit on the base, written by the one who opened the pull."""
    tree = merge_trees(bare, landing.base, landing.head)
    if isinstance(tree, Conflicting):
        return tree
    who = (sign(landing.opened_by, landing.at), sign(landing.committer, landing.at))
    return write_commit(bare, tree, (landing.base,), _message(landing), who)


def land_rebase(bare: Bare, landing: Landing) -> str | Conflicting:
    """Each commit anew on the base, by its own author; the committer is the one who merges. Merges are left out."""
    tip = landing.base
    for commit in bare.commits("--no-merges", landing.head, f"^{landing.base}"):
        tree = _apply(bare, commit, tip)
        if isinstance(tree, Conflicting):
            return tree
        author = Signature(commit.author.name, commit.author.email, commit.author.at)
        tip = write_commit(bare, tree, (tip,), commit.message, (author, sign(landing.by, landing.at)))
    return tip


def _apply(bare: Bare, commit: CommitData, onto: str) -> str | Conflicting:
    # git 2.39 cannot be told the merge base: two commits made for the purpose share the parent's tree as theirs.
    nobody = sign(FORGE, 0)
    before = bare.commit(commit.parents[0]).tree if commit.parents else bare.run("mktree").strip()
    base = write_commit(bare, before, (), "base", (nobody, nobody))
    ours = write_commit(bare, bare.commit(onto).tree, (base,), "ours", (nobody, nobody))
    theirs = write_commit(bare, commit.tree, (base,), "theirs", (nobody, nobody))
    return merge_trees(bare, ours, theirs)


def _message(landing: Landing) -> str:
    title, rest = landing.text
    return f"{title}\n\n{rest}" if rest else title
