"""napari opens a release, a store and residuals through its plugin manager: as drag and drop does."""

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.window.reader import get_reader
from iea40k.errors import BadInputError, StoreError
from iea40k.render import palette_table
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from tests.builders import built_scene

pytest.importorskip("napari")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    store = Store.create(tmp_path_factory.mktemp("drop") / "store")
    for number in range(3):
        store.write_scene(built_scene(f"s{number}", height=24 if number else 30))
    return write_release(store, store.path.parent / "release", ReleaseOptions("1.0.0"))


def opened(path: Path) -> dict[str, Any]:
    """Open as napari does, by its plugin manager, into a viewer without a window."""
    from napari.components import ViewerModel
    from npe2 import PluginManager

    PluginManager.instance().discover()
    viewer = ViewerModel()
    viewer.open(str(path), plugin="iea40k")
    return {layer.name: layer for layer in viewer.layers}


def label(residual: float) -> int:
    return round(255 * residual) + 256


@pytest.mark.parametrize("name", ["", "release.json"])
def test_a_dropped_release_gives_pictures_residuals_and_outlines(release: Release, name: str) -> None:
    layers = opened(release.path / name)
    assert list(layers)[:4] == [
        "reference 24x32", "exposure 24x32", "residual 24x32", "suggestions 24x32"
    ]  # fmt: skip
    assert len(layers) == 8
    residual, exposure = layers["residual 24x32"], layers["exposure 24x32"]
    assert residual.data.shape == (6, 24, 32)
    assert exposure.rgb
    for number, image_id in enumerate(residual.metadata["images"]):
        image = release[image_id]
        np.testing.assert_array_equal(np.asarray(exposure.data[number]), image.exposure)
        np.testing.assert_array_equal(np.asarray(layers["reference 24x32"].data[number]), image.reference)
        shown = np.asarray(residual.data[number])
        np.testing.assert_array_equal(shown == 0, ~image.validity)
        np.testing.assert_allclose(
            shown[image.validity], 256 + 255 * image.residual[image.validity], atol=0.51
        )
    assert not layers["exposure 30x32"].visible
    assert exposure.visible


def test_the_residuals_colours_are_ours(release: Release) -> None:
    residual = opened(release.path)["residual 24x32"]
    for value in (-1.0, -0.5, 0.7):
        colour = residual.colormap.map(np.array([label(value)]))[0]
        np.testing.assert_allclose(colour[:3], palette_table()[round(255 * value) + 255] / 255, atol=1e-2)
    assert residual.colormap.map(np.array([0]))[0][3] == 0


def test_a_dropped_store_gives_its_scenes(release: Release) -> None:
    store = Store.open(release.path.parent / "store")
    layers = opened(store.path)
    residual = layers["residual 24x32"]
    number = residual.metadata["images"].index("s2_P1")
    np.testing.assert_array_equal(
        np.asarray(layers["exposure 24x32"].data[number]), store.open_scene("s2").exposure("P1")
    )


@pytest.mark.parametrize(
    ("values", "units"),
    [
        (np.array([[1.0, -0.5, 0.0, np.nan]], np.float32), "-1 … +1"),
        (np.array([[32640, -16320, 0, -32768]], np.int16), "codes"),
        (np.array([[255.0, -127.5, 0.0, np.nan]], np.float64), "units of 1/255"),
    ],
)
def test_a_dropped_residual_in_any_unit(tmp_path: Path, values: np.ndarray, units: str) -> None:
    np.save(tmp_path / "photo_residual.npy", np.repeat(values, 2, axis=0))
    ((name, layer),) = opened(tmp_path / "photo_residual.npy").items()
    assert name == f"photo_residual ({units})"
    assert layer.data[0].tolist() == [511, 128, 256, 0] or layer.data[0].tolist() == [511, 129, 256, 0]
    np.testing.assert_allclose(layer.metadata["residual"][0], [1, -0.5, 0, np.nan], atol=1e-4)


def test_what_is_not_ours_is_left_to_other_readers(tmp_path: Path) -> None:
    np.save(tmp_path / "stack.npy", np.zeros((3, 4, 5), np.float32))
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    (tmp_path / "broken.npy").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    for name in ("stack.npy", "words.npy", "broken.npy", "none.npy", "folder", "photo.png"):
        assert get_reader(str(tmp_path / name)) is None, name
    assert get_reader([str(tmp_path), str(tmp_path)]) is None


def test_numbers_that_are_no_residual_are_told(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((2, 2), 40000.0))
    read = get_reader([str(tmp_path / "a.npy")])
    assert read is not None
    with pytest.raises(BadInputError, match="not a residual"):
        read(str(tmp_path / "a.npy"))


def test_a_release_of_a_newer_format_is_told(release: Release, tmp_path: Path) -> None:
    head = {**release.head, "format_version": 99}
    (tmp_path / "release.json").write_text(json.dumps(head))
    read = get_reader(str(tmp_path))
    assert read is not None
    with pytest.raises(StoreError, match="does not know"):
        read(str(tmp_path))


def test_napari_knows_who_we_are() -> None:
    import npe2

    manifest = npe2.PluginManifest.from_file(Path(__file__).parents[2] / "annotator" / "napari.yaml")
    assert manifest.display_name == "Exposure residuals"
    package, _, resource = str(manifest.icon).partition(":")
    with as_file(files(package) / resource) as icon:
        assert icon.read_text().startswith("<svg")
    (reader,) = manifest.contributions.readers
    assert reader.accepts_directories
