"""What a pixel of a reference says: its block's zone as built and as edited, its own zone, how far it was moved."""

from dataclasses import dataclass

from annotator.reference.state import Reference, Version
from annotator.reference.strokes import seen
from annotator.reference.tools import ReferenceTools
from annotator.shared.boxes import Spot
from annotator.shared.language import tr
from annotator.shared.light import light, zone_name
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.zones import GREY, SHIFT_UNITS, block_zone, turned_white


@dataclass(frozen=True)
class Readout:
    """One pixel, and the block or brush around it. Zones in [0, 7.47]; `stops` + = lighter than as built.

    `white` is the share of the block of which the edits blew a channel; `residual` that of the level beside, None
    without valid data.
    """

    before: float
    after: float
    pixel: str
    stops: float
    white: float
    level: str
    residual: float | None

    def text(self) -> str:
        """Return it as one line."""
        zone = tr("zone {zone}", zone=_thirds(self.after))
        if _thirds(self.before) != _thirds(self.after) or self.stops:
            zone = tr("zone {zone}", zone=f"{_thirds(self.before)} → {_thirds(self.after)}")
        value = tr("no valid data") if self.residual is None else f"{self.residual:+.4f}"
        parts = [
            f"{zone} ({self.after:.2f})",
            tr("this pixel {zone}", zone=self.pixel),
            tr("{stops} EV to the base", stops=f"{self.stops:+.2f}") if self.stops else tr("as built"),
            *([tr("{share} of it blown", share=f"{self.white:.0%}")] if self.white >= 0.005 else []),
            tr("residual at {level} {value}", level=self.level, value=value),
        ]
        return "   ·   ".join(parts)


def read_zone(
    reference: Reference, tools: ReferenceTools, level: str, spot: Spot, *, judged: Version | None = None
) -> Readout | None:
    """Return what a pixel says beside a level, None outside the picture or its valid data.

    `judged`: of somebody else's version instead of one's own edits.
    """
    found = seen(reference, tools, spot)
    if found is None:
        return None
    box, block = found
    edited = reference.picture if judged is None else judged.picture
    shift = reference.shift if judged is None else judged.shift
    base, picture = reference.base[box], edited[box]
    pixel = (slice(spot[0], spot[0] + 1), slice(spot[1], spot[1] + 1))
    code = int(reference.residual(level, pixel, None if judged is None else judged.picture)[0, 0])
    return Readout(
        before=block_zone(base, block),
        after=block_zone(picture, block),
        pixel=zone_name(light(edited[spot])),
        stops=int(shift[spot]) / SHIFT_UNITS,
        white=turned_white(base[block][None], picture[block][None]),
        level=level,
        residual=None if code == INVALID_CODE else code / RESIDUAL_SCALE,
    )


def _thirds(zone: float) -> str:
    return zone_name(GREY * 2.0 ** (zone - 5))
