"""The shipped `curve_net` on one picture at many sizes: whether it says the same, and the memory of 24 megapixels."""

import json
import subprocess
import sys

import cv2
import numpy as np
import skimage.data
import torch

from benchmarks.harness import Figure
from iea40k.arrays import EncodedRGB
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.model.inference import predict_encoded
from iea40k.model.weights import load_weights

TITLE = "The shipped curve_net on one picture at many sizes"
SIZES = ((256, 256), (512, 512), (1024, 1024), (6000, 4000))
EVS = (-4.0, 0.0, 2.0)
PICTURES = ("astronaut", "coffee")
_MIB = 1 << 20
_MEASURED = """
import json, time
import numpy as np, torch
from iea40k.model.inference import predict_with_scale
from iea40k.model.weights import load_weights

def peak():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

torch.set_num_threads(1)
network = load_weights("curve_net").network
image = np.random.default_rng(0).integers(0, 256, (4000, 6000, 3), dtype=np.uint8)
predict_with_scale(network, image[:256, :256])
before, start = peak(), time.process_time()
predict_with_scale(network, image)
print(json.dumps({"bytes": peak() - before, "seconds": time.process_time() - start}))
"""


def run() -> list[Figure]:
    torch.set_num_threads(1)
    network = load_weights("curve_net").network
    apart: dict[tuple[int, int], list[float]] = {size: [] for size in SIZES[1:]}
    for name in PICTURES:
        whole: EncodedRGB = getattr(skimage.data, name)()
        for ev in EVS:
            shown = encode_srgb(decode_srgb(whole) * np.float32(2.0**ev))
            first, *others = (_small(predict_encoded(network, _sized(shown, size))) for size in SIZES)
            for size, other in zip(SIZES[1:], others, strict=True):
                apart[size].append(float(np.abs(other - first).mean()))
    figures = []
    for (width, height), found in apart.items():
        worst, mean = max(found), float(np.mean(found))
        note = f"mean {mean:.4f}; the worst of {len(PICTURES)} pictures x {len(EVS)} EVs"
        name = f"{width}x{height}: map, from that of 256x256"
        figures.append(Figure(name, worst, "MAE", "itself at 256x256", "<= 0.01", worst <= 0.01, note))
    done = subprocess.run([sys.executable, "-c", _MEASURED], capture_output=True, text=True, check=True)
    found_memory = json.loads(done.stdout)
    memory = found_memory["bytes"] / _MIB
    note = (
        f"map and scale, {found_memory['seconds']:.1f} s on one thread; beyond torch, weights and the picture"
    )
    figures.append(
        Figure("24 megapixels: peak memory", memory, "MiB", "-", "<= 512 MiB", memory <= 512, note)
    )
    return figures


def _sized(image: EncodedRGB, size: tuple[int, int]) -> EncodedRGB:
    how = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_CUBIC
    resized: EncodedRGB = cv2.resize(image, size, interpolation=how).astype(np.uint8)
    return resized


def _small(residual: cv2.typing.MatLike) -> cv2.typing.MatLike:
    return cv2.resize(residual, (256, 256), interpolation=cv2.INTER_AREA)
