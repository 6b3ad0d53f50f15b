"""Files that are missing, empty, cut, mislabelled, unknown, or would not fit into memory: one clear error each."""

import contextlib
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from iea40k.develop import ReadOptions, load_encoded, load_linear
from iea40k.errors import UnreadableImageError
from pipelines.dng import write_dng


def noise(height: int = 40, width: int = 60, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (height, width, 3), dtype=dtype)


def whole(folder: Path, suffix: str) -> Path:
    path = folder / f"whole{suffix}"
    if suffix == ".dng":
        write_dng(path, (noise(128, 128) / 255).astype(np.float32))
    elif suffix == ".tif":
        tifffile.imwrite(path, noise(dtype=np.uint16), photometric="rgb")
    else:
        Image.fromarray(noise()).save(path)
    return path


OPTIONS = ReadOptions(assume_profile="srgb")
SMALL = ReadOptions(assume_profile="srgb", max_pixels=1_000_000)
EVERY = [".jpg", ".png", ".tif", ".dng"]


@pytest.mark.parametrize("suffix", EVERY)
def test_whole_files_are_read(tmp_path: Path, suffix: str) -> None:
    assert load_linear(whole(tmp_path, suffix), options=OPTIONS).pixels.size


@pytest.mark.parametrize("suffix", EVERY)
def test_missing_and_empty_files_are_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(UnreadableImageError, match="no such file") as missing:
        load_linear(path)
    assert missing.value.where == path
    path.touch()
    with pytest.raises(UnreadableImageError, match="empty"):
        load_linear(path)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(UnreadableImageError, match=r"folder|cannot be opened"):
        load_linear(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", EVERY)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.98])
def test_a_truncated_file_is_never_filled_up(tmp_path: Path, suffix: str, kept: float) -> None:
    data = whole(tmp_path, suffix).read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(UnreadableImageError) as error:
        load_linear(cut, options=OPTIONS)
    assert error.value.where == cut


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_download_whose_rest_is_zeros_is_refused(tmp_path: Path, suffix: str) -> None:
    data = whole(tmp_path, suffix).read_bytes()
    half = len(data) // 2
    (tmp_path / f"cut{suffix}").write_bytes(data[:half] + bytes(len(data) - half))
    with pytest.raises(UnreadableImageError):
        load_linear(tmp_path / f"cut{suffix}")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("suffix", EVERY)
def test_damage_anywhere_costs_an_error_of_our_own_at_most(tmp_path: Path, suffix: str) -> None:
    data, chance = whole(tmp_path, suffix).read_bytes(), random.Random(1)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 3, 9))):
            damaged[chance.randrange(min(len(data), 1000))] = chance.randrange(256)
        (tmp_path / f"damaged{suffix}").write_bytes(damaged)
        with contextlib.suppress(UnreadableImageError):
            picture = load_linear(tmp_path / f"damaged{suffix}", short_side=16, options=SMALL)
            assert np.isfinite(picture.pixels).all()


@pytest.mark.parametrize("suffix", EVERY)
@pytest.mark.parametrize("claimed", EVERY)
def test_a_name_that_lies_is_refused(tmp_path: Path, suffix: str, claimed: str) -> None:
    liar = tmp_path / f"liar{claimed}"
    liar.write_bytes(whole(tmp_path, suffix).read_bytes())
    if suffix == claimed:
        load_linear(liar, options=OPTIONS)
        return
    with pytest.raises(UnreadableImageError, match=r"not what its name says|cannot read"):
        load_linear(liar, options=OPTIONS)


@pytest.mark.parametrize("name", ["a.jpg", "a.dng", "a.CR2", "a.tif", "a", "a.txt"])
@pytest.mark.parametrize("content", [b"hello world" * 99, b"GIF89a" + b"\0" * 99, b"\0" * 999])
def test_other_content_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableImageError):
        load_linear(tmp_path / name)


def tiff_bomb(path: Path) -> None:
    """900 megapixels of zeros in a megabyte."""
    rows = 300
    strip = zlib.compress(bytes(30000 * rows * 3), 9)
    tifffile.imwrite(
        path,
        iter([strip] * (30000 // rows)),
        shape=(30000, 30000, 3),
        dtype=np.uint8,
        photometric="rgb",
        rowsperstrip=rows,
        compression="zlib",
    )


def png_bomb(path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(10_000_000), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def jpeg_bomb(path: Path) -> None:
    Image.new("L", (64, 64)).save(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    path.write_bytes(data)


def dng_bomb(path: Path) -> None:
    write_dng(path, np.zeros((64, 64, 3), np.float32))
    data = bytearray(path.read_bytes())
    for tag in (256, 257):  # ImageWidth, ImageLength
        at = data.index(struct.pack("<H", tag), 8)
        kind = struct.unpack_from("<H", data, at + 2)[0]
        data[at + 8 : at + 12] = struct.pack("<I", 60000) if kind == 4 else struct.pack("<HH", 60000, 0)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("suffix", "bomb"), [(".tif", tiff_bomb), (".png", png_bomb), (".jpg", jpeg_bomb), (".dng", dng_bomb)]
)
def test_a_bomb_is_refused_before_its_memory_is_taken(tmp_path: Path, suffix: str, bomb) -> None:
    path = tmp_path / f"bomb{suffix}"
    bomb(path)
    assert path.stat().st_size < 3_000_000
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableImageError, match="too large"):
            load_linear(path, options=OPTIONS)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", EVERY)
def test_the_limit_of_pixels_can_be_set(tmp_path: Path, suffix: str) -> None:
    path = whole(tmp_path, suffix)
    with pytest.raises(UnreadableImageError, match="max_pixels"):
        load_linear(path, options=ReadOptions(max_pixels=2399, assume_profile="srgb"))


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1)])
def test_a_line_or_a_dot_is_no_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save(tmp_path / "dot.png")
    with pytest.raises(UnreadableImageError, match="too small"):
        load_encoded(tmp_path / "dot.png")


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 1.5])
def test_floats_that_are_no_picture_are_refused(tmp_path: Path, value: float) -> None:
    pixels = np.full((8, 8, 3), 0.5, np.float32)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    np.testing.assert_allclose(load_linear(tmp_path / "a.tif", options=OPTIONS).pixels, 0.214, atol=1e-3)
    pixels[3, 4, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    with pytest.raises(UnreadableImageError, match="float"):
        load_linear(tmp_path / "a.tif", options=OPTIONS)


def test_bare_sensor_data_is_refused_since_its_camera_would_be_guessed(tmp_path: Path) -> None:
    # LibRaw takes any file of this length for one of a particular industrial camera.
    path = tmp_path / "sensor.raw"
    path.write_bytes(np.random.default_rng(0).integers(0, 4096, 393216, dtype=np.uint16).tobytes())
    with pytest.raises(UnreadableImageError, match="names no camera"):
        load_linear(path)
    assert load_linear(path, options=ReadOptions(accept_headerless=True)).pixels.shape[2] == 3
