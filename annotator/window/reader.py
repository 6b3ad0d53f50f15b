"""napari's reader of a release, of a store, and of a residual in `.npy`: as plain layers, without our window.

Images lie behind sliders, one stack a frame shape, and each is read when it is looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from annotator.residual.layers import flag_labels
from annotator.residual.regions import SUGGESTED
from annotator.shared.display import display_levels, outlined
from annotator.window.colourmaps import flag_colourmap, residual_colourmap
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, OutlierFlags, ResidualCodes
from iea40k.errors import BadInputError
from iea40k.store.layout import Store
from iea40k.store.release import Release
from iea40k.store.scenes import StoredScene

LayerData = tuple[Any, dict[str, Any], str]
ReadLayers = Callable[[Any], list[LayerData]]

_OPACITY = 0.75
_HEADS = {"release.json": "release", "store.json": "store"}


def get_reader(path: str | Sequence[str]) -> ReadLayers | None:
    """Return what reads `path` as layers, None where it is neither a release, a store nor a residual.

    A release or store is its folder, or its head (`release.json`, `store.json`). A residual is a two-dimensional
    `.npy`: floats in [-1, 1], int16 codes of 1/32640, or numbers in units of 1/255 as published labels have them.
    """
    if not isinstance(path, str):
        if len(path) != 1:
            return None
        (path,) = path
    place = Path(path)
    if place.suffix.lower() == ".npy":
        return _read_residual if _is_residual(place) else None
    folder, kind = _folder_of(place)
    if kind is None:
        return None
    return lambda _: _release_layers(folder) if kind == "release" else _store_layers(folder)


def _folder_of(place: Path) -> tuple[Path, str | None]:
    if place.name in _HEADS:
        return place.parent, _HEADS[place.name]
    return place, next((kind for head, kind in _HEADS.items() if (place / head).is_file()), None)


# ---------------------------------------------------------------- releases and stores


def _release_layers(folder: Path) -> list[LayerData]:
    release = Release.open(folder)

    def layers_of(frame: str) -> Iterator[LayerData]:
        images = release.images[release.images["frame"] == frame].sort_values("index")
        scenes = images["scene_index"].to_list()
        read = cache(lambda name: release.array(frame, name))
        yield from _stack(
            frame,
            list(images["image_id"]),
            exposure=lambda n: read("exposures")[n],
            reference=lambda n: read("reference")[int(scenes[n])],
            codes=lambda n: read("residual")[n],
            flags=lambda n: read("outliers")[n],
        )

    return _first_shown([list(layers_of(frame)) for frame in _by_size(release.images["frame"])])


def _store_layers(folder: Path) -> list[LayerData]:
    store = Store.open(folder)
    scenes = {scene_id: store.open_scene(scene_id) for scene_id in store.scene_ids()}
    frames: dict[str, list[tuple[str, str]]] = {}
    for scene_id, scene in scenes.items():
        frame = f"{scene.shape[0]}x{scene.shape[1]}"
        frames.setdefault(frame, []).extend((scene_id, level) for level in scene.levels)
    if not frames:
        raise BadInputError("the store has no scenes", where=folder, remedy="build some first")

    def layers_of(frame: str) -> Iterator[LayerData]:
        images = frames[frame]

        def at(number: int) -> tuple[StoredScene, str]:
            scene_id, level = images[number]
            return scenes[scene_id], level

        def read(take: Callable[[StoredScene, str], NDArray[Any]]) -> Callable[[int], NDArray[Any]]:
            return lambda number: take(*at(number))

        yield from _stack(
            frame,
            [f"{scene_id}_{level}" for scene_id, level in images],
            exposure=read(StoredScene.exposure),
            reference=read(lambda scene, _: scene.reference()),
            codes=read(StoredScene.residual),
            flags=read(StoredScene.outliers),
        )

    return _first_shown([list(layers_of(f)) for f in sorted(frames, key=lambda f: (-len(frames[f]), f))])


def _by_size(frames: Any) -> list[str]:
    counts = frames.value_counts()
    return sorted(counts.index, key=lambda frame: (-counts[frame], frame))


def _stack(
    frame: str,
    names: list[str],
    *,
    exposure: Callable[[int], NDArray[Any]],
    reference: Callable[[int], NDArray[Any]],
    codes: Callable[[int], ResidualCodes],
    flags: Callable[[int], OutlierFlags],
) -> Iterator[LayerData]:
    height, width = (int(side) for side in frame.split("x"))
    about = {"metadata": {"images": names}}
    plane, picture = (len(names), height, width), (len(names), height, width, 3)
    yield _lazy(picture, np.uint8, reference), {"name": f"reference {frame}", "rgb": True, **about}, "image"
    yield _lazy(picture, np.uint8, exposure), {"name": f"exposure {frame}", "rgb": True, **about}, "image"
    residual = _lazy(plane, np.uint16, lambda n: display_levels(codes(n)))
    yield residual, {"name": f"residual {frame}", "colormap": _residual_colours(), **about}, "labels"
    outlines = _lazy(plane, np.uint8, lambda n: outlined(flag_labels(flags(n) & np.uint8(int(SUGGESTED)))))
    yield outlines, {"name": f"suggestions {frame}", "colormap": flag_colourmap(), **about}, "labels"


def _lazy(shape: tuple[int, ...], dtype: Any, read: Callable[[int], NDArray[Any]]) -> Any:
    """Return an array (N, ...) whose entries are read when they are asked for."""

    def entry(block_info: Any = None) -> NDArray[Any]:
        return read(int(block_info[None]["chunk-location"][0]))[None]

    chunks = ((1,) * shape[0], *((side,) for side in shape[1:]))
    return da.map_blocks(  # type: ignore[no-untyped-call]
        entry, dtype=dtype, chunks=chunks, meta=np.empty((0,) * len(shape), dtype)
    )


def _first_shown(stacks: list[list[LayerData]]) -> list[LayerData]:
    """Of several frame shapes only the largest stack is shown, and never the references over the exposures."""
    return [
        (data, {**about, "visible": number == 0}, kind)
        for number, stack in enumerate(stacks)
        for data, about, kind in stack
    ]


def _residual_colours() -> Any:
    return residual_colourmap("blue-white-red", _OPACITY)


# ---------------------------------------------------------------- a residual


def _is_residual(file: Path) -> bool:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return array.ndim == 2 and array.dtype.kind in "fi" and array.size > 0


def _read_residual(path: Any) -> list[LayerData]:
    file = Path(path if isinstance(path, str) else path[0])
    values = np.load(file, allow_pickle=False)
    codes, units = _codes_of(values, file)
    about = {"name": f"{file.stem} ({units})", "colormap": _residual_colours()}
    about["metadata"] = {"residual": np.where(codes == INVALID_CODE, np.nan, codes / RESIDUAL_SCALE)}
    return [(display_levels(codes), about, "labels")]


def _codes_of(values: NDArray[Any], file: Path) -> tuple[ResidualCodes, str]:
    """Return the codes of numbers in one of three units, told apart by type and size, and the name of the unit."""
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values[values != INVALID_CODE]
    largest = float(np.abs(known.astype(np.float64)).max(initial=0))
    if values.dtype.kind == "f" and largest <= 1:
        scale, units = float(RESIDUAL_SCALE), "-1 … +1"
    elif largest <= 255:
        scale, units = RESIDUAL_SCALE / 255, "units of 1/255"
    elif values.dtype == np.int16 and largest <= RESIDUAL_SCALE:
        scale, units = 1.0, "codes"
    else:
        raise BadInputError(
            "not a residual",
            where=file,
            expected="floats in [-1, 1], int16 codes of 1/32640, or units of 1/255",
            got=f"{values.dtype} up to {largest:g}",
        )
    valid = np.isfinite(values) if values.dtype.kind == "f" else values != INVALID_CODE
    codes = np.full(values.shape, INVALID_CODE, np.int16)
    codes[valid] = np.rint(values[valid].astype(np.float64) * scale).astype(np.int16)
    return codes, units
