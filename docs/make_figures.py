"""Draw the figures of docs/explained from arrays: `python docs/make_figures.py [FOLDER]`.

Everything shown is computed by the library at that moment; residuals are drawn by `iea40k.render` alone: zero is
white in every figure. The same versions give the same bytes.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from iea40k import residual
from iea40k.arrays import RESIDUAL_SCALE
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.colour.transfer import srgb_curve, srgb_inverse
from iea40k.render import Palette, heatmap, palette_table
from iea40k.residuals import luma
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.uncertainty import sd_of
from iea40k.zones import GREY, WHITEST, ZONE_NAMES, superpixels, zone_map
from pipelines.build import build
from pipelines.synthetic import PHOTOGRAPHS, load_photograph, make_project

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "results"
PALETTES: tuple[Palette, ...] = ("blue-white-red", "colour-blind-safe")
# Okabe and Ito's colours, which keep apart for all eyes.
BLACK, ORANGE, SKY, GREEN, BLUE, RED = "#000000", "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00"
# Machado, Oliveira and Fernandes (2009), full severity, on linear sRGB.
EYES = {
    "all cones": np.eye(3),
    "no red cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green cones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no blue cones": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "iea40k",
    "svg.fonttype": "path",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "image.interpolation": "none",
}


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


def residual_colours(palette: Palette = "blue-white-red") -> ListedColormap:
    """Return the colours of residuals for plots that run from -1 to 1."""
    return ListedColormap(palette_table(palette) / 255)


def as_seen(colours: NDArray[np.uint8], eye: str) -> NDArray[np.uint8]:
    """Return colours (..., 3) uint8 sRGB as an eye of `EYES` sees them."""
    light = decode_srgb(colours.reshape(1, -1, 3)) @ EYES[eye].T
    return encode_srgb(np.clip(light, 0, 1).astype(np.float32)).reshape(colours.shape)


def photograph(name: str = "coffee") -> NDArray[np.uint8]:
    """Return a photograph that a dependency ships, (H, W, 3) uint8."""
    return load_photograph(next(p for p in PHOTOGRAPHS if p.name == name))


def exposed(picture: NDArray[np.uint8], ev: float) -> NDArray[np.uint8]:
    """Return a picture exposed otherwise: linear light times 2**ev, clipped at white."""
    return encode_srgb(decode_srgb(picture) * np.float32(2**ev))


def sign() -> Any:
    """An exposure minus two, the reference, an exposure plus two; residuals; the luma along one row."""
    reference = photograph()
    row = 210
    figure, axes = plt.subplots(
        3, 3, figsize=(9.6, 6.9), layout="constrained", height_ratios=(1, 1, 0.85), sharex="col"
    )
    columns = ((-2.0, "exposure, −2 EV"), (0.0, "reference"), (2.0, "exposure, +2 EV"))
    for (ev, title), (above, middle, below) in zip(columns, axes.T, strict=True):
        frame = exposed(reference, ev) if ev else reference
        label = residual(reference, frame)
        above.imshow(frame, aspect="auto")
        middle.imshow(heatmap(label), aspect="auto")
        for part in (above, middle):
            part.axhline(row, color=ORANGE, lw=1)
            part.set(xticks=[], yticks=[])
        above.set_title(title)
        middle.set_title(
            f"its residual: {label.mean():+.2f} on average".replace("-", "−")
            if ev
            else "its residual: 0, white"
        )
        ideal, seen = luma(reference)[row], luma(frame)[row]
        x = np.arange(ideal.size)
        below.fill_between(x, seen, ideal, where=ideal > seen, color=_shade(0.4), lw=0)
        below.fill_between(x, seen, ideal, where=ideal < seen, color=_shade(-0.4), lw=0)
        below.plot(x, seen, color=BLACK, lw=0.8, label="this picture")
        below.plot(x, ideal, color=ORANGE, lw=1.2, label="reference")
        below.set(ylim=(0, 1.02), ylabel="luma along the line", xlim=(0, ideal.size - 1))
    axes[2, 0].legend(frameon=False, loc="upper left")
    axes[2, 1].set_xlabel("the gap between both is the residual")
    bar = figure.colorbar(
        mpl.cm.ScalarMappable(mpl.colors.Normalize(-1, 1), residual_colours()),
        ax=axes[1, :],
        pad=0.01,
        ticks=(-1, -0.5, 0, 0.5, 1),
    )
    bar.ax.set_yticklabels(["−1 overexposed", "−0.5", "0 right", "+0.5", "+1 underexposed"])
    return figure


def units() -> Any:
    """What residual so many stops make, by the luma that a pixel ought to have; and the codes on disk."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.6, 3.9), layout="constrained", width_ratios=(1.25, 1)
    )
    ideal = np.linspace(0, 1, 401)
    for ev in (-4, -3, -2, -1, 1, 2, 3, 4):
        seen = srgb_curve(np.clip(srgb_inverse(ideal) * 2.0**ev, 0, 1))
        left.plot(ideal, ideal - seen, color=_shade(-ev / 4.6), lw=1.6)
        at = 360 if ev < 0 else 92 + 40 * (4 - ev)
        left.annotate(
            f"{ev:+d} EV".replace("-", "−"),
            (ideal[at], (ideal - seen)[at]),
            fontsize=8,
            textcoords="offset points",
            xytext=(0, 3) if ev < 0 else (-4, -8),
            ha="center" if ev < 0 else "right",
        )
    left.axhline(0, color=BLACK, lw=0.6)
    left.set(
        xlabel="luma that the pixel ought to have", ylabel="residual", xlim=(0, 1), ylim=(-0.85, 0.85),
        title="A stop is not a fixed residual",
    )  # fmt: skip
    steps = RESIDUAL_SCALE // 255
    right.set(
        xlim=(-0.6, 2.6), ylim=(0, 1), yticks=[], xticks=[0, 1, 2],
        xticklabels=["0\n(code 0)", f"1/255\n(code {steps})", f"2/255\n(code {2 * steps})"],
        title="128 codes between two steps of 8 bits",
    )  # fmt: skip
    right.spines["left"].set_visible(False)
    fine = np.arange(-0.5, 2.5, 1 / steps)
    right.vlines(fine, 0, 0.14, color=SKY, lw=0.35)
    right.vlines([0, 1, 2], 0, 0.42, color=BLACK, lw=1.4)
    right.text(1, 0.47, "published labels lie on these", ha="center")
    right.text(1.5, 0.18, "a brush: any of these", ha="center", color=BLUE)
    right.text(1, 0.85, f"residual = code / {RESIDUAL_SCALE}", ha="center", fontsize=11)
    right.text(1, 0.72, "−32768: no valid data, NaN in memory, never 0", ha="center")
    return figure


