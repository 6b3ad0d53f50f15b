"""The tool in use at a reference and its settings: frozen, so that a key press returns new ones."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self, get_args

from annotator.shared.display import following
from annotator.shared.language import tr
from annotator.shared.light import zone_name
from annotator.shared.sliders import Slider, clamped
from iea40k.errors import BadInputError
from iea40k.zones import GREY, LAST_ZONE, WHITEST, ZONE_UNITS

Mode = Literal["set", "shift", "erase"]
"""`set` a block to the zone in use; `shift` it by the stops in use; `erase` what was edited, back to the base."""

MODES: tuple[str, ...] = get_args(Mode)
EDITING = ("block", "brush", "gradient")
TOOLS = (*EDITING, "picker", "measure", "pan")

SIDES = (12, 16, 24, 32, 40, 56, 80, 120)
"""Sizes of blocks to choose from, in pixels a side."""

EDGES = (0.0, 2.0, 4.0, 8.0, 16.0)
"""Softness of a block's edge to choose from: how many pixels on either side the shift fades over."""

FEATHERS = (0.0, 0.5, 1.0)
MIDDLE = 5.0
"""Zone V: 18 % grey."""

SLIDERS = (
    Slider("zone", "zone", 0, 10, decimals=2, step=1 / 3, colours="zones"),
    Slider("stops", "stops", -4, 4, decimals=2, step=1 / 3),
    Slider("edge", "edge", 0, 64, decimals=0, step=1, curve=2),
    Slider("radius", "radius", 1, 500, decimals=1, step=1, curve=3),
    Slider("feather", "feather", 0, 1, step=0.05),
    Slider("contrast", "contrast", 0.01, 0.5, step=0.01, curve=2),
)


@dataclass(frozen=True)
class ReferenceTools:
    """What a press does. Raises `BadInputError` for values that mean nothing.

    - `zone` in [0, 10]: what `set` sets to; `stops` in [-4, 4], not 0: what `shift` adds, + = lighter
    - `side`: of a block, one of `SIDES`; `edge` in pixels: how far its edge fades on either side
    - `radius` > 0 in pixels and `feather` in [0, 1]: of the free brush, which has full `strength`
    - `edges`: the free brush stops at edges, of `contrast` in (0, 1]; `pen`: the pressure of a pen is its strength
    """

    strength: ClassVar[float] = 1.0
    tool: str = "block"
    mode: Mode = "set"
    zone: float = 5.0
    stops: float = 1 / 3
    side: int = 40
    edge: float = 4.0
    radius: float = 24.0
    feather: float = 0.5
    edges: bool = False
    contrast: float = 0.1
    pen: bool = True
    last_zone: float = 6.0
    """What `swapped` brings back."""
    last_tool: str = "block"
    """What comes back once a zone is picked."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("tool", self.tool, TOOLS),
            ("tool", self.last_tool, TOOLS),
            ("mode", self.mode, MODES),
        ):
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
        if not (isinstance(self.edges, bool) and isinstance(self.pen, bool) and 0 < self.contrast <= 1):
            raise BadInputError(
                "this edge means nothing", expected="a contrast above 0 and up to 1", got=f"{self.contrast}"
            )
        if not (self.radius > 0 and 0 <= self.feather <= 1):
            raise BadInputError(
                "this brush cannot paint",
                expected="radius > 0, feather 0 ... 1",
                got=f"radius {self.radius:g}, feather {self.feather:g}",
            )

    @property
    def units(self) -> int:
        """`stops` in the ledger's steps of 1/256 stop."""
        return round(self.stops * ZONE_UNITS)

    def used(self) -> frozenset[str]:
        """Return the names of the settings that the tool in use has."""
        value = {"set": {"zone"}, "shift": {"stops"}}.get(self.mode, set())
        reach = {"block": {"edge"}, "brush": {"radius", "feather"}}.get(self.tool, set())
        if self.tool == "brush" and self.edges:
            reach = {*reach, "contrast"}
        return frozenset(value | reach)

    def note(self) -> str:
        """Return the zone in use in words, and how large the blocks are."""
        lines = []
        if self.mode == "set":
            white = tr(" · display white is VII½") if self.zone > WHITEST else ""
            lines.append(tr("zone {zone}", zone=zone_name(GREY * 2.0 ** (self.zone - 5))) + white)
        if self.tool == "block":
            lines.append(tr("blocks of about {side} pixels ([ and ])", side=self.side))
        if self.tool == "gradient":
            lines.append(tr("drag: full where it begins, nothing where it ends"))
        elif self.tool == "measure":
            lines.append(tr("drag a box, or click a block"))
        return "\n".join(lines)

    def noted(self) -> dict[str, object]:
        """Return what the ledger notes of the tool, for people."""
        tool: dict[str, object] = {"tool": f"{self.mode} zone", "by": self.tool}
        if self.mode == "set":
            tool["zone"] = round(self.zone, 4)
        elif self.mode == "shift":
            tool["stops"] = round(self.stops, 4)
        if self.tool == "block":
            return {**tool, "side": self.side, "edge": self.edge}
        if self.tool == "gradient":
            return tool
        if self.edges:
            tool["edges"] = self.contrast
        return {**tool, "radius": self.radius, "feather": self.feather}

    def picking(self) -> Self:
        """Return the tool that picks a zone, until one is picked; the same again gives the tool in use back."""
        if self.tool == "picker":
            return replace(self, tool=self.last_tool)
        return replace(self, tool="picker", last_tool=self.tool)

    def picked(self, zone: float) -> Self:
        """Return the tools with this zone in use, and the tool back that was in use before `picking`."""
        return replace(self.with_zone(zone), tool=self.last_tool if self.tool == "picker" else self.tool)

    def with_mode(self, mode: Mode) -> Self:
        """Return the tools to set, shift or erase from now on."""
        return replace(self, mode=mode, tool=self.tool if self.tool in EDITING else "block")

    def resized(self, steps: int) -> Self:
        """Return larger (+) or smaller (-) blocks, or brush."""
        if self.tool == "brush":
            return replace(self, radius=clamped(round(self.radius * 1.15**steps * 2) / 2, 1.0, 500.0))
        at = min(max(SIDES.index(self.side) + steps, 0), len(SIDES) - 1)
        return replace(self, side=SIDES[at])

    def softened(self) -> Self:
        """Return the next softness of the edge."""
        if self.tool == "brush":
            return replace(self, feather=following(FEATHERS, self.feather))
        softer = [edge for edge in EDGES if edge > self.edge]
        return replace(self, edge=softer[0] if softer else EDGES[0])

    def nudged(self, thirds: int) -> Self:
        """Return the zone in use, or the stops where they are in use, moved by thirds."""
        if self.mode == "shift":
            stops = round(self.stops * 3) + thirds
            # There is no shift by nothing: it goes on to the other side.
            stops = stops or (1 if thirds > 0 else -1)
            return replace(self, stops=min(max(stops, -12), 12) / 3)
        return self.with_zone((round(self.zone * 3) + thirds) / 3)

    def with_zone(self, zone: float) -> Self:
        """Return the tools with this zone in use."""
        return replace(self, zone=clamped(zone, 0.0, float(LAST_ZONE)))

    def swapped(self) -> Self:
        """Return the zone in use swapped with V."""
        if self.zone != MIDDLE:
            return replace(self, zone=MIDDLE, last_zone=self.zone)
        return replace(self, zone=self.last_zone)

    def negated(self) -> Self:
        """Return lighter instead of darker, and the other way round."""
        return replace(self, stops=-self.stops)
