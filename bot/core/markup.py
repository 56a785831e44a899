"""Follows the HTML of a comment, to know what stands inside code, a quote, a list, a table or anything else not said.

It must never guess how a browser reads a tag: after one that cannot be read in a single way, nothing is plain any more.
"""

from __future__ import annotations

import re

_HIDING = frozenset({
    "a", "audio", "blockquote", "button", "canvas", "caption", "cite", "code", "datalist", "dd", "del", "dfn",
    "dialog", "dir", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "kbd", "label", "legend", "li", "listing", "map",
    "marquee", "menu", "nobr", "object", "ol", "optgroup", "option", "output", "pre", "q", "rp", "rt", "s", "samp",
    "strike", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var", "video",
})  # fmt: skip
"""What is in these is not said by who comments. What nobody knows, as `vector<int>`, is not among them."""

_ANOTHER_LANGUAGE = frozenset({
    "applet", "frameset", "iframe", "math", "noembed", "noframes", "noscript", "plaintext", "script", "select",
    "style", "svg", "template", "textarea", "title", "xmp",
})  # fmt: skip
"""In these a browser reads tags by other rules, or a forge takes them out and leaves what is in them."""

# Possessive throughout, so that a tag that fails has been gone over once.
_PIECE = re.compile(
    r"""
    [^<]++ | <(?![A-Za-z/!?])                                 # text
    | <!-- (?: (?!-?>) (?: (?!--)[\s\S] )*+ | [^<]*? ) -->    # a comment that ends at the same place for all
    | </ (?P<closed> [A-Za-z][A-Za-z0-9-]*+ ) [ \t\n]*+ >
    | <  (?P<opened> [A-Za-z][A-Za-z0-9-]*+ )
         (?: [ \t\n]++ [A-Za-z_:][A-Za-z0-9_.:-]*+
             (?: [ \t\n]*+ = [ \t\n]*+ (?: [^\s"'=<>`]++ | '[^']*+' | "[^"]*+" ) )?+
         )*+ [ \t\n]*+ /?+ >
    | (?P<unclear> < )
    """,
    re.VERBOSE,
)


class OpenElements:
    """The elements that are open and make what is in them no speech."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._lost = False

    def __bool__(self) -> bool:
        return self._lost or bool(self._open)

    def __len__(self) -> int:
        return len(self._open)

    def read(self, html: str, outer: int = 0) -> None:
        """Go on over a piece of HTML. Of what is open, it can close all but the first `outer` elements."""
        for piece in _PIECE.finditer(html):
            if piece["unclear"]:
                self._lost = True
            if self._lost:
                return
            if piece["opened"]:
                self._enter(piece["opened"].lower())
            elif piece["closed"] and self._open and piece["closed"].lower() in _HIDING:
                self._leave(piece["closed"].lower(), outer)

    def _enter(self, name: str) -> None:
        if name in _HIDING:
            self._open.append(name)
        self._lost |= name in _ANOTHER_LANGUAGE

    def _leave(self, name: str, outer: int) -> None:
        """What closes anything but the innermost element, browsers put right in ways of their own."""
        if len(self._open) > outer and self._open[-1] == name:
            self._open.pop()
        else:
            self._lost = True