def zones() -> Any:
    """The scale of zones, with the greys that a display shows for them; and a photograph in its zones."""
    figure = plt.figure(figsize=(9.6, 6.4), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.25))
    scale = top.subplots()
    for zone, name in enumerate(ZONE_NAMES):
        light = GREY * 2.0 ** (zone - 5)
        shown = float(srgb_curve(np.array(min(light, 1.0))))
        scale.add_patch(
            plt.Rectangle((zone - 0.5, 0), 1, 1, facecolor=str(shown), edgecolor="#888888", lw=0.5)
        )
        scale.text(zone, 0.72, name, ha="center", color="white" if shown < 0.5 else "black", fontsize=12)
        share = f"{100 * light:.2g} %" if light <= 1 else f"{100 * light:.0f} %"
        scale.text(zone, 0.4, share, ha="center", color="white" if shown < 0.5 else "black", fontsize=8)
        scale.text(
            zone, 0.15, f"{shown:.2f}", ha="center", color="white" if shown < 0.5 else "black", fontsize=8
        )
    scale.axvline(WHITEST, ymax=0.84, color=RED, lw=2)
    scale.text(WHITEST, 1.08, f"display white, {WHITEST:.2f}", color=RED, ha="center")
    scale.text(5, 1.08, "18 % grey", ha="center")
    scale.text(-0.6, 0.4, "linear light ", ha="right", fontsize=8)
    scale.text(-0.6, 0.15, "luma shown ", ha="right", fontsize=8)
    scale.set(xlim=(-1.6, 10.6), ylim=(0, 1.25), xticks=[], yticks=[])
    scale.axis("off")
    picture = photograph()
    first, second, third = bottom.subplots(1, 3)
    zone_of = zone_map(picture)
    blocks = superpixels(picture, block_side=60)
    counts = np.bincount(blocks.ravel())
    mean = (np.bincount(blocks.ravel(), zone_of.ravel()) / counts)[blocks]
    first.imshow(picture)
    second.imshow(mean, cmap="cividis", vmin=0, vmax=WHITEST)
    for number in range(0, counts.size, 4):
        ys, xs = np.nonzero(blocks == number)
        zone = mean[ys[0], xs[0]]
        second.text(
            xs.mean(), ys.mean(), ZONE_NAMES[round(zone)], ha="center", va="center", fontsize=7,
            color="white" if zone < 4 else "black",
        )  # fmt: skip
    third.hist(zone_of.ravel(), bins=np.arange(0, 8.01, 0.25), color=BLUE)
    third.set(xlabel="zone", yticks=[], xticks=range(9), title="pixels by zone")
    third.set_xticklabels([*ZONE_NAMES[:9]])
    first.set_title("a photograph")
    second.set_title("its blocks, and their zones")
    for part in (first, second):
        part.set(xticks=[], yticks=[])
    return figure


