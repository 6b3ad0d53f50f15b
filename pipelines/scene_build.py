"""One scene: from its manifest row to the arrays of the store. The unit that any executor runs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from iea40k import outliers
from iea40k.arrays import EncodedRGB, Validity, validity_from_codes
from iea40k.errors import ArrayError
from iea40k.manifest import checked_digest
from iea40k.recipe import digest, versions
from iea40k.residuals import residual_codes
from iea40k.scene import BuiltScene, Scene, darkest_first, level_names
from iea40k.uncertainty import Uncertainty
from pipelines.bracket_frames import Loader
from pipelines.brackets import BracketFrames, build_bracket
from pipelines.cameras import Cameras
from pipelines.config import BuildConfig
from pipelines.label_uncertainty import PARAMETERS, by_level, of_bracket, of_simulated
from pipelines.reference_judging import Captures, judged
from pipelines.simulated import build_simulated

if TYPE_CHECKING:
    from iea40k.develop import ReadOptions

UNSURE = 0.1
"""Share from which an estimated step's error is said."""

PARTS = ("iea40k", "imagecodecs", "numpy", "opencv-python-headless", "pillow", "rawpy", "tifffile")


MADE_OF = ("x_ev_source",)
"""Columns of a manifest's own that say how a scene is made, and are no labels."""


class Frames(Protocol):
    """What every builder of frames returns: registered exposures and the reference of one scene."""

    @property
    def exposures(self) -> NDArray[np.uint8]:
        """(E, H, W, 3) uint8, sRGB-encoded."""
        ...

    @property
    def validity(self) -> Validity | None:
        """(E, H, W) bool, None where every pixel has data."""
        ...

    @property
    def evs(self) -> tuple[float, ...]:
        """Stops relative to the as-shot frame, one an exposure."""
        ...

    @property
    def reference(self) -> EncodedRGB:
        """(H, W, 3) uint8, sRGB-encoded."""
        ...

    @property
    def as_shot(self) -> EncodedRGB | None:
        """EV 0 before its tone was changed, (H, W, 3) uint8; None where it was not."""
        ...

    @property
    def white(self) -> float:
        """The white level of the exposures, in codes."""
        ...

    @property
    def recipe(self) -> Mapping[str, Any]:
        """How the frames were made."""
        ...


def plan_digest(scene: Scene, config: BuildConfig, *, attributes: Mapping[str, Any] | None = None) -> str:
    """Return a digest of what a scene will be made of, without reading its files' contents.

    Files count by name, size and the sha256 that the manifest gives; labels (licence, classes, own columns) do not, so
    that they may change without a build. A scene in the store with the same plan need not be built again; the versions
    of libraries stand in its recipe, not here. `attributes`: all of a row's other cells, as plans of earlier versions
    counted them.
    """
    files = [[s.name, s.path.stat().st_size, s.sha256] for s in (*scene.exposures, *scene.references)]
    relevant = {name: cell for name, cell in scene.attributes.items() if name in MADE_OF}
    return digest(
        {
            "scene_id": scene.scene_id,
            "kind": scene.kind,
            "files": files,
            "evs": scene.evs,
            "experts": scene.experts,
            "simulation": scene.simulation,
            "attributes": relevant if attributes is None else dict(attributes),
            "config": config.recorded(),
        }
    )


def build_scene(scene: Scene, config: BuildConfig, cameras: Cameras | None = None) -> BuiltScene:
    """Read a scene's files and return its exposures, reference, residuals and outlier flags.

    `cameras` are those of the whole build; without them a bracket speaks for its camera alone. Raises an `IEAError`
    that says what is wrong with this scene.
    """
    inputs = {source.name: checked_digest(source) for source in (*scene.exposures, *scene.references)}
    plan = plan_digest(scene, config)
    options = _read_options(config)
    if scene.kind == "bracket":
        camera = (cameras or Cameras(config)).of(scene)
        bracket = build_bracket(
            scene, config.short_side, load=_bracket_loader(config.short_side, options), camera=camera
        )
        frames: Frames = bracket
        uncertainty = of_bracket(bracket)
        found: dict[str, Any] = {
            "ev_source": bracket.ev_source,
            **_doubts(bracket),
            "rejected": [list(map(str, rejected)) for rejected in bracket.rejected],
            **({"rejected_pictures": dict(bracket.pictures)} if bracket.pictures else {}),
            **judged(
                bracket.reference,
                np.logical_or.reduce(bracket.validity),
                fusion=bracket.fusion,
                captures=Captures(
                    bracket.exposures, bracket.validity, bracket.evs, bracket.white, len(scene.exposures)
                ),
            ),
        }
    else:
        simulated = build_simulated(
            scene,
            short_side=config.short_side,
            evs=config.evs,
            reference_method=config.reference,
            tone=config.tone,
            seed=config.seed,
            options=options,
        )
        frames, uncertainty = simulated, of_simulated(simulated)
        found = {
            "ev_source": "simulated",
            "rejected": [list(row) for row in simulated.rejected],
            **judged(simulated.reference, None, fusion=simulated.fusion, otherwise=simulated.spread),
            **({} if simulated.tone_change is None else {"tone_change": simulated.tone_change}),
        }
    return assemble(scene, frames, uncertainty, {**_recipe(inputs, config, frames), "plan": plan}, found)


