"""Ways in which a clone on disk breaks: cut short, garbled, emptied, or left behind by a process that was killed."""

from __future__ import annotations

import os


def truncate_packs(directory):
    for pack in directory.glob("objects/pack/*.pack"):
        pack.chmod(0o644)
        os.truncate(pack, 20)


def delete_indexes(directory):
    for index in directory.glob("objects/pack/*.idx"):
        index.unlink()


def delete_objects(directory):
    for path in directory.glob("objects/pack/*"):
        path.unlink()


def garble_packed_refs(directory):
    (directory / "packed-refs").write_bytes(b"\0garbage in, garbage out\n" * 20)


def garble_a_ref(directory):
    (directory / "refs/heads/main").write_text("garbage\n")


def point_a_ref_at_nothing(directory):
    (directory / "refs/heads/main").write_text("1" * 40 + "\n")


def garble_config(directory):
    (directory / "config").write_text("[core\n\tgarbage")


def empty_config(directory):
    (directory / "config").write_text("")


def garble_commit_graph(directory):
    for graph in directory.glob("objects/info/commit-graph*"):
        if graph.is_file():
            graph.chmod(0o644)
            graph.write_bytes(b"garbage" * 100)


def leave_locks(directory):
    for name in ("refs/heads/main.lock", "refs/heads/release/2.7.lock", "packed-refs.lock", "HEAD.lock", "config.lock",
                 "shallow.lock", "objects/info/commit-graph.lock"):  # fmt: skip
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).touch()


def delete_head(directory):
    (directory / "HEAD").unlink()


def leave_an_empty_folder(directory):
    for path in sorted(directory.rglob("*"), reverse=True):
        path.chmod(0o755)
        path.rmdir() if path.is_dir() else path.unlink()


def leave_a_half_made_one(directory):
    directory.rename(directory.with_name("mirror.git.part"))
    truncate_packs(directory.with_name("mirror.git.part"))


BREAKAGES = [
    truncate_packs, delete_indexes, delete_objects, garble_packed_refs, garble_a_ref, point_a_ref_at_nothing,
    garble_config, empty_config, garble_commit_graph, leave_locks, delete_head, leave_an_empty_folder,
    leave_a_half_made_one,
]  # fmt: skip
