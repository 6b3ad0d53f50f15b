"""Small real photographs, exposed over a ladder of stops, labelled by the code that labels scenes."""

import cv2
import numpy as np
import skimage.data

from iea40k.model.data import Pixels, Sample
from iea40k.residuals import residual_codes

NAMES = ("astronaut", "chelsea", "coffee", "rocket")


def exposed(picture, ev):
    """A display-referred picture some stops brighter or darker, in linear light."""
    encoded = picture / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4) * 2.0**ev
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


class Photographs:
    """`count` scenes of `shape` at the given stops; the label's reference is the photograph itself."""

    def __init__(self, count=2, shape=(64, 80), evs=(-2.0, -1.0, 0.0, 1.0, 2.0)):
        self.samples, self._pixels = (), []
        for name in NAMES[:count]:
            picture = getattr(skimage.data, name)()
            reference = cv2.resize(picture, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
            for ev in evs:
                image = exposed(reference, ev)
                codes = residual_codes(reference, image[None])[0]
                level = f"{'N' if ev < 0 else 'P'}{abs(ev):g}"
                self.samples += (Sample(name, level, ev, shape, {"level": level, "scene_class": name}),)
                self._pixels.append(Pixels(image, codes, None))

    def read(self, number, rows=slice(None), columns=slice(None)):
        whole = self._pixels[number]
        return Pixels(whole.image[rows, columns], whole.codes[rows, columns], None)
