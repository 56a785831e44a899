"""Commits that git has to see for one merge only: written together as one pack, and gone afterwards.

It must never hold what is asked for later.
"""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

_COMMIT = 1


@contextmanager
def lend_commits(
    objects: Path, bodies: Mapping[str, bytes], algorithm: Literal["sha1", "sha256"],
) -> Iterator[None]:  # fmt: skip
    """Let git find these commits (id → content) in an object folder while the block runs.

    They are two files, however many they are: making a file can cost more than all else that is done for a merge.
    """
    folder = objects / "pack"
    folder.mkdir(exist_ok=True)
    name = f"lent-{os.getpid()}-{threading.get_ident()}"
    pack, index = folder / f"{name}.pack", folder / f"{name}.idx"
    try:
        content, contents = _pack(bodies, algorithm)
        pack.write_bytes(content)
        index.with_suffix(".part").write_bytes(contents)
        index.with_suffix(".part").rename(index)  # git of another thread shall not find half of it
        yield
    finally:
        for file in (index, index.with_suffix(".part"), pack):
            file.unlink(missing_ok=True)


def _pack(bodies: Mapping[str, bytes], algorithm: Literal["sha1", "sha256"]) -> tuple[bytes, bytes]:
    """A pack and its index, both of version 2 (gitformat-pack(5))."""
    parts, offset = [b"PACK", _number(2), _number(len(bodies))], 12
    rows: list[tuple[bytes, int, int]] = []
    for name, body in bodies.items():
        part = _head(len(body)) + zlib.compress(body, 1)
        rows.append((bytes.fromhex(name), zlib.crc32(part), offset))
        parts.append(part)
        offset += len(part)
    pack = _sealed(b"".join(parts), algorithm)
    rows.sort()
    first = [name[0] for name, _, _ in rows]
    index = [b"\xfftOc", _number(2)]
    index += [_number(bisect_right(first, byte)) for byte in range(256)]
    index += [name for name, _, _ in rows]
    index += [_number(checksum) for _, checksum, _ in rows]
    index += [_number(offset) for _, _, offset in rows]
    return pack, _sealed(b"".join(index) + pack[-len(rows[0][0]) :], algorithm)


def _sealed(content: bytes, algorithm: Literal["sha1", "sha256"]) -> bytes:
    return content + hashlib.new(algorithm, content).digest()


def _head(size: int) -> bytes:
    """Type and size of an entry: four bits of the size, then seven in each byte more."""
    head, size = [_COMMIT << 4 | size & 15], size >> 4
    while size:
        head[-1] |= 128
        head.append(size & 127)
        size >>= 7
    return bytes(head)


def _number(value: int) -> bytes:
    return value.to_bytes(4, "big")
