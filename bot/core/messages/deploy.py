"""What is said about the deployment of a version in another repository.

It must never mention anybody: nobody there has asked for anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.messages.escape import code, link, one_line, plain
from bot.core.messages.refusals import Refusal
from bot.core.model import Repo
from bot.core.policy import PolicyErrors


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to deploy."""

    source: Repo
    tag: str
    commit: str
    asked_by: str
    """Who asked for the version, as its tag says it; empty where it does not."""
    url: str | None
    """The release that the forge shows."""


def marker_of(told: Told) -> str:
    """The hidden line by which the pull of this very version is known."""
    return f"<!-- relbot:deploy:{told.source.id}:{told.tag}:{told.commit} -->"


def render_pull(told: Told, files: tuple[str, ...]) -> str:
    """The body of the pull."""
    asked = f", asked for by {plain(told.asked_by, 60)}" if told.asked_by else ""
    where = ", ".join(code(file, 100) for file in files)
    return (
        f"{marker_of(told)}\n"
        f"**{link(f'{plain(told.source.path)} {plain(told.tag, 80)}', told.url)}** is out (commit "
        f"`{told.commit[:12]}`{asked}). This sets its version in {where}.\n\n"
        "Merge it to deploy, or close it to leave this version out: then I do not bring it again. As long as nobody "
        "but me has pushed here, the next version takes the place of this one. The policy of "
        f"{plain(told.source.path)} asks for it under `[deploy]`, and the policy here accepts that.\n"
    )


def commit_message(source: str, tag: str, commit: str) -> str:
    """The same for the same tag; the first line is the title of the pull, which later versions keep."""
    return f"chore: deploy {one_line(source)}\n\nIt is at {one_line(tag, 80)}, commit {commit}.\n"


# ── why it is not done ───────────────────────────────────────────────────────────────────────────────────────────────


def no_tag(tag: str) -> Refusal:
    """The tag is gone, or names no commit."""
    return Refusal(f"There is no tag {tag} that names a commit.", "Release the version anew under its next number.")


def moved_tag(tag: str) -> Refusal:
    """It names something else than what was counted."""
    return Refusal(f"{tag} was moved since I looked at it, so I do not deploy it.", "Release the next number.")


def bare_tag(tag: str) -> Refusal:
    """The tag has no object, so nothing dates the deployment."""
    reason = f"{tag} is a bare name without a date or an author, so I do not deploy it."
    return Refusal(reason, "Deploy it by hand, and have me make the next one: I make annotated tags.")


def bad_signature(tag: str, said: str) -> Refusal:
    """The tag claims to be signed, and is not."""
    reason = f"The signature of {tag} is not good: {one_line(said).rstrip('.')}."
    return Refusal(reason, "Find out who made it before anything is deployed.")


def withdrawn(tag: str) -> Refusal:
    """Its release says so."""
    return Refusal(f"{tag} is withdrawn, so I do not deploy it.", "Release the next version: I deploy that.")


def not_out(tag: str) -> Refusal:
    """Its release waits for people."""
    return Refusal(f"The release of {tag} is a draft, so it is not out.", "Publish it, then have me do this again.")


def lost_name(source: Repo) -> Refusal:
    """Whose name is held against the list of those accepted cannot be told."""
    reason = f"I cannot tell what {source.path} is called now, and it is known by its name where it is deployed."
    return Refusal(reason, "If it was renamed, release the next version under the new name, accepted there.")


def no_target(path: str) -> Refusal:
    """The repository that deploys is not there for the bot."""
    return Refusal(
        f"The repository {path}, which the policy names under [deploy], is not there, or I may not write to it.",
        "Mend the name, or give my account write access there; an App has to be installed there.",
    )


def empty_target(path: str) -> Refusal:
    """It has no commit on its default branch."""
    return Refusal(f"{path} has nothing on its default branch.", "Put the files there that hold the version.")


def broken_policy(path: str, errors: PolicyErrors) -> Refusal:
    """The policy of either repository cannot be read."""
    first = errors.errors[0]
    reason = f"The policy of {path} is wrong in line {first.line} of {one_line(errors.path, 80)}"
    return Refusal(f"{reason}: {one_line(first.message, 250).rstrip('.')}.", "Mend it on the default branch.")


def not_accepted(source: str, target: str) -> Refusal:
    """The repository that deploys has not consented."""
    return Refusal(
        f"{target} does not accept deployments from {source}.",
        f'Let its maintainers put this into its policy, on the default branch: [deploy] accept = ["{source}"]',
    )


def not_written(target: str, file: str, reason: str) -> Refusal:
    """A file cannot be given the version."""
    return Refusal(
        f"{one_line(file, 100)} of {target} cannot be given the version: {one_line(reason, 250).rstrip('.')}.",
        "Mend the file, or `files` under [deploy].",
    )
