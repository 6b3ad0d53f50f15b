"""Adams' zone system on references: measure a block's zone, set it, feather the edge.

One zone is one stop of linear light; zone V is 18 % grey, so zone = 5 + log2(Y / 0.18) with the luminance Y of
linear light (Rec. 709 weights of sRGB primaries, 1.0 = display white). Display white is zone 7.47: a block set above
it turns white, and how much did so is told, not hidden. Blocks are SLIC superpixels (Achanta et al., 2012) on
lightness and structure, as the paper has it.

A zone edit is a shift in stops times a weight a pixel. Shifts are whole numbers and add up, so that replaying them
gives the same bytes everywhere and in any order; the picture is developed once, from their sum.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Validity, check_encoded
from iea40k.colour.transfer import srgb_inverse
from iea40k.errors import ArrayError, BadInputError

ZONE_UNITS = 256
"""Steps a zone: zones are kept as whole numbers of 1/256 stop."""

ZONE_NAMES = ("0", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
LAST_ZONE = len(ZONE_NAMES) - 1
SHIFT_UNITS = ZONE_UNITS * 255
"""Steps a stop in a shift map: a zone step times a full weight."""

MOST_SHIFT = 20 * SHIFT_UNITS
"""The greatest shift either way that a picture is developed with."""

ShiftMap = NDArray[np.int32]
"""(H, W) shift of each pixel in 1/65280 stop, + = brighter."""

Labels = NDArray[np.int32]
"""(H, W) number of the block that each pixel is in, 0 ... n - 1."""

GREY = 0.18
"""Linear luminance of zone V."""

WHITEST = 5 + math.log2(1 / GREY)
"""The zone of display white, 7.47."""

BLACKEST = GREY * 2.0**-5  # zone 0 ends here: everything darker is zone 0
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


# In float64, so that no machine's rounding of a power moves a pixel across the border of two codes.
_LINEAR = srgb_inverse(np.arange(256, dtype=np.float64) / 255)
_BORDERS = srgb_inverse((np.arange(255, dtype=np.float64) + 0.5) / 255)


@dataclass(frozen=True, eq=False)
class ZoneChange:
    """A block to be set to a zone: `weights` (H, W) uint8, 255 = the whole shift; zones in 1/256 stop."""

    weights: NDArray[np.uint8]
    old_zone: int
    new_zone: int

    @property
    def stops(self) -> float:
        """How much brighter the block becomes."""
        return (self.new_zone - self.old_zone) / ZONE_UNITS


def zone_map(picture: EncodedRGB) -> NDArray[np.float32]:
    """Return each pixel's zone: (H, W) float32 in [0, 7.47]; all that is darker than zone 0 is zone 0."""
    return zones_of(luminance(check_encoded(picture))).astype(np.float32)


def luminance(picture: EncodedRGB) -> NDArray[np.float64]:
    """Return the linear luminance of encoded pixels (..., 3) uint8: (...) float64 in [0, 1], 1 = display white."""
    light: NDArray[np.float64] = _LINEAR[picture] @ LUMINANCE
    return light


def zones_of(luminance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the zones of linear luminances, in [0, 7.47]; all that is darker than zone 0 is zone 0.

    >>> zones_of(np.array([0.0, 0.09, 0.18, 0.36, 1.0])).round(2)
    array([0.  , 4.  , 5.  , 6.  , 7.47])
    """
    zones: NDArray[np.float64] = 5 + np.log2(np.maximum(luminance, BLACKEST) / GREY)
    return zones


def block_zone(picture: EncodedRGB, block: Validity) -> float:
    """Return the zone of a block's mean light, in [0, 7.47]; `block` is (H, W) bool, not empty."""
    _check_block(picture, block)
    return float(zones_of(np.array(luminance(picture[block][None]).mean())))


def zone_name(zone: float) -> str:
    """Return the Roman number of the nearest whole zone: 0, I ... X.

    >>> zone_name(4.7)
    'V'
    """
    return ZONE_NAMES[min(max(round(zone), 0), LAST_ZONE)]


def superpixels(picture: EncodedRGB, *, block_side: int = 40, compactness: float = 0.2) -> Labels:
    """Return the SLIC blocks of a picture, each about `block_side` pixels wide and in one piece.

    They are cut on lightness (CIE L*, 0 ... 1) and structure (the strength of its gradient). The same picture gives the
    same blocks with the same version of scikit-image; a zone edit keeps its own pixels and does not depend on that.
    """
    check_encoded(picture)
    if block_side < 2:
        raise BadInputError("a block is 2 pixels wide at least", got=f"{block_side}")
    lightness = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32) / 255
    # Smoothed, since blocks that follow every grain of wood look worse when they are set than blunt ones.
    smooth = cv2.GaussianBlur(lightness, (0, 0), 2)
    edges = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    structure = np.sqrt(cv2.GaussianBlur(edges, (0, 0), 2)) / 2
    count = max(1, round(lightness.size / block_side**2))
    features = np.stack([smooth, structure], axis=-1)
    from skimage.segmentation import slic  # here: it takes half a second to import

    labels: Labels = slic(
        features,
        n_segments=count,
        compactness=compactness,
        convert2lab=False,
        channel_axis=-1,
        start_label=0,
        max_num_iter=5,
    ).astype(np.int32)
    return labels


