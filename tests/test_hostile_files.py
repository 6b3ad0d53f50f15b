"""The corpus of hostile files that were found by torture: every one is refused in words, soon, and in little memory.

Each is made here by a few lines rather than kept as bytes, so that it says what is wrong with it.
"""

import bz2
import gzip
import io
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from iea40k.errors import IEAError, LimitError
from iea40k.isolation import Isolated, Limits
from iea40k.scene import check_scene_id, ev_of_level
from tests import readers
from tests.readers import READERS, as_json

DEEP = 200_000
DIGITS = b"9" * 1_000_000
LIMITS = Limits(seconds=30, memory=2 << 30)


@pytest.fixture(scope="module")
def isolated() -> Iterator[Isolated]:
    with Isolated(LIMITS) as process:
        process(readers.build_config, None)  # the time to import it is not the time to read
        yield process


def tiff(*directories: tuple[list[tuple[int, int, int, int]], int], first: int = 8) -> bytes:
    """Return a little-endian TIFF of directories (entries of tag, type, count, value; the next one's offset)."""
    data = struct.pack("<2sHI", b"II", 42, first)
    for entries, following in directories:
        data += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
        data += struct.pack("<I", following)
    return data.ljust(320, b"\0")


GREY = [(256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 300), (279, 4, 1, 16)]
SECOND = 8 + 2 + 12 * len(GREY) + 4
TIFFS = {
    "the next directory is itself": tiff((GREY, 8)),
    "two directories lead to each other": tiff((GREY, SECOND), (GREY, 8)),
    "a subdirectory is its parent": tiff(([*GREY, (330, 4, 1, 8)], 0)),
    "2,000 directories": tiff(*[([(256, 4, 1, 4)], 8 + 18 * (n + 1)) for n in range(2000)]),
}


@pytest.mark.parametrize("reader", ["picture", "whole_tiff"])
@pytest.mark.parametrize("name", TIFFS)
@pytest.mark.parametrize("suffix", [".tif", ".dng"])
def test_directories_that_never_end(
    isolated: Isolated, tmp_path: Path, name: str, reader: str, suffix: str
) -> None:
    refused(isolated, reader, tmp_path / f"a{suffix}", TIFFS[name], match="directories lead nowhere")


def test_their_metadata_are_read_once(isolated: Isolated, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(TIFFS["the next directory is itself"])
    isolated(readers.capture, tmp_path / "a.tif")


def rows_for_nothing() -> bytes:
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(5_000_000, np.int32)), pa.array(["a0001"]))
    return parquet(pa.table({"scene_id": column, "kind": column, "exposures": column}))


def text_for_nothing() -> bytes:
    column = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(100_000, np.int32)), pa.array(["x" * (1 << 20)])
    )
    return parquet(pa.table({"scene_id": column}))


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


@pytest.mark.parametrize("bomb", [rows_for_nothing, text_for_nothing])
def test_tables_that_grow(isolated: Isolated, tmp_path: Path, bomb: Callable[[], bytes]) -> None:
    data = bomb()
    assert len(data) < 3_000_000
    refused(isolated, "manifest", tmp_path / "m.parquet", data, match="are not read")


def test_a_cell_that_is_no_text(isolated: Isolated, tmp_path: Path) -> None:
    cells = pa.array([b"a", b"\xffb"], pa.binary()).view(pa.string())
    data = parquet(pa.table({"scene_id": cells, "kind": cells, "exposures": cells}))
    refused(isolated, "manifest", tmp_path / "m.parquet", data, match="UTF8")


def test_a_csv_of_columns_without_end(isolated: Isolated, tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(200_000)).encode()
    refused(isolated, "manifest", tmp_path / "m.csv", header + b"\n", match="columns")


