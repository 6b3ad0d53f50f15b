"""A release's and a store's arrays in four other hands: zarr-python, xarray, TensorStore, and zarrita in node."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore
import xarray
import zarr

from iea40k.arrays import INVALID_CODE, residual_from_codes
from iea40k.outliers import Outlier
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from tests.builders import built_scene

READERS = Path(__file__).parents[1] / "readers"
FRAME = "150x200"  # two tiles by two, that do not divide it


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.create(tmp_path_factory.mktemp("hands") / "store")
    for number in range(4):
        store.write_scene(built_scene(f"s{number}", height=150, width=200, uncertainty=True))
    return store


@pytest.fixture(scope="module")
def release(store: Store) -> Release:
    return write_release(store, store.path.parent / "release", ReleaseOptions("1.0.0", shard_bytes=1 << 20))


def names(release: Release) -> list[str]:
    return sorted(release.head["arrays"][FRAME])


def ours(release: Release, name: str) -> np.ndarray:
    array = release.array(FRAME, name)
    return np.stack([array[number] for number in range(array.layout.shape[0])])


def test_zarr_python_reads_the_same_pixels_and_the_words_about_them(release: Release) -> None:
    group = zarr.open_group(release.path / "arrays" / FRAME, mode="r")
    assert group.attrs["Conventions"] == "CF-1.11"
    for name in names(release):
        np.testing.assert_array_equal(group[name][...], ours(release, name))
        entries = "scene" if name == "reference" else "image"
        colour = ("rgb",) if name in ("exposures", "reference") else ()
        assert group[name].metadata.dimension_names == (entries, "y", "x", *colour)
        assert group[name].attrs["long_name"]


def test_xarray_gives_residuals_as_floats_with_nan(release: Release) -> None:
    opened = xarray.open_zarr(release.path / "arrays" / FRAME, consolidated=False)
    residual = opened.residual.to_numpy()
    codes = ours(release, "residual")
    assert (codes == INVALID_CODE).any()
    np.testing.assert_array_equal(np.isnan(residual), codes == INVALID_CODE)
    np.testing.assert_allclose(residual, residual_from_codes(codes), atol=1e-7)
    assert np.nanmin(residual) >= -1
    assert np.nanmax(residual) <= 1
    assert opened.residual.dims == ("image", "y", "x")
    assert opened.exposures.dims == ("image", "y", "x", "rgb")
    assert opened.reference.dims == ("scene", "y", "x", "rgb")
    np.testing.assert_array_equal(opened.exposures.to_numpy(), ours(release, "exposures"))
    uncertainty = ours(release, "uncertainty")
    np.testing.assert_array_equal(np.isnan(opened.uncertainty.to_numpy()), uncertainty == 255)
    meanings = dict(zip(opened.outliers.flag_meanings.split(), opened.outliers.flag_masks, strict=True))
    assert meanings["clipped_high"] == Outlier.CLIPPED_HIGH
    assert len(meanings) == len(Outlier)


@pytest.mark.parametrize("code", [-32640, 32640, 1, 0])
def test_xarrays_residuals_reach_and_keep_to_one(tmp_path: Path, code: int) -> None:
    from iea40k.store.codecs import create_array

    group = zarr.open_group(tmp_path / "g", mode="a", zarr_format=3)
    create_array(group, "residual", (1, 4, 4), (1, 4, 4), (1, 4, 4))[...] = code
    value = xarray.open_zarr(tmp_path / "g", consolidated=False).residual.to_numpy()
    np.testing.assert_array_equal(value, code / 32640)


def test_xarray_opens_a_scene_of_a_store(store: Store) -> None:
    opened = xarray.open_zarr(store.scene_path("s1"), consolidated=False)
    assert opened.residual.dims == ("level", "y", "x")
    assert opened.attrs["levels"] == ["N1", "P0", "P1"]
    scene = store.read_scene("s1")
    np.testing.assert_allclose(opened.residual.to_numpy(), residual_from_codes(scene.residual), atol=1e-7)
    np.testing.assert_array_equal(opened.reference.to_numpy(), scene.reference)


def test_tensorstore_reads_the_same_pixels(release: Release) -> None:
    for name in names(release):
        place = release.path / "arrays" / FRAME / name
        opened = tensorstore.open(
            {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{place}/"}}, read=True
        ).result()
        np.testing.assert_array_equal(opened.read().result(), ours(release, name))
        assert opened.domain.labels[1:3] == ("y", "x")


@pytest.fixture(scope="module")
def zarrita(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which node finds zarrita."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("NOT TESTED in JavaScript: node or npm is not installed")
    folder = tmp_path_factory.mktemp("zarrita")
    for file in ("package.json", "package-lock.json", "read.mjs"):
        shutil.copy(READERS / file, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED in JavaScript: npm could not fetch zarrita: {done.stderr.strip()[-300:]}")
    return folder


def read_in_node(zarrita: Path, release: Release, *arrays: str) -> dict[str, Any]:
    command = ["node", "read.mjs", str(release.path / "arrays"), *arrays]
    done = subprocess.run(command, cwd=zarrita, capture_output=True, text=True, timeout=100, check=True)
    return dict(json.loads(done.stdout))


def test_zarrita_reads_the_same_pixels_in_node(release: Release, zarrita: Path) -> None:
    found = read_in_node(zarrita, release, *(f"{FRAME}/{name}" for name in names(release)))
    assert len(found) == len(names(release))
    for name in names(release):
        expected, read = ours(release, name), found[f"{FRAME}/{name}"]
        assert read["shape"] == list(expected.shape)
        assert read["dtype"] == expected.dtype.name
        assert read["sha256"] == hashlib.sha256(np.ascontiguousarray(expected).tobytes()).hexdigest()
        assert read["dimensions"][1:3] == ["y", "x"]
    told = found[f"{FRAME}/residual"]["attributes"]
    assert told["_FillValue"] == INVALID_CODE
    assert told["scale_factor"] == 1 / 32640


def test_what_older_versions_wrote_is_read_as_before(release: Release, tmp_path: Path) -> None:
    """Without names and attributes, as arrays were until now."""
    folder = tmp_path / "arrays"
    shutil.copytree(release.path / "arrays" / FRAME, folder)
    from iea40k.store.shards import ShardedArray

    for name in names(release):
        file = folder / name / "zarr.json"
        metadata = json.loads(file.read_text())
        metadata["attributes"] = {}
        del metadata["dimension_names"]
        file.write_text(json.dumps(metadata))
        np.testing.assert_array_equal(ShardedArray(folder / name)[2], ours(release, name)[2])