def feather(block: Validity, radius: float = 4.0, within: Validity | None = None) -> NDArray[np.uint8]:
    """Return the weights of a block with a soft edge: (H, W) uint8, half on the border, 255 from `radius` px inside.

    The block smoothed by a kernel of that reach. So the weights of blocks that share out a picture add up to 255
    everywhere (rounded each), in corners where three of them meet as well: neighbours set to the same shift show no
    seam. A block narrower than twice the radius gets less than the whole shift. Nothing outside `within` (H, W) has
    weight, and its border is no edge.
    """
    reach = round(radius)
    if reach < 1:
        return np.where(block, np.uint8(255), np.uint8(0))
    kernel = 1 + np.cos(np.pi * np.arange(-reach, reach + 1) / (reach + 1))
    kernel = (kernel / kernel.sum()).astype(np.float32)
    soft = _smoothed(block, kernel)
    if within is not None and not within.all():
        soft = np.where(within, soft / np.maximum(_smoothed(within, kernel), 1e-6), 0)
    weights: NDArray[np.uint8] = np.rint(np.clip(soft * 255, 0, 255)).astype(np.uint8)
    return weights


def zone_change(
    picture: EncodedRGB, block: Validity, zone: float, *, radius: float = 4.0, within: Validity | None = None
) -> ZoneChange:
    """Return the change that sets a block of `picture` (as it looks now) to a zone in [0, 10].

    The edge is feathered over `radius` pixels on either side, see `feather`. The zone is that of the mean light of the
    pixels that get the whole shift (of the whole block where it is too narrow for that): those are then in the zone
    asked for, and setting a block to its own zone changes nothing.
    """
    if not 0 <= zone <= LAST_ZONE:
        raise BadInputError("there is no such zone", expected="0 ... 10 (0 ... X)", got=f"{zone:g}")
    _check_block(picture, block)
    weights = feather(block, radius, within)
    inner = block & (weights == 255)
    old = round(block_zone(picture, inner if inner.any() else block) * ZONE_UNITS)
    return ZoneChange(weights, old, round(zone * ZONE_UNITS))


def changes_of(shift: ShiftMap, zone: float = 5.0) -> list[ZoneChange]:
    """Return changes that add up to `shift` (H, W) int32 exactly: three at most for what it brightens, and for what
    it darkens. Empty where it is 0 everywhere.

    For shifts that come from elsewhere: an eraser, a colleague's map. `zone` is noted as the zone reached.
    """
    new, changes = round(zone * ZONE_UNITS), []
    for sign in (1, -1):
        rest = np.maximum(shift.astype(np.int64) * sign, 0)
        while rest.any():
            step = -(-int(rest.max()) // 255)
            weights = rest // step
            changes.append(ZoneChange(weights.astype(np.uint8), new - sign * step, new))
            rest -= weights * step
    return changes


def apply_shift(picture: EncodedRGB, shift: ShiftMap) -> EncodedRGB:
    """Return the picture with each pixel's light multiplied by 2^(shift / 65280); sRGB-encoded again, rounded.

    Light beyond display white becomes white; see `turned_white`. Pixels with a shift of 0 keep their bytes.
    """
    check_encoded(picture, least=1)
    if shift.shape != picture.shape[:2] or shift.dtype != np.int32:
        raise ArrayError(
            "shift: wrong shape or dtype",
            expected=f"int32 {picture.shape[:2]}",
            got=f"{shift.dtype} {shift.shape}",
        )
    if int(np.abs(shift).max(initial=0)) > MOST_SHIFT:
        raise ArrayError("a shift of more than 20 stops", expected="-20 ... 20 stops")
    moved = np.flatnonzero(shift)
    flat = picture.reshape(-1, 3).copy()
    light = _LINEAR[flat[moved]] * np.exp2(shift.reshape(-1)[moved] / SHIFT_UNITS)[:, None]
    flat[moved] = np.searchsorted(_BORDERS, light, side="right").astype(np.uint8)
    return flat.reshape(picture.shape)


def turned_white(before: EncodedRGB, after: EncodedRGB) -> float:
    """Return the share of pixels with a channel at 255 in `after` that was not in `before`, in [0, 1]."""
    return float(((after == 255) & (before != 255)).any(axis=-1).mean())


def _smoothed(mask: Validity, kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    share = mask.astype(np.float32)
    soft = cv2.sepFilter2D(share, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REPLICATE)
    result: NDArray[np.float32] = soft.reshape(mask.shape)
    return result


def _check_block(picture: EncodedRGB, block: Validity) -> None:
    if block.shape != picture.shape[:2] or block.dtype != np.bool_ or not block.any():
        raise ArrayError(
            "a block is a mask of the picture's size with a pixel at least",
            expected=f"bool {picture.shape[:2]}",
            got=f"{block.dtype} {block.shape}, {int(np.count_nonzero(block))} pixels",
        )
