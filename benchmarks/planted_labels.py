"""Wrong labels planted at full size in codes and pictures: the truth that `iea40k validate` is measured on.

Nothing here is shared with `iea40k.disputes.planting`, from which the detector learns: neither code nor seeds.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.residuals import luma, residual_codes
from iea40k.scene import level_name

KINDS = ("swapped", "level", "sign", "shift", "missed", "speckle", "gain", "annotator", "reference")


@dataclass(frozen=True, eq=False)
class Full:
    """A scene at full size."""

    scene_id: str
    evs: tuple[float, ...]
    exposures: np.ndarray
    reference: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...] = ()

    @property
    def levels(self):
        return self.names or tuple(level_name(ev) for ev in self.evs)


@dataclass(frozen=True, eq=False)
class Plant:
    """What was planted: image (scene number, exposure number), kind, and where (H, W)."""

    place: tuple[int, int]
    kind: str
    where: np.ndarray


def scene_of(name, reference, evs):
    light = decode_srgb(reference)
    exposures = np.stack([encode_srgb(light * np.float32(2.0**ev)) for ev in evs])
    return Full(name, tuple(evs), exposures, reference, residual_codes(reference, exposures))


def plant(scenes, share, seed, kinds=KINDS):
    """Return the scenes with `share` of their images made wrong, kinds in turn, and the plants."""
    random = np.random.default_rng([seed, 4711])
    places = [(s, e) for s, scene in enumerate(scenes) for e in range(len(scene.evs))]
    random.shuffle(places)
    out, plants, used = list(scenes), [], set()
    wanted = max(len(kinds), round(share * len(places)))
    for s, e in places:
        if len(plants) == wanted:
            break
        if s in used and len(used) < len(scenes):
            continue
        used.add(s)
        kind = kinds[len(plants) % len(kinds)]
        made = _make(out, s, e, kind, random)
        if made is not None:
            out[s], where = made
            plants.append(Plant((s, e), kind, where))
    return out, plants


def _make(scenes, s, e, kind, random):
    scene = scenes[s]
    codes, height, width = scene.codes.copy(), *scene.reference.shape[:2]
    everywhere = np.ones((height, width), bool)
    values = codes[e].astype(np.float64)
    other = scenes[(s + int(random.integers(1, len(scenes)))) % len(scenes)]
    if kind == "swapped":
        foreign = other.codes[int(random.integers(len(other.evs)))].astype(np.float32)
        values = cv2.resize(foreign, (width, height), interpolation=cv2.INTER_NEAREST)
    elif kind == "level":
        values = codes[(e + int(random.integers(1, len(scene.evs)))) % len(scene.evs)]
    elif kind == "sign":
        values = -values
    elif kind == "shift":
        far, turn = random.uniform(2, 30), random.uniform(0, 2 * np.pi)
        dy, dx = round(far * np.sin(turn)), round(far * np.cos(turn))
        values = np.roll(values, (dy, dx), (0, 1))
    elif kind == "annotator":
        values = values + random.choice([-1, 1]) * random.uniform(0.04, 0.12) * RESIDUAL_SCALE
    elif kind == "reference":
        wrong = cv2.resize(other.reference, (width, height), interpolation=cv2.INTER_AREA)
        values = residual_codes(wrong, scene.exposures[e][None])[0]
    elif kind == "speckle":
        where = random.random((height, width)) < random.uniform(0.005, 0.02)
        values[where] += random.choice([-0.5, 0.5], int(where.sum())) * RESIDUAL_SCALE
        everywhere = where
    elif kind == "gain":
        everywhere = _polygon((height, width), random)
        values = np.where(everywhere, values * random.uniform(1.3, 1.8) + 0.05 * RESIDUAL_SCALE, values)
    else:
        return _lamp(scene, e, random)
    # What has no data where it came from has none here.
    nowhere = (
        np.asarray(values) == INVALID_CODE
        if kind in ("swapped", "level", "shift")
        else np.zeros_like(everywhere)
    )
    codes[e] = np.clip(np.rint(values), -RESIDUAL_SCALE, RESIDUAL_SCALE)
    codes[e][nowhere] = INVALID_CODE
    codes[e][scene.codes[e] == INVALID_CODE] = INVALID_CODE
    changed = np.abs(codes[e].astype(int) - scene.codes[e]) > 0.01 * RESIDUAL_SCALE
    changed &= ~nowhere & (scene.codes[e] != INVALID_CODE)
    if changed.mean() < 0.002:
        return None  # nothing to see: a black picture shifted
    return replace(scene, codes=codes), everywhere


def _polygon(shape, random):
    height, width = shape
    centre = random.uniform(0.25, 0.75, 2) * (width, height)
    angles = np.sort(random.uniform(0, 2 * np.pi, 7))
    radius = random.uniform(0.12, 0.3, 7) * min(shape)
    points = centre + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 1)
    return mask.astype(bool)


def _lamp(scene, e, random):
    """A lamp or a logo that is white at this exposure and in the reference; the label calls it right."""
    height, width = scene.reference.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    size = random.uniform(0.03, 0.08) * min(height, width)
    x, y = random.uniform(0.15, 0.85, 2) * (width, height)
    if random.random() < 0.5:
        cv2.circle(mask, (round(x), round(y)), round(size), 1, -1)
    else:
        cv2.rectangle(
            mask, (round(x - 2 * size), round(y - size)), (round(x + 2 * size), round(y + size)), 1, -1
        )
    mask = mask.astype(bool)
    if luma(scene.exposures[e])[mask].mean() > 0.85:
        return None  # white on white is no error
    exposures, reference, codes = scene.exposures.copy(), scene.reference.copy(), scene.codes.copy()
    exposures[e][mask] = 255
    reference[mask] = 255
    for k in range(len(scene.evs)):
        codes[k] = np.where(mask, residual_codes(reference, exposures[k][None])[0], codes[k])
    return replace(scene, exposures=exposures, reference=reference, codes=codes), mask
