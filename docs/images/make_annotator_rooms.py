"""Draw the import graph of the annotator, its modules in rows by how far they stand from the bottom.

python docs/images/make_annotator_rooms.py draws docs/images/annotator_rooms.svg. Raises `SystemExit` where modules
import each other in a circle: no such picture can be drawn. Imports for types count as any other.
"""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

ROOMS = (
    "cli",
    "window",
    "actions",
    "action",
    "session",
    "residual",
    "reference",
    "sample",
    "target",
    "shared",
)
COLOURS = (
    "#8c8c8c",
    "#4269d0",
    "#9c6b4e",
    "#97bbf5",
    "#efb118",
    "#3ca951",
    "#6cc5b0",
    "#c9c9c9",
    "#a463f2",
    "#ff8ab7",
)


def main() -> None:
    """Draw it."""
    graph = grimp.build_graph("annotator", exclude_type_checking_imports=False)
    modules = sorted(m for m in graph.modules if m.count(".") and not graph.find_children(m))
    below = {m: graph.find_modules_directly_imported_by(m) & set(modules) for m in modules}
    try:
        order = list(TopologicalSorter(below).static_order())
    except CycleError as error:
        raise SystemExit(f"a circle: {' -> '.join(error.args[1])}") from None
    rows = [[m for m in order if m.split(".")[1] == room] for room in ROOMS]
    places: dict[str, tuple[float, float]] = {}
    _, axes = plt.subplots(figsize=(13, 10.5))
    top = 0.0
    for room, colour, row in zip(ROOMS, COLOURS, rows, strict=True):
        lines = [row[::-1][i : i + 8] for i in range(0, len(row), 8)]
        axes.add_patch(Rectangle((-1.6, top - 0.5), 13.4, len(lines), color=colour, alpha=0.18, lw=0))
        axes.text(-1.5, top + len(lines) / 2 - 0.5, room, va="center", fontsize=11, weight="bold")
        for line in lines:
            for column, module in enumerate(line):
                places[module] = (column * 1.45 + 0.6, top)
            top += 1
        top += 0.35
    for module, imported in below.items():
        for other in imported:
            if module.split(".")[1] != other.split(".")[1]:
                (x, y), (u, v) = places[module], places[other]
                axes.plot((x, u), (y + 0.16, v - 0.16), color="#555555", alpha=0.22, lw=0.6, zorder=1)
    for module, (x, y) in places.items():
        name = module.split(".")[-1]
        axes.text(
            x, y, name, ha="center", va="center", fontsize=8, zorder=2,
            bbox={"boxstyle": "round,pad=0.25", "fc": "white", "ec": "#888888", "lw": 0.6},
        )  # fmt: skip
    axes.set_xlim(-1.7, 11.9)
    axes.set_ylim(top - 0.5, -0.8)
    axes.axis("off")
    plt.rcParams["svg.hashsalt"] = "rooms"
    plt.savefig(Path(__file__).with_name("annotator_rooms.svg"), bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
