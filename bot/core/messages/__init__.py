"""Every sentence a person reads, by where it stands: chat, sticky comment, pull, refusal, recipe; `escape` guards them.

It must never decide anything, and never let foreign text through unescaped.
"""
