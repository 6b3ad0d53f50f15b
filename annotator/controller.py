"""The controller: turns keys, clicks and buttons into strokes and views. Knows napari's layers, and no Qt."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Literal

from annotator import painting
from annotator.files import read_settings, write_settings
from annotator.image import Image
from annotator.keys import key_for
from annotator.keys import shown as shown_key
from annotator.layers import Layers
from annotator.loading import load_level
from annotator.panel import Face, Panel, panel_of
from annotator.readout import read_pixel
from annotator.review import Review
from annotator.sitting import Sitting
from annotator.tools.boxes import Box
from annotator.tools.brush import Mode
from annotator.tools.propagate import How, propagate
from annotator.tools.regions import suggested_regions
from annotator.view_model import (
    COMPARES,
    OPACITIES,
    Canvas,
    Compare,
    Facts,
    Hand,
    Look,
    Tool,
    resolve,
)
from annotator.zones.bench import ZoneBench
from annotator.zones.painting import ZonePainter
from iea40k.errors import IEAError
from iea40k.render import PALETTES


class Controller:
    """One window's controller. Every public method may be bound to a key or a button; errors go to the face."""

    def __init__(self, session: Sitting, layers: Layers, face: Face) -> None:
        self.session, self.layers, self.face = session, layers, face
        self.look = read_settings(session.desk.settings_file, Look)
        self.hand = read_settings(session.desk.settings_file, Hand)
        self.shown: Image | None = None
        self.painter = painting.Painter(self)
        self.zones = ZoneBench(self)
        self._peek = self._blink = self._panning = False
        self._cursor: tuple[int, int] | None = None
        self._jumped = -1
        self._last_value = self.hand.value
        self._remembered: tuple[object, ...] = self._settings()
        self.left_map, self.right_map = "", ""
        self._size: tuple[int, int] | None = None
        session.notice = face.notify
        layers.on_visibility(self._on_visibility)

    # ------------------------------------------------------------ flow

    def start(self) -> None:
        """Open the image at which this person stopped, or the next."""
        self._opened(self._try(self.session.start))

    def submit(self) -> None:
        """Hand the image in as corrected; in review accept it; when only looking, go on."""
        if self.session.role == "annotate":
            self._finish("corrected")
        elif self.session.role == "review":
            self.accept()
        else:
            self.step(1)

    def base_is_right(self) -> None:
        """Hand the image in: nothing needs correction."""
        if self.session.role == "annotate":
            self._finish("base is right")

    def skip(self) -> None:
        """Leave the image to others; in review, return it."""
        if self.session.role == "review":
            self.return_()
            return
        reason = self.face.ask("Skip", "Why? The curator reads it.") if self.session.work else None
        if reason:
            self._opened(self._try(lambda: self.session.skip(reason)))

    def flag(self) -> None:
        """Tell the curator something about the image."""
        comment = self.face.ask("Tell the curator", "About this image:") if self.session.work else None
        if comment and self._did(lambda: self.session.flag(comment)):
            self.face.notify("info", "The curator will see it.")

    def step(self, step: int) -> None:
        """Go to another image, in review and when only looking."""
        self._opened(self._try(lambda: self.session.step(step)))

    def accept(self) -> None:
        """In review: accept the map on the left, or every one that waits."""
        session = self.session
        if isinstance(session, Review):
            self._opened(self._try(lambda: session.accept(self._judged())))

    def return_(self) -> None:
        """In review: return the map on the left, or every one that waits, with a comment."""
        session = self.session
        if not isinstance(session, Review) or session.work is None:
            return
        comment = self.face.ask("Return", f"What is to be done, {self._judged() or 'everybody'}?")
        if comment:
            self._opened(self._try(lambda: session.return_(self._judged(), comment)))

    def take_over(self) -> None:
        """In review: start one's own map from the map on the left."""
        session, name = self.session, self.left_map
        if (
            isinstance(session, Review)
            and (name in session.maps or name in session.versions)
            and self._did(lambda: session.take_over(name))
        ):
            self.set_maps(left="")

    def set_maps(self, *, left: str | None = None, right: str | None = None) -> None:
        """In review: choose the maps on the left and on the right; "" is one's own."""
        self.left_map = self.left_map if left is None else left
        self.right_map = self.right_map if right is None else right
        if self.session.reference is not None:
            self.zones.opened()
            self.refresh()
        elif self.shown is not None:
            self._display(self.shown)

    def next_if_idle(self) -> None:
        """Ask for work again."""
        self._opened(self._try(self.session.next_if_idle))

    def abandon(self) -> None:
        """Go on after a lost lease."""
        self._opened(self._try(self.session.abandon))

    def leave(self) -> bool:
        """Return whether the window may close; asks where strokes are not in the ledger."""
        saving = self.session.saving if self.session.saving.clean else self.session.retry()
        if saving.clean:
            return True
        where = (
            "in memory only and will be LOST"
            if saving.unsaved
            else "safe on this machine, and sent next time"
        )
        count = saving.unsaved or saving.unsent
        return self.face.confirm("Unsent strokes", f"{count} strokes are {where}. Leave?")

    def remember(self) -> None:
        """Keep look and hand for the next sitting."""
        if self._remembered != self._settings():
            self._remembered = self._settings()
            write_settings(self.session.desk.settings_file, *self._remembered)

    # ------------------------------------------------------------ strokes

    def undo(self) -> None:
        """Take back the last step."""
        self._step(self.session.undo, "There is nothing to undo.")

    def redo(self) -> None:
        """Bring back what the last undo took."""
        self._step(self.session.redo, "There is nothing to redo.")

    def cancel(self) -> None:
        """Drop the stroke in the making."""
        self._at_work().cancel()

    def clear(self) -> None:
        """Take the image or reference back to its base, in one step."""
        if self.session.work is not None and self.session.work.standing:
            self._try(self.session.clear)
            self._redraw()

    def adopt_stale(self) -> None:
        """Draw stale strokes again on today's base."""
        count = self._try(self.session.adopt_stale)
        if count:
            self.face.notify("info", f"{count} strokes were drawn again on today's base.")
        self._redraw()

    def carry(self) -> None:
        """Propagate what was corrected to the other levels, after a look at what it would do."""
        image = self.session.image
        if image is None or not image.touched.any():
            self.face.notify("info", "Nothing is corrected on this level yet.")
            return
        choices: dict[str, How] = {
            "the same change (the reference is wrong there)": "same change",
            "the same value (the exposure's own fault)": "same value",
        }
        levels = [level for level in image.origin.levels if level != image.level]
        asked = self.face.choose(
            "Propagate to the other levels", f"Carry over to {', '.join(levels)}:", list(choices)
        )
        if asked is None:
            return
        how = choices[asked]
        others = {level: load_level(image, level).codes for level in levels}
        carried = propagate(image.base, image.codes, image.touched, others, how)
        lines = [
            f"{c.level}: {0 if c.patch is None else c.patch.pixels} pixels"
            + (f", {c.stopped} stop at the end of the scale" if c.stopped else "")
            for c in carried
        ]
        if self.face.confirm("Propagate", "\n".join([*lines, "", "Ctrl+Z takes it back. Go on?"])):
            done = self._try(lambda: self.session.carry(carried, how))
            if done is not None:
                self.face.notify("info", f"Carried over to {', '.join(done)}.")
        self.refresh()

    # ------------------------------------------------------------ suggestions

    def accept_here(self) -> None:
        """Repair the suggested region under the cursor."""
        if self._cursor is not None:
            self.painter.repair(self._cursor)

    def reject_here(self) -> None:
        """Say that the suggested region under the cursor is right as it is."""
        if self._cursor is not None:
            self.painter.confirm(self._cursor)

    def accept_all(self) -> None:
        """Repair every speckle, as one step."""
        self.painter.repair_speckles()

    def jump(self, step: int) -> None:
        """Centre the next suggested region and put the cursor's commands there."""
        if self.shown is None:
            return
        regions = [mask for _, mask in suggested_regions(self.shown.flags)]
        if not regions:
            self.face.notify("info", "Nothing is suggested on this image.")
            return
        self._jumped = (self._jumped + step) % len(regions)
        rows, columns = regions[self._jumped].nonzero()
        middle = int(abs(rows - rows.mean()).argmin()) if len(rows) < 4 else len(rows) // 2
        self._cursor = (int(rows[middle]), int(columns[middle]))
        self.layers.centre(*self._cursor)
        self._read()

    # ------------------------------------------------------------ hand

    def take(self, tool: Tool) -> None:
        """Take a tool into the hand."""
        self._set_hand(tool=tool)

    def take_brush(self, mode: Mode) -> None:
        """Take the brush, in a mode."""
        self._set_hand(tool="brush", mode=mode)

    def size(self, factor: float) -> None:
        """Make the brush larger or smaller, by a pixel at least."""
        radius = self.hand.radius * factor
        radius = max(radius, self.hand.radius + 0.5) if factor > 1 else min(radius, self.hand.radius - 0.5)
        self._set_hand(radius=min(max(round(radius * 2) / 2, 0.5), 2000.0))

    def nudge(self, step: float) -> None:
        """Change the value in hand."""
        name = {"add": "amount", "scale": "factor"}.get(self.hand.mode, "value")
        low, high = (0.0, 4.0) if name == "factor" else (-1.0, 1.0)
        self._set_hand(**{name: min(max(getattr(self.hand, name) + step, low), high)})

    def set_value(self, value: float) -> None:
        """Take a residual as the value in hand."""
        self._set_hand(value=min(max(value, -1.0), 1.0))

    def swap_value(self) -> None:
        """Swap the value with 0."""
        if self.hand.value != 0:
            self._last_value = self.hand.value
            self._set_hand(value=0.0)
        else:
            self._set_hand(value=self._last_value)

    def negate_value(self) -> None:
        """Turn the sign of the value in hand."""
        if self.hand.mode == "add":
            self._set_hand(amount=-self.hand.amount)
        else:
            self._set_hand(value=-self.hand.value)

    def strengthen(self, step: float) -> None:
        """Make the brush stronger or weaker."""
        self._set_hand(strength=min(max(round(self.hand.strength + step, 2), 0.1), 1.0))

    def soften(self) -> None:
        """Step through hard, half feathered and fully feathered."""
        self._set_hand(feather={0.0: 0.5, 0.5: 1.0}.get(self.hand.feather, 0.0))

    def set_hand(self, **changes: Any) -> None:
        """Change settings of the tool in hand."""
        self._set_hand(**changes)

    # ------------------------------------------------------------ look

    def set_look(self, **changes: Any) -> None:
        """Change how it is shown."""
        try:
            if self.session.reference is not None:
                self.zones.look = dataclasses.replace(self.zones.look, **changes)
            else:
                self.look = dataclasses.replace(self.look, **changes)
        except IEAError as error:
            self.face.notify("warning", error.letter())
        self.refresh()

    def peek(self, held: bool) -> None:
        """Hide everything over the picture while held."""
        self._peek = held
        self.refresh()

    def blink(self, held: bool) -> None:
        """Show the other picture while held."""
        self._blink = held
        self.refresh()

    def pan_held(self, held: bool) -> None:
        """Move the view with the mouse while held."""
        self._panning = held
        self.refresh()

    def cycle_picture(self) -> None:
        """Exposure, reference, preview; at a reference the reference, the exposure, the reference as built."""
        look = self._look()
        self.set_look(picture=_after(look.pictures(), look.picture))

    def toggle_preview(self) -> None:
        """Show the exposure as corrected, or as it is."""
        self.set_look(picture="exposure" if self.look.picture == "preview" else "preview")

    def compare(self, how: Compare) -> None:
        """Start or end a comparison."""
        before = self._look().compare
        ending = before == how
        self.set_look(compare=COMPARES[0] if ending else how)
        if "side by side" in (how, before):
            self.layers.fit()

    def compare_by(self, how: Compare) -> None:
        """Compare in this way, whatever was before."""
        if how != self._look().compare:
            self.compare(how)

    def toggle(self, name: Literal["outlines", "clipping", "edited", "overlay"]) -> None:
        """Turn something on or off."""
        self.set_look(**{name: not getattr(self._look(), name)})

    def cycle_opacity(self) -> None:
        """Step through the strengths of the overlay."""
        self.set_look(opacity=_after(OPACITIES, self._look().opacity))

    def cycle_palette(self) -> None:
        """Step through the palettes."""
        self.set_look(palette=_after(PALETTES, self._look().palette))

    def other_level(self, step: int) -> None:
        """Look at a level beside the one shown, with the same view; at a reference, put it beside that."""
        work = self.session.reference or self.shown
        if work is None:
            return
        levels = work.origin.levels
        index = min(max(levels.index(self.facts.shown) + step, 0), len(levels) - 1)
        self.go_level(levels[index])

    def home_level(self) -> None:
        """Back to the level under work."""
        if self.session.image is not None:
            self.go_level(self.session.image.level)

    def go_level(self, level: str) -> None:
        """Look at a level of the scene under work."""
        if self.session.reference is not None:
            self.zones.go_level(level)
            return
        image = self.session.image
        if image is None or self.shown is None or level == self.shown.level:
            return
        other = image if level == image.level else self._try(lambda: load_level(image, level))
        if other is not None:
            self._display(other)

    def help(self) -> None:
        """Show the keys."""
        self.face.help(at_reference=self.session.reference is not None)

    def press(self, name: str, held: bool | None = None) -> None:
        """Do what a key means just now: at a reference some mean something else. `held`: pressed or released."""
        key = key_for(name, at_reference=self.session.reference is not None)
        if key is None:
            if held is not False:
                self.face.notify("info", f"{shown_key(name)} means nothing at a reference.")
            return
        owner: Any = self.zones if key.at_reference else self
        getattr(owner, key.verb)(*(key.arguments if held is None else (held,)))

    # ------------------------------------------------------------ mouse

    def hover(self, position: tuple[float, ...], *, shift: bool = False) -> None:
        """The mouse is over a position of the canvas."""
        pixel = self.layers.pixel(position)
        self._cursor = None if pixel is None else (round(pixel[0]), round(pixel[1]))
        work = self.session.reference or self.shown
        if shift and self._look().compare == "wipe" and pixel is not None and work is not None:
            self.set_look(split=min(max((pixel[1] + 0.5) / work.shape[1], 0.005), 0.995))
        self._read()

    def hover_again(self) -> None:
        """What lies under the mouse changed: say what it is now."""
        self._read()

    def drag(self, event: Any) -> Iterator[None]:
        """A press of the left button on the canvas, its moves, and its release; napari calls it."""
        if event.button != 1 or "Shift" in event.modifiers or not self.canvas.paintable:
            return
        if self.canvas.pan or self._blink:
            return
        pixel = self.layers.pixel(event.position)
        if pixel is None:
            return
        painter = self._at_work()
        painter.press(pixel)
        yield
        while event.type == "mouse_move":
            pixel = self.layers.pixel(event.position)
            if pixel is not None:
                painter.move(pixel)
            yield
        painter.release()

    # ------------------------------------------------------------ shared with the painters

    @property
    def cursor(self) -> tuple[int, int] | None:
        """The pixel (row, column) under the mouse."""
        return self._cursor

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
            peek=self._peek,
            blink=self._blink,
            panning=self._panning,
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
            s.work, self._look(), self.hand, self.facts, self.canvas, s.saving, s.pace, s.remaining, s.seconds
        )
        return dataclasses.replace(
            panel,
            role=s.role,
            maps=self._maps(),
            left_map=self.left_map,
            right_map=self.right_map,
            zone_hand=None if s.reference is None else self.zones.hand,
        )

    def refresh(self) -> None:
        """Show everything as it is now."""
        if self.session.reference is not None:
            self.zones.layers.show(self.canvas)
        else:
            self.layers.show(self.canvas)
        self.face.show(self.panel())

    # ------------------------------------------------------------ private

    def _finish(self, verdict: Literal["corrected", "base is right"]) -> None:
        if self.session.work is None:
            self.next_if_idle()
            return
        before = self.session.work
        opened = self._try(lambda: (self.session.submit(verdict),))
        if opened is not None:
            self._opened(opened[0])
        elif self.session.work is before:
            self.refresh()
        else:
            self._opened(None)

    def _opened(self, _work: object) -> None:
        work = self.session.work
        self._jumped = -1
        maps = self._maps()
        self.left_map = maps[0] if len(maps) > 1 else ""
        if self.right_map not in maps:
            self.right_map = maps[-1] if maps else ""
        before, self._size = self._size, None if work is None else work.shape
        self.shown = None
        if work is None:
            self.refresh()
            return
        if isinstance(work, Image):
            self._display(work)
        else:
            self.zones.opened()
            self.refresh()
            self._read()
        if before != self._size:
            self.layers.fit()
        self.remember()
        if work.lease is not None and work.lease.comment:
            self.face.notify("warning", f"Returned with a comment: {work.lease.comment}")

    def _display(self, image: Image) -> None:
        self.shown = image
        self.painter.opened(image)
        self._fill(image)
        self.refresh()
        self._read()

    def _at_work(self) -> painting.Painter | ZonePainter:
        return self.painter if self.session.reference is None else self.zones.painter

    def _look(self) -> Look:
        return self.look if self.session.reference is None else self.zones.look

    def _maps(self) -> tuple[str, ...]:
        return tuple(self.session.maps if self.session.reference is None else self.session.versions)

    def _settings(self) -> tuple[object, ...]:
        return self.look, self.hand, self.zones.look, self.zones.hand

    def _redraw(self) -> None:
        if self.session.reference is not None:
            self.zones.changed(None)
            return
        image = self.session.image
        if image is not None and self.shown is image:
            self._fill(image)
        self.refresh()

    def _fill(self, image: Image) -> None:
        maps = self.session.maps if image is self.session.image else {}
        codes = maps.get(self.left_map, image.codes)
        right = maps.get(self.right_map)
        self.layers.open(image.exposure, image.reference, codes, image.flags, image.touched, right)

    def _judged(self) -> str | None:
        people = [name for name in self._maps() if name not in ("consensus", "base")]
        return self.left_map if self.left_map in people else None

    def _step(self, take: Callable[[], tuple[bool, Box | None]], nothing: str) -> None:
        taken = self._try(take)
        if taken is None:
            return
        found, box = taken
        if not found:
            self.face.notify("info", nothing)
        elif self.session.reference is not None:
            self.zones.changed(box, recorded=True)
        elif box is None:
            self._redraw()
        else:
            image = self.session.image
            if image is not None and self.shown is image:
                self.layers.changed(box, image.touched_in(box))
            self.refresh()

    def _set_hand(self, **changes: Any) -> None:
        try:
            self.hand = dataclasses.replace(self.hand, **changes)
        except IEAError as error:
            self.face.notify("warning", error.letter())
        self.refresh()

    def _read(self) -> None:
        readout = None
        if self.session.reference is not None:
            self.face.read("" if self._cursor is None else self.zones.read(self._cursor))
            return
        if self.shown is not None and self._cursor is not None:
            readout = read_pixel(self.shown, *self._cursor)
        self.face.read("" if readout is None else readout.text())

    def _on_visibility(self, name: str, visible: bool) -> None:
        """A layer was shown or hidden, by us or by napari's own key or eye: only the latter is a wish."""
        canvas, photograph = self.canvas, self.canvas.left != "exposure"
        at_reference = self.session.reference is not None
        wishes = {
            "residual": (
                canvas.overlay,
                "overlay_photograph" if photograph and not at_reference else "overlay",
            ),
            "flags": (canvas.outlines or canvas.clipping, "outlines"),
            "edited": (canvas.edited, "edited"),
        }
        is_so, wish = wishes[name]
        if is_so != visible and not self._peek and self.facts.open:
            self.set_look(**{wish: visible})

    def _did(self, act: Callable[[], object]) -> bool:
        """Do something that may be refused; return whether it was done."""
        try:
            act()
        except IEAError as error:
            self.face.notify("error", error.letter())
            return False
        return True

    def _try(self, act: Callable[[], Any]) -> Any:
        """Do something that may be refused; what refuses is told, and None returned."""
        try:
            return act()
        except IEAError as error:
            self.face.notify("error", error.letter())
            return None


def _after(values: Any, value: Any) -> Any:
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]
