"""What the brackets of a build say of their cameras: one response curve and one white level each.

A bracket alone says little of its camera, and several of one camera must agree. A camera is its make and model
and whether it wrote RAW or a rendered picture, else what the manifest calls the device; brackets that name
neither speak for themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from iea40k.alignment import align
from iea40k.arrays import EncodedRGB
from iea40k.brackets.evs import stated_evs
from iea40k.brackets.response import Points, Response, fit_response, spines_of
from iea40k.brackets.white import white_level
from iea40k.capture import Capture, read_capture
from iea40k.clipping import WHITE
from iea40k.errors import IEAError
from iea40k.isolation import guarded
from iea40k.scene import Scene
from pipelines.config import BuildConfig

MOST = 8
"""Brackets a camera is learnt from: the first by scene id."""

SIDE = 160
"""Pixels on the shorter side at which they are looked at."""

_RENDERED = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif", ".hif", ".avif")


@dataclass(frozen=True)
class Camera:
    """A camera as its brackets show it: `white` in codes, its `response`, None where it is left to each
    bracket, and how much both rest on."""

    name: str = ""
    white: float = WHITE
    response: Response | None = None
    brackets: int = 0
    white_frames: int = 0

    def recipe(self) -> dict[str, Any]:
        """Return the camera as it is recorded with a scene."""
        response = None if self.response is None else [self.response.toe, self.response.shoulder]
        return {
            "name": self.name,
            "white": self.white,
            "white_frames": self.white_frames,
            "response": response,
            "brackets": self.brackets,
        }


UNKNOWN = Camera()


def camera_name(scene: Scene) -> str:
    """Return what a bracket's camera is called, "" where neither its first file nor the manifest says."""
    source = scene.exposures[0]
    try:
        capture = guarded(read_capture, source.path)
    except IEAError:
        capture = Capture(source.path)
    named = f"{capture.make} {capture.model}".strip() or str(scene.attributes.get("device", "")).strip()
    kind = "rendered" if source.path.suffix.lower() in _RENDERED else "RAW"
    return f"{named} ({kind})" if named else ""


@dataclass(frozen=True)
class Look:
    """What one bracket shows of its camera: its frames, small, and the curves through pairs of them."""

    pictures: list[EncodedRGB] = field(default_factory=list)
    spines: list[tuple[Points, float | None]] = field(default_factory=list)


class Cameras:
    """The cameras of a build, by name; one that is not known is learnt from the bracket that asks."""

    def __init__(self, config: BuildConfig, known: Mapping[str, Camera] | None = None) -> None:
        self._config = config
        self._known = known or {}

    def of(self, scene: Scene) -> Camera:
        """Return a bracket's camera; where it is learnt from this bracket alone, its response is left open."""
        name = camera_name(scene)
        return self._known.get(name) or learn(name, [look_at(scene, self._config, spines=bool(name))])


def look_at(scene: Scene, config: BuildConfig, *, spines: bool = True) -> Look:
    """Return what a bracket shows of its camera, without its curves if not `spines`.

    One that cannot be read shows nothing; its build will say why.
    """
    frames, captures = _frames(scene, config)
    return Look(frames, _spines(scene, frames, captures) if spines and len(frames) > 1 else [])


def learn(name: str, looks: Sequence[Look]) -> Camera:
    """Return the camera that so many looks show; one without a name, or seen once, has no response of its own."""
    white, shown = white_level([picture for look in looks for picture in look.pictures])
    spines = [spine for look in looks for spine in look.spines] if name else []
    told = sum(bool(look.spines) for look in looks) if name else 0
    points, steps = [spine[0] for spine in spines], [spine[1] for spine in spines]
    response = fit_response(points, steps)[0] if told > 1 else None
    return Camera(name, white, response, told, shown)


def _frames(scene: Scene, config: BuildConfig) -> tuple[list[EncodedRGB], list[Capture]]:
    from iea40k.develop import ReadOptions, load_encoded  # late: it needs LibRaw

    options = ReadOptions(
        max_pixels=config.max_pixels,
        assume_profile=config.assume_profile,
        accept_headerless=config.accept_headerless,
        cmyk=config.cmyk,
    )
    frames, captures = [], []
    for source in scene.exposures:
        try:
            captures.append(read_capture(source.path))
            frames.append(load_encoded(source.path, short_side=SIDE, options=options)[0])
        except IEAError:  # the build of this scene will say so
            return [], []
    return (frames, captures) if len({frame.shape for frame in frames}) == 1 else ([], [])


def _spines(
    scene: Scene, frames: list[EncodedRGB], captures: list[Capture]
) -> list[tuple[Points, float | None]]:
    stated = stated_evs(captures, scene.evs)
    try:
        aligned = align(
            frames,
            [source.name for source in scene.exposures],
            anchor=None if stated is None else stated.as_shot,
        )
    except IEAError:
        return []
    evs = None if stated is None else [stated.evs[index] for index in aligned.kept]
    return spines_of(aligned.frames, np.asarray(aligned.validity), evs)
