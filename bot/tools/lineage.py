"""What git knows of where a change has gone: the commits that name it, and the history above it.

It must never read more of history than what does not lie below the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.core.model import Branch, Commit
from bot.tools.git import Git

_FORMAT = "--format=%H%n%P%n%T%n%an <%ae>%n%at%n%ct%n%B"
_LOG = ("log", "-z", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--fixed-strings", _FORMAT)
_PICKS = "cherry picked from commit "
_REVERTS = "This reverts commit "
_LONGEST_MESSAGE = 128 * 1024


def read_namers(git: Git, tips: Iterable[str], below: Sequence[str], numbers: Iterable[int]) -> Iterator[Commit]:
    """The commits that say that they are picks, take something back, or name one of these pulls.

    Looked at is what `tips` hold and `below` do not, all of them full object ids.
    """
    wanted = (_PICKS, _REVERTS, *(f"{sign}{number}" for number in numbers for sign in "#!"))
    return _log(git, tips, below, [f"--grep={word}" for word in wanted])


def read_by(git: Git, tips: Iterable[str], below: Sequence[str], author: str, at: int) -> list[Commit]:
    """The commits of such a range that were written by this author (`Ada <ada@example.org>`) at this second: a pick has
    both of the original.
    """
    found = _log(git, tips, below, [f"--author={author}"])
    return [one for one in found if (one.author, one.authored_at) == (author, at)]


def _log(git: Git, tips: Iterable[str], below: Sequence[str], options: Sequence[str]) -> Iterator[Commit]:
    revisions = "".join(f"{sha}\n" for sha in (*tips, *(f"^{sha}" for sha in below)))
    listed = git.run(*_LOG, *options, "--stdin", stdin=revisions.encode("ascii"))
    for record in listed.decode(errors="replace").split("\0"):
        if record:
            sha, parents, tree, author, authored, committed, message = record.split("\n", 6)
            dates = int(authored or 0), int(committed or 0)
            yield Commit(sha, tuple(parents.split()), tree, author, dates[0], message[:_LONGEST_MESSAGE], dates[1])


def read_above(git: Git, tips: Iterable[str], commits: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Whatever `tips` hold beyond what all of some commits have in common, each with its parents, parents first."""
    below = commits
    if len(commits) > 1:  # what one of them lies upon may be above another
        done = git.attempt("merge-base", "--octopus", *commits)
        below = done.out.decode("ascii").split()[:1] if done.status == 0 else []
    revisions = "".join(f"{sha}\n" for sha in (*tips, *(f"^{sha}" for sha in below)))
    listed = git.run("rev-list", "--topo-order", "--reverse", "--parents", "--stdin", stdin=revisions.encode("ascii"))
    for line in listed.decode("ascii").splitlines():
        sha, *parents = line.split()
        yield sha, parents


def read_branches(git: Git) -> tuple[Branch, ...]:
    """The branches of a clone and those that it has of `origin`; where both have one, that of the clone comes first."""
    places = ("refs/heads/", "refs/remotes/origin/")
    listed = git.run("for-each-ref", "--format=%(refname)%00%(objectname)", *(place.rstrip("/") for place in places))
    found = (line.split("\0") for line in listed.decode(errors="surrogateescape").splitlines())
    named = ((next(ref[len(place) :] for place in places if ref.startswith(place)), sha) for ref, sha in found)
    return tuple(Branch(name, sha) for name, sha in named if name != "HEAD")
