"""The shapes of JSON values: which types and fields were seen, in the manner of `observed-shapes.json`.

It never judges a value: `gitlab_gate` does, with what it finds here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def type_of(value: object) -> str:
    """The name that JSON has for the type of a value."""
    return "null" if value is None else _NAMES[type(value)]


def observe(samples: Iterable[object]) -> Json:
    """The shape that some values have in common, in the manner of `observed-shapes.json`."""
    values = list(samples)
    shape: Json = {"types": sorted({type_of(value) for value in values})}
    objects = [value for value in values if isinstance(value, dict)]
    lists = [value for value in values if isinstance(value, list)]
    if objects:
        names = sorted({name for one in objects for name in one})
        shape["fields"] = {name: observe([one[name] for one in objects if name in one]) for name in names}
        shape["always"] = [name for name in names if all(name in one for one in objects)]
    if items := [item for one in lists for item in one]:
        shape["items"] = observe(items)
    return shape


def merge(shapes: Iterable[Json]) -> Json:
    """One shape that takes what any of some shapes takes; what is always there has to be so in all of them."""
    known = list(shapes)
    merged: Json = {"types": sorted({name for shape in known for name in shape["types"]})}
    for shape in known:
        merged |= {word: shape[word] for word in ("part", "open") if word in shape}
    with_fields = [shape for shape in known if "fields" in shape]
    if with_fields:
        names = sorted({name for shape in with_fields for name in shape["fields"]})
        merged["fields"] = {
            name: merge(shape["fields"][name] for shape in with_fields if name in shape["fields"]) for name in names
        }
        merged["always"] = [name for name in names if all(name in shape.get("always", []) for shape in with_fields)]
    if items := [shape["items"] for shape in known if "items" in shape]:
        merged["items"] = merge(items)
    return merged


def link(shape: Json, places: dict[str, str], parts: dict[str, list[Json]]) -> None:
    """Cut what stands in known places out of a shape into `parts`, and leave its name there."""
    if "items" in shape:
        link(shape["items"], places, parts)
    for name, inner in shape.get("fields", {}).items():
        link(inner, places, parts)
        whole = inner.get("items", inner)
        # `user` of a merge request is no account: it says what the one who asks may do.
        if name in places and (places[name] != "account" or "username" in whole.get("fields", {})):
            cut(whole, places[name], parts)


def cut(shape: Json, part: str, parts: dict[str, list[Json]]) -> None:
    """Put the fields of a shape into `parts`, and leave the name of the part in their place."""
    if "fields" in shape:
        parts.setdefault(part, []).append({**shape, "types": ["object"]})
        del shape["fields"]
        shape["part"] = part
