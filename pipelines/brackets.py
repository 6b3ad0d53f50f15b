"""Brackets, built: separate captures of one scene become registered frames and a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.alignment import Alignment, align
from iea40k.arrays import EncodedRGB
from iea40k.brackets.crosscheck import cross_examine
from iea40k.brackets.evs import ONLY_UNBIASED, EvSource, FrameEvs, as_shot_frame, stated_evs
from iea40k.brackets.response import estimate_evs, fit_known
from iea40k.capture import Capture
from iea40k.clipping import WHITE
from iea40k.errors import AlignmentError, BadInputError
from iea40k.fusion import METERED, MIDDLE_OF_BRACKET, Curve, Fusion, fuse
from iea40k.scene import Scene
from pipelines.bracket_frames import (
    BracketFrame,
    Loader,
    Rejected,
    listed,
    load_frames,
    loader_of,
    of_one_size,
    table_evs,
)
from pipelines.bracket_references import Given, given_references
from pipelines.cameras import UNKNOWN, Camera
from pipelines.left_out import small_picture

SAME_STATED, SAME_ESTIMATE = 0.01, 0.15
"""Stops within which two frames count as one exposure: levels have names to a hundredth, and an estimate between frames
that are nearly alike is no better than this."""

CONTRADICTED_ERROR = 0.15
"""Share by which steps may be off where the witnesses of a bracket's exposures contradict each other."""

REPEATED = "has the EV of"
"""How the reason begins for which a frame is left out whose exposure another one has."""


@dataclass(frozen=True)
class BracketFrames:
    """The registered frames of a bracket and its reference.

    - `exposures` (E, H, W, 3) uint8 and `reference` (H, W, 3) uint8: sRGB-encoded, in one geometry
    - `validity` (E, H, W) bool: where a frame, and the reference, have data
    - `evs` in stops relative to the as-shot frame, + = brighter, and where they come from
    - `names` of the frames, as the manifest gives them; `rejected`: those left out, with score and reason
    - `references`: every given retouch, empty where `reference` is the `fusion`; `moved_reference`: whether it
      was placed
    - `white`: the camera's white level, in codes
    - `distances`: how far the tiles of each frame lie off, their median in pixels
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
    pictures: Mapping[str, str] = field(default_factory=dict)
    fusion: Fusion | None = None
    moved_reference: bool = False
    distances: tuple[float, ...] = ()
    white: float = WHITE
    as_shot: None = None


def build_bracket(
    scene: Scene, short_side: int, *, load: Loader | None = None, camera: Camera = UNKNOWN
) -> BracketFrames:
    """Load, align and fuse the captures of a scene; a given reference takes the place of the fusion.

    Frames that cannot be read, differ in size from most, do not lie on the others, or repeat an EV are left out and
    named in `rejected`. The frames come into the geometry of the given reference, else of the as-shot frame, else
    of the best balanced one. Raises `AlignmentError` where fewer than two remain or a given reference does not lie
    on them, `UnreadableImageError` where a given reference cannot be read, and `BadInputError` where EVs are stated
    nowhere and cannot be estimated. `camera` is what other brackets of the same camera say of it.
    """
    load = load or loader_of(short_side)
    loaded, rejected = load_frames(scene, load)
    frames, odd = of_one_size(loaded, rejected)
    stated = stated_evs([f.capture for f in frames], table_evs(frames))
    given = given_references(scene, frames[stated.as_shot if stated else 0].pixels, load)
    aligned = _aligned(frames, given, stated.as_shot if stated else None)
    evs = _evs_of_kept(stated, aligned, camera)
    if _source(scene, evs) == "exif":
        evs = _cross_examined(evs, aligned, frames)
    slots, repeated = _each_level_once(evs, aligned, frames)
    left_out = (*rejected, *odd, *((r.name, r.score, r.reason) for r in aligned.rejected), *repeated)
    _enough(slots, left_out, scene)
    exposures, validity = aligned.frames[slots], aligned.validity[slots]
    relative = tuple(evs.evs[slot] for slot in slots)
    fusion: Fusion | None = None
    if given:
        reference, made = given[0].pixels, {"method": "given", "files": {g.name: g.recipe for g in given}}
        validity &= np.logical_and.reduce([g.inside for g in given])
    else:
        captures = [frames[aligned.kept[slot]].capture for slot in slots]
        fusion, made = _fused(exposures, validity, relative, captures, camera)
        reference = fusion.reference
    return BracketFrames(
        exposures=exposures,
        validity=validity,
        evs=relative,
        ev_source=_source(scene, evs),
        names=tuple(frames[aligned.kept[slot]].name for slot in slots),
        rejected=left_out,
        reference=reference,
        recipe={
            "development": {f.name: f.recipe for f in frames},
            "alignment": aligned.recipe,
            "evs": {"source": evs.source, **evs.recipe},
            "camera": camera.recipe(),
            "reference": made,
        },
        references=tuple(g.pixels for g in given),
        fusion=fusion,
        pictures={
            f.name: small_picture(f.pixels) for f in loaded if f.name in {name for name, *_ in left_out}
        },
        white=camera.white,
        moved_reference=any("registration" in g.recipe for g in given[:1]),
        distances=tuple(_distance(aligned, frames[aligned.kept[slot]].name) for slot in slots),
    )


def _distance(aligned: Alignment, name: str) -> float:
    """Return the median distance in pixels at which a frame's tiles lie off; 0 for the frame that the others lie on."""
    return float(aligned.recipe["frames"].get(name, {}).get("residual_px") or 0.0)


