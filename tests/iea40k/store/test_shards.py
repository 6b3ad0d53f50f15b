"""The direct reader equals zarr-python bit by bit, and calls missing or damaged data by its name."""

import json
import multiprocessing
import pickle
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

from iea40k.errors import CorruptDataError, StoreError
from iea40k.store.codecs import DTYPES, FILL, create_array
from iea40k.store.shard_writing import write_shard
from iea40k.store.shards import ShardedArray
from iea40k.store.tiles import covering, tile_shape

SHAPES = {
    "exposures": (7, 9, 11, 3),
    "reference": (5, 8, 6, 3),
    "residual": (7, 9, 11),
    "outliers": (3, 4, 4),
    "uncertainty": (2, 5, 5),
}


WAYS = ("frames", "release", "tiles by zarr-python", "old")
TILE = (4, 6)  # does not divide the shapes above


def random_values(shape: tuple[int, ...], dtype: np.dtype, seed: int = 0) -> NDArray:
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def write(
    folder: Path, name: str, shape: tuple[int, ...], per_shard: int, way: str = "frames", smooth: bool = False
) -> NDArray:
    """Write an array in one of `WAYS`; smooth values are compressible, so that no codec stores them raw."""
    values = random_values(shape, DTYPES[name])
    if smooth:
        values = np.broadcast_to(values[:, :1, :1], shape) + values[0, 0, :1]
    group = zarr.open_group(folder, mode="a", zarr_format=3)
    if way == "old":
        old_array(group, name, shape, per_shard)[...] = values
        return values
    tile = shape[1:3] if way == "frames" else TILE
    whole = covering(shape[1:3], tile)
    array = create_array(
        group, name, shape, (1, *tile, *shape[3:]), (min(per_shard, len(values)), *whole, *shape[3:])
    )
    if way != "release":
        array[...] = values
        return values
    for first in range(0, len(values), per_shard):
        write_shard(folder / name, first // per_shard, values[first : first + per_shard])
    return values


def old_array(group: zarr.Group, name: str, shape: tuple[int, ...], per_shard: int) -> zarr.Array:
    """Return an array as releases were written at first: a chunk a frame, LZ4, several Blosc blocks."""
    narrow = DTYPES[name].itemsize == 1
    return group.create_array(
        name,
        shape=shape,
        dtype=DTYPES[name],
        chunks=(1, *shape[1:]),
        shards=(per_shard, *shape[1:]),
        filters=[TransposeCodec(order=(0, 3, 1, 2))] if len(shape) == 4 else [],
        compressors=[
            BloscCodec(
                typesize=DTYPES[name].itemsize,
                cname="lz4hc",
                clevel=7,
                shuffle="bitshuffle" if narrow else "shuffle",
                blocksize=1 << 16,
            ),
            Crc32cCodec(),
        ],
        fill_value=FILL[name],
        config={"write_empty_chunks": True},
    )


@pytest.fixture
def residual(tmp_path: Path) -> tuple[Path, NDArray]:
    values = write(tmp_path, "residual", (7, 9, 11), 3)
    return tmp_path / "residual", values


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("per_shard", [1, 3, 8])
@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_array_equals_zarr_python(tmp_path: Path, name: str, per_shard: int, way: str) -> None:
    values = write(tmp_path, name, SHAPES[name], per_shard, way)
    reader = ShardedArray(tmp_path / name)
    plain = zarr.open_array(tmp_path / name, mode="r")
    assert (reader.shape, reader.dtype, len(reader)) == (plain.shape, plain.dtype, len(values))
    for index in range(len(reader)):
        np.testing.assert_array_equal(reader[index], values[index], strict=True)
        np.testing.assert_array_equal(reader[index], plain[index], strict=True)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_windows_are_what_slicing_gives(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("windows")
    name = data.draw(st.sampled_from(sorted(SHAPES)))
    way = data.draw(st.sampled_from(WAYS))
    smooth = data.draw(st.booleans())
    values = write(folder, name, SHAPES[name], 3, way, smooth)
    reader = ShardedArray(folder / name)
    for _ in range(5):
        index = data.draw(st.integers(-len(values), len(values) - 1))
        rows, columns = (data.draw(st.slices(size)) for size in values.shape[1:3])
        found = reader.read(index, rows, columns)
        np.testing.assert_array_equal(found, values[index][rows, columns], strict=True)


@pytest.mark.parametrize(
    "compressors",
    [
        [],
        [Crc32cCodec()],
        [GzipCodec(level=3)],
        [ZstdCodec(level=1, checksum=True), Crc32cCodec()],
        [BloscCodec(typesize=2, cname="lz4", shuffle="bitshuffle"), Crc32cCodec()],
        [BloscCodec(typesize=2, cname="zlib", shuffle="noshuffle")],
    ],
    ids=lambda codecs: "+".join(type(codec).__name__ for codec in codecs) or "none",
)
@pytest.mark.parametrize("endian", ["little", "big"])
def test_other_codecs_are_read_too(tmp_path: Path, compressors: list, endian: str) -> None:
    values = random_values((4, 6, 5, 3), np.dtype("int16"))
    array = zarr.create_array(
        store=tmp_path / "a",
        shape=values.shape,
        dtype="int16",
        chunks=(1, 6, 5, 3),
        shards=(2, 6, 5, 3),
        filters=[TransposeCodec(order=(0, 2, 3, 1))],
        serializer=zarr.codecs.BytesCodec(endian=endian),
        compressors=compressors,
    )
    array[...] = values
    reader = ShardedArray(tmp_path / "a")
    for index in range(4):
        np.testing.assert_array_equal(reader[index], values[index], strict=True)
        np.testing.assert_array_equal(reader.read(index, slice(1, 3)), values[index, 1:3], strict=True)


CORNERS = [slice(0, 1), slice(0, 256), slice(127, 129), slice(128, 256), slice(-257, -1), slice(-1, None)]


@pytest.mark.parametrize("name", ["exposures", "residual", "uncertainty"])
@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("shape", [(384, 512), (300, 417)])
def test_windows_at_all_corners_of_frames_and_tiles(
    tmp_path: Path, name: str, smooth: bool, shape: tuple[int, int]
) -> None:
    """Frames as large as real ones, cut as a release cuts them, against what zarr-python reads."""
    tile = tile_shape(shape)
    planes = (3,) if name == "exposures" else ()
    group = zarr.create_group(tmp_path, zarr_format=3)
    create_array(group, name, (2, *shape, *planes), (1, *tile, *planes), (2, *covering(shape, tile), *planes))
    values = random_values((2, *shape, *planes), DTYPES[name])
    if smooth:
        values[1] = (np.mgrid[: shape[0], : shape[1]].sum(0) * 3).reshape(*shape, *(1 for _ in planes))
    write_shard(tmp_path / name, 0, values)
    reader, plain = ShardedArray(tmp_path / name), zarr.open_array(tmp_path / name, mode="r")
    np.testing.assert_array_equal(plain[...], values, strict=True)
    for rows in CORNERS:
        for columns in (*CORNERS, slice(300, 40, -3)):
            found = reader.read(1, rows, columns)
            np.testing.assert_array_equal(found, values[1][rows, columns], strict=True)


def test_a_window_decodes_the_tiles_that_it_touches_and_no_other(tmp_path: Path) -> None:
    values = write(tmp_path, "residual", (1, 8, 12), 1, "release")
    file = tmp_path / "residual" / "c" / "0" / "0" / "0"
    data = bytearray(file.read_bytes())
    offset = int.from_bytes(data[-4 - 16 : -4 - 8], "little")  # of the last of 2 x 2 tiles
    data[offset + 20] ^= 1
    file.write_bytes(data)
    reader = ShardedArray(tmp_path / "residual")
    for rows, columns in ((slice(0, 4), slice(0, 12)), (slice(0, 8), slice(0, 6))):
        np.testing.assert_array_equal(reader.read(0, rows, columns), values[0, rows, columns])
    with pytest.raises(CorruptDataError, match="chunk 3 of 4"):
        reader.read(0, slice(3, 5), slice(5, 7))


def test_a_result_is_its_readers_own(residual: tuple[Path, NDArray]) -> None:
    folder, values = residual
    reader = ShardedArray(folder)
    whole, window = reader[0], reader.read(0, slice(0, 4), slice(0, 4))
    reader.read(1, slice(0, 4), slice(0, 4))
    whole[:] = 7
    window[:] = 7
    np.testing.assert_array_equal(reader[0], values[0])
    np.testing.assert_array_equal(reader.read(0, slice(0, 4), slice(0, 4)), values[0, :4, :4])


def test_planes_of_a_window_are_contiguous(tmp_path: Path) -> None:
    write(tmp_path, "exposures", SHAPES["exposures"], 3)
    window = ShardedArray(tmp_path / "exposures").read(2, slice(1, 6), slice(2, 9))
    assert window.transpose(2, 0, 1).flags.c_contiguous


def test_entries_beyond_the_end_are_refused(residual: tuple[Path, NDArray]) -> None:
    reader = ShardedArray(residual[0])
    for index in (7, -8):
        with pytest.raises(IndexError):
            reader[index]


@pytest.mark.parametrize("way", ["frames", "release"])
def test_every_flipped_byte_of_a_shard_is_found(tmp_path: Path, way: str) -> None:
    values, folder = write(tmp_path, "residual", (7, 9, 11), 3, way), tmp_path / "residual"
    file = folder / "c" / "1" / "0" / "0"
    intact = file.read_bytes()
    for position in range(len(intact)):
        damaged = bytearray(intact)
        damaged[position] ^= 0x10
        file.write_bytes(damaged)
        reader = ShardedArray(folder)
        outcomes = []
        for index in range(3, 6):
            try:
                np.testing.assert_array_equal(reader[index], values[index])
                outcomes.append("right")
            except CorruptDataError:
                outcomes.append("refused")
        assert "refused" in outcomes, f"byte {position} of {len(intact)}"
        np.testing.assert_array_equal(reader[0], values[0])


@pytest.mark.parametrize("keep", [0, 3, 100, -1])
@pytest.mark.parametrize("way", ["frames", "release"])
def test_truncated_shards_are_refused(tmp_path: Path, keep: int, way: str) -> None:
    write(tmp_path, "residual", (7, 9, 11), 3, way)
    folder = tmp_path / "residual"
    file = folder / "c" / "0" / "0" / "0"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(CorruptDataError):
        ShardedArray(folder)[0]


def test_a_missing_shard_is_an_error_where_zarr_gives_fill_values(residual: tuple[Path, NDArray]) -> None:
    folder, _ = residual
    shutil.rmtree(folder / "c" / "1")
    assert (zarr.open_array(folder, mode="r")[4] == FILL["residual"]).all()
    with pytest.raises(CorruptDataError, match="missing"):
        ShardedArray(folder)[4]


def test_an_absent_chunk_is_an_error_where_zarr_gives_fill_values(tmp_path: Path) -> None:
    array = zarr.create_array(
        store=tmp_path / "a", shape=(4, 3, 3), dtype="int16", chunks=(1, 3, 3), shards=(4, 3, 3), fill_value=5
    )
    array[0] = 1
    assert (array[2] == 5).all()
    reader = ShardedArray(tmp_path / "a")
    assert (reader[0] == 1).all()
    with pytest.raises(CorruptDataError, match="never written"):
        reader[2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["codecs"][0].update(name="other"), "layout"),
        (lambda m: m["codecs"][0]["configuration"]["codecs"].append({"name": "numcodecs.delta"}), "layout"),
        (lambda m: m["codecs"][0]["configuration"].update(index_location="start"), "layout"),
        (lambda m: m["codecs"][0]["configuration"].update(chunk_shape=[1, 4, 4]), "layout"),
        (lambda m: m["codecs"][0]["configuration"].update(chunk_shape=[3, 9, 11]), "layout"),
        (lambda m: m["chunk_grid"]["configuration"].update(chunk_shape=[3, 9, 10]), "layout"),
        (lambda m: m.update(node_type="group"), "layout"),
        (lambda m: m.pop("shape"), "layout"),
    ],
)
def test_layouts_that_are_not_known_are_refused(residual: tuple[Path, NDArray], change, message: str) -> None:
    file = residual[0] / "zarr.json"
    metadata = json.loads(file.read_text())
    change(metadata)
    file.write_text(json.dumps(metadata))
    with pytest.raises(StoreError, match=message):
        ShardedArray(residual[0])


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptDataError, match="missing"):
        ShardedArray(tmp_path)
    (tmp_path / "zarr.json").write_text("{")
    with pytest.raises(CorruptDataError, match="metadata"):
        ShardedArray(tmp_path)