YAMLS = {
    "deep": b"[" * DEEP,
    "deep in blocks": b"".join(b" " * n + b"a:\n" for n in range(600)),
    "repeated without end": b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    + b"".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n".encode() for n in range(9)
    ),
    "itself": b"a: &a [*a]\n",
    "digits": b"evs: [" + DIGITS + b"]",
    "no number": b"evs: [.nan]\nseed: .nan\n",
    "infinite": b"evs: [.inf]\nseed: .inf\n",
    "a date of nowhere": b"evs: 2001-99-99\n",
    "code": b"evs: !!python/object/apply:os.system ['true']\n",
    "NUL": b"evs: \0\n",
}


@pytest.mark.parametrize("reader", ["criteria", "build_config", "training_config"])
@pytest.mark.parametrize("name", YAMLS)
def test_yaml(isolated: Isolated, tmp_path: Path, reader: str, name: str) -> None:
    refused(isolated, reader, tmp_path / "c.yaml", YAMLS[name])


JSONS = {
    "deep": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "digits": b'{"format": ' + DIGITS + b"}",
    "a list": b"[]",
    "a number": b"1e999",
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize(
    "reader",
    ["store_head", "release_head", "quarantine", "outbox", "seals", "fivek_metadata", "array", "scene"],
)
@pytest.mark.parametrize("name", JSONS)
def test_json(isolated: Isolated, tmp_path: Path, reader: str, name: str) -> None:
    refused(isolated, reader, tmp_path / "c.json", JSONS[name])


def safetensors(metadata: object) -> bytes:
    header = as_json(
        {"__metadata__": {"iea40k": metadata}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    )
    return struct.pack("<Q", len(header)) + header + bytes(4)


NO_DIGEST = '{"network": "p_ieanet_s", "config": {}, "facts": {}, "tensors_sha256": "x"}'
OURS = "9c8b0f4a3c9ae6f5"
WEIGHTS = {
    "a header longer than the file": struct.pack("<Q", 1 << 62) + b"{}",
    "no JSON": safetensors("{"),
    "deep": safetensors("[" * DEEP),
    "a list": safetensors("[]"),
    "no network": safetensors("{}"),
    "a network that is no text": safetensors(
        '{"network": 1, "config": {}, "facts": {}, "tensors_sha256": "x"}'
    ),
    "a wrong digest": safetensors(NO_DIGEST),
    "cut": safetensors(NO_DIGEST)[:-2],
    "nothing": b"",
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(isolated: Isolated, tmp_path: Path, name: str) -> None:
    refused(isolated, "weights", tmp_path / "w.safetensors", WEIGHTS[name])


def test_a_network_larger_than_its_file(isolated: Isolated, tmp_path: Path) -> None:
    """Its digest fits; its configuration asks for terabytes."""
    import torch
    from safetensors.torch import save

    from iea40k.model.weights import HEADER, _tensors_digest
    from iea40k.recipe import canonical_json

    tensors = {"a": torch.zeros(1)}
    for config in ({"widths": [80_000, 160_000, 320_000]}, {"widths": ["x"]}, {"heads": 0}, {"depth": 1e9}):
        header = {
            "network": "p_ieanet_s", "config": config, "facts": {}, "tensors_sha256": _tensors_digest(tensors),
        }  # fmt: skip
        refused(
            isolated, "weights", tmp_path / "w.safetensors", save(tensors, {HEADER: canonical_json(header)})
        )


def npy(header: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)


NPYS = {
    "larger than the file": npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000), }\n"),
    "deep": npy(b"(" * 5000 + b"\n"),
    "no table": npy(b"[]\n"),
    "objects": npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"),
    "a type of digits": npy(
        b"{'descr': '<f" + b"9" * 60_000 + b"', 'fortran_order': False, 'shape': (1,), }\n"
    ),
    "a shape of digits": npy(
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"9" * 60_000 + b",), }\n"
    ),
    "a negative shape": npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -4), }\n"),
    "a shape of text": npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': 'x', }\n"),
    "a header of half a thing": npy(b"{'descr': '<f4', 'fortran_ord"),
    "no version": b"\x93NUMPY\x09\x00",
}


