"""From history to a changelog: `compose` finds what a version holds, `view` shows it, `write` puts it into a file.

It must never drop a change silently, touch a byte that it was not asked to, or let a text from a commit call anybody.

`told` takes from a commit what matters, `graph` finds the ranges of versions, `reverts` and `identity` settle what
cancels out and what other lines had, `entries` makes a change an entry; `page` and `merge` keep what people wrote.
"""