def test_a_single_chunk_is_read_whole_and_nothing_else_is(tmp_path: Path) -> None:
    group = zarr.create_group(store=tmp_path, zarr_format=3)
    values = random_values((6, 5, 3), np.dtype("uint8"))
    create_array(group, "reference", values.shape, values.shape, values.shape)[...] = values
    np.testing.assert_array_equal(ShardedArray(tmp_path / "reference").whole(), values, strict=True)
    with pytest.raises(StoreError, match="whole"):
        ShardedArray(tmp_path / "reference")[0]
    write(tmp_path, "residual", (7, 9, 11), 3)
    with pytest.raises(StoreError, match="more than one chunk"):
        ShardedArray(tmp_path / "residual").whole()


def total(reader: ShardedArray) -> list[int]:
    return [int(reader[index].astype(np.int64).sum()) for index in range(len(reader))]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("way", ["frames", "release"])
def test_a_reader_works_in_other_processes(tmp_path: Path, method: str, way: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    values, folder = write(tmp_path, "residual", (7, 30, 40), 3, way), tmp_path / "residual"
    reader = ShardedArray(folder)
    reader[0]  # a shard is open before the others start
    with multiprocessing.get_context(method).Pool(2) as pool:
        results = pool.map(total, [reader] * 4)
    assert results == [[int(v.astype(np.int64).sum()) for v in values]] * 4


def test_a_pickle_carries_the_path_and_no_pixels(residual: tuple[Path, NDArray]) -> None:
    reader = ShardedArray(residual[0])
    reader[0]
    assert len(pickle.dumps(reader)) < 1000
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reader))[5], residual[1][5])


@pytest.mark.parametrize("name", ["exposures", "residual"])
def test_threads_share_a_reader(tmp_path: Path, name: str) -> None:
    values = write(tmp_path, name, (40, 16, 16, 3)[: 4 if name == "exposures" else 3], 4, "release")
    reader = ShardedArray(tmp_path / name)
    wrong: list[int] = []

    def check(seed: int) -> None:
        drawn = np.random.default_rng(seed).integers(0, 40, 200)
        wrong.extend(
            int(i) for i in drawn if not np.array_equal(reader.read(i, slice(2, 14)), values[i, 2:14])
        )

    threads = [threading.Thread(target=check, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_more_shards_than_may_stay_open(tmp_path: Path) -> None:
    values = write(tmp_path, "outliers", (150, 2, 2), 1)
    reader = ShardedArray(tmp_path / "outliers")
    for index in [*range(150), *range(150)]:
        np.testing.assert_array_equal(reader[index], values[index])
