"""Draw the figures of docs/explained from arrays: `python docs/make_figures.py [FOLDER]`.

Everything shown is computed by the library at that moment; residuals are drawn by `iea40k.render` alone: zero is
white in every figure. The same versions give the same bytes.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from figures.colours import colour, light
from figures.errors import error_budget
from figures.residuals import sign, units
from figures.style import STYLE
from figures.zones import zones
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
FIGURES: dict[str, Callable[[], Any]] = {
    "sign": sign,
    "units": units,
    "light": light,
    "zones": zones,
    "colour": colour,
    "error-budget": error_budget,
}
WITH_PICTURES = (sign, zones, error_budget)


def main(folder: Path = HERE / "images" / "explained") -> None:
    """Draw them all into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        with mpl.rc_context(STYLE):
            figure = draw()
            # Pictures as pixels, curves as curves.
            if draw in WITH_PICTURES:
                figure.savefig(folder / f"{name}.png", metadata={"Software": None}, dpi=110)
            else:
                figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
            plt.close(figure)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
