"""Exposure as a loss: the gain and gamma that one photograph needs, found by following the network's residual.

    python examples/steer_an_enhancer.py photo.jpg better.png

An enhancement network is steered the same way: add `0.1 * exposure(enhanced, source)` to its own loss.
"""

import sys

import numpy as np
import torch
from PIL import Image

from iea40k.develop import load_encoded
from iea40k.model.losses import ExposureResidualLoss

STEPS = 8


def main(photo: str, out: str) -> None:
    picture, _ = load_encoded(photo, short_side=128)
    dark = torch.from_numpy(picture.transpose(2, 0, 1).copy()).float()[None] / 255
    exposure = ExposureResidualLoss("curve_net")

    stops, bend = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([stops, bend], 0.25)
    best, chosen = exposure(dark, dark).item(), dark
    print(f"as it is: {best:.3f} away from what the network wants of it")
    for _ in range(STEPS):
        # On the encoded picture: a gain of some stops (by the exponent 1/2.2 of light), then a gamma.
        enhanced = (dark.clamp(min=1e-4) * 2 ** (stops / 2.2)).clamp(max=1) ** torch.exp(bend)
        loss = exposure(enhanced, dark)
        if loss.item() < best:
            best, chosen = loss.item(), enhanced.detach()
            gain, gamma = stops.item(), bend.exp().item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if chosen is dark:
        print("no gain or gamma makes it better")
    else:
        print(f"{gain:+.1f} stops and gamma {gamma:.2f}: {best:.3f} away")
    pixels = np.rint(chosen[0].numpy().transpose(1, 2, 0) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
