"""The release and the enhanced pictures of docs/benchmark-models.md: `python -m benchmarks.models_release FOLDER`.

The photographs of `manifests/photographs/public.csv` that lie in IEA40K_REAL_DATA/photographs, each its own reference.
Three splits test `TESTED` of the list's held-out compositions each, drawn by the split's number; the other compositions
train, a tenth of them validates. CLAHE's pictures lie in FOLDER/clahe. What runs on them then is in the page.
"""

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from iea40k.errors import BadInputError
from iea40k.store.layout import Store
from pipelines.cli.program import run

SPLITS, TESTED, TENTH = 3, 20, 10
LIST = Path(__file__).parent.parent / "manifests" / "photographs" / "public.csv"


def make(folder: Path) -> None:
    """Make manifest, store, release and CLAHE's pictures in a folder."""
    real = os.environ.get("IEA40K_REAL_DATA")
    if not real:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    folder.mkdir(parents=True, exist_ok=True)
    manifest, store = folder / "manifest.csv", folder / "store"
    photographs = str(Path(real) / "photographs")
    _done(run(["manifest", "photographs", photographs, "--list", str(LIST), "-o", str(manifest)]))
    with_splits(pd.read_csv(manifest, dtype=str, keep_default_na=False)).to_csv(manifest, index=False)
    _done(
        run(
            [
                "build",
                str(manifest),
                str(store),
                "--config",
                str(LIST.with_name("build.yaml")),
                "--workers",
                "1",
            ]
        )
    )
    _done(run(["release", str(store), str(folder / "release"), "--version", "1.0.0"]))
    _equalised(Store.open(store), folder / "clahe")


def with_splits(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return a manifest with `split_held_out_0` … of its compositions, by its `split_photographs`."""
    held = sorted(set(manifest["x_composition"][manifest["split_photographs"] == "valid"]))
    rest = sorted(set(manifest["x_composition"]) - set(held))
    found = manifest.drop(columns="split_photographs")
    for number in range(SPLITS):
        random = np.random.default_rng([number, 40])
        test = set(random.choice(held, TESTED, replace=False))
        valid = set(random.choice(rest, len(rest) // TENTH, replace=False))
        names = {**dict.fromkeys(held, ""), **dict.fromkeys(rest, "train")}
        names |= dict.fromkeys(test, "test") | dict.fromkeys(valid, "valid")
        found[f"split_held_out_{number}"] = manifest["x_composition"].map(names)
    return found


def _equalised(store: Store, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    equalise = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8))
    for scene_id in store.scene_ids():
        scene = store.open_scene(scene_id)
        for level in scene.levels:
            lab = cv2.cvtColor(scene.exposure(level), cv2.COLOR_RGB2LAB)
            lab[..., 0] = equalise.apply(lab[..., 0])
            cv2.imwrite(str(folder / f"{scene_id}_{level}.png"), cv2.cvtColor(lab, cv2.COLOR_LAB2BGR))


def _done(code: int) -> None:
    if code:
        raise BadInputError("a command failed", got=str(code))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
