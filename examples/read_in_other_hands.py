"""One release in the hands of other libraries, each compared with ours pixel by pixel.

    python examples/read_in_other_hands.py RELEASE [ADDRESS]

Ours reads it once more from a server: from ADDRESS (https://…, s3://…), where the same release lies, else from a web
server on this machine.
A library that is not installed is named and passed over; a pixel that differs ends the program with an error.
"""

import contextlib
import functools
import http.server
import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import iea40k

os.environ.setdefault("HF_HUB_OFFLINE", "1")
Codes = Iterator[tuple[str, np.ndarray]]  # an image's id, and its residual's codes as the library gives them


def from_server(release: iea40k.Release) -> Codes:
    with tempfile.TemporaryDirectory() as cache, contextlib.ExitStack() as stack:
        address = sys.argv[2] if len(sys.argv) > 2 else stack.enter_context(served(release.path))
        for image in iea40k.open_release(address, cache=cache):
            yield image.image_id, image.codes


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder on a web server of this machine, while the block lasts."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def by_frame(release: iea40k.Release, read: Callable[[str], np.ndarray]) -> Codes:
    """Images of arrays that are read whole, a frame shape at a time."""
    for frame, images in release.images.groupby("frame"):
        codes = read(str(frame))
        yield from (
            (row.image_id, codes[row.index_])
            for row in images.rename(columns={"index": "index_"}).itertuples()
        )


def zarr_python(release: iea40k.Release) -> Codes:
    import zarr

    return by_frame(
        release, lambda frame: zarr.open_group(release.path / "arrays", mode="r")[frame]["residual"][...]
    )


def xarray(release: iea40k.Release) -> Codes:
    import xarray

    def read(frame: str) -> np.ndarray:
        opened = xarray.open_zarr(release.path / "arrays" / frame, consolidated=False)
        residual = opened.residual.to_numpy()  # floats in [-1, 1], NaN where there are no data
        return np.where(np.isnan(residual), -32768, np.rint(residual * 32640)).astype(np.int16)

    return by_frame(release, read)


def tensorstore(release: iea40k.Release) -> Codes:
    import tensorstore

    def read(frame: str) -> np.ndarray:
        place = {"driver": "file", "path": f"{release.path.absolute()}/arrays/{frame}/residual/"}
        return tensorstore.open({"driver": "zarr3", "kvstore": place}, read=True).result().read().result()

    return by_frame(release, read)


def mlcroissant(release: iea40k.Release) -> Codes:
    import mlcroissant
    import zarr

    logging.getLogger("absl").setLevel(logging.ERROR)
    described = mlcroissant.Dataset(jsonld=release.path / "croissant.json")

    def read(frame: str) -> np.ndarray:
        files = {
            record[f"files_{frame}/path"].decode(): zarr.core.buffer.cpu.Buffer.from_bytes(
                record[f"files_{frame}/content"]
            )
            for record in described.records(f"files_{frame}")
        }
        return zarr.open_array(zarr.storage.MemoryStore(files), path=f"arrays/{frame}/residual", mode="r")[
            ...
        ]

    return by_frame(release, read)


def datasets(release: iea40k.Release) -> Codes:
    import datasets

    from pipelines.exports.exporting import export_release

    with tempfile.TemporaryDirectory() as folder:
        export_release(release, Path(folder, "parquet"), "huggingface")
        for rows in datasets.load_dataset(f"{folder}/parquet", cache_dir=f"{folder}/cache").values():
            for row in rows:
                yield row["image_id"], (np.asarray(row["residual"]).astype(np.int32) - 32768).astype(np.int16)


def webdataset(release: iea40k.Release) -> Codes:
    import webdataset

    from pipelines.exports.exporting import export_release

    with tempfile.TemporaryDirectory() as folder:
        export_release(release, Path(folder, "tar"), "webdataset")
        files = sorted(map(str, Path(folder, "tar", "data").glob("*.tar")))
        for sample in webdataset.WebDataset(files, shardshuffle=False, empty_check=False).decode():
            yield sample["json"]["image_id"], sample["residual.npz"]["codes"]


HANDS = (from_server, zarr_python, xarray, tensorstore, mlcroissant, datasets, webdataset)


def main(place: str, *_address: str) -> None:
    """Read the release with every library, and say how many images agree."""
    release = iea40k.open_release(place)
    warnings.simplefilter("ignore")
    for read in HANDS:
        try:
            found = dict(read(release))
        except ImportError as error:
            print(f"{read.__name__:12} not compared: {str(error).splitlines()[0]}")
            continue
        assert found.keys() == set(release.images["image_id"]), f"{read.__name__}: other images"
        for image in release:
            np.testing.assert_array_equal(
                found[image.image_id], image.codes, err_msg=f"{read.__name__}: {image}"
            )
        print(f"{read.__name__:12} {len(found)} residuals, every pixel as ours")


if __name__ == "__main__":
    main(*sys.argv[1:])
