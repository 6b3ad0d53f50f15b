"""What the brackets of a build say of their cameras: one response curve and one white level each.

A bracket alone says little of its camera, and several of one camera must agree. A camera is its make and model
and whether it wrote RAW or a rendered picture, else what the manifest calls the device; brackets that name
neither speak for themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
        capture = read_capture(source.path)
    except IEAError:
        capture = Capture(source.path)
    named = f"{capture.make} {capture.model}".strip() or str(scene.attributes.get("device", "")).strip()
    kind = "rendered" if source.path.suffix.lower() in _RENDERED else "RAW"
    return f"{named} ({kind})" if named else ""


class Cameras:
    """The cameras of a manifest's brackets, learnt when the first of them is asked for. The same scenes give
    the same cameras."""

    def __init__(
        self,
        scenes: Sequence[Scene],
        config: BuildConfig,
        reading: Callable[[Scene], None] = lambda _: None,
    ) -> None:
        self._reading = reading
        self._brackets = sorted((s for s in scenes if s.kind == "bracket"), key=lambda s: s.scene_id)
        self._config = config
        self._known: dict[str, Camera] = {}

    def of(self, scene: Scene) -> Camera:
        """Return a bracket's camera; one without a name is learnt from this bracket alone, its response is
        left open."""
        name = camera_name(scene)
        if not name:
            return _learnt("", [scene], self._config, self._reading)
        if name not in self._known:
            brackets = self._names.get(name, [scene])[:MOST]
            self._known[name] = _learnt(name, brackets, self._config, self._reading)
            self._reading(scene)
        return self._known[name]

    @cached_property
    def _names(self) -> Mapping[str, list[Scene]]:
        found: dict[str, list[Scene]] = {}
        for scene in self._brackets:
            found.setdefault(camera_name(scene), []).append(scene)
        return found


def _learnt(
    name: str, scenes: Sequence[Scene], config: BuildConfig, reading: Callable[[Scene], None]
) -> Camera:
    pictures: list[EncodedRGB] = []
    spines: list[Points] = []
    steps: list[float | None] = []
    told = 0
    for scene in scenes:
        reading(scene)
        frames, captures = _frames(scene, config)
        pictures += frames
        if not name or len(frames) < 2:
            continue
        found = _spines(scene, frames, captures)
        told += bool(found)
        spines += [spine for spine, _ in found]
        steps += [step for _, step in found]
    white, shown = white_level(pictures)
    response = fit_response(spines, steps)[0] if told > 1 else None
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
