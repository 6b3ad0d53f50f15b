"""Are near-twins found, and only they? Planted copies of photographs that had no part in setting a threshold.

Thresholds were set on every second photograph (by name) of CID22; the others, and all of Kodak's, are held out. Every
copy is compared with every photograph, and every photograph with every other, so precision is that of a dataset.
"""

import os
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness import Figure
from benchmarks.planted_twins import ASKED, FURTHER
from iea40k.likeness import Sketch, find_twins, sketch_of

TITLE = "Near-twins: planted copies, found and proved"

_HELD_OUT = 70
_SEED = 4
_HASH_BITS = 10
"""Differing bits of 64 up to which a perceptual hash is usually taken to be of the same picture."""


def run() -> list[Figure]:
    folder = os.environ.get("IEA40K_REAL_DATA", "")
    if not folder:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    files = sorted((Path(folder) / "photographs/cid22").glob("*.png"))[1::2]
    files += sorted((Path(folder) / "photographs/kodak").glob("*.png"))
    rng = np.random.default_rng(_SEED)
    originals, hashes = {}, {}
    for file in files[-_HELD_OUT:]:
        picture = Image.open(file).convert("RGB")
        originals[file.stem] = picture
        hashes[file.stem] = _hash(picture)
    sketches = {name: sketch_of(np.asarray(picture)) for name, picture in originals.items()}
    figures = [Figure("photographs held out", len(originals), "photographs", "")]
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for kind, edit in {**ASKED, **FURTHER}.items():
        copies = {name: edit(picture, rng) for name, picture in originals.items()}
        found, wrong = _twins(sketches, {n: sketch_of(np.asarray(copy)) for n, copy in copies.items()})
        by_hash, wrong_hash = _by_hash(hashes, {n: _hash(copy) for n, copy in copies.items()})
        group = "asked" if kind in ASKED else "further"
        for key, hit, miss in (("ours", found, wrong), ("hash", by_hash, wrong_hash)):
            for i, more in enumerate((hit, miss, len(originals))):
                counts[f"{group} {key}"][i] += more
        figures.append(
            Figure(
                f"{kind}: recall",
                found / len(originals),
                "share",
                f"perceptual hash {by_hash / len(originals):.3f}, {wrong_hash} wrong pairs",
                note=f"{wrong} wrong pairs",
            )
        )
    for key, (hit, miss, total) in counts.items():
        asked = key == "asked ours"
        for what, value, note in (
            ("recall", hit / total, f"{hit} of {total} copies"),
            ("precision", hit / max(hit + miss, 1), f"{miss} wrong pairs"),
        ):
            met = value >= 0.99 if asked else None
            figures.append(
                Figure(f"{key}: {what}", value, "share", "", ">= 0.99" if asked else "", met, note)
            )
    return figures


def _twins(sketches: dict[str, Sketch], copies: dict[str, Sketch]) -> tuple[int, int]:
    """Return how many copies are found as their own photograph's, and how many pairs of different ones."""
    both = {
        **{f"{name}|o": s for name, s in sketches.items()},
        **{f"{name}|c": s for name, s in copies.items()},
    }
    pairs = [(twin.first.split("|")[0], twin.second.split("|")[0]) for twin in find_twins(both)]
    right = sum(one == other for one, other in pairs)
    return right, len(pairs) - right


def _by_hash(hashes: dict[str, NDArray[np.bool_]], copies: dict[str, NDArray[np.bool_]]) -> tuple[int, int]:
    names = sorted(hashes)
    here, there = (np.stack([each[name] for name in names]) for each in (hashes, copies))
    near = (here[:, None] != there[None]).sum(axis=2) <= _HASH_BITS
    among = np.triu((here[:, None] != here[None]).sum(axis=2) <= _HASH_BITS, 1)
    right = int(np.trace(near))
    return right, int(near.sum()) - right + int(among.sum())


def _hash(picture: Image.Image) -> NDArray[np.bool_]:
    """The usual perceptual hash: signs of the 8 x 8 lowest cosines of a 32 x 32 picture against their median."""
    small = np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.LANCZOS), np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    return low > np.median(low)
