"""The figure of zones: the scale, and a photograph in its zones."""

from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from figures.style import BLUE, RED, photograph
from iea40k.colour.transfer import srgb_curve
from iea40k.zones import GREY, WHITEST, ZONE_NAMES, superpixels, zone_map


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
