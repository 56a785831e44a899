"""From a pull to the commits on its base branch that make it up, with proof.

It never guesses: where the commits found do not add up to the pull, it says so and the job stops.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.actions import NotLanded, Partial, Picked, PickOutcome, Standing, Unproven
from bot.core.duplicates import Traits, numbers
from bot.core.model import Change, MergeMethod, Pull
from bot.tools.attributes import Unreadable
from bot.tools.git import Git, GitFault
from bot.tools.merge_tree import Failed, merge_all
from bot.tools.objects import RawCommit
from bot.tools.pick import Impossible, Picker, Wish

_ASK = "Check what the pull brought and pick those commits by hand; the recipe is `git cherry-pick -x COMMIT…`."
_MERGE_TAKEN_BACK = re.compile(rb"This reverts commit ([0-9a-f]{7,64}), reversing")
_AT_THE_END = re.compile(r"[(\[][#!](\d{1,9})[)\]]\s*$")
_REVERT_OF_A_PULL = re.compile(r'^Revert "(.*)"(?: [(\[][#!]\d+[)\]])?$')


@dataclass(frozen=True, slots=True)
class ChangeResolver:
    """Answers for one repository. `git` sees the mirror's objects and refs, `picker` borrows the same objects."""

    git: Git
    picker: Picker

    def resolve(self, pull: Pull, base_tip: str) -> Change | NotLanded | Unproven:
        """The change that a merged or landed pull brought to its base branch, whose tip is `base_tip`."""
        found = self._merged(pull, base_tip) if pull.merged else self._landed(pull, base_tip)
        if isinstance(found, Change) and (reverts := self._reverts(found, pull.merged_as, base_tip)):
            part = "" if len(reverts) == len(found.commits) else "in part "
            return NotLanded(
                f"it was reverted {part}on {pull.base} by {reverts[-1][:12]} and has not been landed again since"
            )
        return found

    # ── the forge says that it merged the pull ───────────────────────────────────────────────────────────────────────

    def _merged(self, pull: Pull, base_tip: str) -> Change | NotLanded | Unproven:
        merged = self._commit(pull.merged_as or pull.head_sha)  # GitLab names no commit for a fast-forward
        head = self._commit(pull.head_sha)
        if merged is None or not self._is_ancestor(merged.sha, base_tip):
            return Unproven(
                f"the forge names {pull.merged_as or 'no commit'} as the merge, and {pull.base} does not have it",
                "If the branch was rewritten, pick the commit that is there now by hand.",
            )
        if head is None:
            return Unproven(f"the head {pull.head_sha} of the pull is not to be had any more", _ASK)
        if merged.sha == head.sha:
            return self._fast_forward(pull, head)
        if len(merged.parents) == 2:
            found = self._merge_commit(pull, merged, head)
            return replace(found, merged_as=merged.sha) if isinstance(found, Change) else found
        if len(merged.parents) == 1:
            return self._squash_or_rebase(pull, merged, head)
        return Unproven(f"{merged.sha[:12]} has {len(merged.parents)} parents", _ASK)

    def _fast_forward(self, pull: Pull, head: RawCommit) -> Change | Unproven:
        """The pull's own commits became the branch, so they are the change, if we know where the branch was."""
        base = self._base_before(pull, head)
        if base is None:
            return Unproven(f"the branch was fast-forwarded to {head.sha[:12]} from a place that is not known", _ASK)
        return self._sum(pull, self._between(base, head.sha), (base, head), "fast-forward")

    def _merge_commit(self, pull: Pull, merged: RawCommit, head: RawCommit) -> Change | Unproven:
        ours, theirs = merged.parents
        if self._is_ancestor(head.sha, theirs):
            return self._sum(pull, self._between(ours, head.sha), (ours, merged), "merge")
        squash = self._commit(theirs)  # GitLab can squash a pull and merge the squash
        if squash is not None and len(squash.parents) == 1:
            found = self._squash_or_rebase(pull, squash, head)
            if isinstance(found, Change):
                summed = self._sum(pull, self._read([c.sha for c in found.commits]), (ours, merged), found.method)
                own = self._between(squash.parents[0], head.sha)
                if isinstance(summed, Change) and self._has_some(ours, own):
                    return self._whole_merge(pull, merged)
                return summed
        return Unproven(f"the merge {merged.sha[:12]} does not bring the pull's head {head.sha[:12]}", _ASK)

    def _sum(
        self, pull: Pull, commits: Sequence[RawCommit], span: tuple[str, RawCommit], method: MergeMethod,
    ) -> Change | Unproven:  # fmt: skip
        """Prove that the commits, applied to the state before, give the state after. An evil merge fails here."""
        before, after = span
        plain = self._with_content(commits)
        picked = self._picks([Wish(before, tuple(c.sha for c in plain))])[0] if plain else None
        there = {step.source for step in picked.steps if step.outcome == "present"} if picked else set()
        brought = [commit for commit in plain if commit.sha not in there]  # a stack holds what the pull below landed
        if not brought:
            return Unproven(f"the pull has no commits of its own between {before[:12]} and {after.sha[:12]}", _ASK)
        if isinstance(picked, Picked | Partial) and picked.tree == after.tree:
            proof = f"{len(brought)} commit(s) applied to {before[:12]} give exactly {after.sha[:12]} ({method})."
            return _change(pull, brought, method, proof)
        where = ""
        if isinstance(picked, Picked | Partial):
            where = f" (it differs in {self._differing(picked.tree, after.tree)})"
        return Unproven(
            f"the pull's commits do not add up to {after.sha[:12]}{where}: a merge in it carries changes of its own",
            f"To take the merge as one change: `git cherry-pick -x -m 1 {after.sha[:12]}`, after reading it.",
        )

    def _has_some(self, before: str, own: Sequence[RawCommit]) -> bool:
        """Whether a commit of these had nothing to bring any more: the squash of them all brings it once more."""
        plain = self._with_content(own)
        picked = self._picks([Wish(before, tuple(c.sha for c in plain))])[0] if plain else None
        return picked is not None and any(step.outcome == "present" for step in picked.steps)

    def _whole_merge(self, pull: Pull, merged: RawCommit) -> Change:
        """The merge against its first parent, where no other commit brings just what it brought."""
        proof = f"{merged.sha[:12]} is all that the pull brought; the squash that it merges holds more than that."
        return replace(_change(pull, [merged], "merge", proof), mainline=1)

    def _squash_or_rebase(self, pull: Pull, merged: RawCommit, head: RawCommit) -> Change | Unproven:
        """Both leave one parent, and of a rebase the forge names the last commit only: the content tells them apart."""
        own = self._with_content(self._between(merged.parents[0], head.sha))
        if not own:
            return Unproven(f"the pull has no commits beyond {merged.parents[0][:12]}", _ASK)
        base = self._base_before(pull, merged) if len(own) > 1 else None
        again, is_all = self._rebased(pull, own, merged, base) if len(own) > 1 else ([merged], True)
        landed = again or [merged]
        before = landed[0].parents[0]
        if not self._brings(before, head, merged):
            return Unproven(f"merging the pull's head into {before[:12]} does not give {merged.sha[:12]}", _ASK)
        if again and len(again) < len(own) and not is_all:
            return Unproven(f"{merged.sha[:12]} is the last of {len(own)} commits; the others are not below it", _ASK)
        rebased = len(again) > 1 or (again and any(_same_origin(commit, merged) for commit in own))
        method: MergeMethod = "rebase" if rebased else "squash"
        proof = f"{len(landed)} commit(s) up to {merged.sha[:12]} give what merging the pull's head gives ({method})."
        return _change(pull, landed, method, proof)

    def _rebased(
        self, pull: Pull, own: Sequence[RawCommit], tip: RawCommit, base: str | None,
    ) -> tuple[list[RawCommit], bool]:  # fmt: skip
        """The pull's own commits as they stand at the end of the branch, oldest first; and whether these are all.

        Titles and dates may have been changed on the way; that picking an own commit gives the one that is there has
        not. What the branch had at `base` was not brought by the pull, however much it looks like it, and nor was what
        got another pull's number on its way, or none where the last one got this pull's.
        """
        stop = [f"^{base}"] if base else []
        most = 2 * len(own)  # there may be empty ones between
        told = self.git.run("rev-list", "--first-parent", f"--max-count={most}", tip.sha, *stop)
        listed = told.decode("ascii").split()
        found: list[RawCommit] = []
        remaining, named = list(own), False
        for commit in self._read(listed):
            if not remaining or len(commit.parents) != 1:
                return found, False
            if not self._with_content([commit]):
                continue
            picks = self._picks([Wish(commit.parents[0], (c.sha,)) for c in reversed(remaining)])
            match = next((i for i, pick in enumerate(picks) if _gives(pick, commit.tree)), None)
            if match is None:
                return found, named and not _ends_in_number(commit, pull)
            got = _got_a_number(commit, remaining[-1 - match])
            if found and (got or named) and not _ends_in_number(commit, pull):
                return found, True
            named = named or (got and _ends_in_number(commit, pull))
            found.insert(0, commit)
            del remaining[len(remaining) - 1 - match :]  # the branch keeps the pull's order, so earlier ones only
        return found, bool(base) and len(listed) < most

    def _base_before(self, pull: Pull, landed: RawCommit) -> str | None:
        """Where the base branch was before the pull came, if the forge tells."""
        base = self._commit(pull.base_sha) if pull.base_sha else None
        if base is None or base.sha == landed.sha or not self._is_ancestor(base.sha, landed.sha):
            return None  # some forges name the base of today
        return base.sha

    # ── the forge says “closed”, and a merge robot may have landed it all the same ───────────────────────────────────

    def _landed(self, pull: Pull, base_tip: str) -> Change | NotLanded | Unproven:
        head = self._commit(pull.head_sha)
        if head is None:
            return NotLanded("it was closed without being merged")
        naming = [c for c in self._mentions(pull, base_tip) if _names(c, pull)]
        for commit in naming:  # newest first: after a revert and a re-land the last one counts
            found = self._squash_or_rebase(pull, commit, head) if len(commit.parents) == 1 else None
            if isinstance(found, Change):
                return replace(found, method="landed", proof=f"{commit.sha[:12]} names the pull, and {found.proof}")
        if naming:
            return Unproven(f"{naming[0].sha[:12]} on {pull.base} names this pull, and brings something else", _ASK)
        return NotLanded("it was closed without being merged, and no commit on the base branch names it")

    def _mentions(self, pull: Pull, base_tip: str) -> list[RawCommit]:
        """Commits since the pull left the branch whose message holds its number in some form, newest first."""
        words = [f"--grep={sign}{pull.number}" for sign in "#/!"]
        listed = self.git.run("rev-list", "--first-parent", "--fixed-strings", *words, base_tip, f"^{pull.head_sha}")
        return [c for c in self.picker.reader.commits(listed.decode("ascii").split()) if c]

    # ── whether it still counts ──────────────────────────────────────────────────────────────────────────────────────

    def standing(self, commit: str, tip: str, numbers: Sequence[int]) -> Standing:
        """How a commit stands on the branch with this tip: not there, there, or there and taken back since."""
        if self._commit(commit) is None or not self._is_ancestor(commit, tip):
            return Standing(holds=False)
        by = _last_word({commit, *(f"#{number}" for number in numbers)}, self._reverts_since(commit, tip))
        return Standing(by is None, by)

    # ── common ground ────────────────────────────────────────────────────────────────────────────────────────────────

    def _reverts(self, change: Change, merged_as: str | None, base_tip: str) -> list[str]:
        """The commits that took commits of the change back, as far as they have the last word."""
        reverts = self._reverts_since(change.commits[-1].sha, base_tip)
        whole = {f"#{change.number}", *([merged_as] if merged_as and change.method == "merge" else [])}
        words = (_last_word({commit.sha, *whole}, reverts) for commit in change.commits)
        return [word for word in words if word]

    def _reverts_since(self, commit: str, tip: str) -> list[_Revert]:
        """The reverts that came after a commit, in their order."""
        if commit == tip:
            return []
        listed = self.git.run(
            "rev-list", "--reverse", "--topo-order", "--regexp-ignore-case", "--fixed-strings", "--grep=revert",
            f"{commit}..{tip}",
        ).decode("ascii").split()  # fmt: skip
        return [self._as_revert(commit) for commit in self._read(listed)]

    def _as_revert(self, commit: RawCommit) -> _Revert:
        traits = Traits.read(commit.sha, "", 0, commit.message.decode(errors="replace"))
        targets = {*traits.reverts, *(f"#{number}" for number in traits.reverts_pulls)}
        for merge in _MERGE_TAKEN_BACK.findall(commit.message):
            name = merge.decode("ascii")
            targets |= set(self.git.attempt("rev-list", name, f"^{name}^1").out.decode("ascii").split())
        if not targets and (quoted := _REVERT_OF_A_PULL.match(traits.title)):
            targets |= {f"#{number}" for number in numbers(quoted[1])[-1:]}
        return _Revert(commit.sha, {commit.sha, *(f"#{n}" for n in numbers(traits.title)[-1:])}, targets)

    def _brings(self, before: str, head: RawCommit, after: RawCommit) -> bool:
        """Whether merging the pull's head into `before` gives the tree of `after`."""
        base = self._commit(before)
        if base is None:
            return False
        attributes = self.picker.attributes.of_trees([base.tree])[0]
        if isinstance(attributes, Unreadable):
            raise GitFault(["merge-tree"], 128, attributes.reason.encode())
        result = merge_all(self.picker.scratch.view(attributes), [(before, head.sha)])[0]
        if isinstance(result, Failed):
            raise GitFault(["merge-tree"], 128, result.reason.encode())
        return not result.conflicts and result.tree == after.tree

    def _differing(self, one: str, other: str) -> str:
        named = self.picker.scratch.view().run("diff-tree", "-r", "-z", "--name-only", one, other)
        paths = named.decode(errors="replace").split("\0")[:-1]
        return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")

    def _picks(self, wishes: Sequence[Wish]) -> list[PickOutcome]:
        """Pick commits that are known to be there: where that cannot be done, the repository is damaged."""
        outcomes = self.picker.pick(wishes)
        for outcome in outcomes:
            if isinstance(outcome, Impossible):
                raise GitFault(["merge-tree"], 128, outcome.reason.encode())
        return [outcome for outcome in outcomes if not isinstance(outcome, Impossible)]

    def _between(self, old: str, new: str) -> list[RawCommit]:
        listed = self.git.run("rev-list", "--reverse", "--topo-order", f"{old}..{new}")
        return self._read(listed.decode("ascii").split())

    def _with_content(self, commits: Sequence[RawCommit]) -> list[RawCommit]:
        """The commits that bring something by themselves: no merges, and none that changes nothing."""
        plain = [c for c in commits if len(c.parents) < 2]
        parents = self.picker.reader.commits([p for c in plain for p in c.parents])
        trees = {parent.sha: parent.tree for parent in parents if parent}
        return [c for c in plain if not c.parents or trees.get(c.parents[0]) != c.tree]

    def _read(self, names: Sequence[str]) -> list[RawCommit]:
        return [c for c in self.picker.reader.commits(names) if c]

    def _commit(self, sha: str) -> RawCommit | None:
        return self.picker.reader.commits([sha])[0]

    def _is_ancestor(self, old: str, new: str) -> bool:
        if old == new:
            return True
        done = self.git.attempt("merge-base", "--is-ancestor", old, new)
        if done.status not in (0, 1):
            raise GitFault(["merge-base", "--is-ancestor", old, new], done.status, done.err)
        return done.status == 0


