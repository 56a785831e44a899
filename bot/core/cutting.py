"""What a new line asks for: branches at a commit that is there, and the labels that people ask for it with. Data only.

There must never be a wish in it that moves a branch, or repaints a label.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import BranchReady, Refused, Write
from bot.core.model import Branch, Repo
from bot.core.setup import LabelWish


@dataclass(frozen=True, slots=True)
class BranchTaken:
    """One of the branches is there, at another commit. It was left alone, and none was made."""

    branch: Branch


@dataclass(frozen=True, slots=True)
class CreateBranches(Write[BranchReady | BranchTaken | Refused]):
    """Branches of these names are at a commit that the repository has: all of them are made, or none.

    Those that are there already at this commit are left as they are.
    """

    repo: Repo
    commit: str
    branches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelsReady:
    """The labels are there; `made` are those that this very wish has made."""

    made: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnsureLabels(Write[LabelsReady | Refused]):
    """The repository has these labels; those that it has stay as they are."""

    repo: Repo
    wishes: tuple[LabelWish, ...]
