"""Batches of random crops by the fast loader and by a plain DataLoader over the same dataset, in turn in one run."""

import tempfile
from pathlib import Path

import numpy as np
from torch.utils.data import DataLoader

import iea40k
from benchmarks.harness import Figure, interleaved_seconds
from iea40k.residuals import residual_codes
from iea40k.scene import BuiltScene, level_name
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from pipelines.synthetic import PHOTOGRAPHS, load_photograph

TITLE = "Loaders over one dataset: 36 crops of 256x256 a batch"
_EVS = (-2.0, -1.0, 0.0, 1.0, 2.0)
_BATCH = 36


def _scene(name: str, picture: np.ndarray) -> BuiltScene:
    exposures = np.stack([np.clip(picture * 2.0 ** (ev / 2.2), 0, 255).astype(np.uint8) for ev in _EVS])
    return BuiltScene(
        scene_id=name,
        exposures=exposures,
        reference=picture,
        residual=residual_codes(picture, exposures),
        outliers=np.zeros(exposures.shape[:3], np.uint8),
        evs=_EVS,
        levels=tuple(level_name(ev) for ev in _EVS),
        review_priority=(0.0,) * len(_EVS),
        attributes={"licence": "as shipped"},
        recipe={"made_by": "benchmark"},
    )


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "store")
        for photograph in PHOTOGRAPHS:
            picture = load_photograph(photograph)
            if min(picture.shape[:2]) >= 256:
                store.write_scene(_scene(photograph.name, np.ascontiguousarray(picture[:512, :768])))
        release = write_release(store, Path(folder) / "release", ReleaseOptions("1.0.0"))
        dataset = iea40k.torch_dataset(release)
        figures = []
        for workers in (0, 2):
            ours = dataset.loader(_BATCH, workers=workers)
            plain = DataLoader(
                dataset, _BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0
            )
            fast, slow = interleaved_seconds(lambda o=ours: list(o), lambda p=plain: list(p), repeats=7)
            name = f"plain DataLoader, {workers} workers"
            figures.append(
                Figure(name, slow / fast, "x", "dataset.loader", note=f"{fast * 1e3:.0f} ms an epoch")
            )
        return figures
