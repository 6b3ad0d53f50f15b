"""The tool in hand at a reference, and its settings."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from annotator.residual.tools import Brush
from iea40k.errors import BadInputError
from iea40k.zones import LAST_ZONE, ZONE_UNITS

ZoneMode = Literal["set", "shift", "erase"]
"""`set` a block to the zone in hand; `shift` it by the stops in hand; `erase` what was edited, back to the base."""

ZoneTool = Literal["block", "brush", "picker", "pan"]
ZONE_MODES: tuple[str, ...] = get_args(ZoneMode)
ZONE_TOOLS: tuple[str, ...] = get_args(ZoneTool)

SIDES = (12, 16, 24, 32, 40, 56, 80, 120)
"""Sizes of blocks to choose from, in pixels a side."""

EDGES = (0.0, 2.0, 4.0, 8.0, 16.0)
"""Softness of a block's edge to choose from: how many pixels on either side the shift fades over."""


@dataclass(frozen=True)
class ZoneHand:
    """What a press does. Raises `BadInputError` for values that mean nothing.

    - `zone` in [0, 10]: what `set` sets to; `stops` in [-4, 4], not 0: what `shift` adds, + = lighter
    - `side`: of a block, one of `SIDES`; `edge` in pixels: how far its edge fades on either side
    - `radius` > 0 in pixels and `feather` in [0, 1]: of the free brush
    """

    tool: ZoneTool = "block"
    mode: ZoneMode = "set"
    zone: float = 5.0
    stops: float = 1 / 3
    side: int = 40
    edge: float = 4.0
    radius: float = 24.0
    feather: float = 0.5

    def __post_init__(self) -> None:
        for name, value, known in (("tool", self.tool, ZONE_TOOLS), ("mode", self.mode, ZONE_MODES)):
            if value not in known:
                raise BadInputError(f"no such {name}", expected=", ".join(known), got=repr(value))
        if not (0 <= self.zone <= LAST_ZONE and -4 <= self.stops <= 4 and round(self.stops * ZONE_UNITS)):
            raise BadInputError(
                "zone or stops mean nothing",
                expected="zone 0 ... 10, stops -4 ... 4 but not 0",
                got=f"{self.zone:g}, {self.stops:g}",
            )
        if not (self.side in SIDES and 0 <= self.edge <= 64 and math.isfinite(self.edge)):
            raise BadInputError(
                "this block means nothing",
                expected=f"a side of {', '.join(map(str, SIDES))}; an edge of 0 ... 64 pixels",
                got=f"{self.side}, {self.edge:g}",
            )
        self.brush()

    @property
    def units(self) -> int:
        """`stops` in the ledger's steps of 1/256 stop."""
        return round(self.stops * ZONE_UNITS)

    def brush(self) -> Brush:
        """Return the free brush."""
        return Brush("add", 0.0, self.radius, self.feather)
