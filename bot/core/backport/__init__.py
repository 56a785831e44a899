"""The main job: carry one change to one line (`flow`, `delivery`, `ending`), and follow what becomes of it (`carrier`,
`settle`). `resolve` finds what a change is.

It must never resolve a conflict, overwrite what others have written, or skip work on uncertain evidence.
"""

from bot.core.backport.flow import apologise, backport
from bot.core.backport.settle import settle

__all__ = ["apologise", "backport", "settle"]
