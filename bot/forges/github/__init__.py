"""GitHub and GitHub Enterprise Server. Only this folder knows PyGithub; it must never let one of its objects out."""

from __future__ import annotations

from bot.forges.github.adapter import GitHub
from bot.forges.github.identity import AppKey

__all__ = ["AppKey", "GitHub"]
