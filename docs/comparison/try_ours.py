"""What this project does with the same wishes; prints JSON."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from annotator.sample import photograph, practice_scene
from iea40k import open_release
from iea40k.arrays import RESIDUAL_SCALE
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, verify_release, write_release

folder = Path(tempfile.mkdtemp())
store = Store.create(folder / "store")
# Near-twins: each photograph, and the same one again under another name, with other faults planted.
for name in ("coffee", "astronaut", "chelsea", "rocket"):
    for seed in (0, 1):
        made = practice_scene(photograph(name)[:256, :256], f"{name}_{seed}", evs=(-1.0, 0.0, 1.0), seed=seed)
        store.write_scene(made.scene)
release = write_release(store, folder / "release", ReleaseOptions("1.0.0")).path
opened = open_release(release)
worst = 0.0
for image in opened:
    codes = store.open_scene(image.scene).residual(image.level)
    worst = max(worst, float(np.nanmax(np.abs(image.residual - codes / np.float32(RESIDUAL_SCALE)))))
splits = opened.splits
columns = [name for name in splits.columns if name.startswith("split_")]
part = splits.set_index("scene_id")[columns]
divided = sum(
    part.loc[f"{name}_0", column] != part.loc[f"{name}_1", column]
    for name in ("coffee", "astronaut", "chelsea", "rocket")
    for column in columns
)
shard = max(
    (file for file in (release / "arrays").rglob("*") if file.is_file()), key=lambda file: file.stat().st_size
)
content = bytearray(shard.read_bytes())
content[len(content) // 2] ^= 1
shard.write_bytes(content)
found = {
    "own form: largest error": worst,
    "pairs of near-twins that a split divides": f"{divided} of {4 * len(columns)}, over {len(columns)} splits",
    "one bit changed on disk": f"{len(verify_release(release))} problems, each with its file",
}
sys.stdout.write(json.dumps(found, indent=1) + "\n")
