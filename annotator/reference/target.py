"""The half of the controller that works on references: its hand, its look, and what its keys and clicks do."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from annotator.reference.display import ZoneLook, resolve_zones
from annotator.reference.layers import ZoneLayers
from annotator.reference.painting import ZonePainter
from annotator.reference.readout import read_zone
from annotator.reference.state import Reference
from annotator.reference.strokes import BoxChange
from annotator.reference.tools import EDGES, SIDES, ZoneHand, ZoneMode, ZoneTool
from annotator.reference.versions import Version
from annotator.session.settings import read_settings
from annotator.shared.boxes import Box
from annotator.shared.display import Canvas, Facts
from iea40k.errors import IEAError
from iea40k.zones import LAST_ZONE

if TYPE_CHECKING:
    from annotator.session.controller import Controller

MIDDLE = 5.0
"""Zone V: 18 % grey."""


class ZoneBench:
    """Works on the reference that is open in a controller's window."""

    def __init__(self, controller: "Controller") -> None:
        self._c = controller
        file = controller.session.desk.settings_file
        self.hand, self.look = read_settings(file, ZoneHand), read_settings(file, ZoneLook)
        self.layers = ZoneLayers(controller.layers)
        self.painter = ZonePainter(self)
        self.level = ""
        self._last_zone = self.hand.zone if self.hand.zone != MIDDLE else 6.0

    # ------------------------------------------------------------ shown

    @property
    def reference(self) -> Reference | None:
        """The reference that is open."""
        return self._c.session.reference

    def opened(self) -> None:
        """Another reference is open, or another version of it is judged."""
        reference = self.reference
        if reference is None:
            return
        self.painter.opened()
        levels = reference.origin.levels
        if self.level not in levels:
            evs = [abs(ev) for ev in reference.origin.evs]
            self.level = levels[evs.index(min(evs))]
        self.redraw()

    def redraw(self) -> None:
        """Fill the layers anew."""
        reference = self.reference
        if reference is not None:
            beside = self._c.session.versions.get(self._c.right_map)
            blocks = reference.blocks(self.hand.side)
            self.layers.open(reference, self.level, blocks, self._judged(), beside)
            self._c.read()

    def changed(self, box: Box | None, *, recorded: bool = False) -> None:
        """Show what changed in a box (None: anywhere). What is recorded changes the panel too."""
        self.layers.changed(box, recorded or box is None)
        if recorded or box is None:
            self._c.refresh()
            self._c.read()

    def canvas(self, facts: Facts) -> Canvas:
        """Return what the canvas shows."""
        return resolve_zones(self.look, self.hand, facts)

    def go_level(self, level: str) -> None:
        """Put another level beside the reference."""
        if self.reference is not None and level in self.reference.origin.levels and level != self.level:
            self.level = level
            self.redraw()
            self._c.refresh()

    def read(self, spot: tuple[int, int]) -> str:
        """Return what a pixel says."""
        reference = self.reference
        if reference is None:
            return ""
        found = read_zone(reference, self.hand, self.level, *spot, judged=self._judged())
        return "" if found is None else found.text()

    # ------------------------------------------------------------ hand

    def take(self, tool: ZoneTool) -> None:
        """Take a tool: blocks, the free brush, the picker, or the view."""
        self.set_hand(tool=tool)

    def take_mode(self, mode: ZoneMode) -> None:
        """Set, shift or erase from now on."""
        tool = self.hand.tool if self.hand.tool in ("block", "brush") else "block"
        self.set_hand(mode=mode, tool=tool)

    def size(self, step: int) -> None:
        """Take smaller or larger blocks, or a smaller or larger brush."""
        if self.hand.tool == "brush":
            radius = self.hand.radius * 1.15**step
            self.set_hand(radius=min(max(round(radius * 2) / 2, 1.0), 500.0))
        else:
            at = min(max(SIDES.index(self.hand.side) + step, 0), len(SIDES) - 1)
            self.set_hand(side=SIDES[at])

    def soften(self) -> None:
        """Step through the softnesses of the edge."""
        if self.hand.tool == "brush":
            self.set_hand(feather={0.0: 0.5, 0.5: 1.0}.get(self.hand.feather, 0.0))
        else:
            softer = [edge for edge in EDGES if edge > self.hand.edge]
            self.set_hand(edge=softer[0] if softer else EDGES[0])

    def nudge(self, thirds: int) -> None:
        """Move the zone in hand, or the stops where they are in hand, by thirds."""
        if self.hand.mode == "shift":
            stops = round(self.hand.stops * 3) + thirds
            # There is no shift by nothing: it goes on to the other side.
            stops = stops or (1 if thirds > 0 else -1)
            self.set_hand(stops=min(max(stops, -12), 12) / 3)
        else:
            self.set_zone((round(self.hand.zone * 3) + thirds) / 3)

    def set_zone(self, zone: float) -> None:
        """Take a zone into the hand."""
        self.set_hand(zone=min(max(zone, 0.0), float(LAST_ZONE)))

    def swap_zone(self) -> None:
        """Swap the zone in hand with V."""
        if self.hand.zone != MIDDLE:
            self._last_zone = self.hand.zone
            self.set_hand(zone=MIDDLE)
        else:
            self.set_hand(zone=self._last_zone)

    def turn(self) -> None:
        """Lighter becomes darker, and the other way round."""
        self.set_hand(stops=-self.hand.stops)

    def set_hand(self, **changes: Any) -> None:
        """Change settings of the tool in hand."""
        side = self.hand.side
        try:
            self.hand = dataclasses.replace(self.hand, **changes)
        except IEAError as error:
            self._c.face.notify("warning", error.letter())
        if side != self.hand.side:
            self.redraw()
        self._c.refresh()

    def toggle_zones(self) -> None:
        """Show the zones of the blocks, or not."""
        self._c.set_look(zones=not self.look.zones)

    def toggle_built(self) -> None:
        """Show the reference as built, or as edited."""
        self._c.set_look(picture="reference" if self.look.picture == "built" else "built")

    # ------------------------------------------------------------ edits

    def set_here(self) -> None:
        """Set the block under the cursor to the zone in hand."""
        self._act(mode="set")

    def shift_here(self, thirds: int) -> None:
        """Make the block under the cursor lighter or darker by thirds of a stop."""
        self._act(mode="shift", stops=thirds / 3)

    def record(self, changes: Sequence[BoxChange], tool: dict[str, object]) -> None:
        """Record what a stroke did."""
        self._c.session.record_zones(changes, tool)

    def tell(self, kind: str, text: str) -> None:
        """Tell the person something."""
        self._c.face.notify(kind, text)

    def _judged(self) -> Version | None:
        return self._c.session.versions.get(self._c.left_map)

    def _act(self, **hand: object) -> None:
        spot = self._c.cursor
        if spot is not None and self._c.canvas.paintable:
            self.painter.act_at(spot, **hand)
