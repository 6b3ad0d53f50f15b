"""How it is shown: pictures, comparison, overlays, and the scene's other levels."""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from annotator.session.loading import load_level
from annotator.shared.display import COMPARES, OPACITIES, Compare
from iea40k.errors import IEAError
from iea40k.render import PALETTES

if TYPE_CHECKING:
    from annotator.session.controller import Controller


class LookVerbs:
    """The verbs that change the view. `peeking`, `blinking` and `panning` are keys held just now."""

    def __init__(self, controller: "Controller") -> None:
        self._c = controller
        self.peeking = self.blinking = self.panning = False

    def set_look(self, **changes: Any) -> None:
        """Change how it is shown."""
        try:
            if self._c.session.reference is not None:
                self._c.zones.look = dataclasses.replace(self._c.zones.look, **changes)
            else:
                self._c.look = dataclasses.replace(self._c.look, **changes)
        except IEAError as error:
            self._c.face.notify("warning", error.letter())
        self._c.refresh()

    def peek(self, held: bool) -> None:
        """Hide everything over the picture while held."""
        self.peeking = held
        self._c.refresh()

    def blink(self, held: bool) -> None:
        """Show the other picture while held."""
        self.blinking = held
        self._c.refresh()

    def pan_held(self, held: bool) -> None:
        """Move the view with the mouse while held."""
        self.panning = held
        self._c.refresh()

    def cycle_picture(self) -> None:
        """Exposure, reference, preview; at a reference the reference, the exposure, the reference as built."""
        look = self._c.look_now()
        self.set_look(picture=_after(look.pictures(), look.picture))

    def toggle_preview(self) -> None:
        """Show the exposure as corrected, or as it is."""
        self.set_look(picture="exposure" if self._c.look.picture == "preview" else "preview")

    def compare(self, how: Compare) -> None:
        """Start or end a comparison."""
        before = self._c.look_now().compare
        ending = before == how
        self.set_look(compare=COMPARES[0] if ending else how)
        if "side by side" in (how, before):
            self._c.layers.fit()

    def compare_by(self, how: Compare) -> None:
        """Compare in this way, whatever was before."""
        if how != self._c.look_now().compare:
            self.compare(how)

    def toggle(self, name: Literal["outlines", "clipping", "edited", "overlay"]) -> None:
        """Turn something on or off."""
        self.set_look(**{name: not getattr(self._c.look_now(), name)})

    def cycle_opacity(self) -> None:
        """Step through the strengths of the overlay."""
        self.set_look(opacity=_after(OPACITIES, self._c.look_now().opacity))

    def cycle_palette(self) -> None:
        """Step through the palettes."""
        self.set_look(palette=_after(PALETTES, self._c.look_now().palette))

    def other_level(self, step: int) -> None:
        """Look at a level beside the one shown, with the same view; at a reference, put it beside that."""
        work = self._c.session.reference or self._c.shown
        if work is None:
            return
        levels = work.origin.levels
        index = min(max(levels.index(self._c.facts.shown) + step, 0), len(levels) - 1)
        self.go_level(levels[index])

    def home_level(self) -> None:
        """Back to the level under work."""
        if self._c.session.image is not None:
            self.go_level(self._c.session.image.level)

    def go_level(self, level: str) -> None:
        """Look at a level of the scene under work."""
        if self._c.session.reference is not None:
            self._c.zones.go_level(level)
            return
        image = self._c.session.image
        if image is None or self._c.shown is None or level == self._c.shown.level:
            return
        other = image if level == image.level else self._c.attempt(lambda: load_level(image, level))
        if other is not None:
            self._c.display(other)

    def help(self) -> None:
        """Show the keys."""
        self._c.face.help(at_reference=self._c.session.reference is not None)

    def on_visibility(self, name: str, visible: bool) -> None:
        """A layer was shown or hidden, by us or by napari's own key or eye: only the latter is a wish."""
        canvas, photograph = self._c.canvas, self._c.canvas.left != "exposure"
        at_reference = self._c.session.reference is not None
        wishes = {
            "residual": (
                canvas.overlay,
                "overlay_photograph" if photograph and not at_reference else "overlay",
            ),
            "flags": (canvas.outlines or canvas.clipping, "outlines"),
            "edited": (canvas.edited, "edited"),
        }
        is_so, wish = wishes[name]
        if is_so != visible and not self.peeking and self._c.facts.open:
            self.set_look(**{wish: visible})


def _after(values: Any, value: Any) -> Any:
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]
