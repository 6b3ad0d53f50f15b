"""Flipped bits in everything that lies on a disk: they are told, or they change nothing."""

import random
import shutil
from pathlib import Path
from typing import Any

import torch

from iea40k.errors import IEAError
from iea40k.model.networks import build
from iea40k.model.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from iea40k.model.weights import load_weights, save_weights
from iea40k.store.layout import Store
from iea40k.store.release import Release, verify_release, write_release
from iea40k.store.release.outgoing import Outgoing
from iea40k.store.sources import Row, note_build
from iea40k.store.verify import verify_store
from tests.torture.harness import Task, trial
from tests.torture.works import OPTIONS, write_scenes


@trial("bytes", "bits of every file of a store and a release flipped, then verified", weight=1.5)
def store_and_release(task: Task) -> None:
    """`verify` tells every one of them; a release against the root digest that was noted."""
    write_scenes(task.folder)
    _history(Store.open(task.folder / "store"))
    store = Store.open(task.folder / "store")
    release = write_release(store, task.folder / "release", OPTIONS, outgoing=Outgoing())
    root = Release.open(release.path).root
    files = [p for top in (store.path, release.path) for p in sorted(top.rglob("*")) if p.is_file()]
    while task.clock:
        file = task.rng.choice(files)
        before = file.read_bytes()
        if not before:
            continue
        place = _flip(file, before, task.rng)
        name = file.relative_to(task.folder)
        told = _problems(store, release.path, root, in_store=file.is_relative_to(store.path))
        task.report.expect(
            told, f"{name}, bit {place} goes unseen", f"flips in a {name.parts[0]} told by verify"
        )
        file.write_bytes(before)


@trial("bytes", "bits of weights and checkpoints flipped, then loaded", weight=1)
def weights_and_checkpoint(task: Task) -> None:
    """They are refused, or give the very numbers and facts that were written."""
    network = build("p_ieanet_s", {"widths": [8], "depth": 1})
    facts = {"licence": "CC0-1.0", "trained_on": "nothing", "mae": 0.25}
    save_weights(task.folder / "w.safetensors", network, "p_ieanet_s", {"widths": [8], "depth": 1}, facts)
    state = {"network": network.state_dict(), "rate": 0.1}
    save_checkpoint(task.folder / "c.pt", {"run": "1"}, Progress(step=4), state)
    random_state = torch.get_rng_state()
    while task.clock:
        for name, load in (("w.safetensors", _weights), ("c.pt", _checkpoint)):
            intact, flipped = task.folder / name, task.folder / f"flipped-{name}"
            expected = load(intact)
            place = _flip(flipped, intact.read_bytes(), task.rng)
            try:
                found = load(flipped)
            except IEAError:
                task.report.held("flips refused")
                continue
            task.report.expect(
                _same(found, expected), f"{name}, bit {place}: other contents", "flips without effect"
            )
    torch.set_rng_state(random_state)
    shutil.rmtree(task.folder)


def _history(store: Store) -> None:
    """Give a store what it gets as it lives: manifests whose labels changed, a scene in quarantine."""
    for licence in ("CC0-1.0", "MIT"):
        rows = {name: Row({"licence": licence}, {}) for name in store.scene_ids()}
        note_build(store, store.path / "manifest.csv", rows)
    store.quarantine("c", ValueError("it would not do"), {"seed": 1})


def _problems(store: Store, release: Path, root: str, *, in_store: bool) -> bool:
    try:
        if in_store:
            return bool(verify_store(Store.open(store.path)))
        return bool(verify_release(release, root=root))
    except IEAError:
        return True


def _flip(file: Path, data: bytes, rng: random.Random) -> int:
    bit = rng.randrange(8 * len(data))
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    file.write_bytes(flipped)
    return bit


def _weights(file: Path) -> Any:
    loaded = load_weights(file)
    return loaded.network.state_dict(), loaded.name, dict(loaded.config), dict(loaded.facts)


def _checkpoint(file: Path) -> Any:
    return load_checkpoint(file, {"run": "1"})


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
