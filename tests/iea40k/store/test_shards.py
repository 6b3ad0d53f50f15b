"""The direct reader equals zarr-python bit by bit, and calls missing or damaged data by its name."""

import json
import multiprocessing
import pickle
import shutil
import threading
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

from iea40k.errors import CorruptDataError, StoreError
from iea40k.store.codecs import FILL, Compression, create_array
from iea40k.store.shards import ShardedArray

SHAPES = {
    "exposures": (7, 9, 11, 3),
    "reference": (5, 8, 6, 3),
    "residual": (7, 9, 11),
    "outliers": (3, 4, 4),
    "uncertainty": (2, 5, 5),
}


def random_values(shape: tuple[int, ...], dtype: np.dtype, seed: int = 0) -> NDArray:
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def write(
    folder: Path,
    name: str,
    shape: tuple[int, ...],
    per_shard: int,
    compression: Compression = "small",
    smooth: bool = False,
) -> NDArray:
    group = zarr.open_group(folder, mode="a", zarr_format=3)
    array = create_array(group, name, shape, (1, *shape[1:]), (per_shard, *shape[1:]), compression)
    values = random_values(shape, array.dtype)
    if smooth:  # compressible, so that Blosc does not fall back to storing it raw
        values = np.broadcast_to(values[:, :1, :1], shape) + values[0, 0, :1]
    array[...] = values
    return values


@pytest.fixture
def residual(tmp_path: Path) -> tuple[Path, NDArray]:
    values = write(tmp_path, "residual", (7, 9, 11), 3)
    return tmp_path / "residual", values


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("per_shard", [1, 3, 8])
@pytest.mark.parametrize("compression", ["fast", "small"])
def test_every_kind_of_array_equals_zarr_python(
    tmp_path: Path, name: str, per_shard: int, compression: Compression
) -> None:
    values = write(tmp_path, name, SHAPES[name], per_shard, compression)
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
    compression = data.draw(st.sampled_from(["fast", "small"]))
    smooth = data.draw(st.booleans())
    values = write(folder, name, SHAPES[name], 3, compression, smooth)
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


@pytest.mark.parametrize("name", ["exposures", "residual"])
@pytest.mark.parametrize("smooth", [True, False])
def test_windows_over_many_blocks(tmp_path: Path, name: str, smooth: bool) -> None:
    shape = (2, 700, 400, 3)[: 4 if name == "exposures" else 3]
    values = write(tmp_path, name, shape, 2, "fast", smooth)
    reader = ShardedArray(tmp_path / name)
    assert reader.layout.chunk.by_rows
    for first, last in [(0, 1), (0, 700), (699, 700), (54, 55), (80, 450), (163, 164), (100, 100)]:
        for columns in (slice(0, 400), slice(37, 293), slice(300, 40, -3)):
            found = reader.read(1, slice(first, last), columns)
            np.testing.assert_array_equal(found, values[1, first:last, columns], strict=True)


def test_a_few_rows_do_not_need_the_other_blocks(tmp_path: Path) -> None:
    """Damage in the last block, under a checksum made to fit, is not met by a window above it."""
    values = write(tmp_path, "residual", (1, 700, 400), 1, "fast", smooth=True)
    chunk = ShardedArray(tmp_path / "residual")._shard(0).chunk(0).copy()[:-4]
    nbytes, blocksize, _ = chunk[4:16].view("<u4").tolist()
    blocks = -(-nbytes // blocksize)
    assert blocks >= 4
    starts = chunk[16 : 16 + 4 * blocks].view("<i4")
    chunk[starts[-1] + 4 :] = 255
    codec = ShardedArray(tmp_path / "residual").layout.chunk
    data = np.concatenate([chunk, np.array([google_crc32c.value(chunk)], "<u4").view(np.uint8)])
    buffer = np.empty(codec.nbytes, np.uint8)
    whole_blocks = 2 * blocksize // 800
    found = codec.decode_window(data, (0, whole_blocks), slice(None), buffer)
    np.testing.assert_array_equal(found, values[0, :whole_blocks])
    with pytest.raises((ValueError, RuntimeError)):
        codec.decode_window(data, (690, 700), slice(None), buffer)


@pytest.mark.parametrize("byte", [*range(4, 16), 18, 22])
def test_a_forged_blosc_header_is_refused(tmp_path: Path, byte: int) -> None:
    write(tmp_path, "residual", (1, 300, 400), 1, "fast", smooth=True)
    chunk = ShardedArray(tmp_path / "residual")._shard(0).chunk(0).copy()[:-4]
    chunk[byte] ^= 0x41
    data = np.concatenate([chunk, np.array([google_crc32c.value(chunk)], "<u4").view(np.uint8)])
    codec = ShardedArray(tmp_path / "residual").layout.chunk
    with pytest.raises((ValueError, RuntimeError)):
        codec.decode_window(data, (0, 300), slice(None), np.empty(codec.nbytes, np.uint8))


def test_a_chunk_is_checked_when_it_is_read_first_by_windows_too(tmp_path: Path) -> None:
    write(tmp_path, "residual", (2, 300, 400), 2, "fast", smooth=True)
    file = tmp_path / "residual" / "c" / "0" / "0" / "0"
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2 - 60] ^= 1  # near the end of chunk 0, in rows that are not asked for
    file.write_bytes(damaged)
    with pytest.raises(CorruptDataError, match="damaged"):
        ShardedArray(tmp_path / "residual").read(0, slice(0, 2))


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


def test_every_flipped_byte_of_a_shard_is_found(residual: tuple[Path, NDArray]) -> None:
    folder, values = residual
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
def test_truncated_shards_are_refused(residual: tuple[Path, NDArray], keep: int) -> None:
    folder, _ = residual
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
        (lambda m: m["codecs"][0]["configuration"].update(chunk_shape=[1, 3, 3]), "layout"),
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
def test_a_reader_works_in_other_processes(residual: tuple[Path, NDArray], method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    folder, values = residual
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


def test_threads_share_a_reader(tmp_path: Path) -> None:
    values = write(tmp_path, "exposures", (40, 16, 16, 3), 4)
    reader = ShardedArray(tmp_path / "exposures")
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
