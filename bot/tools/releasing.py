"""Tags on the forge, and the commits that get them: read, made in memory, pushed all or nothing, and read back.

It must never move a tag, take one away, push one whose signature it has not checked, or a branch that has moved.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bot.core.actions import BranchMoved, Missing, Refused
from bot.core.errors import Fault
from bot.core.model import Repo
from bot.core.tagging import (
    Between,
    CommitMade,
    FetchTags,
    FindBetween,
    IsAncestor,
    LineProtected,
    MakeCommit,
    Pushed,
    PushRelease,
    ReadFiles,
    SignatureKind,
    TagChecked,
    TagExists,
    TagFound,
    Titled,
    Verdict,
    VerifyTag,
    name_of,
)
from bot.tools.clone import Clone
from bot.tools.git import Done, GitFault, check_branch, is_object_id
from bot.tools.objects import RawCommit
from bot.tools.pick import Picker
from bot.tools.refusals import is_protection, reason_of
from bot.tools.scratch import Repository, Scratch
from bot.tools.signer import PROBE, Declined, Signer
from bot.tools.tags import MOST, TagText, compose, read_object
from bot.tools.trees import Trees
from bot.tools.verifying import Verifier

T = TypeVar("T")

_FIELDS = ("refname", "objecttype", "objectname", "*objecttype", "*objectname", "taggerdate:unix")
_FORMAT = "%00".join(f"%({field})" for field in _FIELDS)
_TAGS = "refs/tags/"
_LONGEST_TITLE = 200
_HEADS = "refs/heads/"
_OF_TAGS = re.compile(r"\btags?\b", re.IGNORECASE)
_ADDRESS = re.compile(r"\bhttps?://\S+")


_Outcome = Pushed | TagExists | BranchMoved | LineProtected | Refused


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs, and who says whether that is good."""

    signer: Signer
    verifier: Verifier

    def close(self) -> None:
        """End what was started for them."""
        self.signer.close()
        self.verifier.close()


