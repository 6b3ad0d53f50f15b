"""`File > Open Sample`: a photograph with planted faults as plain napari layers, to look at without a store."""

from typing import Any

from annotator.residual.layers import flag_labels
from annotator.residual.regions import SUGGESTED
from annotator.sample import photograph, practice_scene
from annotator.shared.display import display_levels
from annotator.window.colourmaps import flag_colourmap, residual_colourmap


def sample_layers() -> list[tuple[Any, dict[str, Any], str]]:
    """Return napari's layer data: reference, exposure at +1 EV, its residual with the fixed scale, and the outlines."""
    scene = practice_scene(photograph("coffee"), "coffee").scene
    at = scene.levels.index("P1")
    flags = flag_labels(scene.outliers[at] & int(SUGGESTED))
    residual = {"name": "residual P1", "colormap": residual_colourmap("blue-white-red", 0.75)}
    return [
        (scene.reference, {"name": "reference", "rgb": True}, "image"),
        (scene.exposures[at], {"name": "exposure P1", "rgb": True}, "image"),
        (display_levels(scene.residual[at]), residual, "labels"),
        (flags, {"name": "suggestions", "colormap": flag_colourmap()}, "labels"),
    ]
