"""Brackets, built: separate captures of one scene become registered frames and a reference."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.alignment import Alignment, align
from iea40k.arrays import EncodedRGB
from iea40k.brackets.evs import EvSource, FrameEvs, as_shot_frame, stated_evs
from iea40k.brackets.response import estimate_evs
from iea40k.capture import Capture, read_capture
from iea40k.errors import AlignmentError, IEAError
from iea40k.fusion import fuse
from iea40k.scene import Scene, SourceFile, level_name

Loader = Callable[[Path], tuple[EncodedRGB, dict[str, Any]]]
"""Reads a photograph: (H, W, 3) uint8, sRGB-encoded, upright and scaled down, and its recipe."""

Rejected = tuple[str, float, str]
"""A frame that was left out: name, alignment score in [0, 1], reason."""


@dataclass(frozen=True)
class BracketFrames:
    """The registered frames of a bracket and its reference.

    - `exposures` (E, H, W, 3) uint8 and `reference` (H, W, 3) uint8: sRGB-encoded, in one geometry
    - `validity` (E, H, W) bool: where a frame has data
    - `evs` in stops relative to the as-shot frame, + = brighter, and where they come from
    - `names` of the frames, as the manifest gives them; `rejected`: those left out, with score and reason
    - `references`: every given retouch, empty where `reference` is a fusion
    """

    exposures: NDArray[np.uint8]
    validity: NDArray[np.bool_]
    evs: tuple[float, ...]
    ev_source: EvSource
    names: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    reference: EncodedRGB
    recipe: dict[str, Any]
    references: tuple[EncodedRGB, ...] = ()


@dataclass(frozen=True)
class _Frame:
    """One capture, loaded: its pixels, what its file says, and the EV that the table gives it."""

    source: SourceFile
    pixels: EncodedRGB
    capture: Capture
    table_ev: float | None
    recipe: dict[str, Any]


def build_bracket(scene: Scene, short_side: int, *, load: Loader | None = None) -> BracketFrames:
    """Load, align and fuse the captures of a scene; a given reference takes the place of the fusion.

    Frames that cannot be read, differ in size from most, repeat an EV, or do not lie on the others are left out and
    named in `rejected`. The frames come into the geometry of the given reference, else of the as-shot frame, else
    of the one with the most structure. Raises `AlignmentError` where fewer than two remain or a given reference
    does not lie on them, and `UnreadableImageError` where a given reference cannot be read.
    """
    load = load or _loader(short_side)
    frames, rejected = _of_one_size(*_loaded(scene, load))
    stated = stated_evs([f.capture for f in frames], _table(frames))
    given = tuple(load(source.path)[0] for source in scene.references)
    aligned = _aligned(scene, frames, given, stated.as_shot if stated else None)
    rejected += [(r.name, r.score, r.reason) for r in aligned.rejected]
    kept = [index for index in aligned.kept if index < len(frames)]
    slots = [slot for slot, index in enumerate(aligned.kept) if index < len(frames)]
    exposures, validity = aligned.frames[slots], aligned.validity[slots]
    scores = [aligned.scores[slot] for slot in slots]
    evs = _evs_of_kept(stated, kept, exposures, validity)
    once, repeated = _each_level_once(evs.evs, scores)
    rejected += [
        (frames[kept[i]].source.name, scores[i], f"repeats the EV of {frames[kept[j]].source.name}")
        for i, j in repeated
    ]
    _enough(once, rejected, scene)
    exposures, validity = exposures[once], validity[once]
    names = tuple(frames[kept[i]].source.name for i in once)
    reference, fusion = (given[0], {"method": "given"}) if given else fuse(exposures, validity)
    return BracketFrames(
        exposures=exposures,
        validity=validity,
        evs=tuple(evs.evs[i] for i in once),
        ev_source=_source(scene, evs),
        names=names,
        rejected=tuple(rejected),
        reference=reference,
        recipe={
            "development": {f.source.name: f.recipe for f in frames},
            "alignment": aligned.recipe,
            "evs": {"source": evs.source, **evs.recipe},
            "reference": fusion,
        },
        references=given,
    )


def _loader(short_side: int) -> Loader:
    develop = import_module("iea40k.develop")  # late: it needs LibRaw
    return lambda path: develop.load_encoded(path, short_side=short_side)


def _loaded(scene: Scene, load: Loader) -> tuple[list[_Frame], list[Rejected]]:
    frames: list[_Frame] = []
    rejected: list[Rejected] = []
    for index, source in enumerate(scene.exposures):
        try:
            capture = read_capture(source.path)
            pixels, recipe = load(source.path)
        except IEAError as error:
            rejected.append((source.name, 0.0, error.what + (f": {error.got}" if error.got else "")))
            continue
        table_ev = None if scene.evs is None else scene.evs[index]
        frames.append(_Frame(source, pixels, capture, table_ev, recipe))
    return frames, rejected


def _of_one_size(frames: list[_Frame], rejected: list[Rejected]) -> tuple[list[_Frame], list[Rejected]]:
    """Leave out the frames that differ in size from most, by their size in the file and as loaded."""
    sizes = [(f.pixels.shape[:2], sorted(f.capture.size or ())) for f in frames]
    if not sizes:
        raise AlignmentError("no frame of the bracket can be read", got=_listed(rejected))
    common = max(sizes, key=sizes.count)
    if sizes.count(common) < 2:
        raise AlignmentError(
            "the frames of the bracket have different sizes",
            expected="two frames or more of one size",
            got=", ".join(f"{f.source.name} is {_size(f)}" for f in frames),
            remedy="export all captures of the scene at one size",
        )
    alike = [f for f, size in zip(frames, sizes, strict=True) if size == common]
    odd = [f for f, size in zip(frames, sizes, strict=True) if size != common]
    return alike, rejected + [
        (f.source.name, 0.0, f"is {_size(f)}, the others are {_size(alike[0])}") for f in odd
    ]


def _size(frame: _Frame) -> str:
    width, height = frame.capture.size or frame.pixels.shape[1::-1]
    return f"{width}x{height}"


def _table(frames: list[_Frame]) -> list[float] | None:
    evs = [f.table_ev for f in frames]
    return None if any(ev is None for ev in evs) else [float(ev) for ev in evs if ev is not None]


def _aligned(
    scene: Scene, frames: list[_Frame], given: tuple[EncodedRGB, ...], as_shot: int | None
) -> Alignment:
    pictures, names = [f.pixels for f in frames], [f.source.name for f in frames]
    if not given:
        return align(pictures, names, anchor=as_shot)
    name = scene.references[0].name
    for source, picture in zip(scene.references, given, strict=True):
        if picture.shape != pictures[0].shape:
            raise AlignmentError(
                "the given reference has another size than the captures",
                where=source.path,
                expected=f"{pictures[0].shape[1]}x{pictures[0].shape[0]} after scaling",
                got=f"{picture.shape[1]}x{picture.shape[0]}",
                remedy="export the retouch uncropped",
            )
    aligned = align([*pictures, given[0]], [*names, name], anchor=len(frames))
    if aligned.anchor != len(frames):
        raise AlignmentError(
            "the given reference does not lie on any capture",
            where=name,
            got=_listed([(r.name, r.score, r.reason) for r in aligned.rejected]),
            remedy="export the retouch uncropped and without lens corrections",
        )
    return aligned


def _evs_of_kept(
    stated: FrameEvs | None, kept: list[int], exposures: NDArray[np.uint8], validity: NDArray[np.bool_]
) -> FrameEvs:
    if stated is not None:
        return FrameEvs(tuple(stated.evs[i] for i in kept), stated.as_shot, stated.source, stated.recipe)
    evs, recipe = estimate_evs(exposures, validity)
    as_shot, why = as_shot_frame(evs, [None] * len(evs))
    # Hundredths: what levels are named by, and finer than any estimate.
    return FrameEvs(
        tuple(round(ev - evs[as_shot], 2) for ev in evs), as_shot, "estimated", {**recipe, "as_shot": why}
    )


def _each_level_once(evs: tuple[float, ...], scores: list[float]) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the frames that stay, and pairs (left out, stays) where two have the same level."""
    best: dict[str, int] = {}
    for index in sorted(range(len(evs)), key=lambda i: (-scores[i], i)):
        best.setdefault(level_name(evs[index]), index)
    repeated = [(i, best[level_name(evs[i])]) for i in range(len(evs)) if best[level_name(evs[i])] != i]
    return sorted(best.values()), repeated


def _enough(kept: list[int], rejected: list[Rejected], scene: Scene) -> None:
    if len(kept) < 2:
        raise AlignmentError(
            "fewer than two frames of the bracket can be used",
            where=scene.scene_id,
            expected="two frames or more that lie on each other",
            got=_listed(rejected),
        )


def _source(scene: Scene, evs: FrameEvs) -> EvSource:
    """A manifest made from captures repeats their metadata's EVs and says so."""
    return "exif" if evs.source == "table" and scene.attributes.get("x_ev_source") == "exif" else evs.source


def _listed(rejected: list[Rejected]) -> str:
    return "; ".join(f"{name}: score {score:.2f}, {reason}" for name, score, reason in rejected)
