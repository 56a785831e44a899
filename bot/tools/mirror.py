"""One repository as the bot sees it: answers questions about its commits, picks in memory, moves branches on the forge.

It never decides what a finding means, and never writes a branch without a lease on what it saw.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bot.core.actions import (
    BranchMoved,
    BranchReady,
    CheckBranch,
    CompareWithOriginal,
    EnsureBranch,
    FindOrigins,
    FindPresent,
    FindStanding,
    Missing,
    NotLanded,
    Origins,
    Partial,
    PickCommits,
    Picked,
    PickOutcome,
    Refused,
    ResolveChange,
    Standing,
    Sync,
    Synced,
    Unproven,
)
from bot.core.cutting import BranchTaken, CreateBranches
from bot.core.duplicates import BranchIndex, Traits, doubt, find_combined, find_evidence, find_merge, numbers_said
from bot.core.errors import Fault
from bot.core.model import Branch, Change, CloneAccess, Commit, Evidence, NewCommit, Repo
from bot.core.refs import Touched, Untouched
from bot.core.standing import GetCommits
from bot.core.tagging import StageCommit
from bot.tools.changes import ChangeResolver
from bot.tools.claims import Claim, sweep
from bot.tools.clone import Clone, borrowing, is_damage
from bot.tools.description import describe_commits
from bot.tools.difference import describe_difference
from bot.tools.drafting import Drafting
from bot.tools.git import GitFault, check_branch
from bot.tools.patch_ids import PatchIds
from bot.tools.pick import Committer, Impossible, Picker, Wish
from bot.tools.present import Landed, still_there
from bot.tools.pushing import create_branches, push_branch
from bot.tools.releasing import Ground, Releases, Signing
from bot.tools.scratch import Repository, Scratch

T = TypeVar("T")

_POLICY = {"github": ".github/relbot.toml", "gitlab": ".gitlab/relbot.toml"}
_SCRATCH = "scratch-"
_LONGEST_POLICY = 64 * 1024  # bytes
_LONGEST_CHAIN = 20  # commits


class Mirrors:
    """All mirrors of this process, in one folder. The folder is a cache: losing it costs a fetch and nothing else."""

    def __init__(self, directory: Path, committer: Committer | None = None, signing: Signing | None = None) -> None:
        """Without `signing` tags are annotated and not signed."""
        self._directory = directory
        self._signing = signing
        self._committer = committer or Committer()
        self._lock = threading.Lock()
        self._open: dict[tuple[str, int], Mirror] = {}

    def of(self, repo: Repo, access: CloneAccess) -> Mirror:
        """The mirror of a repository, kept under its forge and number, so that a renamed one is found again."""
        with self._lock:
            key = (repo.forge, repo.id)
            if key not in self._open:
                place = self._directory / f"{repo.forge}-{repo.id}"
                self._open[key] = Mirror(repo, Clone(place, access), self._committer, self._signing)
            mirror = self._open[key]
        mirror.use(repo, access)
        return mirror

    def close(self) -> None:
        """End every process that belongs to a mirror, and what signs."""
        with self._lock:
            for mirror in self._open.values():
                mirror.forget()
            self._open.clear()
        if self._signing is not None:
            self._signing.close()


class Mirror:
    """Questions run in parallel; fetches of one repository run one at a time."""

    def __init__(self, repo: Repo, clone: Clone, committer: Committer, signing: Signing | None = None) -> None:
        self._repo = repo
        self._signing = signing
        self._clone = clone
        self._committer = committer
        self._opening = threading.Lock()
        self._picker: Picker | None = None
        self._claim: Claim | None = None
        self._patch_ids: PatchIds | None = None
        self._tips: dict[str, str] = {}
        """The branches as the last fetch has left them."""

    def use(self, repo: Repo, access: CloneAccess) -> None:
        """Take the newest name and credentials."""
        self._repo = repo
        self._clone.use(access)

    def forget(self) -> None:
        """End the reading process and drop the scratch store; the next question makes new ones."""
        with self._opening:
            if self._picker is not None:
                self._picker.close()
                self._picker = None
            if self._claim is not None:
                self._claim.release()
                self._claim = None
            if self._patch_ids is not None:
                self._patch_ids.close()
                self._patch_ids = None
            self._tips = {}

    # ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────

    def sync(self, action: Sync) -> Synced:
        """Fetch the default branch, the branches that match, and one pull's head; drop what is gone."""
        patterns = [check_branch(self._repo.default_branch), *map(_check_pattern, action.patterns)]
        refspecs = [_refspec(f"refs/heads/{pattern}") for pattern in patterns]
        if action.number is not None:
            pull = self._clone.access.pull_ref.format(number=action.number)
            refspecs.append(_refspec(f"{pull}*"))  # as a pattern, since a pull may have no such ref
        self._healing(lambda: self._clone.fetch(refspecs))
        return self._healing(lambda: self._read_branches(patterns))

    def resolve_change(self, action: ResolveChange) -> Change | NotLanded | Unproven:
        """See `ChangeResolver`."""
        return self._healing(lambda: self._resolve(action))

    def find_present(self, action: FindPresent) -> tuple[Evidence, ...]:
        """Evidence that commits of a change are on a line: the rungs of the ladder that need no pick."""
        return self._healing(lambda: self._find_present(action))

    def pick(self, action: PickCommits) -> PickOutcome:
        """Pick in memory. What cannot be picked at all (a commit that is not there) is a `Fault`."""
        return self._healing(lambda: self._pick(action))

    def compare(self, action: CompareWithOriginal) -> str:
        """How the picked commits differ from their originals, as `git range-diff` tells it; empty when they do not."""
        outcome = self.pick(action.pick)
        return self._healing(lambda: describe_difference(self.picker, outcome, action.pick.mainline))

    def check_branch(self, action: CheckBranch) -> Untouched | Touched | Missing:
        """See `CheckBranch`."""
        ref = f"refs/heads/{check_branch(action.branch)}"
        self._healing(lambda: self._clone.fetch([_refspec(f"{ref}*")]))  # as a pattern, since it may not be there
        tip = self._clone.branches().get(action.branch)
        if tip is None:
            return Missing(f"the branch {action.branch}")
        return self._healing(lambda: self._check_branch(action.pick, tip))

    def describe_commits(self, action: PickCommits) -> tuple[NewCommit, ...]:
        """What a pick's commits are, for a forge that makes them itself."""
        outcome = self.pick(action)
        return self._healing(lambda: describe_commits(self.picker, outcome))

    def find_standing(self, action: FindStanding) -> Standing:
        """See `ChangeResolver.standing`."""
        tip, numbers = action.onto.sha, action.numbers
        return self._healing(lambda: self._resolver().standing(action.commit, tip, numbers))

    def commits(self, action: GetCommits) -> tuple[Commit, ...]:
        """Commits as they are, those left out that are not there."""
        found = self._healing(lambda: self.picker.reader.commits(action.shas))
        return tuple(commit.plain() for commit in found if commit)

    def find_origins(self, action: FindOrigins) -> tuple[Origins, ...]:
        """What the commits of a push say they come from, or take back. A new branch carries nothing new."""
        if not action.before.strip("0") or not action.after.strip("0"):
            return ()
        return self._healing(lambda: self._find_origins(action))

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def ensure_branch(self, action: EnsureBranch) -> BranchReady | BranchMoved | Refused:
        """Push a picked commit, with a lease on what the branch is expected to be (None: it must not exist yet)."""
        check_branch(action.branch)
        self.pick(action.pick)  # in memory and deterministic: after a restart it makes the same objects again
        self.picker.keep(action.commit)
        return push_branch(self._clone, self.picker.scratch.view().directory, action)

    def stage_commit(self, action: StageCommit) -> BranchReady | BranchMoved | Refused:
        """The same for a commit of the bot's own making."""
        check_branch(action.branch)
        if (made := self.releases.make_commit(action.make).commit) != action.commit:
            raise Fault(f"{action.commit} was to be pushed to {action.branch}, and what was described is {made}.")
        return push_branch(self._clone, self.picker.scratch.view().directory, action)

    def create_branches(self, action: CreateBranches) -> BranchReady | BranchTaken | Refused:
        """See `CreateBranches`. What the forge has is not sent to it again: its branches are fetched before."""
        refs = [f"refs/heads/{check_branch(name)}*" for name in (self._repo.default_branch, *action.branches)]
        self._healing(lambda: self._clone.fetch([_refspec(ref) for ref in refs]))
        self._healing(lambda: self.releases.there(action.commit))
        return create_branches(self._clone, self.picker.scratch.view().directory, action)

    # ── underneath ───────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def picker(self) -> Picker:
        """Picks with this mirror's objects; made when first asked for, and again after a rebuild."""
        if (picker := self._picker) is not None:
            return picker
        with self._clone.locked(), self._opening:
            if self._picker is None:
                sweep(self._clone.place, _SCRATCH)
                self._claim = Claim(self._clone.place, _SCRATCH)
                repository = Repository(self._clone.directory, self._clone.directory / "objects", "sha1")
                scratch = Scratch(self._claim.directory, repository, borrowing(self._clone.directory), self._clone.git)
                self._picker = Picker(scratch, self._committer)
            return self._picker

    @property
    def releases(self) -> Releases:
        """What is asked about tags and commits to be tagged."""
        return Releases(self._repo, self._ground, self._signing)

    @property
    def drafting(self) -> Drafting:
        """What makes the commits of versions."""
        return Drafting(self._repo, self._ground, self.releases)

    @property
    def _ground(self) -> Ground:
        return Ground(self._clone, lambda: self.picker, self._healing)

    @property
    def patch_ids(self) -> PatchIds:
        """What identifies the commits of this repository, kept beside the clone."""
        with self._opening:
            if self._patch_ids is None:
                self._patch_ids = PatchIds(self._clone.place / "patch-ids.sqlite", self._clone.git())
            return self._patch_ids

    def _healing(self, work: Callable[[], T]) -> T:
        return self._clone.healing(work, forget=self.forget)

    def _read_branches(self, patterns: Sequence[str]) -> Synced:
        wanted = re.compile("|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns), re.DOTALL)
        # others may be there from earlier, and nobody has brought them up to date
        self._tips = {name: sha for name, sha in self._clone.branches().items() if wanted.fullmatch(name)}
        branches = tuple(Branch(name, sha) for name, sha in self._tips.items())
        tip = self._tips.get(self._repo.default_branch)
        path = _POLICY[self._repo.forge]
        found = self.picker.reader.contents([f"{tip}:{path}"])[0] if tip else None
        policy = (path, found[1][: _LONGEST_POLICY + 1].decode(errors="replace")) if found else None
        return Synced(branches, policy)

    def _resolve(self, action: ResolveChange) -> Change | NotLanded | Unproven:
        base = check_branch(action.pull.base)
        tip = self._tips.get(base)
        if tip is None:
            self._clone.fetch([_refspec(f"refs/heads/{base}*")])  # as a pattern, since it may be gone
            # a robot's stack has bases of its own; what it landed is on the default branch
            tip = self._tip(base) or self._tip(self._repo.default_branch)
        if tip is None:
            return NotLanded(f"its base branch {base} is gone")
        return self._resolver().resolve(action.pull, tip)

    def _resolver(self) -> ChangeResolver:
        return ChangeResolver(self._clone.git(), self.picker)

    def _tip(self, branch: str) -> str | None:
        if branch in self._tips:
            return self._tips[branch]
        done = self._clone.git().attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"refs/heads/{branch}")
        return done.out.decode("ascii").strip() or None

    def _find_present(self, action: FindPresent) -> tuple[Evidence, ...]:
        main_tip = self._tip(self._repo.default_branch)
        if main_tip is None:
            return ()
        line, fork = self.patch_ids.line(f"line:{action.onto.name}", action.onto.sha, main_tip)
        main = self.patch_ids.index(f"main:{fork}", main_tip, fork, with_patches=False)
        self.patch_ids.follow(line, main, self.picker.scratch.offline())
        shas = [commit.sha for commit in action.change.commits]
        found = [find_evidence(traits, line, main) for traits in self.patch_ids.traits(shas)]
        evidence = self._borne_out([e for e in found if e is not None], line, action)
        if action.change.merged_as and sum(e.certain for e in evidence) < len(shas):
            whole = self._borne_out(find_merge(action.change.merged_as, shas, line), line, action)
            if whole and whole[0].certain:
                return whole
        first = action.change.commits[0]
        if len(shas) > 1 and first.parents and sum(e.certain for e in evidence) < len(shas):
            sum_of_all = self.patch_ids.combined(first.parents[0], shas[-1])
            together = self._borne_out(find_combined(action.change.title, sum_of_all, shas, line), line, action)
            if together and (together[0].certain or not evidence):
                return together
        return evidence

    def _check_branch(self, pick: PickCommits, tip: str) -> Untouched | Touched:
        below = self.picker.reader.commits([tip])[0]
        for _ in pick.commits:
            if below is None or len(below.parents) != 1:
                break
            outcome = self._pick(replace(pick, onto=below.parents[0]))
            if isinstance(outcome, Picked | Partial) and outcome.commit == tip:
                return Untouched(tip)
            below = self.picker.reader.commits(below.parents)[0]
        return Touched(tip)

    def _borne_out(
        self, found: Sequence[Evidence], line: BranchIndex, action: FindPresent,
    ) -> tuple[Evidence, ...]:  # fmt: skip
        """The evidence as it is, or as doubts where the line's tree speaks against what is certain, taken together."""
        certain = [e for e in found if e.certain and e.kind != "ancestor" and e.present_as]
        if not certain:
            return tuple(found)
        since = line.newest(e.present_as for e in certain if e.present_as)
        claim = Landed(tuple(e.commit for e in certain), since, action.change.mainline)
        if still_there(self.picker, action.onto.sha, [claim])[0]:
            return tuple(found)
        return tuple(doubt(e) if e in certain else e for e in found)

    def _find_origins(self, action: FindOrigins) -> tuple[Origins, ...]:
        before, after = self.picker.reader.commits([action.before, action.after])
        if before is None or after is None:
            return ()  # a branch that was rewritten, or has moved on since
        pushed = self._clone.git().run("rev-list", "--reverse", "--no-merges", after.sha, f"^{before.sha}")
        found = [self._origins_of(commit) for commit in self.patch_ids.traits(pushed.decode("ascii").split())]
        return tuple(each for each in found if each.pulls or each.picked_from or each.reverted)

    def _origins_of(self, commit: Traits) -> Origins:
        """Its own word, and that of the commits which it takes back."""
        meant = [commit]
        while len(meant) < _LONGEST_CHAIN and (taken := self.patch_ids.traits(self._full(meant[-1].reverts))):
            meant += taken  # what a revert of a revert gives again is meant, too
        named = dict.fromkeys(sha for each in meant for sha in self._full(each.picked_from))
        pulls = [number for each in (*meant, *self.patch_ids.traits(list(named))) for number in numbers_said(each)]
        return Origins(commit.sha, tuple(dict.fromkeys(pulls)), tuple(named), commit.reverts_pulls)

    def _full(self, names: Sequence[str]) -> list[str]:
        return [commit.sha for commit in self.picker.reader.commits(names) if commit]

    def _pick(self, action: PickCommits) -> PickOutcome:
        wish = Wish(action.onto, action.commits, action.mainline, action.committed_at, action.sign_off)
        outcome = self.picker.pick([wish])[0]
        if not isinstance(outcome, Impossible):
            return outcome
        if is_damage(outcome.reason) or not self._clone.is_whole:
            raise GitFault(["merge-tree"], 128, outcome.reason.encode())
        raise Fault(f"I could not pick onto {action.onto[:12]} of {self._repo.path}: {outcome.reason}")


def _refspec(ref: str) -> str:
    return f"+{ref}:{ref}"


def _check_pattern(pattern: str) -> str:
    """A branch name with at most one `*`, as a refspec allows it."""
    check_branch(pattern.replace("*", "x", 1))
    return pattern
