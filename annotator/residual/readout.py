"""What a pixel says: its residual, how many stops it is off, and the zones of exposure and reference."""

import math
from dataclasses import dataclass

from annotator.residual.state import Image
from annotator.shared.boxes import Spot, holds
from annotator.shared.language import tr
from annotator.shared.light import light, zone_name
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.outliers import Outlier


@dataclass(frozen=True)
class Readout:
    """One pixel. `residual` is None without valid data; `stops` is how many stops the exposure must be raised."""

    residual: float | None
    base: float | None
    stops: float
    exposure_zone: str
    reference_zone: str
    flags: tuple[str, ...]

    def text(self) -> str:
        """Return it as one line."""
        if self.residual is None:
            value = tr("no valid data")
        else:
            value = tr("residual {value}", value=f"{self.residual:+.4f}  ({self.residual * 255:+.1f}/255)")
            if self.base is not None and self.base != self.residual:
                value += tr(", base {value}", value=f"{self.base:+.4f}")
        parts = [
            value,
            tr("{stops} EV to the reference", stops=f"{self.stops:+.2f}"),
            tr("zone {zone}", zone=f"{self.exposure_zone} → {self.reference_zone}"),
            *([", ".join(tr(flag) for flag in self.flags)] if self.flags else []),
        ]
        return "   ·   ".join(parts)


def read_pixel(image: Image, spot: Spot) -> Readout | None:
    """Return what a pixel says, None outside the image."""
    if not holds(image.shape, spot):
        return None
    exposure, reference = light(image.exposure[spot]), light(image.reference[spot])
    flags = int(image.flags[spot])
    return Readout(
        residual=_residual(int(image.codes[spot])),
        base=_residual(int(image.base[spot])),
        stops=math.log2(reference / exposure),
        exposure_zone=zone_name(exposure),
        reference_zone=zone_name(reference),
        flags=tuple(bit.title for bit in Outlier if flags & bit),
    )


def _residual(code: int) -> float | None:
    return None if code == INVALID_CODE else code / RESIDUAL_SCALE
