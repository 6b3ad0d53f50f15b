"""Frames of a scene that were left out: their name, score, reason and a small picture, for people to judge."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from iea40k.arrays import EncodedRGB
from iea40k.errors import IEAError

WIDTH = 160
"""Of the small pictures, in pixels."""

_QUALITY = 85


@dataclass(frozen=True)
class LeftOut:
    """A frame that was left out: its score of alignment in [0, 1] (None: not measured), and why.

    `picture` is a JPEG in base64, empty where the frame could not be read.
    """

    scene_id: str
    name: str
    score: float | None
    reason: str
    picture: str = ""

    def line(self) -> str:
        """Return it as one line of text."""
        score = f" (score {self.score:.2f})" if self.score is not None else ""
        return f"{self.scene_id}: {self.name} left out{score}: {self.reason}"


def small_picture(pixels: EncodedRGB) -> str:
    """Return a picture (H, W, 3) as a small JPEG in base64."""
    height = max(1, round(pixels.shape[0] * WIDTH / pixels.shape[1]))
    small = cv2.resize(pixels, (WIDTH, height), interpolation=cv2.INTER_AREA)
    written, data = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not written:
        raise IEAError("a small picture could not be encoded")
    return base64.b64encode(data.tobytes()).decode("ascii")


def shown(picture: str) -> EncodedRGB | None:
    """Return the pixels of a small picture, None where there is none."""
    if not picture:
        return None
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_COLOR)
    return None if decoded is None else np.ascontiguousarray(decoded[..., ::-1])


def left_out_of(scene_id: str, attributes: Mapping[str, Any]) -> list[LeftOut]:
    """Return what a stored scene's attributes say of frames that were left out."""
    rows: Sequence[Sequence[str]] = attributes.get("rejected", ())
    pictures: Mapping[str, str] = attributes.get("rejected_pictures", {})
    found = []
    for row in rows:
        name, *score, reason = row
        value = float(score[0]) if score else None
        found.append(LeftOut(scene_id, name, value, reason, pictures.get(name, "")))
    return found
