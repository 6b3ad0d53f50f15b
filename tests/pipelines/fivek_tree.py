"""Trees shaped like FiveK, made from light that is known: DNGs and 16-bit ProPhoto retouches."""

from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from pipelines.dng import Camera, write_dng

IDS = ("a0001-jmac_DSC1459", "a1384-dvf_095", "a4125-jmacdscf0006 (1)")
SRGB_TO_PROPHOTO = np.array(
    # ROMM RGB (D50, Bradford) from linear sRGB (D65); rows sum to 1 so that white stays white.
    [[0.52913, 0.33006, 0.14081], [0.09834, 0.87345, 0.02821], [0.01688, 0.11767, 0.86545]]
)

D50 = (0.3457, 0.3585, 1.0)
PROPHOTO = (0.7347, 0.2653, 1.0, 0.1596, 0.8404, 1.0, 0.0366, 0.0001, 1.0)


def light_field(height: int = 96, width: int = 144, seed: int = 0) -> NDArray[np.float32]:
    """Return linear light (H, W, 3) with smooth forms under many edges, 0.01 ... 0.9."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    stops = np.zeros((height, width))
    for _ in range(6):
        a, b, phase = rng.uniform(-12, 12, 3)
        stops += np.sin(a * x + b * y + phase)
    for _ in range(height * width // 400):
        top, left = rng.integers(0, height - 4), rng.integers(0, width - 4)
        tall, wide = rng.integers(3, height // 4), rng.integers(3, width // 4)
        stops[top : top + tall, left : left + wide] += rng.uniform(-2, 2)
    stops = (stops - stops.min()) / np.ptp(stops) * 6 - 6.2
    tint = 1 + 0.15 * np.sin(np.stack([3 * x, 5 * y, 4 * (x + y)], axis=-1) + rng.uniform(0, 6, 3))
    return np.clip(2.0 ** stops[..., None] * tint, 0.004, 0.95).astype(np.float32)


def write_retouch(file: Path, light: NDArray[np.float32]) -> None:
    """Write linear sRGB light as a 16-bit ProPhoto TIFF with its profile, as FiveK's retouches are."""
    linear = np.clip(light.astype(np.float64) @ SRGB_TO_PROPHOTO.T, 0, 1)
    encoded = linear ** (1 / 1.8)
    profile = imagecodecs.cms_profile("rgb", whitepoint=D50, primaries=PROPHOTO, gamma=1.8)
    file.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        file,
        np.rint(encoded * 65535).astype(np.uint16),
        photometric="rgb",
        iccprofile=profile,
        compression="zlib",
    )


def write_photo(
    root: Path,
    basename: str,
    experts: str = "C",
    *,
    official: bool = False,
    seed: int = 0,
    stops: float = 1.0,
) -> NDArray[np.float32]:
    """Write a DNG and its retouches (each `stops` brighter, a little apart); return the DNG's light."""
    light = light_field(seed=seed)
    place = "fivek_dataset/raw_photos/HQa1to700/photos" if official else "raw/Canon_EOS_5D"
    write_dng(root / place / f"{basename}.dng", light, Camera(read_noise=0.5, electrons=1e6))
    for index, expert in enumerate(experts):
        folder = root / "processed" / f"tiff16_{expert.lower()}"
        write_retouch(folder / f"{basename}.tif", light * 2.0 ** (stops + 0.1 * (index - len(experts) // 2)))
    return light
