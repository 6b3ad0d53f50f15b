"""Irregular shapes: blobs from noise, letters from a font, cores and dots."""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCEFGHKMNPRSTUVXYZ238&"


def blob(shape: tuple[int, int], area: float, rng: np.random.Generator) -> np.ndarray:
    """Return one connected irregular region, (H, W) bool, of about `area` pixels, away from the rim."""
    side = max(int(2.6 * np.sqrt(area)), 12)
    noise = cv2.GaussianBlur(rng.normal(size=(side, side)).astype(np.float32), (0, 0), side / 9)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    height = noise / max(float(noise.std()), 1e-9) * 0.35 - (x**2 * rng.uniform(0.7, 1.6) + y**2)
    rank = np.sort(height.ravel())[::-1]
    found = (height >= rank[min(int(area), rank.size - 1)]).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=4)
    return placed(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), shape, rng) > 0


def letters(shape: tuple[int, int], height: int, rng: np.random.Generator) -> np.ndarray:
    """Return a word in a font as coverage (H, W) float32 in [0, 1], turned by up to 20 degrees."""
    word = "".join(rng.choice(list(LETTERS), int(rng.integers(2, 5))))
    font = ImageFont.load_default(size=height)
    left, top, right, bottom = (int(v) for v in font.getbbox(word))
    page = Image.new("L", (right - left + 12, bottom - top + 12), 0)
    ImageDraw.Draw(page).text(
        (6 - left, 6 - top), word, fill=255, font=font, stroke_width=max(height // 16, 1)
    )
    turned = page.rotate(float(rng.uniform(-20, 20)), expand=True, resample=Image.Resampling.BICUBIC)
    return placed(np.asarray(turned, np.float32) / 255, shape, rng)


def dots(area: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return up to `count` dots of 1 to 4 pixels within a region, as labels (H, W) 1, 2 ..., 0 elsewhere."""
    found = np.zeros(area.shape, np.int32)
    spots = np.argwhere(area)
    for number in range(1, count + 1):
        row, column = spots[int(rng.integers(len(spots)))]
        for dy, dx in [(0, 0), (0, 1), (1, 0), (1, 1)][: int(rng.choice([1, 1, 2, 2, 3, 4]))]:
            if area[min(row + dy, area.shape[0] - 1), min(column + dx, area.shape[1] - 1)]:
                found[min(row + dy, area.shape[0] - 1), min(column + dx, area.shape[1] - 1)] = number
    return found


def placed(part: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a part somewhere in an empty picture, at least 14 pixels from its rim; cut where it is too large."""
    part = part[: shape[0] - 30, : shape[1] - 30]
    top = int(rng.integers(14, shape[0] - part.shape[0] - 13))
    left = int(rng.integers(14, shape[1] - part.shape[1] - 13))
    whole = np.zeros(shape, part.dtype)
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    return whole
