"""How far a region of an exposure lies off: the shift of the reference at which their structures agree best."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Luma, Validity
from iea40k.outliers.regions import Region, closed, cut
from iea40k.outliers.seen import Seen

REACH = 13
"""Pixels that are searched in each direction."""

AGREES, BETTER = 0.6, 0.1
"""Correlation at the best shift, and by how much it must be better than without one."""


@dataclass(frozen=True)
class Shift:
    """Where the reference shows what the exposure shows: `rows`, `columns` away. `better`: than in place."""

    rows: float = 0.0
    columns: float = 0.0
    agrees: float = 0.0
    better: float = 0.0

    @property
    def length(self) -> float:
        """In pixels."""
        return float(np.hypot(self.rows, self.columns))

    @property
    def sure(self) -> bool:
        """Whether the structures agree there, and clearly better than in place."""
        return self.length < REACH - 0.5 and self.agrees >= AGREES and self.better >= BETTER


def found_shift(view: Seen, lawful: Luma, top: int, left: int, mask: Validity) -> Shift:
    """Return the shift of a region. Zero, and not sure, where it has no structure or lies at the rim.

    It is looked for in what the other levels expect (`lawful`), which has the exposure's own tones; in the reference
    where they know nothing.
    """
    height, width = mask.shape
    rows = slice(max(top - REACH, 0), min(top + height + REACH, view.shape[0]))
    columns = slice(max(left - REACH, 0), min(left + width + REACH, view.shape[1]))
    known = np.isfinite(lawful[rows, columns])
    field = _structure(np.where(known, lawful[rows, columns], view.wanted[rows, columns]))
    part = _structure(view.light[top : top + height, left : left + width])
    inner = mask.astype(np.float32)
    if min(mask.shape) < 3 or mask.sum() < 12 or float(part[mask].std()) < 2 / 255:
        return Shift()
    with np.errstate(all="ignore"):
        score = cv2.matchTemplate(field, part, cv2.TM_CCOEFF_NORMED, mask=inner)
    score = np.where(np.isfinite(score) & (np.abs(score) <= 1.0001), score, -1)
    home = (top - rows.start, left - columns.start)
    row, column = (int(v) for v in np.unravel_index(int(np.argmax(score)), score.shape))
    y, x = _peak(score, row, column)
    best = float(score[row, column])
    return Shift(y - home[0], x - home[1], best, best - float(score[home]))


GROWS = 40
"""Pixels by which a displaced region may be larger than what is seen of it."""


def explained(view: Seen, lawful: Luma, region: Region, shift: Shift) -> tuple[int, int, Validity]:
    """Return a displaced region, with all around it that its shift explains better than none: (top, left, pixels)."""
    rows = slice(max(region.top - GROWS, 0), min(region.top + region.mask.shape[0] + GROWS, view.shape[0]))
    columns = slice(
        max(region.left - GROWS, 0), min(region.left + region.mask.shape[1] + GROWS, view.shape[1])
    )
    seed = region.whole(view.shape)[rows, columns]
    field = np.where(np.isfinite(lawful), lawful, view.wanted)
    still = np.abs(view.light[rows, columns] - field[rows, columns])
    moved = np.abs(view.light[rows, columns] - shifted(field, shift.rows, shift.columns)[rows, columns])
    better = cv2.blur(still, (5, 5)) - cv2.blur(moved, (5, 5)) > 1.5 / 255
    better &= cv2.blur(moved, (5, 5)) < 0.75 * cv2.blur(still, (5, 5))
    whole = closed(better | seed, 8) & view.valid[rows, columns]
    _, labels = cv2.connectedComponents(whole.astype(np.uint8), connectivity=8)
    kept = np.unique(labels[seed])
    made = cut(np.isin(labels, kept[kept > 0]))
    if made is None:
        return region.top, region.left, region.mask
    return made[0] + rows.start, made[1] + columns.start, made[2]


def unexplained(view: Seen, lawful: Luma, shift: Shift, top: int, left: int, mask: Validity) -> float:
    """Return what a shift leaves of the exposure's deviation in a region: 0 where it explains all of it."""
    field = np.where(np.isfinite(lawful), lawful, view.wanted)
    box = np.s_[top : top + mask.shape[0], left : left + mask.shape[1]]
    light = view.light[box][mask]
    still = float(np.abs(light - field[box][mask]).mean())
    moved = float(np.abs(light - shifted(field, shift.rows, shift.columns)[box][mask]).mean())
    return moved / max(still, 1e-6)


def shifted(picture: NDArray[np.float32], rows: float, columns: float) -> NDArray[np.float32]:
    """Return a picture with what lies (`rows`, `columns`) away brought to each pixel; sub-pixel, rims repeated."""
    at = np.array([[1, 0, columns], [0, 1, rows]], np.float32)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (picture.shape[1], picture.shape[0])
    moved: NDArray[np.float32] = cv2.warpAffine(
        picture, at, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return moved


def _structure(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture without its slow light and its noise: curves of tone hardly change what is left."""
    fine: NDArray[np.float32] = cv2.GaussianBlur(picture, (0, 0), 0.7)
    return fine


def _peak(score: NDArray[np.float64], row: int, column: int) -> tuple[float, float]:
    """Return the top of the parabolas through a maximum and its neighbours."""

    def top(before: float, here: float, after: float) -> float:
        bend = before - 2 * here + after
        return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))

    y = top(*score[row - 1 : row + 2, column]) if 0 < row < score.shape[0] - 1 else 0.0
    x = top(*score[row, column - 1 : column + 2]) if 0 < column < score.shape[1] - 1 else 0.0
    return row + y, column + x
