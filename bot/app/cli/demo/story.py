"""The demo's story as data: a small PyTorch project, its lines, and the pulls that people merge.

It never does anything: `play.py` reads it from top to bottom.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Literal

REPOSITORY = "acme/torchkit"
PEOPLE = {"ada": "admin", "grace": "write", "mallory": "read"}
"""Who takes part, with their roles in the repository."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit on a branch; a branch that is named for the first time starts at `start`."""

    branch: str
    message: str
    files: dict[str, str]
    by: str = "ada"
    start: str | None = None
    mark: str | None = None
    """A name by which a later commit's message can say `(cherry picked from commit {mark})`."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A pull and what happens to it."""

    heading: str
    explanation: str
    branch: str
    title: str
    method: Literal["squash", "merge", "rebase", "landed"]
    labels: tuple[str, ...] = ()
    by: str = "ada"
    then: tuple[tuple[str, str, str], ...] = ()
    """What follows the merge: (who, `label` | `comment` | `pick`, label, text or branch)."""


@dataclass(frozen=True, slots=True)
class Finale:
    """A line is released: what is open onto its branch is merged, then somebody says some words on one of the pulls."""

    heading: str
    explanation: str
    branch: str
    tag: str
    words: tuple[str, ...]
    """In this order; `{code}` is what the bot has answered that confirms the one before."""
    by: str = "ada"


TRAIN = dedent('''\
    """The training loop."""

    import torch


    def fit(model, loader, optimizer, scheduler, epochs=1):
        """Train for some epochs and return the loss of each step."""
        losses = []
        for _ in range(epochs):
            for batch in loader:
                losses.append(step(model, batch, optimizer))
            scheduler.step()
        return losses


    def step(model, batch, optimizer, scaler=None):
        """One optimizer step."""
        optimizer.zero_grad()
        loss = model(batch).mean()
        loss.backward()
        optimizer.step()
        return loss.item()
    ''')
_EPOCH = "        scheduler.step()\n    return losses"
_BATCH = "            scheduler.step()\n    return losses"
PER_BATCH = TRAIN.replace(_EPOCH, _BATCH)

DATA = dedent('''\
    """Loading data."""

    from torch.utils.data import DataLoader


    def make_loader(dataset, batch_size=32, workers=2):
        """A loader over a dataset."""
        return DataLoader(dataset, batch_size=batch_size, num_workers=workers)
    ''')
SEEDED = DATA.replace(
    "workers=2):", "workers=2, seed=0):",
).replace(
    "    return DataLoader(dataset, batch_size=batch_size, num_workers=workers)\n",
    "    generator = torch.Generator().manual_seed(seed)\n"
    "    return DataLoader(dataset, batch_size=batch_size, num_workers=workers, generator=generator)\n",
).replace("from torch", "import torch\nfrom torch", 1)  # fmt: skip

CHECKPOINT = dedent('''\
    """Saving and loading."""

    import torch


    def save(path, model):
        """Write a checkpoint."""
        torch.save({"model": model.state_dict()}, path)
    ''')
WITH_OPTIMIZER = CHECKPOINT.replace("model):", "model, optimizer):").replace(
    "state_dict()}", 'state_dict(), "optimizer": optimizer.state_dict()}'
)
ATOMIC = WITH_OPTIMIZER.replace(", path)\n", ", part := path.with_suffix('.part'))\n    part.replace(path)\n")

AMP_OLD = '"""Mixed precision."""\n\nDTYPE = "float16"\n\n\ndef enabled(device):\n    return device.type == "cuda"\n'
AMP = AMP_OLD.replace("DTYPE = \"float16\"", "DTYPE = \"bfloat16\"")
AMP_FIXED = AMP.replace('DTYPE = "bfloat16"', 'DTYPE = "bfloat16" if SUPPORTED else "float16"')
PINNED = "def pinned(loader):\n    loader.pin_memory = True\n    return loader\n"
FAST = "import torch\n\nfast = torch.compile\n"
TEST_DATA = "def test_two_loaders_agree(loaders):\n    assert list(loaders[0]) == list(loaders[1])\n"
README = "# torchkit\n\nTraining, the short way.\n"
SKIPPING = PER_BATCH.replace(
    "    optimizer.step()\n    return", "    if torch.isfinite(loss):\n        optimizer.step()\n    return"
)

