"""The captures of a bracket as they are loaded: which can be used together, and which are left out, with the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iea40k.arrays import EncodedRGB
from iea40k.capture import Capture, read_capture
from iea40k.errors import AlignmentError, IEAError
from iea40k.scene import Scene, SourceFile

Loader = Callable[[Path], tuple[EncodedRGB, dict[str, Any]]]
"""Reads a photograph: (H, W, 3) uint8, sRGB-encoded, upright and scaled down, and its recipe."""

Rejected = tuple[str, float, str]
"""A frame that was left out: name, alignment score in [0, 1], reason."""


@dataclass(frozen=True)
class BracketFrame:
    """One capture, loaded: its pixels, what its file says, and the EV that the table gives it."""

    source: SourceFile
    pixels: EncodedRGB
    capture: Capture
    table_ev: float | None
    recipe: dict[str, Any]

    @property
    def name(self) -> str:
        """The file, as the manifest gives it."""
        return self.source.name

    @property
    def size(self) -> str:
        """Its width and height in pixels, in words: in the file where that says so, else as loaded."""
        width, height = self.capture.size or self.pixels.shape[1::-1]
        return f"{width}x{height}"


def loader_of(short_side: int) -> Loader:
    """Return what reads a photograph, scaled to `short_side`."""
    from iea40k.develop import load_encoded  # late: it needs LibRaw

    return lambda path: load_encoded(path, short_side=short_side)


def load_frames(scene: Scene, load: Loader) -> tuple[list[BracketFrame], list[Rejected]]:
    """Return the captures of a scene that can be read, and the others as rejected."""
    frames: list[BracketFrame] = []
    rejected: list[Rejected] = []
    for index, source in enumerate(scene.exposures):
        try:
            capture = read_capture(source.path)
            pixels, recipe = load(source.path)
        except IEAError as error:
            rejected.append((source.name, 0.0, error.what + (f": {error.got}" if error.got else "")))
            continue
        table_ev = None if scene.evs is None else scene.evs[index]
        frames.append(BracketFrame(source, pixels, capture, table_ev, recipe))
    return frames, rejected


def of_one_size(
    frames: list[BracketFrame], rejected: list[Rejected]
) -> tuple[list[BracketFrame], list[Rejected]]:
    """Return the frames of the most common size, in the file and as loaded, and the others as rejected."""
    if not frames:
        raise AlignmentError("no frame of the bracket can be read", got=listed(rejected))
    sizes = [(f.pixels.shape[:2], sorted(f.capture.size or ())) for f in frames]
    common = max(sizes, key=sizes.count)
    if len(frames) > 1 and sizes.count(common) < 2:
        raise AlignmentError(
            "the frames of the bracket have different sizes",
            expected="two frames or more of one size",
            got=", ".join(f"{f.name} is {f.size}" for f in frames),
            remedy="export all captures of the scene at one size",
        )
    alike = [f for f, size in zip(frames, sizes, strict=True) if size == common]
    odd = [f for f, size in zip(frames, sizes, strict=True) if size != common]
    return alike, [(f.name, 0.0, f"is {f.size}, the others are {alike[0].size}") for f in odd]


def table_evs(frames: list[BracketFrame]) -> list[float] | None:
    """Return the EVs that the table gives, None unless it gives them all."""
    evs = [f.table_ev for f in frames if f.table_ev is not None]
    return evs if len(evs) == len(frames) else None


def listed(rejected: Sequence[Rejected]) -> str:
    """Return rejected frames in words."""
    return "; ".join(f"{name}: score {score:.2f}, {reason}" for name, score, reason in rejected)
