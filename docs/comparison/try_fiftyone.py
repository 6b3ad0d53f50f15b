"""What FiftyOne does with a residual: run by a Python that has it, `python try_fiftyone.py`; prints JSON.

FiftyOne keeps datasets in MongoDB: its own, or that of `FIFTYONE_DATABASE_URI`. Without one the label classes alone are
tried.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiftyone
import numpy as np
from PIL import Image

PAIRS = 20


def main() -> None:
    """Print what was found."""
    folder = Path(tempfile.mkdtemp())
    found = {"version": fiftyone.__version__, **labels(folder)}
    try:
        dataset = fiftyone.Dataset(f"trial-{folder.name}")
    except Exception as error:
        found["a dataset"] = told(error)
    else:
        found["a dataset"] = "opened"
        found |= datasets(dataset, folder)
        dataset.delete()
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


def residual() -> np.ndarray:
    """Return a residual (96, 128) from -1 to 1 with one pixel that has no value."""
    made = np.linspace(-1, 1, 96 * 128, dtype=np.float32).reshape(96, 128)
    made[0, 0] = np.nan
    return made


def labels(folder: Path) -> dict[str, Any]:
    """Try the class for maps of numbers, in memory and as a file."""
    own = residual()
    label = fiftyone.Heatmap(map=own, range=[-1, 1])
    again = fiftyone.Heatmap.from_dict(label.to_dict()).map
    file = str(folder / "map.png")
    label.export_map(file, update=False)
    stored = np.asarray(Image.open(file)).astype(np.float32)
    return {
        "own form: largest error": float(np.nanmax(np.abs(again - own))),
        "own form: NaN kept": bool(np.isnan(again[0, 0])),
        "file: largest error if 0 ... 255 are read as -1 ... 1": float(
            np.nanmax(np.abs(stored / 127.5 - 1 - own))
        ),
        "file: value of the pixel without data": float(stored[0, 0]),
    }


def datasets(dataset: Any, folder: Path) -> dict[str, Any]:
    """Try what needs a dataset: its own form in the database, splits, duplicates, changed bits, filters, agreement."""
    from fiftyone.core.annotation.utils import get_supported_app_annotation_fields
    from fiftyone.utils.random import random_split

    rng = np.random.default_rng(0)
    files = []
    for pair in range(PAIRS):
        picture = rng.integers(0, 256, (12, 16, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        for twin in range(2):
            files.append(folder / f"{pair:02d}-{twin}.jpg")
            Image.fromarray(picture).save(files[-1], quality=95 - 10 * twin)
    dataset.add_samples(
        fiftyone.Sample(str(file), number=n, residual=fiftyone.Heatmap(map=residual(), range=[-1, 1]))
        for n, file in enumerate(files)
    )
    again = dataset.first().residual.map
    random_split(dataset, {"train": 0.7, "valid": 0.1, "test": 0.2}, seed=0)
    tags = [sample.tags[0] for sample in dataset]
    before = np.asarray(Image.open(files[0])).astype(int)
    content = bytearray(files[0].read_bytes())
    content[len(content) // 2] ^= 1
    files[0].write_bytes(content)
    seen = np.asarray(Image.open(files[0])).astype(int)
    evaluations = [name for name in dir(dataset) if name.startswith("evaluate_")]
    return {
        "a dataset's own form: largest error": float(np.nanmax(np.abs(again - residual()))),
        f"pairs of near-twins that a split divides, of {PAIRS}": sum(
            tags[n] != tags[n + 1] for n in range(0, 2 * PAIRS, 2)
        ),
        f"pairs of near-twins found, of {PAIRS}": attempt(lambda: twins_found(dataset, files)),
        "one bit changed in a photograph": attempt(lambda: reread(dataset.first())),
        "one bit changed in a photograph: largest change of a pixel": int(np.abs(seen - before).max()),
        "samples above a number, by a filter": len(dataset.match(fiftyone.ViewField("number") > 9)),
        "fields that its window can edit": get_supported_app_annotation_fields(dataset),
        "evaluations": evaluations,
        "two maps of one image compared": {
            name: attempt(lambda name=name: str(getattr(dataset, name)("residual", gt_field="residual")))
            for name in evaluations
        },
    }


def reread(sample: Any) -> str:
    """Return "no error" where a sample whose file has changed is read as if nothing were."""
    sample.compute_metadata(overwrite=True)
    return "no error" if sample.metadata is not None else "no metadata"


def twins_found(dataset: Any, files: list[Path]) -> int:
    """Return how many pairs its search for near-duplicates finds, by small pictures as the embeddings."""
    import fiftyone.brain

    small = [np.asarray(Image.open(file).resize((16, 12)), np.float32).ravel() / 255 for file in files]
    index = fiftyone.brain.compute_near_duplicates(dataset, embeddings=np.stack(small), threshold=0.02)
    ids = {sample.id: number for number, sample in enumerate(dataset)}
    pairs = {(ids[one], ids[other]) for one, near in index.neighbors_map.items() for other, _distance in near}
    return sum((n, n + 1) in pairs or (n + 1, n) in pairs for n in range(0, 2 * PAIRS, 2))


def attempt(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or its error in words."""
    try:
        return call()
    except Exception as error:
        return told(error)


def told(error: Exception) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200].strip()


if __name__ == "__main__":
    main()
