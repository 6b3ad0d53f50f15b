"""What Label Studio's own converter does with a residual: run by a Python that has it; prints JSON."""

import json
import sys
from importlib.metadata import version

import label_studio_sdk.label_interface.control_tags as controls
import numpy as np
from label_studio_sdk.converter import brush

residual = np.linspace(-1, 1, 96 * 128, dtype=np.float32).reshape(96, 128)


def back(mask):
    """Return a mask after its way through the converter."""
    return brush.decode_rle(brush.mask2rle(mask)).reshape(96, 128, 4)[..., 3]


try:
    back(residual)
    taken = "taken"
except Exception as error:
    taken = f"{type(error).__name__}: {error}"
painted = back(np.where(residual > 0.5, 255, 0).astype(np.uint8))
as_bytes = back(np.rint((residual + 1) * 127.5).astype(np.uint8))
found = {
    "version": version("label-studio"),
    "a residual as it is": taken,
    "a brushed mask holds": sorted(map(int, np.unique(painted))),
    "as 8 bits: largest error": float(np.abs(as_bytes / 127.5 - 1 - residual).max()),
    "controls for a value a pixel": [
        name for name in dir(controls) if "heat" in name.lower() or "map" in name.lower()
    ],
}
sys.stdout.write(json.dumps(found, indent=1) + "\n")