def colour() -> Any:
    """Both palettes as eyes with other cones see them, and their lightness."""
    figure, axes = plt.subplots(
        2, 2, figsize=(9.6, 4.6), layout="constrained", sharex="col", width_ratios=(1.5, 1)
    )
    at = np.linspace(-1, 1, 511)
    for palette, (strips, lines) in zip(PALETTES, axes, strict=True):
        table = palette_table(palette)
        picture = np.concatenate([np.repeat(as_seen(table[None], eye), 20, axis=0) for eye in EYES])
        strips.imshow(picture, aspect="auto", extent=(-1, 1, len(EYES), 0))
        strips.set(yticks=np.arange(len(EYES)) + 0.5, yticklabels=list(EYES), title=palette)
        strips.vlines(0, 0, len(EYES), color=BLACK, lw=0.5, ls=":")
        lightness = 116 * np.cbrt(decode_srgb(table[None])[0] @ (0.2126, 0.7152, 0.0722)) - 16
        lines.plot(at, lightness, color=BLACK)
        lines.set(ylabel="lightness L*", ylim=(0, 104), yticks=(0, 50, 100))
        lines.axvline(0, color=BLACK, lw=0.5, ls=":")
    for part in axes[1]:
        part.set(xlabel="residual", xticks=(-1, -0.5, 0, 0.5, 1))
    axes[0, 1].set_title("white, and lightest, at zero alone")
    return figure


def light() -> Any:
    """From light to a residual: the sRGB curve, the luma weights, and why the subtraction comes last."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.5), layout="constrained")
    amount = np.linspace(0, 1, 400)
    left.plot(amount, srgb_curve(amount), color=BLUE, lw=1.8)
    left.plot(amount, amount, color="#999999", lw=0.8)
    for stops in range(6):
        x = 2.0**-stops
        y = float(srgb_curve(np.array(x)))
        left.plot([x, x, 0], [0, y, y], color=ORANGE, lw=0.7)
    left.set(
        xlabel="linear light, 1 = display white", ylabel="encoded, as stored", xlim=(0, 1.01), ylim=(0, 1.01),
        title="sRGB; orange: one stop apart",
    )  # fmt: skip
    names, weights, greys = ("red", "green", "blue"), (0.299, 0.587, 0.114), (RED, GREEN, BLUE)
    pure = np.eye(3, dtype=np.uint8)[None] * np.uint8(255)
    found = luma(pure)[0]
    right.barh(names, found, color=greys)
    for place, (value, weight) in enumerate(zip(found, weights, strict=True)):
        right.text(value + 0.01, place, f"{weight}", va="center")
    right.invert_yaxis()
    right.set(xlim=(0, 0.7), xlabel="luma of the pure primary", title="Rec. 601, on encoded values")
    return figure


def error_budget() -> Any:
    """What an error of a label can come from, from rounding to taste; and the parts of one bracket, level by level."""
    figure = plt.figure(figsize=(9.6, 7.2), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.2))
    bars = top.subplots()
    rows = _known_errors()
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


FIGURES: dict[str, Callable[[], Any]] = {
    "sign": sign,
    "units": units,
    "light": light,
    "zones": zones,
    "colour": colour,
    "error-budget": error_budget,
}


WITH_PICTURES = (sign, zones, error_budget)


def _shade(value: float) -> tuple[float, ...]:
    """Return the colour of a residual."""
    red, green, blue = palette_table()[round(255 * value) + 255] / 255
    return (float(red), float(green), float(blue))


def _known_errors() -> list[tuple[str, float, str]]:
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


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
