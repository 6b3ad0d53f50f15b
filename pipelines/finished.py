"""The photographs that the dependencies ship, as finished pictures: each is the reference of its own exposures.

`iea40k manifest photographs` writes them, to train on without data of one's own. Their photographers published them as
they are, so their exposure is taken as ideal, as a retouch is. (The demo makes RAW files and brackets of some of them
instead, whose references are fusions.)
"""

from pathlib import Path

import pandas as pd
from PIL import Image

from iea40k.errors import AlreadyExistsError
from iea40k.files import AnyPath, sha256_file, write_atomic, write_file_with
from iea40k.manifest import write_manifest
from pipelines.synthetic import PHOTOGRAPHS, Photograph, load_photograph

MORE = (
    Photograph("grace_hopper", "rendered", "matplotlib", "people", "portrait", "flash"),
    Photograph("clock_motion", "rendered", "scikit-image", "object", "tool", "window"),
    Photograph("coins", "rendered", "scikit-image", "object", "still_life", "open_shade"),
    Photograph("grass", "rendered", "scikit-image", "nature", "field", "overcast"),
    Photograph("gravel", "rendered", "scikit-image", "nature", "", "overcast"),
    Photograph("moon", "rendered", "scikit-image", "nature", "sky", "moon_or_stars"),
)
"""Besides those of the demo."""

BUILD = """\
# As large as the network will see photographs, in half stops.
short_side: 256
evs: [-4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
"""
VALID, TEST = ("flower", "motorcycle_left"), ("coffee", "coins")
SPLIT = "split_photographs"


def write_photographs(folder: AnyPath) -> Path:
    """Write every photograph as a PNG into `folder`, with `manifest.csv` and `build.yaml`; return the manifest.

    The manifest's column `split_photographs` keeps four for validation and test. The same versions of the
    dependencies give the same files. Raises `AlreadyExistsError` where there is a manifest.
    """
    folder = Path(folder)
    manifest = folder / "manifest.csv"
    if manifest.exists():
        raise AlreadyExistsError("there is a manifest already", where=manifest, remedy="name another folder")
    rows = [_row(folder, photograph) for photograph in (*PHOTOGRAPHS, *MORE)]
    write_atomic(folder / "build.yaml", BUILD)
    write_manifest(pd.DataFrame(rows), manifest)
    return manifest


def _row(folder: Path, photograph: Photograph) -> dict[str, str]:
    name = photograph.name
    picture = Image.fromarray(load_photograph(photograph))
    file = folder / f"{name}.png"
    write_file_with(file, lambda path: picture.save(path, "PNG"))
    digest = sha256_file(file)
    return {
        "scene_id": name,
        "kind": "rendered",
        "exposures": file.name,
        "exposures_sha256": digest,
        "references": file.name,
        "experts": "photographer",
        "references_sha256": digest,
        "simulation": "ev",
        "licence": f"as shipped with {photograph.package}",
        "super_class": photograph.super_class,
        "scene_class": photograph.scene_class,
        "light": photograph.light,
        "source": photograph.package,
        SPLIT: "valid" if name in VALID else "test" if name in TEST else "train",
    }