def try_out(signing: Signing) -> tuple[Verdict, str]:
    """Whether what the signer signs is good before the public keys, seen by a signature on what is no tag."""
    answer = signing.signer.probe()
    if isinstance(answer, Declined):
        return "bad", answer.reason
    with tempfile.TemporaryDirectory(prefix="relbot-") as room:
        (Path(room) / "none").mkdir()
        nothing = Repository(Path(room) / "none", Path(room) / "none", "sha1")
        scratch = Scratch(Path(room), nothing)
        whole = PROBE + answer.signature
        tag = scratch.loose.write("tag", whole)
        return signing.verifier.check(scratch.view(), tag, read_object(whole).signed)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a mirror lends: its clone, its picker, and a way to work that heals the clone."""

    clone: Clone
    picker: Callable[[], Picker]
    healing: Callable[[Callable[[], T]], T]


@dataclass(frozen=True, slots=True)
class _Made:
    """A tag object that lies in the scratch store."""

    sha: str
    signed: SignatureKind | None


class Releases:
    """The tags of one repository."""

    def __init__(self, repo: Repo, ground: Ground, signing: Signing | None) -> None:
        self._repo = repo
        self._clone = ground.clone
        self._picker = ground.picker
        self._healing = ground.healing
        self._signing = signing

    # ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────

    def fetch_tags(self, action: FetchTags) -> tuple[TagFound, ...]:
        """Every tag as it is on the forge now: one fetch, and one process that lists them."""
        refs = [f"{_TAGS}{_check_pattern(pattern)}" for pattern in action.patterns]
        found = self._healing(lambda: self.fetched(refs, self._tags))
        return tuple(tag for tag in found if any(_fits(pattern, tag.name) for pattern in action.patterns))

    def verify_tag(self, action: VerifyTag) -> TagChecked | Missing:
        """One tag, with what its signature is worth."""
        refs = [f"{_TAGS}{check_branch(action.name)}*"]  # as a pattern, since it may not be there
        return self._healing(lambda: self.fetched(refs, lambda: self._verify(action.name)))

    def _verify(self, name: str) -> TagChecked | Missing:
        found = self._find(name)
        return self._check(found) if found else Missing(f"the tag {name}")

    def read_files(self, action: ReadFiles) -> dict[str, str | None]:
        """See `Trees.read_files`."""
        return self._healing(lambda: self.trees().read_files(self.there(action.commit).tree, action.paths))

    def is_ancestor(self, action: IsAncestor) -> bool:
        """See `IsAncestor`."""
        return self._healing(lambda: self._holds(action.of, action.commit))

    def find_between(self, action: FindBetween) -> Between:
        """See `FindBetween`."""
        return self._healing(lambda: self._between(action))

    def _between(self, action: FindBetween) -> Between:
        span = [self.there(action.of).sha, f"^{self.there(action.without).sha}"]
        offline = self._picker().scratch.offline()
        shown = offline.run("log", "-z", "--no-show-signature", f"--max-count={action.most}", "--format=%H %s", *span)
        rows = [row.partition(" ") for row in shown.decode(errors="replace").split("\0") if row]
        found = tuple(Titled(sha, title[:_LONGEST_TITLE]) for sha, _, title in rows)
        if len(found) < action.most:
            return Between(found)
        return Between(found, int(offline.run("rev-list", "--count", *span)) - len(found))

    def make_commit(self, action: MakeCommit) -> CommitMade:
        """Make a commit in memory. It lies in the scratch store until something is pushed that holds it."""
        return self._healing(lambda: self.make(action))

    # ── the one write ────────────────────────────────────────────────────────────────────────────────────────────────

    def push_release(self, action: PushRelease) -> _Outcome:
        """See `PushRelease`. A second time it finds what the first has done."""
        text = compose(self._repo, action.tag, self._picker().committer.identity)
        text.render()  # what cannot be a tag is refused before anybody is asked
        branches = [action.line.branch] if action.line else []
        branches += [action.staged] if action.staged else []
        refs = [f"{_HEADS}{check_branch(name)}*" for name in branches] + [f"{_TAGS}{action.tag.name}*"]
        return self._healing(lambda: self.fetched(refs, lambda: self._push(action, text)))

    def _push(self, action: PushRelease, text: TagText) -> _Outcome:
        if (there := self._find(text.name)) is not None:
            return self._recognise(there, action, text)
        if moved := self._moved(action):
            return moved
        made = self._make_tag(text)
        if isinstance(made, Refused):
            return made
        moves = [(f"{made.sha}:{_TAGS}{text.name}", f"{_TAGS}{text.name}:")]
        if line := action.line:
            tip = self._clone.branches().get(line.branch)
            moves.append((f"{text.commit}:{_HEADS}{line.branch}", f"{_HEADS}{line.branch}:{tip}"))
        done = self._clone.push_together(self._picker().scratch.view().directory, moves)
        if done.status != 0:
            return self._explain(done, action, text)
        return self._read_back(action, text, made)

    def _moved(self, action: PushRelease) -> BranchMoved | None:
        """Whether the branch is not where it was seen. It may be at the new commit already."""
        commit, line = action.tag.commit, action.line
        self.there(commit)
        if line is None:
            return None
        if (tip := self._clone.branches().get(line.branch)) not in (line.expect, commit):
            return BranchMoved(tip)
        if not self._holds(commit, line.expect):
            raise Fault(f"{commit} does not follow {line.expect}: {line.branch} goes forward only.")
        return None

    def _recognise(self, there: TagFound, action: PushRelease, text: TagText) -> Pushed | TagExists | BranchMoved:
        """Whether a tag that is there is the one that is wished for: our own, of an earlier try or of a twin's."""
        checked = self._check(there)
        if reason := self._difference(checked, text):
            return TagExists(there, reason)
        if line := action.line:
            tip = self._clone.branches().get(line.branch)
            if tip is None or not self._holds(tip, text.commit):
                return BranchMoved(tip)
        return Pushed(there, found=True, signed=checked.signed)

    def _difference(self, checked: TagChecked, text: TagText) -> str:
        if checked.tag.commit != text.commit:
            return f"it is at {checked.tag.commit or 'no commit'}"
        if not checked.tag.annotated:
            return "it has no tag object, so somebody else has made it"
        theirs, ours = dict(checked.trailers), dict(text.trailers)
        if keys := [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]:
            return f"it was made for something else: its trailers differ in {', '.join(keys)[:200]}"
        if self._signing and checked.verdict != "good":
            return checked.said
        return ""

    def _make_tag(self, text: TagText) -> _Made | Refused:
        """The tag object, signed where there is a key. A signature counts when plain git finds it good."""
        scratch, body = self._picker().scratch, text.render()
        if self._signing is None:
            return _Made(scratch.loose.write("tag", body), None)
        answer = self._signing.signer.sign(name_of(self._repo), body)
        if isinstance(answer, Declined):
            step = "See the rules that the signer was started with, and its log."
            return Refused(f"the signer does not sign {text.name}: {answer.reason}", step)
        whole = body + answer.signature
        signed = read_object(whole).signed
        sha = scratch.loose.write("tag", whole)
        verdict, said = self._signing.verifier.check(scratch.view(), sha, signed)
        if verdict != "good" or len(whole) > MOST:
            step = "Run `relbot doctor`: `signers` under [signing] has to hold the public key of the signer."
            return Refused(f"I did not push {text.name}: as the signer signed it, {said}", step)
        return _Made(sha, signed)

    def _read_back(self, action: PushRelease, text: TagText, made: _Made) -> Pushed:
        """What the forge shows after the push, not what git said of it. Others may have pushed on top by now."""
        names = [f"{_TAGS}{text.name}"] + ([f"{_HEADS}{action.line.branch}"] if action.line else [])
        shown = self._clone.remote_refs(names)
        if shown.get(names[0]) != made.sha:
            at = shown.get(names[0]) or "nothing"
            raise Fault(f"I pushed {text.name} as {made.sha}, and the forge shows {at} there.", passing=True)
        if action.line and (tip := shown.get(names[1])) != text.commit:
            self.fetch([f"{names[1]}*"])
            if tip is None or not self._holds(tip, text.commit):
                raise Fault(
                    f"I pushed {text.commit} to {action.line.branch}, and the forge shows {tip} there, without it.",
                    passing=True,
                )
        return Pushed(TagFound(text.name, made.sha, text.commit, True, text.tagged_at), signed=made.signed)

    def _explain(self, done: Done, action: PushRelease, text: TagText) -> _Outcome:
        said = done.err.decode(errors="replace") + done.out.decode(errors="replace")
        tag, branch = f"{_TAGS}{text.name}", action.line.branch if action.line else None
        if "does not support --atomic" in said:
            step = "Push to a server with git 2.4 or newer that announces `atomic` (receive.advertiseAtomic)."
            return Refused(f"I did not push {text.name}: the server cannot take all of a push or nothing of it", step)
        if "returned error: 403" in said:  # no trouble that passes: the bot may not push here
            return _refusal(said, text.name, branch)
        if "rejected]" not in said:
            raise Fault(str(GitFault(["push", text.name], done.status, done.err)), passing=True)
        names = [tag] + ([f"{_HEADS}{branch}"] if branch else [])
        self.fetch([f"{name}*" for name in names])  # the forge may have been slower than the leases
        if (there := self._find(text.name)) is not None:
            return self._recognise(there, action, text)
        if action.line and (tip := self._clone.branches().get(action.line.branch)) not in (
            action.line.expect, text.commit,
        ):  # fmt: skip
            return BranchMoved(tip)
        if "[remote rejected]" in said:
            return _refusal(said, text.name, branch)
        raise Fault(str(GitFault(["push", text.name], done.status, done.err)), passing=True)

    # ── underneath ───────────────────────────────────────────────────────────────────────────────────────────────────

    def fetched(self, refs: Sequence[str], work: Callable[[], T]) -> T:
        """Do some work on refs as they are now. A clone that is built anew has no tags: both are done again then."""
        self.fetch(refs)
        return work()

    def fetch(self, refs: Sequence[str]) -> None:
        """Bring refs up to date, by patterns; the default branch comes along, which a new clone begins with."""
        wanted = [f"{_HEADS}{check_branch(self._repo.default_branch)}", *refs]
        self._clone.fetch([f"+{ref}:{ref}" for ref in dict.fromkeys(wanted)])

    def _tags(self, below: str = "") -> list[TagFound]:
        listed = self._clone.git().run("for-each-ref", f"--format={_FORMAT}", f"{_TAGS}{below}")
        rows = [line.split("\0") for line in listed.decode(errors="surrogateescape").splitlines()]
        # git 2.39 looks below one tag object only, and tags may name tags
        deep = [row[2] for row in rows if row[1] == "tag" and row[3] == "tag"]
        below_them = dict(zip(deep, self._picker().reader.commits(deep), strict=True)) if deep else {}
        found = []
        for ref, kind, sha, next_kind, next_sha, date in rows:
            commit = sha if kind == "commit" else next_sha if next_kind == "commit" else None
            if commit is None and (raw := below_them.get(sha)):
                commit = raw.sha
            tagged_at = int(date) if date.removeprefix("-").isdigit() else None
            found.append(TagFound(ref.removeprefix(_TAGS), sha, commit, kind == "tag", tagged_at))
        return found

    def _find(self, name: str) -> TagFound | None:
        return next((tag for tag in self._tags(name) if tag.name == name), None)

    def _check(self, tag: TagFound) -> TagChecked:
        if not tag.annotated:
            said = "it has no tag object, so there is nothing to sign"
            return TagChecked(tag, None, "", (), None, "none", said, self._signing is not None)
        reader = self._picker().reader
        [body] = reader.contents([tag.sha])
        if body is None:
            raise Fault(f"The tag object {tag.sha} of {tag.name} is not there.", passing=True)
        read = read_object(body[1])
        verdict: Verdict = "unchecked"
        said = "it is signed, and I was told of no keys to judge that by"
        if read.signed is None:
            verdict, said = "none", "it is not signed"
        elif read.name != tag.name:
            verdict, said = "bad", f"its signature is for the name {read.name[:100]!r}"
        elif self._signing:
            verdict, said = self._signing.verifier.check(self._picker().scratch.view(), tag.sha, read.signed)
        who, keyed = read.tagger, self._signing is not None
        return TagChecked(tag, who, read.title[:500], read.trailers, read.signed, verdict, said, keyed)

    def _holds(self, of: str, commit: str) -> bool:
        """Whether a commit is the other one, or below it; not so when one of them is not there."""
        done = self._picker().scratch.offline().attempt("merge-base", "--is-ancestor", commit, of)
        if done.status in (0, 1):
            return done.status == 0
        if self.is_here(commit) and self.is_here(of):
            raise GitFault(["merge-base", "--is-ancestor"], done.status, done.err)
        return False

    def is_here(self, commit: str) -> bool:
        """Whether a commit is here. Asked of git without the forge, where it would look for it, and fail."""
        offline = self._picker().scratch.offline()
        return is_object_id(commit) and offline.attempt("cat-file", "-e", f"{commit}^{{commit}}").status == 0

    def there(self, sha: str) -> RawCommit:
        """The commit; a `Fault` where it is not here."""
        commit = self._picker().reader.commits([sha])[0] if self.is_here(sha) else None
        if commit is None:
            raise Fault(f"There is no commit {sha[:80]} here of {self._repo.path}. Fetch the branch that holds it.")
        return commit

    def trees(self) -> Trees:
        """Reads trees of the repository, and writes new ones in memory."""
        picker = self._picker()
        return Trees(picker.reader, picker.scratch.loose)

    def make(self, action: MakeCommit) -> CommitMade:
        """The commit, or its parent itself where nothing would change."""
        picker = self._picker()
        parent = self.there(action.parent)
        tree, changed = self.trees().change(parent.tree, dict(action.files))
        if tree == parent.tree:
            return CommitMade(parent.sha, tree, ())
        who = f"{picker.committer.identity} {action.committed_at} +0000"
        message = action.message.replace("\0", "").strip("\n") + "\n"
        head = f"tree {tree}\nparent {parent.sha}\nauthor {who}\ncommitter {who}\n\n"
        body = (head + message).encode(errors="replace")
        return CommitMade(picker.scratch.loose.write("commit", body), tree, changed)


def _check_pattern(pattern: str) -> str:
    """The name of a tag with at most one `*`, as a refspec allows it."""
    check_branch(pattern.replace("*", "x", 1))
    return pattern


def _fits(pattern: str, name: str) -> bool:
    before, star, after = pattern.partition("*")
    if not star:
        return name == pattern
    return len(name) >= len(pattern) - 1 and name.startswith(before) and name.endswith(after)


def _refusal(said: str, tag: str, branch: str | None) -> LineProtected | Refused:
    """Put the forge's own words first. Which of the two it was that was refused only they can tell."""
    reason = reason_of(said)
    where = f"{tag} and {branch}" if branch else f"the tag {tag}"
    if is_protection(reason):
        own = reason.replace(tag, "").replace(branch or tag, "")  # which may be called anything, as repositories may
        if branch and not _OF_TAGS.search(_ADDRESS.sub("", own)):
            return LineProtected(reason)
        step = f"Let the bot create tags such as {tag}, then ask again."
    else:
        step = f"Check the rules for {where} and the bot's rights, then ask again."
    return Refused(f"the forge refused the push of {where}: {reason}", step)
