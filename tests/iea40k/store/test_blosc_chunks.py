"""Chunks of two streams are what Blosc itself reads, and smaller than what it writes; damaged ones are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numcodecs import blosc
from numpy.typing import NDArray

from iea40k.store.blosc_chunks import compress_split, decompress


def codes(count: int, noise: int) -> NDArray[np.int16]:
    """Return smooth values whose low bits are noise."""
    rng = np.random.default_rng(count)
    return (np.arange(count) % 5000 * 3 + rng.integers(-noise, noise, count, endpoint=True)).astype(np.int16)


def as_bytes(chunk: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(chunk, np.uint8)


@given(
    st.sampled_from([1, 2, 99, 127, 128, 129, 1000, 16384, 70001]),
    st.sampled_from([0, 5, 60, 20000]),
    st.sampled_from([np.int16, np.uint16]),
)
def test_blosc_reads_what_is_written(count: int, noise: int, dtype: type) -> None:
    values = codes(count, noise).astype(dtype)
    chunk = compress_split(values)
    assert blosc.decompress(chunk) == values.astype("<i2" if dtype is np.int16 else "<u2").tobytes()
    np.testing.assert_array_equal(decompress(as_bytes(chunk), values.nbytes).view(dtype), values)


def test_noise_of_the_low_bytes_does_not_spoil_the_high_ones() -> None:
    values = (np.arange(16384) % 5000 + np.random.default_rng(1).normal(0, 300, 16384)).astype(np.int16)
    assert len(compress_split(values)) < 0.9 * len(blosc.compress(values, b"zstd", 5, blosc.SHUFFLE))


def test_what_cannot_be_compressed_does_not_grow() -> None:
    noise = np.random.default_rng(0).integers(-32640, 32641, 16384, dtype=np.int16)
    assert len(compress_split(noise)) == noise.nbytes + 28


@pytest.mark.parametrize("shuffle", [blosc.NOSHUFFLE, blosc.SHUFFLE, blosc.BITSHUFFLE])
@pytest.mark.parametrize("name", [b"zstd", b"lz4", b"zlib"])
@pytest.mark.parametrize("blocksize", [0, 4096])
def test_chunks_of_blosc_itself_are_read(shuffle: int, name: bytes, blocksize: int) -> None:
    for values in (codes(5000, 3), codes(5000, 20000)):
        chunk = blosc.compress(values, name, 5, shuffle, blocksize)
        np.testing.assert_array_equal(decompress(as_bytes(chunk), values.nbytes).view(np.int16), values)


def test_sizes_that_contradict_are_refused() -> None:
    values = codes(16384, 3)
    chunk = as_bytes(compress_split(values))
    for wrong in (chunk[:15], chunk[:-1], np.append(chunk, np.uint8(0))):
        with pytest.raises((ValueError, RuntimeError)):
            decompress(wrong, values.nbytes)
    with pytest.raises(ValueError, match="expected"):
        decompress(chunk, values.nbytes - 2)


@pytest.mark.parametrize("byte", range(4, 24))
@pytest.mark.parametrize("change", [0x01, 0x41, 0xFF])
def test_a_forged_header_is_refused(byte: int, change: int) -> None:
    """No checksum is asked here: sizes and starts are checked for themselves before any memory is written."""
    values = codes(16384, 3)
    chunk = as_bytes(compress_split(values)).copy()
    chunk[byte] ^= change
    with pytest.raises((ValueError, RuntimeError)):
        decompress(chunk, values.nbytes)
