"""Wrong labels made on purpose, on small maps: what the detector learns from. Tests plant by another generator."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from iea40k.disputes.scenes import Map, SmallScene

CLEAN = "clean"

_LOGOS = 0.25  # of what is missed is white in every exposure
_WHOLE = 0.5  # of what is painted is painted whole

REASONS = {
    "swapped": "the map seems to belong to another image",
    "level": "the map seems to belong to another exposure of the scene",
    "sign": "the sign seems to be turned: dark and bright are exchanged",
    "shift": "the map seems to lie beside the picture",
    "missed": "something bright is called well exposed",
    "speckle": "single pixels deviate from all around them",
    "region": "a region deviates from what reference and exposure say",
    "bias": "the whole map lies too high or too low",
    "reference": "the reference does not seem to belong to the exposure",
    "apart": "the experts lie far apart, and the label beside what is expected",
}
"""The kinds of disputes, and what is said of each."""


def plant(
    scene: SmallScene, number: int, kind: str, other: SmallScene, random: np.random.Generator
) -> tuple[SmallScene, Map]:
    """Return the scene, changed only where the kind says so, and a wrong label (h, w) for exposure `number`."""
    label = scene.labels[number]
    if kind == "apart":
        return _apart(scene, number, random)
    if kind == "missed":
        return _missed(scene, number, random)
    if kind == "reference":
        reference = _fitted(other.reference, label.shape)
        return scene, (reference - scene.grey[number]).astype(np.float32) + 0 * label
    makers: dict[str, Callable[[], Map]] = {
        "swapped": lambda: _fitted(
            np.nan_to_num(other.labels[random.integers(len(other.labels))]), label.shape
        ),
        "level": lambda: scene.labels[_another(number, len(scene.labels), random)],
        "sign": lambda: -label,
        "shift": lambda: _shifted(label, random),
        "speckle": lambda: _speckled(label, random),
        "region": lambda: _in_region(label, random),
        "bias": lambda: label + np.float32(random.choice([-1, 1]) * random.uniform(0.03, 0.15)),
    }
    found = np.clip(makers[kind](), -1, 1).astype(np.float32)
    return scene, np.where(np.isnan(label), np.nan, found).astype(np.float32)


def _another(number: int, count: int, random: np.random.Generator) -> int:
    if count == 1:
        return number
    found = int(random.integers(count - 1))
    return found + (found >= number)


def _fitted(values: Map, shape: tuple[int, ...]) -> Map:
    found: Map = cv2.resize(values, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return found


def _shifted(label: Map, random: np.random.Generator) -> Map:
    angle, far = random.uniform(0, 2 * np.pi), random.uniform(0.6, 8)
    matrix = np.array([[1, 0, far * np.cos(angle)], [0, 1, far * np.sin(angle)]], np.float32)
    found: Map = cv2.warpAffine(
        np.nan_to_num(label), matrix, label.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )
    return found


def _speckled(label: Map, random: np.random.Generator) -> Map:
    found = label.copy()
    hit = random.random(label.shape) < random.uniform(0.002, 0.02)
    found[hit] += random.uniform(-0.4, 0.4, int(hit.sum())).astype(np.float32)
    return found


def _blob(shape: tuple[int, ...], random: np.random.Generator, least: float, most: float) -> Map:
    """Return a soft ellipse (h, w) in [0, 1]."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    size = random.uniform(least, most, 2) * min(height, width)
    cy, cx = random.uniform(0.1, 0.9, 2) * (height, width)
    away = np.hypot((y - cy) / size[0], (x - cx) / size[1])
    found: Map = np.clip((1.2 - away) / 0.2, 0, 1).astype(np.float32)
    return found


def _in_region(label: Map, random: np.random.Generator) -> Map:
    inside = _blob(label.shape, random, 0.08, 0.35)
    gain = np.float32(random.choice([0.0, 0.4, 1.6, -1.0]))
    shift = np.float32(random.choice([-1, 1]) * random.uniform(0.02, 0.2))
    found: Map = label + inside * (label * (gain - 1) + shift)
    return found


def _missed(scene: SmallScene, number: int, random: np.random.Generator) -> tuple[SmallScene, Map]:
    """A lamp, white in reference and exposure, or a logo, white in all of them, whose label says that it is right."""
    inside = _blob(scene.reference.shape, random, 0.02, 0.08)
    reference = scene.reference * (1 - inside) + inside
    grey, labels = scene.grey.copy(), scene.labels.copy()
    where = slice(None) if random.random() < _LOGOS else slice(number, number + 1)
    grey[where] = grey[where] * (1 - inside) + inside
    labels[where] = labels[where] * (1 - inside)
    return replace(scene, reference=reference, grey=grey, labels=labels), labels[number]


def _apart(scene: SmallScene, number: int, random: np.random.Generator) -> tuple[SmallScene, Map]:
    """A region in which the experts differ, and the label with the half of them that is wrong."""
    inside = _blob(scene.labels[number].shape, random, 0.08, 0.3)
    far = np.float32(random.uniform(0.05, 0.25))
    label = np.clip(scene.labels[number] + random.choice([-1, 1]) * inside * far, -1, 1).astype(np.float32)
    apart = scene.apart.copy()
    apart[number] = apart[number] + inside * far / 2
    return replace(scene, apart=apart), label


def painted(scene: SmallScene, number: int, random: np.random.Generator, *, right: bool) -> SmallScene:
    """Return the scene with exposure `number` painted by somebody, all of it or a part; its labels stay as they are.

    Where what was painted is `right`, half of the time the reference is off there, as it is where people know better:
    the label keeps what it said, and no longer is what reference and exposure say.
    """
    shape = scene.reference.shape
    inside = np.ones(shape, np.float32) if random.random() < _WHOLE else _blob(shape, random, 0.08, 0.35)
    touched, reference = scene.touched.copy(), scene.reference
    touched[number] |= inside > 0
    if right and random.random() < 0.5:
        off = np.float32(random.choice([-1, 1]) * random.uniform(0.02, 0.3))
        reference = np.clip(reference + inside * off, 0, 1).astype(np.float32)
    return replace(scene, touched=touched, reference=reference)