@pytest.mark.parametrize("reader", ["label", "residual"])
@pytest.mark.parametrize("name", NPYS)
def test_npy(isolated: Isolated, tmp_path: Path, reader: str, name: str) -> None:
    refused(isolated, reader, tmp_path / "a.npy", NPYS[name])


def zipped(method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as pack:
        pack.writestr("a/b.txt", b"0123456789" * 5000)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("a/b.txt")
        info.size = 50_000
        tar.addfile(info, io.BytesIO(b"0123456789" * 5000))
    return out.getvalue()


def broken(data: bytes, at: float) -> bytes:
    """Return data with some bytes overwritten."""
    place = int(len(data) * at)
    return data[:place] + bytes(x ^ 0xA5 for x in data[place : place + 16]) + data[place + 16 :]


ARCHIVES = {
    "deflate": broken(zipped(zipfile.ZIP_DEFLATED), 0.4),
    "bzip2": broken(zipped(zipfile.ZIP_BZIP2), 0.4),
    "lzma": broken(zipped(zipfile.ZIP_LZMA), 0.4),
    "a tar in half a gzip": gzip.compress(tarred())[:-40],
    "a tar in a broken gzip": broken(gzip.compress(tarred()), 0.7),
    "a tar in a broken xz": broken(lzma.compress(tarred()), 0.7),
    "a tar in a broken bzip2": broken(bz2.compress(tarred()), 0.7),
    "half a tar": tarred()[:30_000],
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives(tmp_path: Path, name: str) -> None:
    from pipelines.archives import unpack

    (tmp_path / "a").write_bytes(ARCHIVES[name])
    with pytest.raises(IEAError):
        unpack(tmp_path / "a", tmp_path / "out")


SHAPES = {
    "huge": [2, 1 << 40, 1 << 40],
    "negative": [2, -16, 16],
    "nothing": [2, 0, 16],
    "fractions": [2, 16.5, 16],
    "texts": ["2", "16", "16"],
    "true": [True, 16, 16],
    "too many axes": [2] * 40,
    "no axis": [],
    "no list": 7,
    "digits": [2, int(b"9" * 4000), 16],
}


@pytest.mark.parametrize("key", ["shape", "shard", "chunk"])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes_of_arrays(isolated: Isolated, tmp_path: Path, name: str, key: str) -> None:
    import json

    metadata = json.loads(readers.good_metadata("array"))
    if key == "shape":
        metadata["shape"] = SHAPES[name]
    elif key == "shard":
        metadata["chunk_grid"]["configuration"]["chunk_shape"] = SHAPES[name]
    else:
        metadata["codecs"][0]["configuration"]["chunk_shape"] = SHAPES[name]
    refused(isolated, "array", tmp_path / "zarr.json", as_json(metadata))


KINDS = {
    "digests": 7, "attributes": None, "recipe": [], "levels": [{}, {}], "evs": ["x", "y"], "suspicion": [None, None],
    "scene_id": {}, "height": True, "width": "16", "recipe_digest": 3,
}  # fmt: skip


@pytest.mark.parametrize("name", [*KINDS, "no levels"])
def test_attributes_of_scenes(isolated: Isolated, tmp_path: Path, name: str) -> None:
    import json

    metadata = json.loads(readers.good_metadata("scene"))
    metadata["attributes"] |= (
        {key: [] for key in ("evs", "levels", "suspicion")} if name == "no levels" else {name: KINDS[name]}
    )
    refused(isolated, "scene", tmp_path / "zarr.json", as_json(metadata), match="attributes are not complete")


NUMBERS = {
    "infinite": b"Infinity",
    "no number": b"NaN",
    "overflowing": b"1e999",
    "half a character": b'"\\uD800"',
    "half a character deep within": b'{"a": [{"\\udfff": 0}]}',
}


@pytest.mark.parametrize("name", NUMBERS)
def test_values_that_cannot_be_written_again(isolated: Isolated, tmp_path: Path, name: str) -> None:
    """Python's parser takes them; a recipe that held one ended `verify` (the seed of a run: scene-762354683702)."""
    good = readers.good_metadata("scene")
    bad = good.replace(b'"planted"', NUMBERS[name], 1)
    assert bad != good
    refused(isolated, "scene", tmp_path / "zarr.json", bad, match="metadata cannot be read")


@pytest.mark.parametrize("value", [(3, 4, 5, 6), (1, 0), b"", "x", 7])
def test_an_impossible_baseline_exposure(value: object) -> None:
    """A DNG whose tag has another type or count: seed picture-974422251702.dng of a run."""
    from iea40k.develop.camera import _baseline_exposure
    from iea40k.develop.tiff_tags import BASELINE_EXPOSURE, DNG_VERSION
    from iea40k.errors import UnreadableImageError

    with pytest.raises(UnreadableImageError, match="BaselineExposure is impossible"):
        _baseline_exposure({DNG_VERSION: b"", BASELINE_EXPOSURE: value})


def damaged_tags() -> bytes:
    """A TIFF whose make lies beyond its end and whose width has too many numbers."""
    entries = [(256, 4, 3, 290), *GREY[1:], (271, 2, 400, 5000)]
    return tiff((sorted(entries), 0))


@pytest.mark.parametrize("reader", ["picture", "capture"])
def test_damaged_tags_say_nothing_on_the_terminal(tmp_path: Path, reader: str) -> None:
    """Pillow warns of each tag that it cannot read, with a line of its own source."""
    (tmp_path / "a.tif").write_bytes(damaged_tags())
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + damaged_tags())
    for name in ("a.tif", "a.jpg"):
        code = "import sys\nfrom pathlib import Path\nfrom iea40k.errors import IEAError\n"
        code += "from tests import readers\ntry:\n"
        code += f"    readers.{reader}(Path(sys.argv[1]))\nexcept IEAError:\n    pass\n"
        command = [sys.executable, "-W", "always::UserWarning", "-c", code, str(tmp_path / name)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_damaged_metadata_of_a_picture_are_noted_in_its_recipe(tmp_path: Path) -> None:
    from iea40k.develop import load_encoded

    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + damaged_tags())
    assert "Skipping tag 271" in load_encoded(tmp_path / "a.jpg")[1]["exif_damaged"]


def test_keys_of_chunks(isolated: Isolated, tmp_path: Path) -> None:
    import json

    metadata = json.loads(readers.good_metadata("array"))
    metadata["chunk_key_encoding"]["configuration"]["separator"] = 7
    refused(isolated, "array", tmp_path / "zarr.json", as_json(metadata))


@pytest.mark.skipif(os.name == "nt", reason="pipes are POSIX")
@pytest.mark.parametrize(
    "reader", ["picture", "capture", "whole_tiff", "label", "residual", "weights", "manifest"]
)
def test_a_pipe_is_not_waited_for(isolated: Isolated, tmp_path: Path, reader: str) -> None:
    os.mkfifo(tmp_path / f"a{READERS[reader][1][0]}")
    refused(isolated, reader, tmp_path / f"a{READERS[reader][1][0]}", None)


@pytest.mark.parametrize(("check", "good"), [(check_scene_id, "a"), (ev_of_level, "N1")])
def test_a_name_that_ends_in_a_line_is_another_name(check: Callable[[str], object], good: str) -> None:
    check(good)
    with pytest.raises(IEAError):
        check(good + "\n")


def refused(
    isolated: Isolated, reader: str, file: Path, data: bytes | None, match: str | None = None
) -> None:
    """Assert that a file is refused by an error in words, which no limit had to help."""
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(IEAError, match=match) as caught:
        isolated(READERS[reader][0], file)
    assert not isinstance(caught.value, LimitError), caught.value
    assert "unexpected error" not in str(caught.value)
    assert len(str(caught.value)) < 5000