@dataclass(frozen=True, slots=True)
class _Revert:
    """A commit that takes others back. Names are ids (shortened ones among the targets) and `#15` for pulls."""

    sha: str
    names: set[str]
    targets: set[str]

    def hits(self, names: set[str]) -> bool:
        return any(n == t or (n.startswith(t) and not t.startswith("#")) for n in names for t in self.targets)


def _last_word(names: set[str], reverts: Sequence[_Revert]) -> str | None:
    """Of reverts in order, the one that took the named back for good; a revert may be reverted itself."""
    hits = [i for i, revert in enumerate(reverts) if revert.hits(names)]
    while hits:
        revert = hits[-1]
        undone = [i for i in range(revert + 1, len(reverts)) if reverts[i].hits(reverts[revert].names)]
        if not undone:
            return reverts[revert].sha
        again = undone[-1]
        hits = [i for i in range(again + 1, len(reverts)) if reverts[i].hits(reverts[again].names)]
    return None


def _gives(outcome: PickOutcome, tree: str) -> bool:
    return isinstance(outcome, Picked) and outcome.tree == tree


def _change(pull: Pull, commits: Sequence[RawCommit], method: MergeMethod, proof: str) -> Change:
    return Change(pull.number, pull.title, tuple(c.plain() for c in commits), method, proof)