HISTORY = (
    Commit("main", "A training loop", {"torchkit/train.py": TRAIN, "torchkit/data.py": DATA,
                                       "torchkit/checkpoint.py": CHECKPOINT, "torchkit/amp.py": AMP_OLD,
                                       "README.md": README}),
    Commit("release/2.6", "Version 2.6", {"version.txt": "2.6.0\n"}, start="main"),
    Commit("main", "Use bfloat16", {"torchkit/amp.py": AMP}),
    Commit("release/2.7", "Version 2.7", {"version.txt": "2.7.0\n"}, start="main"),
    Commit("main", "Step the scheduler per batch", {"torchkit/train.py": PER_BATCH}, by="grace", mark="per-batch"),
    Commit("release/2.7", "Step the scheduler per batch\n\n(cherry picked from commit {per-batch})",
           {"torchkit/train.py": PER_BATCH}, by="grace"),
    Commit("release/2.8", "Version 2.8", {"version.txt": "2.8.0\n"}, start="main"),
    Commit("skip-overflow", "Skip the step when the loss is not finite",
           {"torchkit/train.py": SKIPPING}, start="main"),
    Commit("seeded-loader", "Seed the loader", {"torchkit/data.py": SEEDED}, by="grace", start="main"),
    Commit("seeded-loader", "Test that two loaders agree", {"tests/test_data.py": TEST_DATA}, by="grace"),
    Commit("seeded-loader", "Say how to reproduce a run", {"README.md": README + "\nPass `seed=`.\n"}, by="grace"),
    Commit("optimizer-state", "Keep the optimizer's state", {"torchkit/checkpoint.py": WITH_OPTIMIZER}, start="main"),
    Commit("optimizer-state", "Write checkpoints whole or not at all", {"torchkit/checkpoint.py": ATOMIC}),
    Commit("old-cards", "Fall back to float16 on old cards", {"torchkit/amp.py": AMP_FIXED}, start="main"),
    Commit("per-epoch", "Step the scheduler once per epoch again",
           {"torchkit/train.py": TRAIN}, by="grace", start="main"),
    Commit("pin-memory", "Pin the loader's memory", {"torchkit/pinned.py": PINNED}, start="main"),
    Commit("compile", "Compile the model", {"torchkit/fast.py": FAST}, start="main"),
)  # fmt: skip

SCENES = (
    Scene("A fix for two lines", "One squashed commit, two labels: two backports at once.",
          "skip-overflow", "Skip the step when the loss is not finite", "squash", ("backport/v2.7", "backport/2.8")),
    Scene("Three commits, rebased", "All three are found again on main, with proof; none is lost.",
          "seeded-loader", "Reproducible loading", "rebase", ("backport/2.8",), by="grace"),
    Scene("A merge commit", "Its own commits are picked, after they were shown to add up to the merge.",
          "optimizer-state", "Checkpoints that resume", "merge", ("backport/v2.7",)),
    Scene("A conflict", "2.6 still has the old code. Nothing is resolved for anybody; the recipe works when pasted.",
          "old-cards", "Fall back to float16 on old cards", "squash", ("backport/release/2.6", "backport/2.8")),
    Scene("The indentation twin",
          "2.7 has a commit with the very same `git patch-id --stable`. It does the opposite, so this one is picked.",
          "per-epoch", "Step the scheduler once per epoch again", "squash", ("backport/v2.7",), by="grace"),
    Scene("Picked by hand already", "Grace picks it herself; the label that comes later finds it there.",
          "pin-memory", "Pin the loader's memory", "squash",
          then=(("grace", "pick", "release/2.8"), ("ada", "label", "backport/2.8"))),
    Scene("Landed by a merge robot", "The forge says “closed”, the commit on main says otherwise. Then a word in chat, "
          "from somebody who may and from somebody who may not.",
          "compile", "Compile the model", "landed", ("backport/2.8",),
          then=(("mallory", "comment", "/backport 2.7"), ("grace", "comment", "/backport 2.7"))),
)  # fmt: skip

FINALE = Finale(
    "A release",
    "What is open for 2.8 goes in, a candidate is tagged, and the final is its very commit, once confirmed.",
    "release/2.8", "v2.8.0", ("/release rc 2.8", "/release final 2.8", "/release confirm {code}"),
)  # fmt: skip
