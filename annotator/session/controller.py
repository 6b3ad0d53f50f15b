"""The controller: turns keys, clicks and buttons into strokes and views. Knows napari's layers, and no Qt.

The verbs themselves are beside it, by subject; here they are put together, with what they share.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from annotator.actions import key_for
from annotator.actions import shown as shown_key
from annotator.reference.painting import ZonePainter
from annotator.reference.target import ZoneBench
from annotator.residual import target as painting
from annotator.residual.readout import read_pixel
from annotator.residual.state import Image
from annotator.session.flow import Flow
from annotator.session.hand import HandVerbs
from annotator.session.look import LookVerbs
from annotator.session.opening import Sitting
from annotator.session.panel import Face, Panel, panel_of
from annotator.session.propagating import Carrying
from annotator.session.settings import read_settings
from annotator.session.steps import Strokes
from annotator.shared.display import Canvas, Facts, Hand, Look, resolve
from annotator.shared.progress import Step
from annotator.window.screen import Layers
from iea40k.errors import IEAError


class Controller:
    """One window's controller. Every verb may be bound to a key or a button; errors go to the face.

    `shown` is the image that is seen, `cursor` the pixel (row, column) under the mouse.
    """

    def __init__(self, session: Sitting, layers: Layers, face: Face) -> None:
        self.session, self.layers, self.face = session, layers, face
        self.look = read_settings(session.desk.settings_file, Look)
        self.hand = read_settings(session.desk.settings_file, Hand)
        self.shown: Image | None = None
        self.cursor: tuple[int, int] | None = None
        self.left_map, self.right_map = "", ""
        self.painter = painting.Painter(self)
        self.zones = ZoneBench(self)
        self.flow, self.strokes, self.view = Flow(self), Strokes(self), LookVerbs(self)
        self._offer(HandVerbs(self), Carrying(self))
        self.busy = False
        session.notice, session.progress, layers.progress = face.notify, self.working, self.working
        layers.on_visibility(self.view.on_visibility)

    def _offer(self, hands: HandVerbs, carrying: Carrying) -> None:
        """Name every verb that keys and buttons are bound to."""
        self.start = self.flow.start
        self.submit = self.flow.submit
        self.base_is_right = self.flow.base_is_right
        self.skip = self.flow.skip
        self.flag = self.flow.flag
        self.step = self.flow.step
        self.accept = self.flow.accept
        self.return_ = self.flow.return_
        self.take_over = self.flow.take_over
        self.set_maps = self.flow.set_maps
        self.next_map = self.flow.next_map
        self.next_if_idle = self.flow.next_if_idle
        self.abandon = self.flow.abandon
        self.leave = self.flow.leave
        self.remember = self.flow.remember
        self.undo = self.strokes.undo
        self.redo = self.strokes.redo
        self.cancel = self.strokes.cancel
        self.clear = self.strokes.clear
        self.adopt_stale = self.strokes.adopt_stale
        self.accept_here = self.strokes.accept_here
        self.reject_here = self.strokes.reject_here
        self.accept_all = self.strokes.accept_all
        self.jump = self.strokes.jump
        self.carry = carrying.carry
        self.take = hands.take
        self.take_brush = hands.take_brush
        self.size = hands.size
        self.nudge = hands.nudge
        self.range_here = hands.range_here
        self.toggle_highlights = hands.toggle_highlights
        self.set_value = hands.set_value
        self.swap_value = hands.swap_value
        self.negate_value = hands.negate_value
        self.strengthen = hands.strengthen
        self.soften = hands.soften
        self.set_hand = hands.set_hand
        self.set_look = self.view.set_look
        self.peek = self.view.peek
        self.blink = self.view.blink
        self.pan_held = self.view.pan_held
        self.cycle_picture = self.view.cycle_picture
        self.toggle_preview = self.view.toggle_preview
        self.compare = self.view.compare
        self.compare_by = self.view.compare_by
        self.toggle = self.view.toggle
        self.cycle_opacity = self.view.cycle_opacity
        self.cycle_palette = self.view.cycle_palette
        self.other_level = self.view.other_level
        self.home_level = self.view.home_level
        self.go_level = self.view.go_level
        self.help = self.view.help

    def press(self, name: str, held: bool | None = None) -> None:
        """Do what a key means just now: at a reference some mean something else. `held`: pressed or released."""
        if self.busy and held is not False:
            return
        key = key_for(name, at_reference=self.session.reference is not None)
        if key is None:
            if held is not False:
                self.face.notify("info", f"{shown_key(name)} means nothing at a reference.")
            return
        owner: Any = self.zones if key.at_reference else self
        getattr(owner, key.verb)(*(key.arguments if held is None else (held,)))

    def hover(self, position: tuple[float, ...], *, shift: bool = False) -> None:
        """The mouse is over a position of the canvas."""
        if self.busy:
            return
        pixel = self.layers.pixel(position)
        self.cursor = None if pixel is None else (round(pixel[0]), round(pixel[1]))
        work = self.session.reference or self.shown
        if shift and self.look_now().compare == "wipe" and pixel is not None and work is not None:
            self.set_look(split=min(max((pixel[1] + 0.5) / work.shape[1], 0.005), 0.995))
        self.read()

    def drag(self, event: Any) -> Iterator[None]:
        """A press of the left button on the canvas, its moves, and its release; napari calls it."""
        if self.busy or event.button != 1 or "Shift" in event.modifiers or not self.canvas.paintable:
            return
        if self.canvas.pan or self.view.blinking:
            return
        pixel = self.layers.pixel(event.position)
        if pixel is None:
            return
        painter = self.at_work()
        painter.press(pixel)
        yield
        while event.type == "mouse_move":
            pixel = self.layers.pixel(event.position)
            if pixel is not None:
                painter.move(pixel)
            yield
        painter.release()

    # ------------------------------------------------------------ shared with the verbs and the painters

    @property
    def facts(self) -> Facts:
        """What there is, just now. At a reference `home` and `shown` are the level beside it."""
        session = self.session
        image, level = session.image, "" if session.reference is None else self.zones.level
        return Facts(
            open=self.shown is not None or session.reference is not None,
            paintable=session.can_paint and session.work is not None and not self.left_map,
            home=level if image is None else image.level,
            shown=level if self.shown is None else self.shown.level,
            peek=self.view.peeking,
            blink=self.view.blinking,
            panning=self.view.panning,
            maps=len(self.session.maps) > 0,
        )

    @property
    def canvas(self) -> Canvas:
        """What the canvas shows, just now."""
        if self.session.reference is not None:
            return self.zones.canvas(self.facts)
        return resolve(self.look, self.hand, self.facts)

    def panel(self) -> Panel:
        """Return what the panel says, just now."""
        s = self.session
        panel = panel_of(
            s.work,
            self.look_now(),
            self.hand,
            self.facts,
            self.canvas,
            s.saving,
            s.pace,
            s.remaining,
            s.seconds,
        )
        return dataclasses.replace(
            panel,
            role=s.role,
            consistency=s.consistency,
            lost=s.lost,
            maps=self.maps(),
            left_map=self.left_map,
            right_map=self.right_map,
            zone_hand=None if s.reference is None else self.zones.hand,
        )

    @contextlib.contextmanager
    def working(self, text: str, total: int) -> Iterator[Step]:
        """Show how far long work is. Qt goes on meanwhile: keys and mouse do nothing until it is over."""
        before, self.busy = self.busy, True
        try:
            with self.face.progress(text, total) as step:
                yield step
        finally:
            self.busy = before

    def refresh(self) -> None:
        """Show everything as it is now."""
        if self.session.reference is not None:
            self.zones.layers.show(self.canvas)
        else:
            self.layers.show(self.canvas)
        self.face.show(self.panel())

    def display(self, image: Image) -> None:
        """Show an image, or another level of the one under work."""
        self.shown = image
        self.painter.opened(image)
        self._fill(image)
        self.refresh()
        self.read()

    def redraw(self) -> None:
        """Fill the layers anew with what is under work, where that is shown."""
        if self.session.reference is not None:
            self.zones.changed(None)
            return
        image = self.session.image
        if image is not None and self.shown is image:
            self._fill(image)
        self.refresh()

    def read(self) -> None:
        """Say what lies under the mouse now."""
        readout = None
        if self.session.reference is not None:
            self.face.read("" if self.cursor is None else self.zones.read(self.cursor))
            return
        if self.shown is not None and self.cursor is not None:
            readout = read_pixel(self.shown, *self.cursor)
        self.face.read("" if readout is None else readout.text())

    def at_work(self) -> painting.Painter | ZonePainter:
        """Return the painter of what is under work."""
        return self.painter if self.session.reference is None else self.zones.painter

    def look_now(self) -> Look:
        """Return the look of what is under work."""
        return self.look if self.session.reference is None else self.zones.look

    def maps(self) -> tuple[str, ...]:
        """Return the names of what a reviewer compares."""
        return tuple(self.session.maps if self.session.reference is None else self.session.versions)

    def settings(self) -> tuple[object, ...]:
        """Return what is remembered for the next sitting."""
        return self.look, self.hand, self.zones.look, self.zones.hand

    def did(self, act: Callable[[], object]) -> bool:
        """Do something that may be refused; return whether it was done."""
        try:
            act()
        except IEAError as error:
            self.face.notify("error", error.letter())
            return False
        return True

    def attempt(self, act: Callable[[], Any]) -> Any:
        """Do something that may be refused; what refuses is told, and None returned."""
        try:
            return act()
        except IEAError as error:
            self.face.notify("error", error.letter())
            return None

    # ------------------------------------------------------------ private

    def _fill(self, image: Image) -> None:
        maps = self.session.maps if image is self.session.image else {}
        codes = maps.get(self.left_map, image.codes)
        right = maps.get(self.right_map)
        self.layers.open(image.exposure, image.reference, codes, image.flags, image.touched, right)
