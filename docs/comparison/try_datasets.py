"""What Hugging Face `datasets` does with residuals: run by a Python that has it; prints JSON."""

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import datasets
import numpy as np

residual = np.linspace(-1, 1, 96 * 128, dtype=np.float32).reshape(96, 128)
residual[0, 0] = np.nan
features = datasets.Features(
    {"residual": datasets.Array2D((96, 128), "float32"), "twins": datasets.Value("int32")}
)
rows = {"residual": [residual] * 40, "twins": [number // 2 for number in range(40)]}
folder = Path(tempfile.mkdtemp()) / "saved"
datasets.Dataset.from_dict(rows, features).save_to_disk(folder)
loaded = datasets.load_from_disk(folder).with_format("numpy")
again = loaded[0]["residual"]
parts = loaded.train_test_split(0.25, seed=0)
divided = set(map(int, parts["train"]["twins"])) & set(map(int, parts["test"]["twins"]))
arrow = next(folder.glob("*.arrow"))
content = bytearray(arrow.read_bytes())
content[len(content) // 2] ^= 1
arrow.write_bytes(content)
try:
    changed = datasets.load_from_disk(folder).with_format("numpy")
    noticed = "no error" if sum(np.isfinite(row["residual"]).sum() for row in changed) else "empty"
except Exception as error:
    noticed = f"{type(error).__name__}: {error}"
found = {
    "version": version("datasets"),
    "own form: largest error": float(np.nanmax(np.abs(again - residual))),
    "own form: NaN kept": bool(np.isnan(again[0, 0])),
    "pairs of near-twins that a split divides, of 20": len(divided),
    "one bit changed on disk": noticed,
}
sys.stdout.write(json.dumps(found, indent=1) + "\n")
