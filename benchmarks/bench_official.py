"""The published layout: a tree of 40 images through store and release and out again."""

import csv
import tempfile
import time
from pathlib import Path

import imagecodecs
import numpy as np

from benchmarks.harness import Figure
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from pipelines.official.exporting import export_official
from pipelines.official.importing import import_official
from pipelines.official.tree import read_tree
from tests.pipelines.official_tree import Official, write_official

TITLE = "The published layout: round trip of 40 images, 256x256"


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tree = write_official(folder / "official")
        store = Store.create(folder / "store")
        seconds = {}
        start = time.perf_counter()
        import_official(read_tree(tree.root), store)
        seconds["import"] = time.perf_counter() - start
        write_release(store, folder / "release", ReleaseOptions(version="1.0.0"))
        start = time.perf_counter()
        export_official(Release.open(folder / "release"), folder / "out")
        seconds["export"] = time.perf_counter() - start
        differing = _differing(tree, folder / "out")
    count = len(tree.labels)
    return [
        *(
            Figure(f"{name} that differ after the round trip", n, "", f"of {of}", "0", n == 0)
            for name, n, of in differing
        ),
        Figure("import", count / seconds["import"], "images/s", "flags, digests and fsync included"),
        Figure("export", count / seconds["export"], "images/s", "PNG level 6"),
    ]


def _differing(tree: Official, out: Path) -> list[tuple[str, int, int]]:
    pictures = sum(
        not np.array_equal(imagecodecs.png_decode((out / path).read_bytes()), pixels)
        for path, pixels in tree.pictures.items()
    )
    place = Path("label/exposure_condition")
    labels = sum(
        (out / place / f"{name}.npy").read_bytes() != (tree.root / place / f"{name}.npy").read_bytes()
        for name in tree.labels
    )
    tables = [(_rows(file), _rows(out / file.name)) for file in sorted(tree.root.glob("*.csv"))]
    rows = sum(a != b for given, found in tables for a, b in zip(given, found, strict=True))
    return [
        ("pictures, by pixel,", pictures, len(tree.pictures)),
        ("label files, by byte,", labels, len(tree.labels)),
        ("rows of the tables", rows, sum(len(given) for given, _ in tables)),
    ]


def _rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))