def _fused(
    exposures: NDArray[np.uint8],
    validity: NDArray[np.bool_],
    evs: Sequence[float],
    captures: Sequence[Capture],
    camera: Camera,
) -> tuple[Fusion, dict[str, Any]]:
    """Return the reference that the frames themselves give, and how it was made."""
    if camera.response is None:
        response, how = fit_known(exposures, validity, evs)
    else:
        response, how = camera.response, {"method": "the camera's brackets"}
    _, why = as_shot_frame(evs, [capture.exposure_bias for capture in captures])
    fusion = fuse(
        exposures,
        validity,
        evs=evs,
        curve=Curve(response.log_light()),
        white=camera.white,
        as_shot=METERED if why == ONLY_UNBIASED else MIDDLE_OF_BRACKET,
    )
    return fusion, {**fusion.recipe, "response": how}


def _aligned(frames: list[BracketFrame], given: Sequence[Given], as_shot: int | None) -> Alignment:
    """Return the captures' alignment, on the given reference where there is one."""
    pictures, names = [f.pixels for f in frames], [f.name for f in frames]
    if not given:
        return align(pictures, names, anchor=as_shot)
    last = len(frames)
    try:
        aligned = align([*pictures, given[0].pixels], [*names, given[0].name], anchor=last, insist=True)
    except AlignmentError as error:
        raise AlignmentError(
            "the given reference does not lie on any capture",
            where=given[0].name,
            got=error.got,
            remedy="export the retouch uncropped and without lens corrections",
        ) from error
    slots = [slot for slot, index in enumerate(aligned.kept) if index != last]
    return replace(
        aligned,
        frames=aligned.frames[slots],
        validity=aligned.validity[slots],
        moved=aligned.moved[slots],
        homographies=aligned.homographies[slots],
        scores=tuple(aligned.scores[slot] for slot in slots),
        kept=tuple(aligned.kept[slot] for slot in slots),
    )


def _evs_of_kept(stated: FrameEvs | None, aligned: Alignment, camera: Camera) -> FrameEvs:
    if stated is not None:
        return replace(stated, evs=tuple(stated.evs[index] for index in aligned.kept))
    if len(aligned.kept) < 2:
        return FrameEvs((0.0,) * len(aligned.kept), 0, "estimated", {})
    evs, recipe = estimate_evs(aligned.frames, aligned.validity, camera.response)
    as_shot, why = as_shot_frame(evs, [None] * len(evs))
    # Hundredths: what levels are named by, and finer than any estimate.
    relative = tuple(round(ev - evs[as_shot], 2) for ev in evs)
    return FrameEvs(relative, as_shot, "estimated", {**recipe, "as_shot": why})


def _cross_examined(evs: FrameEvs, aligned: Alignment, frames: Sequence[BracketFrame]) -> FrameEvs:
    """Return the EVs of EXIF, or what is more plausible where bias and pixels contradict them; the conflict in
    the recipe."""
    if len(aligned.kept) < 2:
        return evs
    try:
        # A response learnt from these very times would agree with them: the pixels speak for themselves.
        pixels, _ = estimate_evs(aligned.frames, aligned.validity)
    except BadInputError:
        pixels = None
    as_shot = min(range(len(evs.evs)), key=lambda i: (abs(evs.evs[i]), evs.evs[i]))
    biases = [frames[index].capture.exposure_bias for index in aligned.kept]
    verdict = cross_examine(evs.evs, biases, pixels, as_shot)
    recipe = {**evs.recipe, "conflict": verdict.conflict}
    if verdict.doubtful:
        recipe["relative_error"] = CONTRADICTED_ERROR
    if verdict.chosen == "exif":
        return replace(evs, recipe=recipe)
    source: EvSource = "bias" if verdict.chosen == "bias" else "estimated"
    return FrameEvs(verdict.evs, evs.as_shot, source, {**recipe, "relative_error": CONTRADICTED_ERROR})


def _each_level_once(
    evs: FrameEvs, aligned: Alignment, frames: list[BracketFrame]
) -> tuple[list[int], list[Rejected]]:
    """Return the slots that stay, the best aligned one of each EV, and the others as rejected."""
    nearest = SAME_ESTIMATE if evs.source == "estimated" else SAME_STATED
    kept: list[int] = []
    repeated: list[Rejected] = []
    for slot in sorted(range(len(evs.evs)), key=lambda s: (-aligned.scores[s], s)):
        twin = next((k for k in kept if abs(evs.evs[k] - evs.evs[slot]) < nearest), None)
        if twin is None:
            kept.append(slot)
        else:
            name, other = frames[aligned.kept[slot]].name, frames[aligned.kept[twin]].name
            repeated.append((name, aligned.scores[slot], f"{REPEATED} {other}"))
    return sorted(kept), repeated


def _enough(slots: list[int], rejected: Sequence[Rejected], scene: Scene) -> None:
    if len(slots) < 2:
        raise AlignmentError(
            "fewer than two frames of the bracket can be used",
            where=scene.scene_id,
            expected="two frames or more that lie on each other",
            got=listed(rejected),
            remedy="captures of one exposure are no bracket: list one of them as kind 'rendered' or 'raw'"
            if rejected and all(row[-1].startswith(REPEATED) for row in rejected)
            else None,
        )


def _source(scene: Scene, evs: FrameEvs) -> EvSource:
    """A manifest made from captures repeats their metadata's EVs and says so."""
    return "exif" if evs.source == "table" and scene.attributes.get("x_ev_source") == "exif" else evs.source
