"""Propagating a correction to the other levels: looked at first, then done in one step."""

from typing import TYPE_CHECKING

from annotator.residual.propagation import CarryPlan, Level, surroundings
from annotator.residual.state import Image
from annotator.session.loading import load_level

if TYPE_CHECKING:
    from annotator.session.controller import Controller


class Carrying:
    """The verb that carries a correction over."""

    def __init__(self, controller: "Controller") -> None:
        self._c = controller

    def carry(self) -> None:
        """Propagate what was corrected to the other levels, after a look at what it would do."""
        c = self._c
        image = c.session.image
        if image is None or not c.canvas.paintable or not image.touched.any():
            c.face.notify("info", "Nothing is corrected on this level yet.")
            return
        plan = c.attempt(lambda: self._plan(image))
        decided = None if plan is None else c.face.preview_carry(plan)
        if decided is not None:
            done = c.attempt(lambda: c.session.carry(decided.carried(), decided.how))
            if done is not None:
                told = (
                    f"Carried over to {', '.join(done)}. Ctrl+Z takes it back."
                    if done
                    else "Nothing changed."
                )
                c.face.notify("info", told)
        c.refresh()

    def _plan(self, image: Image) -> CarryPlan:
        box = surroundings(image.touched)
        names = [name for name in image.origin.levels if name != image.level]
        levels = []
        with self._c.working("Reading the other levels", len(names)) as step:
            for name in names:
                other = load_level(image, name)
                levels.append(
                    Level(
                        name,
                        other.ev,
                        other.exposure[box].copy(),
                        other.codes[box].copy(),
                        self._c.session.barred(name),
                    )
                )
                step()
        return CarryPlan(
            home=image.level,
            box=box,
            base=image.base[box],
            corrected=image.codes[box].copy(),
            touched=image.touched_in(box),
            levels=tuple(levels),
            palette=self._c.look.palette,  # type: ignore[arg-type]
        )
