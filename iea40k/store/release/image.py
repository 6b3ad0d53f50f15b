"""One image of a release: what is known of it, and its arrays, read when asked for."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import (
    EncodedRGB,
    OutlierFlags,
    Residual,
    ResidualCodes,
    Validity,
    residual_from_codes,
    validity_from_codes,
)
from iea40k.scene import NO_UNCERTAINTY, UNCERTAINTY_SCALE
from iea40k.store.release import notebook
from iea40k.uncertainty import sd_of, sd_of_experts_spread

if TYPE_CHECKING:
    from iea40k.store.release.reading import Release


class ReleaseImage:
    """An exposure of a scene with its reference and residual. `facts` is its row of the table `images`.

    Arrays are read from the release the first time they are asked for and kept as long as the image is; they may be
    changed, which changes nothing on the disk.
    """

    def __init__(self, release: "Release", facts: Mapping[str, Any]) -> None:
        self.release = release
        self.facts = facts

    def __repr__(self) -> str:
        height, width = self.shape
        return f"<ReleaseImage {self.image_id}: {self.ev:+g} EV, {width}x{height} pixels, licence {self.licence!r}>"

    def _repr_html_(self) -> str:
        return notebook.image_html(self)

    @property
    def image_id(self) -> str:
        """Its name in the release: scene and level, as in "a0001_N1"."""
        return str(self.facts["image_id"])

    @property
    def scene(self) -> str:
        """The id of its scene."""
        return str(self.facts["scene_id"])

    @property
    def level(self) -> str:
        """Its exposure level: N4 ... N1, P0, P1 ... P4."""
        return str(self.facts["level"])

    @property
    def ev(self) -> float:
        """Stops relative to the as-shot frame, + = brighter."""
        return float(self.facts["ev"])

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.facts["height"]), int(self.facts["width"])

    @property
    def licence(self) -> str:
        """The photograph's licence, "not stated" where none is named."""
        return str(self.facts["licence"])

    @cached_property
    def exposure(self) -> EncodedRGB:
        """The picture (H, W, 3) uint8, sRGB-encoded."""
        return self._read("exposures")

    @cached_property
    def reference(self) -> EncodedRGB:
        """The ideally exposed picture of its scene (H, W, 3) uint8, sRGB-encoded."""
        return self._read("reference", "scene_index")

    @cached_property
    def codes(self) -> ResidualCodes:
        """The residual as stored (H, W) int16: code / 32640; -32768 = no valid data."""
        return self._read("residual")

    @cached_property
    def residual(self) -> Residual:
        """luma(reference) - luma(exposure) (H, W) float32 in [-1, 1], + = underexposed, NaN without valid data."""
        return residual_from_codes(self.codes)

    @cached_property
    def validity(self) -> Validity:
        """True where a pixel has data: (H, W) bool."""
        return validity_from_codes(self.codes)

    @cached_property
    def outliers(self) -> OutlierFlags:
        """The outlier flags (H, W) uint8, bits as in `iea40k.outliers.Outlier`."""
        return self._read("outliers")

    @cached_property
    def uncertainty(self) -> Residual | None:
        """The standard deviation of the residual (H, W) float32, NaN where unknown; None where there is none."""
        if self.release.uncertainty_is_of_scenes:
            return self._optional("uncertainty", sd_of_experts_spread, "scene_index")
        return self._optional("uncertainty", sd_of)

    @cached_property
    def spread(self) -> Residual | None:
        """The disagreement of the annotators' residuals (H, W) float32, NaN where unknown; None without any."""
        return self._optional("spread", _spread_of)

    @cached_property
    def touched(self) -> NDArray[np.bool_]:
        """True where an annotator's correction stands: (H, W) bool."""
        if not self.release.has_array(str(self.facts["frame"]), "touched"):
            return np.zeros(self.shape, np.bool_)
        return self._read("touched").astype(np.bool_)

    def _read(self, name: str, index: str = "index") -> NDArray[Any]:
        entry: NDArray[Any] = self.release.array(str(self.facts["frame"]), name)[int(self.facts[index])]
        return entry

    def _optional(
        self, name: str, meaning: Callable[[NDArray[Any]], Residual], index: str = "index"
    ) -> Residual | None:
        if not self.release.has_array(str(self.facts["frame"]), name):
            return None
        return meaning(self._read(name, index))


def _spread_of(codes: NDArray[np.uint16]) -> Residual:
    """Return codes of a spread as luma, NaN where it is unknown."""
    known = codes.astype(np.float32) / np.float32(UNCERTAINTY_SCALE)
    return np.where(codes == NO_UNCERTAINTY, np.float32(np.nan), known)
