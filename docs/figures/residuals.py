"""Figures of residuals: what their sign says, and what stops and codes are in them."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from figures.style import BLACK, BLUE, ORANGE, SKY, exposed, photograph, residual_colours, shade
from iea40k import residual
from iea40k.arrays import RESIDUAL_SCALE
from iea40k.colour.transfer import srgb_curve, srgb_inverse
from iea40k.render import heatmap
from iea40k.residuals import luma


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
        below.fill_between(x, seen, ideal, where=ideal > seen, color=shade(0.4), lw=0)
        below.fill_between(x, seen, ideal, where=ideal < seen, color=shade(-0.4), lw=0)
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
        left.plot(ideal, ideal - seen, color=shade(-ev / 4.6), lw=1.6)
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
