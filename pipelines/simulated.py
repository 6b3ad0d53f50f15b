"""Scenes whose exposures are simulated from one file, built: exposures, reference, and how both were made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, LinearRGB
from iea40k.clipping import WHITE
from iea40k.colour import encode_srgb
from iea40k.errors import IEAError, Place
from iea40k.experts import chosen, combine
from iea40k.fusion import METERED, UNTONED, Fusion, fuse
from iea40k.registration import reconcile
from iea40k.residuals import luma
from iea40k.scene import Scene, SourceFile
from iea40k.simulation import degrade, draw
from iea40k.tone import expose_with_contrast, fit_tone

if TYPE_CHECKING:
    from iea40k.develop import ReadOptions

_WHITE = (
    0.98  # of display white: a rendered picture's white is a code less now and then, and scaling averages
)

NO_TONE_MATCH = "none: the reference is made of the same rendering"


@dataclass(frozen=True)
class SimulatedFrames:
    """The simulated exposures of a scene and its reference.

    - `exposures` (E, H, W, 3) uint8 and `reference` (H, W, 3) uint8: sRGB-encoded, in one geometry
    - `validity` is None: every pixel has data, since borders without were cropped
    - `evs` in stops relative to the as-shot frame, + = brighter; of random gain and gamma, what they do to middle grey
    - `spread` (H, W) float32: the experts' mean absolute deviation of luma, None where none is known;
      `experts`: how many
    - `at_white` (H, W) bool: where the source itself is at white, None where nothing is exposed anew
    - `fusion`: the reference, where it is one
    - `as_shot` (H, W, 3) uint8: EV 0 before it got the retouch's contrast, None where it was not changed;
      `tone_change`: by how much that moved its luma, mean absolute
    """

    exposures: NDArray[np.uint8]
    validity: NDArray[np.bool_] | None
    evs: tuple[float, ...]
    reference: EncodedRGB
    spread: NDArray[np.float32] | None
    recipe: dict[str, Any]
    fusion: Fusion | None = None
    experts: int = 0
    at_white: NDArray[np.bool_] | None = None
    white: float = WHITE
    as_shot: EncodedRGB | None = None
    tone_change: float | None = None

    @property
    def rejected(self) -> list[tuple[str, str]]:
        """The retouches that did not fit the photograph: whose, and why."""
        refused: Mapping[str, str] = self.recipe.get("placing", {}).get("refused", {})
        return [(f"retouch {name}".strip(), why) for name, why in refused.items()]


def build_simulated(
    scene: Scene,
    *,
    short_side: int,
    evs: Sequence[float],
    reference_method: str,
    seed: int,
    tone: Literal["none", "match"] | None = None,
    options: "ReadOptions | None" = None,
) -> SimulatedFrames:
    """Build a scene of kind "raw" or "rendered".

    With `simulation` "ev", the exposures are a ladder at `evs` stops in linear light. The reference is made of the
    given retouches by `reference_method` (see `iea40k.experts.combine`), brought onto the grid of the rendering, and
    the exposures get its contrast (see `iea40k.tone`) where `tone` is "match" or, left out, the source is RAW;
    without retouches it is a fusion of the ladder. With "messias", `len(evs)` random degradations of the
    reference itself, which without retouches is the picture as it is.

    Raises `UnreadableImageError`, `AlignmentError` where no needed retouch fits, `BadInputError` where the wanted
    expert has none.
    """
    load = _Loader(short_side, options)
    if scene.simulation == "messias":
        return _random_exposures(scene, load, len(evs), reference_method, seed)
    if not scene.references:
        return _ladder_alone(scene, load, evs)
    match = tone == "match" or (tone is None and scene.kind == "raw")
    return _ladder_to_retouch(scene, load, evs, reference_method, match)


@dataclass(frozen=True)
class _Loader:
    """Reads a file of the scene to light (H, W, 3), with its recipe."""

    short_side: int
    options: "ReadOptions | None"

    def __call__(self, source: SourceFile) -> tuple[LinearRGB, Mapping[str, Any]]:
        from iea40k.develop import (
            ReadOptions,
            load_linear,
        )  # LibRaw is loaded only where something is developed

        options = self.options or ReadOptions()
        try:
            linear = load_linear(source.path, short_side=self.short_side, options=options)
        except IEAError as error:
            raise error.located(Place(source.name)) from error.__cause__
        return linear.pixels, linear.recipe


def _ladder_alone(scene: Scene, load: _Loader, evs: Sequence[float]) -> SimulatedFrames:
    light, source = load(scene.exposures[0])
    exposures = expose_with_contrast(light, evs, 1.0)
    fusion = fuse(exposures, evs=evs, as_shot=UNTONED if scene.kind == "raw" else METERED)
    recipe = {
        "simulation": "ev",
        "source": source,
        "tone": {"model": NO_TONE_MATCH},
        "reference": {"method": "fusion of the simulated exposures", "fusion": fusion.recipe},
    }
    evs = tuple(map(float, evs))
    white = _at_white(light)
    return SimulatedFrames(exposures, None, evs, fusion.reference, None, recipe, fusion, at_white=white)


def _ladder_to_retouch(
    scene: Scene, load: _Loader, evs: Sequence[float], method: str, match: bool
) -> SimulatedFrames:
    light, source = load(scene.exposures[0])
    retouches, sources = _load_retouches(scene, method, load)
    light, placed, placing = reconcile(light, retouches)
    reference, spread, how = _reference(placed, method)
    tone = fit_tone(light, reference)
    recipe = {
        "simulation": "ev",
        "source": source,
        "retouches": sources,
        "placing": placing,
        "tone": {**tone.recipe(), "matched": match},
        "reference": how,
    }
    contrast = tone.contrast if match else 1.0
    exposures = expose_with_contrast(light, evs, contrast)
    as_shot = None if contrast == 1 else expose_with_contrast(light, [0.0], 1.0)[0]
    return SimulatedFrames(
        exposures,
        None,
        tuple(map(float, evs)),
        reference,
        spread,
        recipe,
        experts=len(placed),
        at_white=_at_white(light),
        as_shot=as_shot,
        tone_change=_tone_change(light, as_shot, contrast),
    )


def _random_exposures(scene: Scene, load: _Loader, count: int, method: str, seed: int) -> SimulatedFrames:
    recipe: dict[str, Any] = {"simulation": "messias", "seed": seed, "tone": {"model": NO_TONE_MATCH}}
    spread, experts = None, 0
    if scene.references:
        retouches, recipe["retouches"] = _load_retouches(scene, method, load)
        # The degraded picture is the reference itself, so the retouches only have to fit each other.
        _, placed, recipe["placing"] = reconcile(next(iter(retouches.values())), retouches)
        reference, spread, recipe["reference"] = _reference(placed, method)
        experts = len(placed)
    else:
        light, recipe["source"] = load(scene.exposures[0])
        reference = encode_srgb(light)
        recipe["reference"] = {"method": "the picture as it is"}
    draws = draw(count, seed, scene.scene_id)
    exposures, recipe["draws"] = degrade(reference, draws)
    evs = tuple(d.ev for d in draws)
    return SimulatedFrames(exposures, None, evs, reference, spread, recipe, experts=experts)


def _tone_change(light: LinearRGB, as_shot: EncodedRGB | None, contrast: float) -> float:
    if as_shot is None:
        return 0.0
    changed = expose_with_contrast(light, [0.0], contrast)[0]
    return round(float(np.abs(luma(changed) - luma(as_shot)).mean()), 5)


def _at_white(light: LinearRGB) -> NDArray[np.bool_]:
    """Return where two channels of light or more are at display white, or were before scaling."""
    found: NDArray[np.bool_] = (light >= _WHITE).sum(axis=2) >= 2
    return found


def _reference(
    placed: Mapping[str, LinearRGB], method: str
) -> tuple[EncodedRGB, NDArray[np.float32] | None, dict[str, Any]]:
    return combine([encode_srgb(light) for light in placed.values()], tuple(placed), method)


def _load_retouches(
    scene: Scene, method: str, load: _Loader
) -> tuple[dict[str, LinearRGB], dict[str, Mapping[str, Any]]]:
    retouches: dict[str, LinearRGB] = {}
    sources: dict[str, Mapping[str, Any]] = {}
    for index in chosen(method, scene.experts):
        name = scene.experts[index]
        if name in retouches or (not name and len(scene.experts) > 1):
            name = f"{name}#{index + 1}"
        retouches[name], sources[name] = load(scene.references[index])
    return retouches, sources
