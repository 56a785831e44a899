"""What a pick changed of its originals, told by git itself.

It never judges the difference; a person reads it.
"""

from __future__ import annotations

from bot.core.picks import Partial, Picked, PickOutcome
from bot.tools.git import Git
from bot.tools.pick import Picker

_LONGEST = 20_000
"""Characters of the text; a pull's body holds 65,536 and has more to say than this."""


def describe_difference(picker: Picker, outcome: PickOutcome, mainline: int | None = None) -> str:
    """`git range-diff` of the originals against the picks; empty when no patch differs, or nothing was picked.

    `mainline` is the one that was picked with. The picks are compared under their original messages: the trailer
    that every pick gets would hide what matters.
    """
    if not isinstance(outcome, Picked | Partial):
        return ""
    done = [(step.source, step.result) for step in outcome.steps if step.result]
    originals = picker.reader.commits([source for source, _ in done])
    git = picker.scratch.view()
    texts = []
    before = outcome.onto
    for original, (_, result) in zip(originals, done, strict=True):
        if original is None:
            continue
        twin = picker.with_message(result, original.message)
        texts.append(_range_diff(git, picker.as_range(original, mainline), f"{before}..{twin}"))
        before = result
    told = "\n".join(text for text in texts if text)
    return told if len(told) <= _LONGEST else told[:_LONGEST] + "\n… (cut)"


def _range_diff(git: Git, original: str, twin: str) -> str:
    """One commit against its pick. The first line ends in `=` when the two are the same."""
    told = git.run("range-diff", "--no-color", "--no-notes", "--creation-factor=100", original, twin)
    text = told.decode(errors="replace")
    first = text.split("\n", 1)[0]
    return "" if " = " in first.split(":", 2)[1] else text.rstrip()
