"""HEIC and AVIF to encoded pixels, with the depth, profile and orientation they carry."""

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from iea40k.develop.heif_boxes import Nclx, read_container
from iea40k.develop.linear import ReadOptions, check_pixels
from iea40k.errors import UnreadableImageError
from iea40k.extras import require

_ORIENTATION = 0x0112
_UNSPECIFIED, _PQ, _HLG = 2, 16, 18
_NAMED = {(1, 13): "srgb", (1, 8): "linear-srgb", (12, 13): "display-p3"}
"""Primaries and transfer characteristics (ITU-T H.273) of the spaces that we name."""


class Heif:
    """A HEIC or AVIF file, read but not decoded until `pixels` is called.

    `orientation` is what remains to be applied, `icc` the profile or None, `stated` the space as its numbers
    (nclx) say, "?" where they do not; `notes` are for the recipe. Raises `UnreadableImageError`.
    """

    def __init__(self, path: Path, kind: str, options: ReadOptions) -> None:
        self._data = path.read_bytes()
        self._container = read_container(self._data)
        self.stated = _stated(self._container.nclx)
        self.orientation, self.icc = 1, None
        self.notes: dict[str, Any] = {}
        if kind == "heic":
            self._open_heic(path, options)
        else:
            self._open_avif(path, options)

    def pixels(self) -> NDArray[Any]:
        """Return the decoded picture (H, W) or (H, W, 2 … 4), uint8, or uint16 over its whole range."""
        if self._heic is not None:
            pixels: NDArray[Any] = np.array(self._heic)  # a copy: its memory goes with the file
            # libheif's wrapper shifts deep codes up, so that white falls short of the range's end.
            return _stretched(pixels, self._depth, 16 - self._depth)
        return _stretched(imagecodecs.avif_decode(self._data), self._container.av1_depth or 8, 0)

    def _open_heic(self, path: Path, options: ReadOptions) -> None:
        require("pi_heif", "curator")
        import pi_heif

        file = pi_heif.open_heif(io.BytesIO(self._data), convert_hdr_to_8bit=False)
        check_pixels(path, file.size[1], file.size[0], options)
        self._heic, info = file, file.info
        self._depth = int(info.get("bit_depth", 8))
        self.icc = info.get("icc_profile")
        if len(file) > 1:
            self.notes["pictures"] = f"{len(file)}, the main one is taken"
        if info.get("aux"):
            self.notes["auxiliary_ignored"] = sorted(map(str, info["aux"]))

    def _open_avif(self, path: Path, options: ReadOptions) -> None:
        self._heic = None
        with Image.open(io.BytesIO(self._data), formats=("AVIF",)) as image:
            check_pixels(path, image.height, image.width, options)
            if getattr(image, "is_animated", False):
                raise UnreadableImageError(
                    "the file holds several pictures",
                    expected="one",
                    got=f"{getattr(image, 'n_frames', 2)} frames",
                    remedy="save the one that is meant by itself",
                )
            self.icc = image.info.get("icc_profile")
            # Pillow gives the container's own turns under this tag, and never those of the camera's EXIF alone.
            self.orientation = int(image.getexif().get(_ORIENTATION, 1))


def _stated(nclx: Nclx | None) -> str:
    if nclx is None or nclx == (_UNSPECIFIED, _UNSPECIFIED):
        return "?"
    if nclx.transfer in (_PQ, _HLG):
        raise UnreadableImageError(
            "the picture is HDR: its values are light for a brighter screen, not a finished photograph",
            expected="a standard-range picture",
            got="PQ" if nclx.transfer == _PQ else "HLG",
            remedy="export it as a standard-range picture in the program that made it, or use its RAW file",
        )
    return _NAMED.get((nclx.primaries, nclx.transfer), f"?nclx {nclx.primaries}/{nclx.transfer}")


def _stretched(pixels: NDArray[Any], depth: int, shifted: int) -> NDArray[Any]:
    if pixels.dtype == np.uint8 or depth == 16:
        return pixels
    codes = (pixels >> shifted).astype(np.uint32) if shifted else pixels.astype(np.uint32)
    top = (1 << depth) - 1
    return ((codes * 65535 + top // 2) // top).astype(np.uint16)
