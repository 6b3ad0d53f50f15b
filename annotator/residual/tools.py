"""The tool in use at an exposure and its settings: frozen, so that a key press returns new ones."""

from dataclasses import dataclass, replace
from typing import Self

from annotator.residual.brushes import BRUSHES, Brush
from annotator.residual.regions import REGION_TOOLS
from annotator.shared.display import following
from annotator.shared.sliders import Slider, clamped
from iea40k.errors import BadInputError

TOOLS = ("brush", "clone", "gradient", "picker", "measure", *REGION_TOOLS, "outlier", "pan")
"""`outlier` repairs a suggested region; `pan` moves the view; `measure` says what a region is like."""

FIXED_MODES = {"clone": "clone", **{name: tool.mode for name, tool in REGION_TOOLS.items() if tool.mode}}
"""What a tool does whatever the brush does."""

HIGHLIGHTS = 0.7
"""The luma from which a pixel of the exposure counts as a highlight."""

FEATHERS = (0.0, 0.5, 1.0)
STEP = 1.15
"""By what a key makes a brush larger, or the reach of a tool."""

SLIDERS = (
    Slider("value", "value", -1, 1, decimals=4, step=1 / 255, colours="residual"),
    Slider("amount", "amount", -1, 1, decimals=4, step=1 / 255, colours="residual"),
    Slider("factor", "factor", 0, 4, step=0.05),
    Slider("radius", "radius", 0.5, 2000, decimals=1, step=1, curve=4),
    Slider("feather", "feather", 0, 1, step=0.05),
    Slider("strength", "strength", 0.01, 1, step=0.05),
    Slider("contrast", "contrast", 0.01, 0.5, step=0.01, curve=2),
    Slider("tolerance", "tolerance", 0, 1, decimals=3, step=0.005, curve=2),
    Slider("side", "side", 4, 128, decimals=0, step=2, curve=2),
    Slider("low", "from", -1, 1, decimals=3),
    Slider("high", "to", -1, 1, decimals=3),
    Slider("only_low", "luma from", 0, 0.99),
    Slider("only_high", "luma to", 0.01, 1),
)


