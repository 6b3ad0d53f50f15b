"""Propagating a correction to the other levels: looked at first, then done in one step."""

from typing import TYPE_CHECKING

from annotator.loading import load_level
from annotator.tools.propagate import How, propagate

if TYPE_CHECKING:
    from annotator.controller import Controller


class Carrying:
    """The verb that carries a correction over."""

    def __init__(self, controller: "Controller") -> None:
        self._c = controller

    def carry(self) -> None:
        """Propagate what was corrected to the other levels, after a look at what it would do."""
        image = self._c.session.image
        if image is None or not image.touched.any():
            self._c.face.notify("info", "Nothing is corrected on this level yet.")
            return
        choices: dict[str, How] = {
            "the same change (the reference is wrong there)": "same change",
            "the same value (the exposure's own fault)": "same value",
        }
        levels = [level for level in image.origin.levels if level != image.level]
        asked = self._c.face.choose(
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
        if self._c.face.confirm("Propagate", "\n".join([*lines, "", "Ctrl+Z takes it back. Go on?"])):
            done = self._c.attempt(lambda: self._c.session.carry(carried, how))
            if done is not None:
                self._c.face.notify("info", f"Carried over to {', '.join(done)}.")
        self._c.refresh()
