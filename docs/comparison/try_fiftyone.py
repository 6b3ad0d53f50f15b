"""What FiftyOne does with a residual: run by a Python that has it, `python try_fiftyone.py`; prints JSON."""

import json
import sys
import tempfile
from pathlib import Path

import fiftyone
import numpy as np
from PIL import Image

residual = np.linspace(-1, 1, 96 * 128, dtype=np.float32).reshape(96, 128)
residual[0, 0] = np.nan
label = fiftyone.Heatmap(map=residual, range=[-1, 1])
again = fiftyone.Heatmap.from_dict(label.to_dict()).map
file = str(Path(tempfile.mkdtemp()) / "map.png")
label.export_map(file, update=False)
stored = np.asarray(Image.open(file)).astype(np.float32)
try:
    fiftyone.Dataset("trial")
    dataset = "opened"
except Exception as error:
    dataset = f"{type(error).__name__}: {error}".strip()
found = {
    "version": fiftyone.__version__,
    "own form: largest error": float(np.nanmax(np.abs(again - residual))),
    "own form: NaN kept": bool(np.isnan(again[0, 0])),
    "file: largest error if 0 ... 255 are read as -1 ... 1": float(
        np.nanmax(np.abs(stored / 127.5 - 1 - residual))
    ),
    "file: value of the pixel without data": float(stored[0, 0]),
    "a dataset": dataset,
}
sys.stdout.write(json.dumps(found, indent=1) + "\n")