@dataclass(frozen=True)
class ResidualTools:
    """The tool in use and its settings. `tolerance`: of fill, in residual; `side`: of a superpixel, in pixels.

    `low` and `high` are the residuals between which `range` applies; `only` limits brush and fills to pixels of the
    exposure whose luma lies in [only_low, only_high]. `edges`: brush and clone stop at edges, of `contrast` in (0, 1];
    `pen`: the pressure of a pen is their strength. Raises `BadInputError` for values that mean nothing.
    """

    tool: str = "brush"
    mode: str = "set"
    value: float = 0.0
    amount: float = 0.05
    factor: float = 0.5
    radius: float = 16.0
    feather: float = 0.5
    strength: float = 1.0
    tolerance: float = 0.04
    side: float = 16.0
    low: float = 0.5
    high: float = 1.0
    only_low: float = 0.0
    only_high: float = 1.0
    edges: bool = False
    contrast: float = 0.1
    pen: bool = True
    last_value: float = 0.0
    """What `swapped` brings back."""
    last_tool: str = "brush"
    """What comes back once a value is picked."""

    def __post_init__(self) -> None:
        if self.tool not in TOOLS or self.last_tool not in TOOLS:
            raise BadInputError("no such tool", expected=", ".join(TOOLS), got=repr(self.tool))
        self.brush()
        if not (0 <= self.tolerance <= 2 and 2 <= self.side <= 256):
            raise BadInputError("tolerance 0 ... 2, side 2 ... 256", got=f"{self.tolerance}, {self.side}")
        if self.mode == "clone" or not (isinstance(self.edges, bool) and isinstance(self.pen, bool)):
            raise BadInputError(
                "a clone is a tool of its own; edges and pen are so or not", got=f"{self.mode}"
            )
        if not 0 < self.contrast <= 1:
            raise BadInputError("the contrast of an edge is above 0 and up to 1", got=f"{self.contrast}")
        if not (0 <= self.only_low < self.only_high <= 1 and -1 <= self.low <= self.high <= 1):
            raise BadInputError("a range goes from low to high", got=f"{self.low} ... {self.high}")

    def brush(self) -> Brush:
        """Return the brush in use, with the value that belongs to its mode."""
        mode = FIXED_MODES.get(self.tool, self.mode)
        setting = BRUSHES[mode].setting if mode in BRUSHES else ""
        value = vars(self)[setting] if setting else 0.0
        return Brush(mode, value, self.radius, self.feather, self.strength)

    @property
    def limited(self) -> bool:
        """Whether the brush respects a range of luma."""
        return (self.only_low, self.only_high) != (0.0, 1.0)

    def used(self) -> frozenset[str]:
        """Return the names of the settings that the tool in use has."""
        names = {"only_low", "only_high"} if self.limited else set()
        value = BRUSHES[FIXED_MODES.get(self.tool, self.mode)].setting
        if self.tool in ("brush", "clone"):
            names |= {value, "radius", "feather", "strength", *(["contrast"] if self.edges else [])}
        elif self.tool == "gradient":
            names |= {value, "strength"}
        elif self.tool == "measure":
            names |= {"tolerance"}
        elif self.tool in REGION_TOOLS:
            names |= {value, "strength", *REGION_TOOLS[self.tool].settings}
        elif self.tool in ("picker", "outlier"):
            names |= {"value"}
        return frozenset(names)

    def note(self) -> str:
        """Return how the tools that two clicks or a drag are for are used; nothing where the settings say it all."""
        return {
            "clone": "right click: what is cloned; then paint",
            "gradient": "drag: full where it begins, nothing where it ends",
            "measure": "drag a box, or click a region",
        }.get(self.tool, "")

    def resized(self, steps: int) -> Self:
        """Return a larger (+) or smaller (-) brush, by half a pixel at least; of a fill its reach."""
        factor = STEP**steps
        if self.tool in ("fill", "measure"):
            return replace(self, tolerance=clamped(_stepped(self.tolerance, factor, 0.002), 0.0, 1.0))
        if self.tool == "superpixel":
            return replace(self, side=clamped(_stepped(self.side, factor, 2), 4.0, 128.0))
        if self.tool == "range":
            middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
            return self._around(middle, max(_stepped(half, factor, 0.005), 0.0))
        radius = round(_stepped(self.radius, factor, 0.5) * 2) / 2
        return replace(self, radius=clamped(radius, 0.5, 2000.0))

    def ranged(self, residual: float) -> Self:
        """Return the range tool, around a residual."""
        return replace(self, tool="range")._around(residual, self.tolerance)

    def nudged(self, step: float) -> Self:
        """Return the value in use moved by a step."""
        kind = BRUSHES[self.mode]
        setting = kind.setting or "value"
        nudged = clamped(vars(self)[setting] + step, kind.low, kind.high)
        return replace(self, **{setting: nudged})  # type: ignore[arg-type]

    def swapped(self) -> Self:
        """Return the value swapped with 0."""
        if self.value != 0:
            return replace(self, value=0.0, last_value=self.value)
        return replace(self, value=self.last_value)

    def negated(self) -> Self:
        """Return the value in use with the other sign."""
        if self.mode == "add":
            return replace(self, amount=-self.amount)
        return replace(self, value=-self.value)

    def picking(self) -> Self:
        """Return the tool that picks a value, until one is picked; the same again gives the tool in use back."""
        if self.tool == "picker":
            return replace(self, tool=self.last_tool)
        return replace(self, tool="picker", last_tool=self.tool)

    def picked(self, value: float) -> Self:
        """Return the tools with this value in use, and the tool back that was in use before `picking`."""
        return replace(self, value=value, tool=self.last_tool if self.tool == "picker" else self.tool)

    def strengthened(self, step: float) -> Self:
        """Return a stronger or weaker brush."""
        return replace(self, strength=clamped(round(self.strength + step, 2), 0.1, 1.0))

    def softened(self) -> Self:
        """Return the next of hard, half feathered and fully feathered."""
        return replace(self, feather=following(FEATHERS, self.feather))

    def highlights_only(self) -> Self:
        """Return brush and fills limited to the exposure's highlights, or no longer."""
        return replace(self, only_low=0.0 if self.limited else HIGHLIGHTS, only_high=1.0)

    def _around(self, middle: float, half: float) -> Self:
        return replace(self, low=max(middle - half, -1.0), high=min(middle + half, 1.0))


def _stepped(value: float, factor: float, least: float) -> float:
    """Return a value times a factor, or `least` beside it where that is further."""
    grown = value * factor
    return max(grown, value + least) if factor > 1 else min(grown, value - least)
