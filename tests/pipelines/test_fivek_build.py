"""A FiveK-shaped tree made of real pairs, from metadata to store."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from iea40k.colour import decode_srgb
from iea40k.store.layout import Store
from pipelines.cli.program import run
from pipelines.dng import Camera, write_dng
from tests.pipelines.fivek_tree import write_retouch

PAIRS = {
    "a0212-IMG_0358": "pair_dpe_a0212",  # the expert brightened
    "a1305-NKIM_MG_6827": "pair_dpe_a1305",  # the expert changed contrast alone
    "a4857-_DSC0008-1": "pair_curl_a4857",  # far too dark as shot
}


def light(file: Path) -> NDArray[np.float32]:
    with Image.open(file) as picture:
        pixels = decode_srgb(np.asarray(picture.convert("RGB")))
    return pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]


@pytest.fixture(scope="module")
def store(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("fivek")
    for name, pair in PAIRS.items():
        (root / "raw" / "camera").mkdir(parents=True, exist_ok=True)
        camera = Camera(electrons=1e6, read_noise=0.5)
        write_dng(
            root / "raw" / "camera" / f"{name}.dng", light(real_data / "fivek" / pair / "input.png"), camera
        )
        write_retouch(
            root / f"processed/tiff16_c/{name}.tif", light(real_data / "fivek" / pair / "expertC.png")
        )
    metadata = str(real_data / "fivek" / "metadata")
    assert run(["manifest", "fivek", str(root), "-o", str(root / "m.csv"), "--metadata", metadata]) == 0
    assert run(["build", str(root / "m.csv"), str(root / "store")]) == 0
    return Store.open(root / "store")


@pytest.mark.real_data
def test_real_photos_keep_their_licence_and_device(store: Store) -> None:
    attributes = store.open_scene("a0212-IMG_0358").attributes
    assert (attributes["licence"], attributes["device"]) == ("AdobeMIT", "Canon EOS 450D")
    assert attributes["split_official"] == "train"
    assert store.open_scene("a4857-_DSC0008-1").attributes["split_official"] == "valid"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "stops"), [("a0212-IMG_0358", 0.4), ("a1305-NKIM_MG_6827", 0.0), ("a4857-_DSC0008-1", 1.7)]
)
def test_the_residual_speaks_of_exposure(store: Store, name: str, stops: float) -> None:
    scene = store.read_scene(name)
    tone = scene.recipe["frames"]["tone"]
    assert tone["stops"] == pytest.approx(stops, abs=0.15)
    residual = scene.residual / 32640
    means = residual.mean(axis=(1, 2))
    assert np.all(np.diff(means) < 0)  # brighter exposures: from underexposed to overexposed
    best = scene.levels[int(np.argmin(np.abs(residual).mean(axis=(1, 2))))]
    assert best == f"P{round(stops)}"
    assert scene.recipe["frames"]["placing"]["registration"]["C"]["movement"] < 0.25


@pytest.mark.real_data
def test_contrast_alone_is_not_taken_for_exposure(store: Store) -> None:
    scene = store.read_scene("a1305-NKIM_MG_6827")
    tone = scene.recipe["frames"]["tone"]
    assert tone["contrast"] > 1.3
    as_shot = np.abs(scene.residual[scene.levels.index("P0")] / 32640).mean()
    assert as_shot < 0.65 * tone["difference_plain"]