def assemble(
    scene: Scene,
    frames: Frames,
    uncertainty: Uncertainty,
    recipe: Mapping[str, Any],
    found: Mapping[str, Any],
) -> BuiltScene:
    """Subtract, flag and check: registered frames become a scene of the store, the darkest exposure first.

    Raises `ArrayError` where an exposure has no valid pixel, since its residual would say nothing.
    """
    order = darkest_first(frames.evs)
    evs = tuple(frames.evs[index] for index in order)
    exposures = frames.exposures[order]
    validity = (
        None if frames.validity is None else np.broadcast_to(frames.validity, exposures.shape[:3])[order]
    )
    codes = residual_codes(frames.reference, exposures, validity)
    levels = level_names(evs)
    for level, frame in zip(levels, codes, strict=True):
        if not validity_from_codes(frame).any():
            raise ArrayError("an exposure has no valid pixel", where=f"{scene.scene_id}, {level}")
    captured = scene.kind == "bracket"
    numbers = by_level(uncertainty, level_names(frames.evs))
    looked = outliers.look(frames.reference, exposures, codes, evs, captured=captured, white=frames.white)
    flags = looked.flags
    if counts := looked.counts(levels):
        found = {**found, "proposals": counts}
    if captured:
        flags = outliers.contradicted(exposures, validity, flags)
        found = {**found, **_contradictions(flags, levels)}
    return BuiltScene(
        scene_id=scene.scene_id,
        exposures=exposures,
        reference=frames.reference,
        residual=codes,
        outliers=flags,
        evs=evs,
        levels=levels,
        review_priority=looked.priorities,
        attributes={
            **scene.attributes,
            "kind": scene.kind,
            "simulation": scene.simulation,
            **found,
            **numbers,
        },
        recipe=recipe,
        uncertainty=uncertainty.codes[order],
        as_shot=frames.as_shot,
    )


def _doubts(bracket: BracketFrames) -> dict[str, str]:
    """Return what a person should know of a bracket's EVs, in words: `ev_warning`, absent where there is
    nothing to say."""
    evs = bracket.recipe["evs"]
    words = [evs["conflict"]] if evs.get("conflict") else []
    if evs["source"] == "estimated" and evs.get("relative_error", 0) > UNSURE:
        words.append(f"EVs estimated, steps may be off by {evs['relative_error']:.0%}")
    return {"ev_warning": "; ".join(words)} if words else {}


def _contradictions(flags: NDArray[np.uint8], levels: Sequence[str]) -> dict[str, Any]:
    """Return the share of pixels a level that a darker frame contradicts."""
    shares = ((flags & outliers.Outlier.CONTRADICTED) != 0).mean(axis=(1, 2))
    return {
        "contradicted": {level: round(float(share), 5) for level, share in zip(levels, shares, strict=True)}
    }


def _read_options(config: BuildConfig) -> "ReadOptions":
    from iea40k.develop import ReadOptions  # late: it needs LibRaw

    return ReadOptions(
        max_pixels=config.max_pixels,
        assume_profile=config.assume_profile,
        accept_headerless=config.accept_headerless,
        cmyk=config.cmyk,
    )


def _bracket_loader(short_side: int, options: "ReadOptions") -> Loader:
    from iea40k.develop import load_encoded

    return lambda path: load_encoded(path, short_side=short_side, options=options)


def _recipe(inputs: Mapping[str, str], config: BuildConfig, frames: Frames) -> dict[str, Any]:
    return {
        "inputs": dict(inputs),
        "config": config.recorded(),
        "frames": dict(frames.recipe),
        "outliers": dict(outliers.PARAMETERS),
        "uncertainty": dict(PARAMETERS),
        "versions": versions(*PARTS),
    }
