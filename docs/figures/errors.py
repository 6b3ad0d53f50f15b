"""The figure of the error budget: what an error of a label can come from, from rounding to taste."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from figures.style import BLACK, BLUE, GREEN, ORANGE, RED, SKY
from iea40k.arrays import RESIDUAL_SCALE
from iea40k.render import heatmap
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.uncertainty import sd_of
from pipelines.build import build
from pipelines.synthetic import PHOTOGRAPHS, make_project

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def error_budget() -> Any:
    """What an error of a label can come from, from rounding to taste; and the parts of one bracket, level by level."""
    figure = plt.figure(figsize=(9.6, 7.2), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.2))
    bars = top.subplots()
    rows = known_errors()
    for place, (_words, value, hue) in enumerate(rows):
        bars.barh(place, value, color=hue)
        bars.text(value * 1.12, place, f"{value:.2g}", va="center")
    bars.set(
        xscale="log", xlim=(5e-6, 1), yticks=range(len(rows)), yticklabels=[words for words, _, _ in rows],
        xlabel="residual (luma); each by the measure that its name says",
    )  # fmt: skip
    bars.invert_yaxis()
    scene = _a_bracket()
    parts = {
        "ev": ("EVs", BLUE),
        "registration": ("places", ORANGE),
        "clipping": ("clipped", RED),
        "fusion": ("other renderings", GREEN),
    }
    first, second, third = bottom.subplots(1, 3, width_ratios=(1.3, 1, 1))
    levels = [f"{ev:+g} EV".replace("-", "−") for ev in scene.evs]
    wide = 0.8 / len(parts)
    for place, (name, (words, hue)) in enumerate(parts.items()):
        values = list(scene.attributes[f"uncertainty_{name}"].values())
        first.bar(np.arange(len(values)) + (place - 1.5) * wide, values, wide, color=hue, label=words)
    first.set(
        xticks=range(len(levels)),
        xticklabels=levels,
        ylabel="standard deviation",
        title="parts of a bracket's labels",
        ylim=(0, 0.105),
    )
    first.legend(frameon=False, ncols=2, loc="upper center")
    assert scene.uncertainty is not None
    shown = sd_of(scene.uncertainty[0])
    second.imshow(heatmap(scene.residual[0]))
    second.set_title(f"residual at {levels[0]}")
    drawn = third.imshow(shown, cmap="cividis", vmin=0, vmax=0.2)
    figure.colorbar(drawn, ax=third, location="right", shrink=0.8, label="standard deviation")
    third.set_title("how sure each pixel is")
    for part in (second, third):
        part.set(xticks=[], yticks=[])
    return figure


def known_errors() -> list[tuple[str, float, str]]:
    """Return rows of words, value and colour; what is measured comes from the benchmarks' results."""
    shipped, uncertain = _result("shipped"), _result("uncertainty")
    frames = uncertain["the label that perfect frames would give: errors within the 90 % band, held out"]
    return [
        ("rounding to a code (half a code)", 0.5 / RESIDUAL_SCALE, BLACK),
        ("8 bits of the pictures (standard deviation)", _rounding_of_pictures(), BLACK),
        ("the frames alone: EVs, places, clipping (mean, planted)", _mean_error(frames["note"]), BLUE),
        ("our network on FiveK (mean)", shipped["FiveK: curve_net"]["value"], SKY),
        ("another expert (mean, FiveK)", 0.097, ORANGE),
        ("the released network on FiveK (mean)", shipped["FiveK: released wavelet_net"]["value"], SKY),
        ("zero everywhere on FiveK (mean)", shipped["FiveK: zero everywhere"]["value"], "#999999"),
    ]


def _rounding_of_pictures() -> float:
    """Return the standard deviation that rounding two pictures to 8 bits, three channels each, gives their luma."""
    weights = np.array([0.299, 0.587, 0.114])
    return float(np.sqrt(2 * np.sum(weights**2) / 12) / 255)


def _result(name: str) -> dict[str, Any]:
    rows = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["figures"]
    found: dict[str, Any] = {}
    for row in rows:
        found.setdefault(row["name"], row)
    return found


def _mean_error(note: str) -> float:
    return float(note.partition("mean error ")[2].split(",")[0])


def _a_bracket() -> BuiltScene:
    """Return a hand-held bracket of the demo, built."""
    with tempfile.TemporaryDirectory() as folder:
        flower = [photograph for photograph in PHOTOGRAPHS if photograph.name == "flower"]
        store = Path(folder) / "store"
        build(make_project(Path(folder) / "photographs", flower), store)
        return Store.open(store).read_scene("flower")
