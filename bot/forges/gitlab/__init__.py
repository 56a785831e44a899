"""GitLab, gitlab.com or a server of one's own. Only this folder knows python-gitlab; it must never let one of its
objects out.
"""

from __future__ import annotations

from bot.forges.gitlab.adapter import GitLab

__all__ = ["GitLab"]