def _same_origin(one: RawCommit, other: RawCommit) -> bool:
    """A rebase keeps the whole author line and the title, whatever it does to the content."""
    return one.author == other.author and one.message.split(b"\n", 1)[0] == other.message.split(b"\n", 1)[0]


def _got_a_number(landed: RawCommit, own: RawCommit) -> bool:
    """Whether a title got a pull's number at its end on the way: forges do that to what they squash, robots to all."""
    return _AT_THE_END.findall(_title(landed)) not in ([], _AT_THE_END.findall(_title(own)))


def _ends_in_number(commit: RawCommit, pull: Pull) -> bool:
    return _AT_THE_END.findall(_title(commit)) == [str(pull.number)]


def _title(commit: RawCommit) -> str:
    return commit.message.split(b"\n", 1)[0].decode(errors="replace")


def _names(commit: RawCommit, pull: Pull) -> bool:
    """Whether a commit says that it is this pull: `Title (#12)`, or a merge robot's line with the pull's address."""
    text = commit.message.decode(errors="replace")
    number = pull.number
    in_title = re.search(rf"[(\[][#!]{number}[)\]]\s*$", text.split("\n", 1)[0])
    resolved = re.search(
        rf"^(?:Pull[ -]Request[ -]resolved|Pull-Request|Closes|PR[ -]URL|See merge request)\b.*(?:/|#|!){number}\s*$",
        text, re.IGNORECASE | re.MULTILINE,
    )  # fmt: skip
    return bool(in_title or resolved) and not text.startswith("Revert ")
