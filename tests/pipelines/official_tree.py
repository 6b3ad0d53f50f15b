"""A small tree in the published layout, every value of it known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from iea40k.residuals import luma
from iea40k.scene import ev_of_level

LEVELS = ("N2", "N1", "P0", "P1", "P2")
SCENES = (
    "a0001-jmac_DSC1459",
    "a0532-jmacdscf0021 (1)",
    "a1138-2004-06-24 05-55-28 CRW_2024",
    "a4123-IMG_0070",
    "a4124-20080709_at_10h04m23__MG_4561",
    "a4125-jmacdscf0006 (1)",
    "a5000-kme_0204",
    "street_7",
)
DTYPES = ("<f4", "<f8", "<i2", "<f2")


@dataclass
class Official:
    """What was written: labels by image name, scores by image name, pictures by path."""

    root: Path
    labels: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, NDArray[np.uint8]] = field(default_factory=dict)


def write_official(root: Path, *, side: int = 256, scenes: tuple[str, ...] = SCENES) -> Official:
    """Write scenes x 5 levels with labels in whole units of 1/255, repaired in a corner, of four number types."""
    tree = Official(root)
    rng = np.random.default_rng(0)
    for folder in ("IEA_img", "label/exposure_condition", "label/global_best"):
        (root / folder).mkdir(parents=True)
    for number, scene in enumerate(scenes):
        y, x = np.mgrid[0:side, 0:side] / side
        base = 0.5 + 0.3 * np.sin(7 * x + number)[..., None] * np.cos(5 * y)[..., None] * np.array(
            [1, 0.9, 0.8]
        )
        reference = np.rint(255 * base + rng.uniform(-8, 8, (side, side, 3))).clip(0, 255).astype(np.uint8)
        _write_png(tree, f"label/global_best/{scene}.png", reference)
        for level in LEVELS:
            gain = 2.0 ** (ev_of_level(level) / 2.2)
            picture = np.rint(reference * gain).clip(0, 255).astype(np.uint8)
            label = np.rint((luma(reference) - luma(picture)) * 255)
            label[:8, :8] = 0  # somebody repaired a lamp
            name = f"{scene}_{level}"
            _write_png(tree, f"IEA_img/{name}.png", picture)
            tree.labels[name] = label.astype(DTYPES[number % len(DTYPES)])
            np.save(root / f"label/exposure_condition/{name}.npy", tree.labels[name])
            tree.scores[name] = round(float(rng.uniform(0.5, 8.9)), 2)
    write_tables(root, tree.scores)
    return tree


def write_tables(root: Path, scores: Mapping[str, float]) -> None:
    """Write the three tables as they are published: FiveK to a4123 and all that is no FiveK train, the rest valid."""
    rows: dict[str, list[str]] = {"train_256": [], "train_256_2ev": [], "valid_256_2ev": []}
    for name in sorted(scores):
        scene = name.rpartition("_")[0]
        row = f"{name}.png,{scene}.png,{scores[name]}"
        if scene[:1] == "a" and scene[1:5].isdigit() and int(scene[1:5]) > 4123:
            rows["valid_256_2ev"].append(row)
        else:
            rows["train_256"].append(row)
            rows["train_256_2ev"].append(row)
    for table, lines in rows.items():
        (root / f"{table}.csv").write_text("\n".join(["img_id,ref_id,score", *lines]) + "\n")


def _write_png(tree: Official, path: str, pixels: NDArray[np.uint8]) -> None:
    tree.pictures[path] = pixels
    (tree.root / path).write_bytes(imagecodecs.png_encode(pixels))
