"""Every public reader of what may come from strangers: a file's path in, an answer or an `IEAError` out.

Functions at the top of a module, so that they can be called in a process of their own with limits of time and memory.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from iea40k.errors import BadInputError


def picture(file: Path) -> None:
    """A photograph, to an sRGB picture."""
    from iea40k.develop import ReadOptions, load_encoded

    load_encoded(file, short_side=64, options=ReadOptions(max_pixels=4_000_000))


def capture(file: Path) -> None:
    """A photograph's metadata."""
    from iea40k.capture import read_capture

    read_capture(file)


def whole_tiff(file: Path) -> None:
    """Whether a TIFF or DNG is whole."""
    from iea40k.develop.tiff_tags import check_whole

    check_whole(file)


def manifest(file: Path) -> None:
    """A manifest, CSV or parquet by its suffix."""
    from iea40k.manifest import read_manifest

    read_manifest(file, keep_going=True)


def criteria(file: Path) -> None:
    """A file of criteria."""
    from iea40k.scoring import load_criteria

    load_criteria(file)


def build_config(file: Path) -> None:
    """The configuration of a build."""
    from pipelines.config import read_config

    read_config(file)


def training_config(file: Path) -> None:
    """The configuration of a training."""
    from iea40k.model.training.config import load_config

    load_config(file)


def weights(file: Path) -> None:
    """Weights, safetensors or a `.pth` by the suffix."""
    from iea40k.model.weights import load_weights

    load_weights(file)


def checkpoint(file: Path) -> None:
    """A checkpoint of a training; whose run it is does not matter here."""
    from iea40k.model.training.checkpoint import load_checkpoint

    load_checkpoint(file, {})


def label(file: Path) -> None:
    """A published residual."""
    from pipelines.official.labels import read_label

    read_label(file)


def residual(file: Path) -> None:
    """A residual map that is to be scored."""
    from iea40k.npy import read_npy

    try:
        read_npy(file)
    except ValueError as error:
        raise BadInputError(str(error)) from error


def archive(file: Path) -> None:
    """A zip or tar archive, unpacked and thrown away."""
    from pipelines.archives import is_archive, unpack

    if is_archive(file):
        with tempfile.TemporaryDirectory() as folder:
            unpack(file, Path(folder))


def fivek_metadata(file: Path) -> None:
    """The metadata of FiveK."""
    from pipelines.fivek_metadata import read_metadata

    read_metadata([file])


def fetch_list(file: Path) -> None:
    """A list of photographs to fetch."""
    from pipelines.list_fetch import read_list

    read_list(file)


def array(file: Path) -> None:
    """The metadata of a Zarr array in place of a good array's, and the pixels read with them."""
    from iea40k.store.shards import ShardedArray

    with tempfile.TemporaryDirectory() as folder:
        good = _good_scene(Path(folder)) / "residual"
        shutil.copy(file, good / "zarr.json")
        found = ShardedArray(good)
        found[0]
        found.read(len(found) - 1, slice(1, 3), slice(2, 5))


def scene(file: Path) -> None:
    """The metadata of a scene in place of a good scene's; the scene read and verified."""
    from iea40k.store.layout import Store
    from iea40k.store.verify import verify_store

    with tempfile.TemporaryDirectory() as folder:
        good = _good_scene(Path(folder))
        shutil.copy(file, good / "zarr.json")
        store = Store.open(Path(folder) / "store")
        verify_store(store)
        store.read_scene("a")


def store_head(file: Path) -> None:
    """`store.json`."""
    from iea40k.store.layout import Store

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder) / "store.json")
        Store.open(Path(folder))


def quarantine(file: Path) -> None:
    """A quarantine's entry."""
    from iea40k.store.layout import Store

    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "store")
        shutil.copy(file, store.quarantine_folder / "a.json")
        store.quarantined()


def release_head(file: Path) -> None:
    """`release.json`, opened and verified."""
    from iea40k.store.release import Release, verify_release

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder) / "release.json")
        Release.open(Path(folder))
        verify_release(Path(folder))


def seals(file: Path) -> None:
    """The seals of a ledger."""
    from iea40k.store.ledger.seals import kept_seals

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder) / "ledger.seals")
        kept_seals(Path(folder))


def outbox(file: Path) -> None:
    """A stroke in an annotator's outbox."""
    from iea40k.store.ledger import Outbox

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder) / "0000000001-a-b.json")
        Outbox(Path(folder)).waiting()


def history(file: Path) -> None:
    """The history of a training."""
    from iea40k.model.training.record import read_history

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder) / "history.jsonl")
        read_history(Path(folder))


READERS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "picture": (picture, (".tif", ".dng", ".png", ".jpg")),
    "capture": (capture, (".tif", ".dng", ".png", ".jpg")),
    "whole_tiff": (whole_tiff, (".tif", ".dng")),
    "manifest": (manifest, (".csv", ".parquet")),
    "criteria": (criteria, (".yaml",)),
    "build_config": (build_config, (".yaml",)),
    "training_config": (training_config, (".yaml",)),
    "weights": (weights, (".safetensors", ".pth")),
    "checkpoint": (checkpoint, (".pt",)),
    "label": (label, (".npy",)),
    "residual": (residual, (".npy",)),
    "archive": (archive, (".zip", ".tar", ".tgz", ".txz", ".tbz")),
    "fivek_metadata": (fivek_metadata, (".json", ".txt")),
    "fetch_list": (fetch_list, (".csv",)),
    "array": (array, (".zarr.json",)),
    "scene": (scene, (".scene.json",)),
    "store_head": (store_head, (".json",)),
    "quarantine": (quarantine, (".json",)),
    "release_head": (release_head, (".json",)),
    "seals": (seals, (".jsonl",)),
    "outbox": (outbox, (".json",)),
    "history": (history, (".jsonl",)),
}
"""Name -> the reader, and the suffixes of what it reads."""


_GOOD: list[Path] = []


def _good_scene(folder: Path) -> Path:
    """Return the folder of scene "a" in a new copy of a small store at `folder/store`."""
    from iea40k.store.layout import Store
    from tests.builders import built_scene

    if not _GOOD:
        _GOOD.append(Path(tempfile.mkdtemp(prefix="iea40k-readers-")) / "store")
        Store.create(_GOOD[0]).write_scene(built_scene("a", height=16, width=16, evs=(-1.0, 0.0)))
    shutil.copytree(_GOOD[0], folder / "store")
    return folder / "store" / "scenes" / "a"


def good_metadata(name: str) -> bytes:
    """Return the metadata of a good scene or array: what `scene` and `array` take."""
    with tempfile.TemporaryDirectory() as folder:
        scene_folder = _good_scene(Path(folder))
        return (scene_folder / ("zarr.json" if name == "scene" else "residual/zarr.json")).read_bytes()


def as_json(value: object) -> bytes:
    """Return a value as JSON."""
    return json.dumps(value).encode()
